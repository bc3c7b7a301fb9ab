"""What checkpoints on this machine say they are, held against what models ask of them.

A checkpoint that is downloaded is not looked at, even where it lies already: what is planned may
not change while the study runs. What is wrong with one then, its jobs say.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.plan.targets import NAMED_LAYERS, dataset_of, layers

Json = Any

# Values of `model_type` that the family speech reads.
SPEECH_KINDS = (
    "wav2vec2",
    "hubert",
    "wavlm",
    "data2vec-audio",
    "unispeech",
    "unispeech-sat",
    "whisper",
)
_PROJECTING = "CLIPTextModelWithProjection"


def check_local_checkpoints(study: Mapping[str, Json]) -> None:
    """Refuse what the architecture of a local checkpoint does not have.

    Raises
    ------
    UserError
        With the key path, the value and what is legal.
    """
    for model, options in study["models"].items():
        checkpoint = study["checkpoints"].get(options.get("checkpoint"), {})
        config = local_config(checkpoint)
        if config is not None and dataset_of(study, checkpoint["path"]) is None:
            _check_kind(study, model, config.get("model_type"))
            _check_named_layers(study, model, config)


def local_config(checkpoint: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Read ``config.json`` of a local checkpoint in the format of transformers.

    Parameters
    ----------
    checkpoint
        Its section of the configuration.

    Returns
    -------
    Mapping or None
        None if it is not local or not readable: that, its jobs say.
    """
    if (checkpoint.get("source"), checkpoint.get("format")) != ("folder", "huggingface"):
        return None
    try:
        config = json.loads((Path(checkpoint["path"]) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return config if isinstance(config, Mapping) else None


def named_layers(family: str, kind: Json, classes: Iterable[str]) -> tuple[str, ...]:
    """List the layers of an architecture that are not the output of a block.

    Parameters
    ----------
    family
        Family that reads it.
    kind, classes
        ``model_type`` and ``architectures`` of its ``config.json``.
    """
    if family == "text" and kind != "clip" and _PROJECTING not in classes:
        return ()
    return NAMED_LAYERS.get(family, ())


def _check_kind(study: Mapping[str, Json], model: str, kind: Json) -> None:
    options = study["models"][model]
    what = f"{options['checkpoint']!r} is a {kind!r} model"
    if options["family"] == "speech" and kind not in SPEECH_KINDS:
        message = (
            f"models.{model}.checkpoint: {what}, which family 'speech' does not read; expected one "
            f"of {', '.join(SPEECH_KINDS)}"
        )
        raise UserError(message)
    if options["family"] == "text" and kind in SPEECH_KINDS:
        message = f"models.{model}.family: {what}, which reads speech; expected family 'speech'"
        raise UserError(message)
    if options.get("window_s") is not None and kind != "whisper":
        message = (
            f"models.{model}.window_s: {options['window_s']} is for Whisper only; {what}, "
            "expected null"
        )
        raise UserError(message)


def _check_named_layers(study: Mapping[str, Json], model: str, config: Mapping[str, Json]) -> None:
    family, kind = study["models"][model]["family"], config.get("model_type")
    classes = config.get("architectures")
    named = named_layers(family, kind, classes if isinstance(classes, list) else ())
    for layer in layers(study, model):
        if not layer.isdecimal() and layer not in named:
            blocks = study["checkpoints"][study["models"][model]["checkpoint"]]["blocks"]
            message = (
                f"models.{model}.layers: a {kind!r} model has no layer {layer!r}; expected one of "
                f"{', '.join([*map(str, range(blocks + 1)), *named])}"
            )
            raise UserError(message)
