"""Loading what `convert_checkpoint` wrote: strict, and only the parts that are needed."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no job opens a socket

import torch
from torch import nn
from transformers.initialization import no_init_weights

from groundscope.encoders.base import Request
from groundscope.encoders.weights import check_finite, match_names, read_tensors
from groundscope.errors import UserError

_Module = TypeVar("_Module", bound=nn.Module)


def read_settings(request: Request, family: str) -> dict[str, Any]:
    """Read ``config.json`` of a converted checkpoint.

    Raises
    ------
    UserError
        No checkpoint, one of another family, or another number of blocks than configured.
    """
    where = f"models.{request.model}"
    if request.checkpoint is None:
        message = f"{where}.checkpoint: missing; the family {family} needs one"
        raise UserError(message)
    path = request.checkpoint.path("config.json")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        kind = settings.get("model_type") if isinstance(settings, dict) else None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not readable as JSON ({error}): delete it and rerun"
        raise UserError(message) from error
    if not isinstance(settings, dict) or kind != family:
        message = f"{where}.checkpoint: it is a {kind!r} model, expected {family!r}"
        raise UserError(message)
    return settings


def check_blocks(request: Request, blocks: int) -> None:
    """Hold the configured number of blocks against the checkpoint's."""
    declared = request.options["blocks"]
    if declared not in (None, blocks):
        message = f"checkpoint of models.{request.model}: blocks is {declared}, but it has {blocks}"
        raise UserError(message)


def fill(request: Request, whole: Callable[[], nn.Module], part: Callable[[], _Module]) -> _Module:
    """Build `part` with weights that were checked against the `whole` model.

    Parameters
    ----------
    request
        What to load. Random weights are drawn for the whole model, so that a layer does not
        depend on which other layers are wanted.
    whole
        Builds the model as released.
    part
        Builds what is needed of it; its tensors have the same names.

    Returns
    -------
    nn.Module
        In eval mode, on the device.

    Raises
    ------
    UserError
        A tensor is missing, unexpected, of another shape or not finite.
    """
    assert request.checkpoint is not None
    with no_init_weights():  # not on the meta device: buffers that are in no file stay as built
        model = part()
    if request.options["weights"] == "random":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.options["seed"])
            state = dict(whole().state_dict())
    else:
        with torch.device("meta"):
            expected = {name: tuple(each.shape) for name, each in whole().state_dict().items()}
        source = request.checkpoint.source
        state, _ = match_names(
            read_tensors(request.checkpoint), expected, prefixes=("",), where=source
        )
        check_finite(state, source)
    model.load_state_dict({name: state[name] for name in model.state_dict()}, assign=True)
    return model.to(request.device).eval()


def describe(request: Request, model: nn.Module, blocks: int) -> dict[str, str]:
    """Facts for the embedding file, the conversion's self-checks among them."""
    assert request.checkpoint is not None
    notes = request.checkpoint.notes if request.options["weights"] == "released" else {}
    return {
        "blocks": str(blocks),
        "last_layer": "block",
        "parameters_built": str(sum(each.numel() for each in model.parameters())),
        **{f"check_{name}": finding for name, finding in notes.items()},
    }
