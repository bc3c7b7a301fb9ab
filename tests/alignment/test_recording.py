"""Recordings that the aligner reads as a stream: what is damaged ends it with one line."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from groundscope.alignment.recording import Excerpt, measure
from groundscope.errors import UserError


@pytest.mark.parametrize(
    ("suffix", "message"),
    [("flac", "is not readable audio"), ("mp3", r"is truncated: \d+ of the samples announced")],
)
def test_what_ends_too_early_is_one_line(tmp_path: Path, suffix: str, message: str) -> None:
    """Neither an error of the decoder nor a wait for samples that never come."""
    noise = 0.1 * np.random.default_rng(0).normal(size=400_000)
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, noise, 16_000)
    assert measure(Excerpt(path)).samples == 400_000
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(UserError, match=rf"cut\.{suffix} {message}") as caught:
        measure(Excerpt(path))
    assert "\n" not in str(caught.value)


def test_what_is_no_audio_is_one_line(tmp_path: Path) -> None:
    """A file that cannot be opened is named."""
    with pytest.raises(UserError, match=r"none\.wav is not readable audio"):
        measure(Excerpt(tmp_path / "none.wav"))
