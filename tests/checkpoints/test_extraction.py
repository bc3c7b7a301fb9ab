"""From a release to embedding files, through the three real commands."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import published_forward
import pytest
import released_layouts as released
import soundfile
import torch
from conversion import convert
from released_layouts import TINY

from groundscope.commands import extract_embeddings
from groundscope.embeddings import Embeddings, read_embeddings
from groundscope.errors import UserError
from groundscope.token_table import write_tokens

SPANS = ((0.10, 0.45), (0.50, 1.20))


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """Two words in one recording of noise, of a level that normalisation must change."""
    wave = 0.1 + 0.03 * np.random.default_rng(8).standard_normal(24_000)
    soundfile.write(tmp_path / "noise.wav", wave, 16_000, subtype="FLOAT")
    rows = [
        {
            "token_id": f"t{index}",
            "word": word,
            "speaker": "s",
            "audio": str(tmp_path / "noise.wav"),
            "start_s": start,
            "end_s": end,
            "text": word,
            "char_start": 0,
            "char_end": len(word),
            "phones": None,
        }
        for index, (word, (start, end)) in enumerate(zip(("sax", "dog"), SPANS, strict=True))
    ]
    write_tokens(tmp_path / "tokens.parquet", rows)
    return tmp_path / "tokens.parquet"


def extract(
    monkeypatch: pytest.MonkeyPatch, tokens: Path, manifest: Path, layers: str, **options: Any
) -> list[Embeddings]:
    """Run the extraction of some layers."""
    outputs = [tokens.parent / f"{layer}.parquet" for layer in layers.split(",")]
    arguments = ["extract", "--tokens", tokens, "--checkpoint", manifest, "--model", "m"]
    arguments += ["--corpus", "c", "--options", json.dumps(options), "--layers", layers]
    arguments += ["--device", "cpu", "--output", *outputs]
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    extract_embeddings.main()
    return [read_embeddings(output) for output in outputs]


@pytest.fixture
def release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, dict[str, torch.Tensor]]:
    """Manifest of a converted FaST-VGS+, and its weights."""
    state = released.random_state(released.fast_vgs(TINY), 1)
    folder = tmp_path / "release"
    folder.mkdir()
    released.save_bundle(folder / "best_bundle.pth", {"dual_encoder": state})
    released.save_arguments(folder / "args.pkl", released.arguments(TINY))
    convert(monkeypatch, folder, "fast-vgs", tmp_path)
    return tmp_path / "converted" / "manifest.json", state


def wave_of(tokens: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Read the samples of the recording."""
    return np.asarray(soundfile.read(tokens.parent / "noise.wav", dtype="float32")[0])


@pytest.mark.parametrize("normalize", ["default", "utterance"])
def test_both_ways_of_normalising_a_word(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tokens: Path,
    release: tuple[Path, dict[str, torch.Tensor]],
    normalize: str,
) -> None:
    """As released, each clip by numpy's mean and deviation; or the utterance first, then sliced."""
    manifest, state = release
    options = {"family": "fast-vgs", "blocks": 12, "normalize": normalize}
    files = extract(monkeypatch, tokens, manifest, "5,trm2,cls", **options)
    whole = wave_of(tokens)
    for item, (start, end) in enumerate(SPANS):
        clip = whole[int(start * 16_000) : int(end * 16_000)]
        source = clip if normalize == "default" else whole
        ready = torch.from_numpy((clip - source.mean()) / source.std())
        expected = published_forward.fast_vgs(state, TINY, ready)
        for file, layer in zip(files, ("5", "trm2", "cls"), strict=True):
            values = expected[layer].mean(0) if layer != "cls" else expected[layer]
            np.testing.assert_allclose(file.vectors[item], values, rtol=1e-4, atol=1e-4)
    assert files[0].metadata["fact.check_complete"].startswith("all 360 tensors")


def test_words_inside_an_utterance_have_trm2_frames_but_no_cls(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tokens: Path,
    release: tuple[Path, dict[str, torch.Tensor]],
) -> None:
    """Sliced after the model, Trm2 is read at its own 3.125 frames a second; CLS is refused."""
    manifest, state = release
    options = {"family": "fast-vgs", "blocks": 12, "slicing": "features"}
    (file,) = extract(monkeypatch, tokens, manifest, "trm2", **options)
    whole = wave_of(tokens)
    ready = torch.from_numpy((whole - whole.mean()) / whole.std())
    frames = published_forward.fast_vgs(state, TINY, ready)["trm2"]
    assert len(frames) == 5
    # 0.10-0.45 s lies in frames 0 and 1 of 0.32 s, 0.50-1.20 s in frames 1 to 3
    for item, (first, last) in enumerate(((0, 2), (1, 4))):
        expected = frames[first:last].mean(0)
        np.testing.assert_allclose(file.vectors[item], expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(UserError, match="one vector for a whole input"):
        extract(monkeypatch, tokens, manifest, "cls", **options)
