"""What a model folder says about itself in its small files, without loading any weights."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError

_SAMPLE_RATE = 16_000
_WIDTHS = ("hidden_size", "d_model", "n_embd", "dim")
_DEPTHS = ("num_hidden_layers", "encoder_layers", "n_layer", "n_layers")
# The configuration of transformers leaves out what equals its defaults.
_WAV2VEC2 = {"conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2]}
_WAV2VEC2_LIKE = ("wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat")


@dataclass(frozen=True)
class Architecture:
    """Facts about a model; None where its files do not say.

    Attributes
    ----------
    kind
        ``model_type`` of ``config.json``.
    blocks
        Number of transformer blocks.
    width
        Dimension of the vectors.
    parameters
        Numbers in the weight files that are read.
    frame_rate
        Frames per second, of speech models.
    receptive_field_ms
        Audio that one frame stands for before the blocks, of speech models.
    classes
        ``architectures`` of ``config.json``.
    """

    kind: str | None = None
    blocks: int | None = None
    width: int | None = None
    parameters: int | None = None
    frame_rate: float | None = None
    receptive_field_ms: float | None = None
    classes: tuple[str, ...] = ()


# Families of which there is one architecture only: known before anything is downloaded.
RELEASED: Mapping[str, Architecture] = {
    "fast-vgs": Architecture("fast-vgs", width=768, frame_rate=50.0, receptive_field_ms=25.0),
    "vg-hubert": Architecture("vg-hubert", width=768, frame_rate=50.0, receptive_field_ms=25.0),
    "vg-bert": Architecture("vg-bert", width=768),
    "speech-clip": Architecture("speech-clip", frame_rate=50.0, receptive_field_ms=25.0),
    "log-mel": Architecture("log-mel", width=80, frame_rate=100.0, receptive_field_ms=25.0),
}


def describe(checkpoint: Checkpoint) -> Architecture:
    """Read ``config.json`` and the headers of the weight files."""
    parameters = _parameters(checkpoint)
    if "config.json" not in checkpoint.files:
        return Architecture(parameters=parameters)
    path = checkpoint.path("config.json")
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        kind = whole.get("model_type")
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError) as error:
        message = f"{path} is not a readable model configuration ({error})"
        raise UserError(message) from error
    config: Mapping[str, Any] = whole
    for part in ("speech", "bert", "text_config"):
        config = whole.get(part, config)
    rate, field = _timing(kind, config)
    depth, width = _first(config, _DEPTHS), _first(config, _WIDTHS)
    classes = tuple(whole.get("architectures") or ())
    return Architecture(kind, depth, width, parameters, rate, field, classes)


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return next((int(config[name]) for name in names if name in config), None)


def _timing(kind: str | None, config: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Frames per second and receptive field in ms of one frame before the blocks."""
    if kind == "whisper":
        return 50.0, 65.0  # two convolutions of width 3 over windows of 25 ms every 10 ms
    known = {**_WAV2VEC2, **config} if kind in _WAV2VEC2_LIKE else config
    if "conv_kernel" not in known:
        return None, None
    strides = known["conv_stride"]
    samples = 1
    for kernel, stride in zip(reversed(known["conv_kernel"]), reversed(strides), strict=True):
        samples = (samples - 1) * stride + kernel
    return _SAMPLE_RATE / math.prod(strides), 1000 * samples / _SAMPLE_RATE


def _parameters(checkpoint: Checkpoint) -> int | None:
    """Count the numbers in the safetensors files that are read, from their headers."""
    names = [name for name in checkpoint.weights() if name.endswith(".safetensors")]
    return sum(_numbers(checkpoint.path(name, whole=False)) for name in names) if names else None


def _numbers(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        shapes = [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
        return sum(math.prod(shape) for shape in shapes)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, MemoryError) as error:
        message = f"{path} is not a readable safetensors file"
        raise UserError(message) from error
