"""What checkpoints on this machine say they are, held against what models ask of them.

A checkpoint that is downloaded is not looked at, even where it lies already: what is planned may
not change while the study runs. What is wrong with one then, its jobs say.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.plan.targets import NAMED_LAYERS, layers

Json = Any

_PROJECTING = "CLIPTextModelWithProjection"


def check_local_checkpoints(study: Mapping[str, Json]) -> None:
    """Refuse what the architecture of a local checkpoint does not have.

    Raises
    ------
    UserError
        With the key path, the value and what is legal.
    """
    for model, options in study["models"].items():
        config = local_config(study["checkpoints"].get(options.get("checkpoint"), {}))
        if config is not None:
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
    except (OSError, ValueError):
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


def _check_named_layers(study: Mapping[str, Json], model: str, config: Mapping[str, Json]) -> None:
    family, kind = study["models"][model]["family"], config.get("model_type")
    named = named_layers(family, kind, config.get("architectures") or ())
    for layer in layers(study, model):
        if not layer.isdecimal() and layer not in named:
            blocks = study["checkpoints"][study["models"][model]["checkpoint"]]["blocks"]
            message = (
                f"models.{model}.layers: a {kind!r} model has no layer {layer!r}; expected one of "
                f"{', '.join([*map(str, range(blocks + 1)), *named])}"
            )
            raise UserError(message)
