"""transformers models from local files: strict, and only the blocks that are needed.

Layer k of n is the output of block k. Whether layer n is taken before or after the norm behind
the last block (where the architecture has one) is `Tower.final_norm`.
"""

import copy
import inspect
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no job opens a socket

import torch
import transformers
from torch import Tensor, nn

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.base import Request, deepest
from groundscope.encoders.foreign import refusing
from groundscope.encoders.weights import check_finite, match_names, read_tensors
from groundscope.errors import UserError

_BLOCKS = ("encoder.layers", "encoder.layer", "layers", "h", "transformer.layer")
_BLOCKS_BELOW = "text_model."
# options of a configuration that list something of each block
_OF_BLOCKS = ("layer_types", "attention_window", "mlp_layer_types")


@dataclass(frozen=True)
class Tower:
    """A stack of transformer blocks inside a loaded model.

    Attributes
    ----------
    model
        In eval mode, on the device.
    path
        Name of the list of blocks in `model`.
    blocks
        Blocks of the whole release, of which the first few are built.
    norm_path
        Name of the norm behind the last block; empty where there is none.
    after_norm
        Whether layer `blocks` is taken behind that norm.
    facts
        For the embedding file.
    """

    model: Any
    path: str
    blocks: int
    norm_path: str
    after_norm: bool
    facts: Mapping[str, str]


def read_config(checkpoint: Checkpoint | None, model: str) -> Any:
    """Read the configuration of a transformers folder (``config.json``)."""
    if checkpoint is None:
        message = f"models.{model}.checkpoint: missing; this family needs one"
        raise UserError(message)
    path = checkpoint.path("config.json")
    with refusing(str(path)):
        config = transformers.AutoConfig.from_pretrained(
            path.parent, local_files_only=True, trust_remote_code=False
        )
        # a release can name a kernel of the hub, which would be fetched and run
        config._attn_implementation = None
    return config


def normalizes_waveform(checkpoint: Checkpoint | None) -> bool | None:
    """``do_normalize`` of the release; None where it does not say."""
    value = _preprocessing(checkpoint).get("do_normalize")
    return value if isinstance(value, bool) else None


def variance_floor(checkpoint: Checkpoint | None) -> float:
    """``variance_floor`` of a converted release, or that of transformers' feature extractors."""
    value = _preprocessing(checkpoint).get("variance_floor")
    return value if isinstance(value, float) and 0 <= value < 1 else 1e-7


def _preprocessing(checkpoint: Checkpoint | None) -> Mapping[str, Any]:
    if checkpoint is None or "preprocessor_config.json" not in checkpoint.files:
        return {}
    path = checkpoint.path("preprocessor_config.json")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        message = f"{path} is not a readable JSON object: put the released one there"
        raise UserError(message)
    return settings


def registered_class(request: Request, config: Any) -> type[Any]:
    """Find the bare model that transformers registers for a configuration."""
    auto: Any = transformers.AutoModel
    with refusing(_built(request, config)), torch.device("meta"):
        return type(auto.from_config(config, trust_remote_code=False))


def _built(request: Request, config: Any) -> str:
    """Name what is built of a configuration."""
    return f"checkpoint of models.{request.model}, a {config.model_type!r} model"


def warn_of_own_code(where: str, config: Any, kind: type[Any]) -> None:
    """Log which class stands in for code that a release brings along: that is never run."""
    if getattr(config, "auto_map", None):
        logging.warning(
            "%s asks for code of its own (auto_map in its config.json), which is not run: it is "
            "read as %s of transformers, whose vectors may be others",
            where,
            kind.__name__,
        )


def load_tower(
    request: Request,
    config: Any,
    kind: type[Any],
    *,
    last_layer: Callable[[Any, str], tuple[str, bool]],
    prefixes: Sequence[str] = (),
    cut: Callable[[Any, dict[str, Tensor]], None] | None = None,
) -> Tower:
    """Build a model up to the deepest requested layer.

    Parameters
    ----------
    request
        What to load.
    config
        The release's configuration.
    kind
        The class to build.
    last_layer
        Of a model and the name of its list of blocks: the name of the norm behind the last block,
        empty without one, and whether ``final_norm: default`` takes the last layer behind it.
    prefixes
        Prefixes that names in the checkpoint may have, beside the architecture's own.
    cut
        Shortens a copy of the configuration and the tensors, beyond the number of blocks.

    Raises
    ------
    UserError
        Another number of blocks than configured, or a tensor that is missing, unexpected, of
        another shape or not finite.
    """
    warn_of_own_code(f"the checkpoint of models.{request.model}", config, kind)
    extra = {"add_pooling_layer": False}
    if "add_pooling_layer" not in inspect.signature(kind.__init__).parameters:
        extra = {}
    with refusing(_built(request, config)), torch.device("meta"):
        whole = kind(config, **extra)
    path = blocks_path(whole)
    blocks = len(whole.get_submodule(path))
    check_blocks(request, blocks)
    depth = max(deepest(request.layers, blocks), 1)
    state, unused = _state(request, whole, lambda: kind(config, **extra), prefixes)
    short = copy.deepcopy(config)
    if cut is not None:
        cut(short, state)
    _cut_blocks(short, depth)
    state = {name: tensor for name, tensor in state.items() if _block(name, path) < depth}
    check_finite(state, request.checkpoint.source if request.checkpoint else request.model)
    share = f"{depth} of its {blocks} blocks (a job with layer {blocks} builds all)"
    with refusing(f"{_built(request, config)}, of {share}"):
        model, info = _fill(kind, short, state, extra)
    wrong = [name for names in info.values() for name in names]
    assert not wrong, f"{kind.__name__} was not filled exactly: {wrong[:3]}"
    model = model.to(request.device).eval()
    norm_path, after_norm = last_layer(model, path)
    choice = request.options.get("final_norm", "default")
    if not norm_path and choice != "default":
        message = f"models.{request.model}.final_norm: no norm stands behind the last block"
        raise UserError(message)
    after = bool(norm_path) and (after_norm if choice == "default" else choice == "after")
    facts = {
        "architecture": kind.__name__,
        "blocks": str(blocks),
        "last_layer": f"{'after' if after else 'before'} {norm_path}" if norm_path else "block",
        "unused_tensors": ", ".join(unused),
    }
    return Tower(model, path, blocks, norm_path, after, facts)


def _cut_blocks(config: Any, depth: int) -> None:
    """Have a configuration describe its first `depth` blocks.

    Some lists of blocks are computed from their number; those are not held.
    """
    config.num_hidden_layers = depth
    for name in _OF_BLOCKS:
        if isinstance(held := vars(config).get(name), list | tuple):
            setattr(config, name, held[:depth])


def blocks_path(model: nn.Module) -> str:
    """Name of the list of transformer blocks in a model."""
    names = dict(model.named_modules())
    for path in (*_BLOCKS, *(_BLOCKS_BELOW + path for path in _BLOCKS)):
        if isinstance(names.get(path), nn.ModuleList):
            return path
    message = f"{type(model).__name__} has no list of transformer blocks under a known name"
    raise UserError(message)


def check_blocks(request: Request, blocks: int | None) -> None:
    """Hold the configured number of blocks against the checkpoint's.

    Before anything is built, too: a wrong one can be so large that building it does not end.
    """
    declared = request.options["blocks"]
    if declared is not None and declared != blocks:
        message = f"checkpoint of models.{request.model}: blocks is {declared}, but it has {blocks}"
        raise UserError(message)


def _state(
    request: Request, whole: nn.Module, build: Callable[[], nn.Module], prefixes: Sequence[str]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Every tensor of the whole model: as released, or as transformers initialises it.

    Random weights are drawn for the whole model before blocks are cut off, so that layer k does
    not depend on which other layers are wanted.
    """
    if request.options["weights"] == "random":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.options["seed"])
            return dict(build().state_dict()), ()
    assert request.checkpoint is not None
    own = getattr(whole, "base_model_prefix", "")
    return match_names(
        read_tensors(request.checkpoint),
        {name: tuple(tensor.shape) for name, tensor in whole.state_dict().items()},
        prefixes=("", f"{own}.", *prefixes),
        where=request.checkpoint.source,
    )


def _block(name: str, path: str) -> int:
    """Block that a tensor belongs to; -1 for those outside the stack."""
    if not name.startswith(path + "."):
        return -1
    return int(name[len(path) + 1 :].split(".", 1)[0])


def _fill(kind: type[Any], config: Any, state: dict[str, Tensor], extra: Mapping[str, Any]) -> Any:
    """Make a model of `config` with the tensors of `state`, in float32; say what did not fit."""
    log: Any = transformers.logging
    log.set_verbosity_error()
    log.disable_progress_bar()
    return kind.from_pretrained(
        None,
        config=config,
        state_dict=state,
        dtype=torch.float32,
        local_files_only=True,
        output_loading_info=True,
        **extra,
    )
