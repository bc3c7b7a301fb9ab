"""Whisper encoders in the CTranslate2 format (``model.bin``)."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError
from groundscope.releases.release import Release, Weight, take

_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
_VERSION = 6

Variables = dict[str, NDArray[Any]]


def read(checkpoint: Checkpoint, options: Mapping[str, Any], parent: Checkpoint | None) -> Release:
    """Read the encoder of a Whisper model; the decoder is left out.

    Parameters
    ----------
    checkpoint
        With the file ``model.bin`` (or ``options["bundle"]``).
    options
        Entry of the configuration.
    parent
        None: these weights were not trained from another model.

    Returns
    -------
    Release
        A Hugging Face folder of a Whisper encoder, with its feature extractor.

    Raises
    ------
    UserError
        Not such a file, cut short, or with missing, unexpected or non-finite encoder variables.
    """
    import torch

    if parent is not None:
        message = f"parent: {parent.source} cannot be compared with a Whisper encoder"
        raise UserError(message)
    variables = read_variables(checkpoint.path(options.get("bundle", "model.bin")))
    encoder = {
        name.removeprefix("encoder/"): value
        for name, value in variables.items()
        if name.startswith("encoder/")
    }
    what = f"the Whisper encoder of {checkpoint.source}"
    config = _config(what, encoder)
    state = {
        name: torch.from_numpy(value) for name, value in encoder.items() if name != "num_heads"
    }
    taken = take(what, state, _weights(config), ())
    blocks, width = config["encoder_layers"], config["d_model"]
    k_bias = [_split(taken, f"layers.{block}.self_attn.", width) for block in range(blocks)]
    if any(k_bias):
        message = f"{what}: the bias of the keys is up to {max(k_bias):g}, expected zero"
        raise UserError(message)
    notes = {
        "complete": f"all {len(state)} variables of the encoder used, none missing, all finite",
        "key_bias": "zero in every block, as in the original architecture",
        "positions": _sinusoids(taken["embed_positions.weight"].numpy()),
    }
    return Release("huggingface", taken, config, blocks, notes, _preprocessor(config))


def _config(what: str, encoder: Variables) -> dict[str, Any]:
    """Put the sizes of an encoder as transformers' settings."""
    conv = encoder.get("conv1/weight", np.zeros(0))
    if "num_heads" not in encoder or conv.ndim != 3:
        message = f"{what}: model.bin has no Whisper encoder (encoder/num_heads, encoder/conv1)"
        raise UserError(message)
    return {
        "architectures": ["WhisperEncoder"],
        "model_type": "whisper",
        "num_mel_bins": conv.shape[1],
        "d_model": conv.shape[0],
        "encoder_layers": sum(name.endswith("/ffn/linear_0/weight") for name in encoder),
        "encoder_attention_heads": int(encoder["num_heads"]),
        "encoder_ffn_dim": len(encoder.get("layer_0/ffn/linear_0/bias", ())),
        "max_source_positions": len(encoder.get("position_encodings/encodings", ())),
        "activation_function": "gelu",
        "scale_embedding": False,
    }


def read_variables(path: Path) -> Variables:
    """Name -> array of a CTranslate2 ``model.bin``, mapped from disk, aliases left out.

    The layout, little endian: version, name and revision of the specification, number of
    variables; for each its name, rank, dimensions, type, size in bytes and values.

    Raises
    ------
    UserError
        Another version, or a file that is cut short or malformed.
    """
    data = np.memmap(path, np.uint8, "c") if path.stat().st_size else np.zeros(0, np.uint8)
    position = 0

    def number(code: str) -> int:
        nonlocal position
        size = struct.calcsize(code)
        (value,) = struct.unpack("<" + code, data[position : position + size].tobytes())
        position += size
        return int(value)

    def text() -> str:
        nonlocal position
        size = number("H")
        position += size
        return data[position - size : position - 1].tobytes().decode()

    variables: Variables = {}
    try:
        if number("I") != _VERSION:
            message = f"{path} is not a CTranslate2 model of format version {_VERSION}"
            raise UserError(message)
        text()
        number("I")
        for _ in range(number("I")):
            name = text()
            shape = tuple(number("I") for _ in range(number("B")))
            kind = np.dtype(_TYPES[number("B")])
            size = number("I")
            values = data[position : position + size].view(kind).reshape(shape)
            position += size
            variables[name] = values
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        message = f"{path} is cut short or malformed at byte {position} ({error})"
        raise UserError(message) from error
    return variables


def _weights(config: Mapping[str, Any]) -> list[Weight]:
    """All variables of a Whisper encoder under their names in transformers."""
    width, inner = config["d_model"], config["encoder_ffn_dim"]
    mels, positions = config["num_mel_bins"], config["max_source_positions"]
    weights = [
        Weight("conv1/weight", "conv1.weight", (width, mels, 3)),
        Weight("conv2/weight", "conv2.weight", (width, width, 3)),
        Weight("position_encodings/encodings", "embed_positions.weight", (positions, width)),
    ]
    biases = [("conv1/bias", "conv1.bias", width), ("conv2/bias", "conv2.bias", width)]
    norms = [("layer_norm", "layer_norm")]
    for block in range(config["encoder_layers"]):
        theirs, ours = f"layer_{block}", f"layers.{block}"
        norms.append((f"{theirs}/self_attention/layer_norm", f"{ours}.self_attn_layer_norm"))
        norms.append((f"{theirs}/ffn/layer_norm", f"{ours}.final_layer_norm"))
        for released, name, rows, columns in (
            ("self_attention/linear_0", "self_attn.qkv", 3 * width, width),
            ("self_attention/linear_1", "self_attn.out_proj", width, width),
            ("ffn/linear_0", "fc1", inner, width),
            ("ffn/linear_1", "fc2", width, inner),
        ):
            place = f"{theirs}/{released}/weight"
            weights.append(Weight(place, f"{ours}.{name}.weight", (rows, columns)))
            biases.append((f"{theirs}/{released}/bias", f"{ours}.{name}.bias", rows))
    for released, name in norms:
        biases.append((f"{released}/gamma", f"{name}.weight", width))
        biases.append((f"{released}/beta", f"{name}.bias", width))
    return weights + [Weight(released, name, (size,)) for released, name, size in biases]


def _split(taken: dict[str, Any], prefix: str, width: int) -> float:
    """Split stacked query, key and value; give the greatest key bias, which the model lacks."""
    weight, bias = taken.pop(f"{prefix}qkv.weight"), taken.pop(f"{prefix}qkv.bias")
    for index, name in enumerate(("q_proj", "k_proj", "v_proj")):
        rows = slice(index * width, (index + 1) * width)
        taken[f"{prefix}{name}.weight"] = weight[rows].contiguous()
        if name != "k_proj":
            taken[f"{prefix}{name}.bias"] = bias[rows].contiguous()
    return float(bias[width : 2 * width].abs().max())


def _sinusoids(table: NDArray[np.float32]) -> str:
    """How far the position table is from the sinusoids that the architecture fixes."""
    positions, width = table.shape
    scale = np.exp(-np.log(10_000.0) / (width // 2 - 1) * np.arange(width // 2))
    angles = np.arange(positions)[:, None] * scale
    expected = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return f"sinusoids to {np.abs(table - expected).max():.1e}"


def _preprocessor(config: Mapping[str, Any]) -> dict[str, bytes]:
    """Parameters of Whisper's log-mel input: 25 ms windows, 10 ms steps, two steps a position."""
    frames = 2 * config["max_source_positions"]
    seconds = frames // 100
    settings = {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": config["num_mel_bins"],
        "sampling_rate": 16_000,
        "hop_length": 160,
        "n_fft": 400,
        "chunk_length": seconds,
        "n_samples": 16_000 * seconds,
        "nb_max_frames": frames,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": False,
    }
    return {"preprocessor_config.json": (json.dumps(settings, indent=1) + "\n").encode()}
