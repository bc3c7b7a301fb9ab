"""Recordings that the aligner reads as a stream: their level, and damage, which is one line."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional

from groundscope.alignment.recording import Excerpt, measure
from groundscope.errors import UserError


def test_the_level_of_a_quiet_recording_is_that_of_pytorch_s_layer_norm(tmp_path: Path) -> None:
    """With the floor of 1e-5 of torchaudio's releases, over blocks that are read in turn."""
    samples = np.random.default_rng(0).normal(0.001, 0.003, 400_000).astype(np.float32)
    soundfile.write(tmp_path / "quiet.wav", samples, 16_000, subtype="FLOAT")
    level = measure(Excerpt(tmp_path / "quiet.wav"), 1e-5)
    wanted = functional.layer_norm(torch.from_numpy(samples).double(), samples.shape)
    found = (samples.astype(np.float64) - level.mean) / level.deviation
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("suffix", "message"),
    [("flac", "is not readable audio"), ("mp3", r"is truncated: \d+ of the samples announced")],
)
def test_what_ends_too_early_is_one_line(tmp_path: Path, suffix: str, message: str) -> None:
    """Neither an error of the decoder nor a wait for samples that never come."""
    noise = 0.1 * np.random.default_rng(0).normal(size=400_000)
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, noise, 16_000)
    assert measure(Excerpt(path), 0.0).samples == 400_000
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(UserError, match=rf"cut\.{suffix} {message}") as caught:
        measure(Excerpt(path), 0.0)
    assert "\n" not in str(caught.value)


def test_what_is_no_audio_is_one_line(tmp_path: Path) -> None:
    """A file that cannot be opened is named."""
    with pytest.raises(UserError, match=r"none\.wav is not readable audio"):
        measure(Excerpt(tmp_path / "none.wav"), 0.0)
