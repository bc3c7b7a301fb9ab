"""Whether the names, layers and combinations that a study asks for are there."""

from collections.abc import Mapping, Sequence

from groundscope.errors import UserError
from groundscope.plan.targets import (
    LIGHT_FAMILIES,
    NAMED_LAYERS,
    SPEECH_FAMILIES,
    TEXT_KINDS,
    Json,
    Study,
    blocks,
    cka_pairs,
    contrast_corpora,
    corpora,
    dataset_of,
    has_labels,
    layers,
    models_on,
    shared_corpora,
    third_models,
)

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
# Formats that a CTC speech model can have.
CTC_FORMATS = frozenset({"huggingface", "torchaudio"})
# What `analyses.planes.layer` can be beside the name of a layer.
_SHOWN = ("best", "last")


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
        if not contrast_corpora(study, contrast) and not third_models(study, contrast):
            message = (
                f"contrasts.{contrast}: {sides['treated']!r} and {sides['control']!r} share no "
                "corpus on which pairs, silhouette or lda is run with both, or cka compares both "
                "with a third model"
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
    legal = [str(k) for k in range(blocks(study, model) + 1)]
    legal += NAMED_LAYERS.get(options["family"], ())
    for layer in layers(study, model):
        _known(f"models.{model}.layers", layer, legal)


def _check_analysis(study: Study, analysis: str, settings: Mapping[str, Json]) -> None:
    key = f"analyses.{analysis}"
    if analysis == "cka":
        if settings["draws"] > 1 and settings["sample"] is None:
            message = (
                f"{key}.draws: {settings['draws']} draws of all rows are the same; expected 1, or "
                f"the rows of a draw as {key}.sample"
            )
            raise UserError(message)
        if settings["pairs"] != "all":
            _check_distinct(settings["pairs"])
            for pair in settings["pairs"]:
                for model in pair:
                    _known(f"{key}.pairs", model, study["models"])
                if not shared_corpora(study, pair):
                    sets = "; ".join(f"{name}: {', '.join(corpora(study, name))}" for name in pair)
                    message = f"{key}.pairs: {pair[0]!r} and {pair[1]!r} share no corpus ({sets})"
                    raise UserError(message)
        if "lda" in settings["spaces"]:
            if settings["labelling"] is None:
                choices = ", ".join(study["labellings"]) or "none is configured"
                message = f"{key}.labelling is missing: spaces: [lda] needs it; one of {choices}"
                raise UserError(message)
            _known(f"{key}.labelling", settings["labelling"], study["labellings"])
            _check_space(study, settings["labelling"])
        return
    if settings["models"] != "all":
        for model in settings["models"]:
            _known(f"{key}.models", model, study["models"])
    for labelling in settings.get("labellings", []):
        _known(f"{key}.labellings", labelling, study["labellings"])
    _check_rows(study, analysis, settings)
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
        _check_read(study, f"{key}.groups", settings["groups"], settings["models"])


def _check_rows(study: Study, analysis: str, settings: Mapping[str, Json]) -> None:
    """Refuse a labelling or a model that is asked for by name and can have no row."""
    labellings = settings.get("labellings", [])
    for labelling in labellings:
        _check_read(study, f"analyses.{analysis}.labellings", labelling, settings["models"])
    for model in [] if settings["models"] == "all" else settings["models"]:
        own = corpora(study, model)
        if not own:
            message = f"analyses.{analysis}.models: {model!r} reads no corpus of the study"
            raise UserError(message)
        if labellings and not any(
            has_labels(study, labelling, corpus) for labelling in labellings for corpus in own
        ):
            message = (
                f"analyses.{analysis}.models: {model!r} reads {', '.join(own)}, which no labelling "
                f"of the analysis is for ({', '.join(labellings)})"
            )
            raise UserError(message)


def _check_read(study: Study, key: str, labelling: str, models: Json) -> None:
    """Refuse a labelling for corpora that none of the models of an analysis reads."""
    of_labels = [corpus for corpus in study["corpora"] if has_labels(study, labelling, corpus)]
    if not any(models_on(study, corpus, models) for corpus in of_labels):
        message = (
            f"{key}: {labelling!r} is for {', '.join(of_labels)}, which no model of the analysis "
            "reads"
        )
        raise UserError(message)


def _check_space(study: Study, labelling: str) -> None:
    """Refuse a labelling for the LDA space of CKA that is for none of the corpora compared on."""
    compared = {one: None for pair in cka_pairs(study) for one in shared_corpora(study, pair)}
    if compared and not any(has_labels(study, labelling, corpus) for corpus in compared):
        message = (
            f"analyses.cka.labelling: {labelling!r} is for none of the corpora that models are "
            f"compared on ({', '.join(compared)})"
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
