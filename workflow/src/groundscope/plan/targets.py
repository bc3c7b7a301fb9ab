"""What jobs exist: layers, corpora and files of a study."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from groundscope.errors import UserError

Json = Any
Study = Mapping[str, Json]

# Families that read recordings; all others read text.
SPEECH_FAMILIES = frozenset({"speech", "fast-vgs", "vg-hubert", "speech-clip", "log-mel"})
# Families that look a vector up or compute it in microseconds: no GPU, one layer.
LIGHT_FAMILIES = frozenset({"static", "log-mel"})
# Formats that each family with a checkpoint reads.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "speech": ("huggingface", "torchaudio", "ctranslate2-whisper"),
    "text": ("huggingface",),
    "static": ("vectors",),
    "fast-vgs": ("fast-vgs",),
    "vg-hubert": ("vg-hubert",),
    "speech-clip": ("speech-clip",),
    "vg-bert": ("vg-bert",),
}
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
# Formats that a CTC speech model can have.
CTC_FORMATS = frozenset({"huggingface", "torchaudio"})
# Corpora without recordings.
TEXT_KINDS = frozenset({"word-list"})
# Analyses of one model that give every word a score.
_SCORED = ("pairs", "silhouette", "lda")
# What `analyses.planes.layer` can be beside the name of a layer.
_SHOWN = ("best", "last")
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
        new = [str(k) for k in range(_blocks(study, model) + 1)] if item == "all" else [str(item)]
        names += [name for name in new if name not in names]
    return names


def one_layer(study: Study, model: str) -> str:
    """Name one layer of a model, for what all layers share, whatever order they are listed in."""
    return min(layers(study, model))


def _blocks(study: Study, model: str) -> int:
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
        science["blocks"] = _blocks(study, model)
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
        for corpus in _shared_corpora(study, (left, right))
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


def _shared_corpora(study: Study, models: Iterable[str]) -> list[str]:
    sets = [corpora(study, model) for model in models]
    return [name for name in study["corpora"] if all(name in names for names in sets)]


def check_references(study: Study) -> None:
    """Refuse what the schema cannot: names that are not configured, layers that do not exist.

    Raises
    ------
    UserError
        With the key path, the value and the legal values.
    """
    models, names = study["models"], study["corpora"]
    _check_datasets(study, study, "")
    for corpus in study["extraction_blocks"]:
        _known("extraction_blocks", corpus, names)
    for corpus, options in names.items():
        if "align" in options:
            key = f"corpora.{corpus}.align.checkpoint"
            _known(key, options["align"]["checkpoint"], study["checkpoints"])
            kind = study["checkpoints"][options["align"]["checkpoint"]]["format"]
            if kind not in CTC_FORMATS:
                message = (
                    f"{key}: {options['align']['checkpoint']!r} has format {kind!r}; expected a "
                    f"CTC speech model of format {' or '.join(sorted(CTC_FORMATS))}"
                )
                raise UserError(message)
    for checkpoint in study["checkpoints"]:
        _check_parents(study, checkpoint)
    for model, options in models.items():
        if "checkpoint" in options:
            _known(f"models.{model}.checkpoint", options["checkpoint"], study["checkpoints"])
            _check_checkpoint(study, model)
        if options["corpora"] != "all":
            for corpus in options["corpora"]:
                _known(f"models.{model}.corpora", corpus, names)
                if options["family"] in SPEECH_FAMILIES and names[corpus]["kind"] in TEXT_KINDS:
                    message = (
                        f"models.{model}.corpora: {corpus!r} has no recordings, which family "
                        f"{options['family']!r} needs"
                    )
                    raise UserError(message)
        _check_layers(study, model)
    for group, options in study["word_groups"].items():
        _known(f"word_groups.{group}.corpus", options["corpus"], names)
        _known(f"word_groups.{group}.model", options["model"], models)
        _known(f"word_groups.{group}.corpus", options["corpus"], corpora(study, options["model"]))
        _known(f"word_groups.{group}.layer", str(options["layer"]), layers(study, options["model"]))
    for labelling, options in study["labellings"].items():
        if options["corpora"] != "all":
            for corpus in options["corpora"]:
                _known(f"labellings.{labelling}.corpora", corpus, names)
    for analysis, settings in study["analyses"].items():
        _check_analysis(study, analysis, settings)
    for contrast, sides in study["contrasts"].items():
        for side in ("treated", "control"):
            _known(f"contrasts.{contrast}.{side}", sides[side], models)
        if sides["treated"] == sides["control"]:
            message = (
                f"contrasts.{contrast}: treated and control are both {sides['treated']!r}; "
                "expected two models"
            )
            raise UserError(message)
        of_sides = [layers(study, sides[side]) for side in ("treated", "control")]
        if set(of_sides[0]).isdisjoint(of_sides[1]):
            message = (
                f"contrasts.{contrast}: {sides['treated']!r} (layers {', '.join(of_sides[0])}) and "
                f"{sides['control']!r} (layers {', '.join(of_sides[1])}) share no layer; expected "
                "models with a layer of the same name"
            )
            raise UserError(message)
        if not contrast_corpora(study, contrast):
            message = (
                f"contrasts.{contrast}: {sides['treated']!r} and {sides['control']!r} share no "
                "corpus on which pairs, silhouette or lda is run with both"
            )
            raise UserError(message)


def _check_datasets(study: Study, part: Json, where: str) -> None:
    """Refuse a path into a data set that is not configured, wherever it stands."""
    if isinstance(part, str):
        try:
            dataset_of(study, part)
        except UserError as error:
            message = f"{where}: {error}"
            raise UserError(message) from error
    elif isinstance(part, Mapping | list):
        for key, value in part.items() if isinstance(part, Mapping) else enumerate(part):
            _check_datasets(study, value, f"{where}.{key}".lstrip("."))


def _check_checkpoint(study: Study, model: str) -> None:
    options = study["models"][model]
    checkpoint = study["checkpoints"][options["checkpoint"]]
    family, form = options["family"], checkpoint["format"]
    if form not in FORMATS[family]:
        fitting = " or ".join(name for name, formats in FORMATS.items() if form in formats)
        message = (
            f"models.{model}.checkpoint: {options['checkpoint']!r} has format {form!r}, which "
            f"family {family!r} does not read; expected format {' or '.join(FORMATS[family])}, or "
            f"family {fitting}"
        )
        raise UserError(message)
    if options.get("window_s") is not None and form == "torchaudio":
        message = (
            f"models.{model}.window_s: {options['window_s']} is for Whisper only; a model of "
            f"format {form!r} has no window, expected null"
        )
        raise UserError(message)
    if family not in LIGHT_FAMILIES and "blocks" not in checkpoint:
        message = (
            f"checkpoints.{options['checkpoint']}.blocks is missing: model {model!r} needs to know "
            "how many transformer blocks it has, e.g. 12 for a base model"
        )
        raise UserError(message)


def _check_parents(study: Study, checkpoint: str) -> None:
    """Refuse a parent that is not configured, or is a child of its own child."""
    line = [checkpoint]
    while (parent := study["checkpoints"][line[-1]].get("parent")) is not None:
        key = f"checkpoints.{line[-1]}.parent"
        _known(key, parent, study["checkpoints"])
        if parent in line:
            message = (
                f"{key}: {parent!r} closes a circle ({' -> '.join([*line, parent])}); expected "
                "the checkpoint that training started from"
            )
            raise UserError(message)
        line.append(parent)


def _check_layers(study: Study, model: str) -> None:
    options = study["models"][model]
    legal = [str(k) for k in range(_blocks(study, model) + 1)]
    legal += NAMED_LAYERS.get(options["family"], ())
    for layer in layers(study, model):
        _known(f"models.{model}.layers", layer, legal)


def _check_analysis(study: Study, analysis: str, settings: Mapping[str, Json]) -> None:
    key = f"analyses.{analysis}"
    if analysis == "cka":
        if settings["pairs"] != "all":
            _check_distinct(settings["pairs"])
            for pair in settings["pairs"]:
                for model in pair:
                    _known(f"{key}.pairs", model, study["models"])
                if not _shared_corpora(study, pair):
                    sets = "; ".join(f"{name}: {', '.join(corpora(study, name))}" for name in pair)
                    message = f"{key}.pairs: {pair[0]!r} and {pair[1]!r} share no corpus ({sets})"
                    raise UserError(message)
        if "lda" in settings["spaces"]:
            _known(f"{key}.labelling", settings["labelling"], study["labellings"])
        return
    if settings["models"] != "all":
        for model in settings["models"]:
            _known(f"{key}.models", model, study["models"])
    for labelling in settings.get("labellings", []):
        _known(f"{key}.labellings", labelling, study["labellings"])
    if analysis == "planes":
        shown = study["models"] if settings["models"] == "all" else settings["models"]
        # models without the layer show their last, but one of them should have it
        of_models = [layer for model in shown for layer in layers(study, model)]
        _known(f"{key}.layer", str(settings["layer"]), [*_SHOWN, *dict.fromkeys(of_models)])
    if settings.get("groups") is not None:
        _known(f"{key}.groups", settings["groups"], study["labellings"])
        if "words" not in study["labellings"][settings["groups"]]:
            message = (
                f"{key}.groups: {settings['groups']!r} labels tokens, expected a list of words"
            )
            raise UserError(message)


def _check_distinct(pairs: Sequence[Sequence[str]]) -> None:
    """Refuse two models that are paired twice, in whatever order: CKA is symmetric."""
    seen: set[frozenset[str]] = set()
    for pair in pairs:
        if frozenset(pair) in seen:
            message = (
                f"analyses.cka.pairs: {pair[0]!r} and {pair[1]!r} are listed twice; "
                "expected each pair once, in either order"
            )
            raise UserError(message)
        seen.add(frozenset(pair))


def _known(key: str, value: Json, legal: Mapping[str, Json] | Sequence[str]) -> None:
    if value not in legal:
        choices = ", ".join(legal) or "none is configured"
        message = f"{key}: {value!r} is not known; expected one of {choices}"
        raise UserError(message)
