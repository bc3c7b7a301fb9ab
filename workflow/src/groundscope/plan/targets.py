"""What jobs exist: layers, corpora and files of a study."""

import json
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from groundscope.errors import UserError

Json = Any
Study = Mapping[str, Json]

# Families that read recordings; all others read text.
SPEECH_FAMILIES = frozenset({"speech", "fast-vgs", "vg-hubert", "speech-clip", "log-mel"})
# Families that look a vector up or compute it in microseconds: no GPU, one layer.
LIGHT_FAMILIES = frozenset({"static", "log-mel"})
# Layers that are not the output of a block.
NAMED_LAYERS: Mapping[str, tuple[str, ...]] = {
    "fast-vgs": ("cls", "trm2", "projection"),
    "vg-hubert": ("cls", "projection"),
    "speech-clip": ("branch", "cls", "keywords", "projection"),
    "vg-bert": ("projection",),
    "text": ("projection",),
}
# Formats whose files are used as they are; the others go through `convert_checkpoint`.
DIRECT_FORMATS = frozenset({"huggingface", "vectors"})
# Corpora without recordings.
TEXT_KINDS = frozenset({"word-list"})
# Analyses of one model that give every word a score.
_SCORED = ("pairs", "silhouette", "lda")
# Keys that say what is computed on which corpus, not how.
_NOT_SCIENCE = frozenset({"corpora", "layers", "checkpoint"})


def canonical(options: Mapping[str, Json]) -> str:
    """Return JSON text of `options` that does not depend on the order of keys.

    Snakemake compares params as text: in this form a re-ordered configuration is the same one.
    """
    return json.dumps(options, sort_keys=True, ensure_ascii=True)


def layers(study: Study, model: str) -> list[str]:
    """List the layers that `model` is asked for, in the order of the configuration."""
    asked = study["models"][model]["layers"]
    names: list[str] = []
    for item in [asked] if asked == "all" else asked:
        new = [str(k) for k in range(blocks(study, model) + 1)] if item == "all" else [str(item)]
        names += [name for name in new if name not in names]
    return names


def one_layer(study: Study, model: str) -> str:
    """Name one layer of a model, for what all layers share, whatever order they are listed in."""
    return min(layers(study, model))


def blocks(study: Study, model: str) -> int:
    """Give the number of transformer blocks of a model; 0 where it has none."""
    options = study["models"][model]
    if options["family"] in LIGHT_FAMILIES:
        return 0
    return int(study["checkpoints"][options["checkpoint"]]["blocks"])


def corpora(study: Study, model: str) -> list[str]:
    """List the corpora that `model` is run on."""
    options = study["models"][model]
    speech = options["family"] in SPEECH_FAMILIES
    able = [
        name
        for name, corpus in study["corpora"].items()
        if not (speech and corpus["kind"] in TEXT_KINDS)
    ]
    return able if options["corpora"] == "all" else list(options["corpora"])


def models_on(study: Study, corpus: str, asked: Json = "all") -> list[str]:
    """List the models, of those `asked` for, that are run on `corpus`."""
    names = study["models"] if asked == "all" else asked
    return [name for name in names if corpus in corpora(study, name)]


def cka_pairs(study: Study) -> list[tuple[str, str]]:
    """List the pairs of models to compare; for ``all``, every pair once, the lesser name first."""
    asked = study["analyses"]["cka"]["pairs"]
    if asked == "all":
        return list(combinations(sorted(study["models"]), 2))
    return [(left, right) for left, right in asked]


def may_lack_tokens(study: Study, model: str) -> bool:
    """Tell whether `model` may have no vector for some tokens of a corpus."""
    options = study["models"][model]
    return bool(options["family"] == "static" or options.get("short_clips") == "drop")


def checkpoint_manifest(study: Study, model: str) -> str | None:
    """Name the manifest of what `model` is loaded from, below the results; None without any."""
    name = study["models"][model].get("checkpoint")
    return None if name is None else manifest(study, name)


def manifest(study: Study, checkpoint: str) -> str:
    """Name the manifest of the loadable files of `checkpoint`, below the results folder."""
    direct = study["checkpoints"][checkpoint]["format"] in DIRECT_FORMATS
    return f"checkpoints/{checkpoint}/{'fetched' if direct else 'converted'}/manifest.json"


def dataset_of(study: Study, path: str) -> str | None:
    """Name the data set whose files `path` is or lies in; None if it is another path.

    Raises
    ------
    UserError
        It lies where data sets are put, and there is none of that name.
    """
    folder = f"{study['results']}/datasets/"
    if not path.startswith(folder):
        return None
    name, _, inside = path.removeprefix(folder).partition("/")
    if name not in study["datasets"] or inside.partition("/")[0] != "files":
        known = ", ".join(f"{folder}{each}/files" for each in study["datasets"]) or "none"
        message = f"{path!r} is in no data set of the study; files of these are in {known}"
        raise UserError(message)
    return name


def is_made(study: Study, path: str) -> bool:
    """Tell whether a job of the study makes `path`, so that it need not be there yet.

    Of what jobs write, options can name the files of data sets, word groups, and token tables.
    """
    results = study["results"]
    groups = {f"{results}/word_groups/{name}.csv" for name in study["word_groups"]}
    tokens = {f"{results}/corpora/{name}/tokens.parquet" for name in study["corpora"]}
    return path in groups | tokens or dataset_of(study, path) is not None


def model_options(study: Study, model: str) -> str:
    """Give everything that decides the vectors of `model`, as canonical JSON."""
    options = study["models"][model]
    science = {key: value for key, value in options.items() if key not in _NOT_SCIENCE}
    if options["family"] not in LIGHT_FAMILIES:
        science["blocks"] = blocks(study, model)
    return canonical(science)


def tables(study: Study) -> dict[str, list[str]]:
    """List the gathered tables and, below the results folder, the parts of each.

    A table that no configured analysis contributes to is left out.
    """
    cka = [f"cka/{part}.parquet" for part in _cka_parts(study)]
    single = _single_parts(study)
    scored = [part for name in _SCORED for part in single[name]]
    contrasts = [
        (corpus, name) for name in study["contrasts"] for corpus in contrast_corpora(study, name)
    ]
    compared = set(cka)
    parts = {
        "cka": cka,
        "cka_contrasts": [
            f"cka_contrasts/{corpus}/{name}--{model}.parquet"
            for name in study["contrasts"]
            for corpus, model in third_models(study, name)
        ],
        **{name: [f"{part}.parquet" for part in found] for name, found in single.items()},
        "pair_values": [
            f"pair_values/{part.removeprefix('pairs/')}.parquet" for part in single["pairs"]
        ],
        "word_scores": [f"word_scores/{part}.parquet" for part in scored],
        "confusion": [f"confusion/{part.removeprefix('lda/')}.parquet" for part in single["lda"]],
        "contrasts": [f"contrasts/{corpus}/{name}.parquet" for corpus, name in contrasts],
        "change_correlation": [
            f"change_correlation/{corpus}/{name}.parquet"
            for corpus, name in contrasts
            if not compared.isdisjoint(cka_of(study, corpus, name))
        ],
        "coverage": [f"corpora/{corpus}/coverage.parquet" for corpus in study["corpora"]],
        "corpus_report": [f"corpora/{corpus}/report.parquet" for corpus in study["corpora"]],
        "replication": ["replication/published.parquet"] if "replication" in study else [],
    }
    return {name: found for name, found in parts.items() if found}


def _cka_parts(study: Study) -> list[str]:
    if "cka" not in study["analyses"]:
        return []
    return [
        f"{corpus}/{left}--{right}"
        for left, right in cka_pairs(study)
        for corpus in shared_corpora(study, (left, right))
    ]


def _single_parts(study: Study) -> dict[str, list[str]]:
    """Parts of the analyses of one model, by analysis."""
    parts: dict[str, list[str]] = {name: [] for name in (*_SCORED, "planes")}
    for analysis, found in parts.items():
        asked = study["analyses"].get(analysis, {"models": []})["models"]
        for corpus in study["corpora"]:
            for model in models_on(study, corpus, asked):
                found += _parts_of(study, analysis, corpus, model)
    return parts


def _parts_of(study: Study, analysis: str, corpus: str, model: str) -> list[str]:
    """Parts of one analysis of one model on a corpus that the model is run on."""
    settings = study["analyses"].get(analysis)
    if settings is None or not (settings["models"] == "all" or model in settings["models"]):
        return []
    return [
        "/".join(filter(None, (analysis, corpus, labelling, model)))
        for labelling in settings.get("labellings", [""])
        if not labelling or has_labels(study, labelling, corpus)
    ]


def contrast_corpora(study: Study, contrast: str) -> list[str]:
    """List the corpora on which some analysis scores both models of a contrast."""
    pair = [study["contrasts"][contrast][side] for side in ("treated", "control")]
    return [
        corpus
        for corpus in study["corpora"]
        if set.intersection(
            *({file.rpartition("/")[0] for file in scores(study, corpus, model)} for model in pair)
        )
    ]


def contrast_layers(study: Study, contrast: str) -> list[str]:
    """List the layers that both models of a contrast have, as the treated one has them."""
    sides = study["contrasts"][contrast]
    of_control = layers(study, sides["control"])
    return [name for name in layers(study, sides["treated"]) if name in of_control]


def third_models(study: Study, contrast: str) -> list[tuple[str, str]]:
    """List corpora, each with a model that CKA compares there with both models of a contrast."""
    if "cka" not in study["analyses"]:
        return []
    sides = [study["contrasts"][contrast][side] for side in ("treated", "control")]
    pairs = cka_pairs(study)
    partners = ({one for pair in pairs if side in pair for one in pair} for side in sides)
    third = set.intersection(*partners).difference(sides)
    return [
        (corpus, model)
        for corpus in shared_corpora(study, sides)
        for model in study["models"]
        if model in third and corpus in corpora(study, model)
    ]


def cka_of(study: Study, corpus: str, contrast: str) -> tuple[str, str]:
    """Name the part of the table `cka` that has both models of a contrast, in either order."""
    sides = study["contrasts"][contrast]
    treated, control = sides["treated"], sides["control"]
    return (
        f"cka/{corpus}/{treated}--{control}.parquet",
        f"cka/{corpus}/{control}--{treated}.parquet",
    )


def scores(study: Study, corpus: str, model: str) -> list[str]:
    """List the files of word scores of one model, below the results folder."""
    if corpus not in corpora(study, model):
        return []
    return [
        f"word_scores/{part}.parquet"
        for analysis in _SCORED
        for part in _parts_of(study, analysis, corpus, model)
    ]


def has_labels(study: Study, labelling: str, corpus: str) -> bool:
    """Say whether a labelling is configured for a corpus."""
    asked = study["labellings"][labelling]["corpora"]
    return asked == "all" or corpus in asked


def shared_corpora(study: Study, models: Iterable[str]) -> list[str]:
    """List the corpora that all of some models read."""
    sets = [corpora(study, model) for model in models]
    return [name for name in study["corpora"] if all(name in names for names in sets)]
