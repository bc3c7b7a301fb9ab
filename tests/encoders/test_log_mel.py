"""The log-mel baseline and the mel filters, against transformers' own numpy code."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from groundscope.encoders.extraction import Extraction
from groundscope.encoders.mel import hz_to_mel, mel_filters, mel_to_hz
from groundscope.errors import UserError

Recordings = list[tuple[Path, NDArray[np.float32]]]
Extract = Callable[..., Extraction]
MakeTokens = Callable[..., pa.Table]


def _reference_filters(bands: int) -> NDArray[np.float64]:
    filters: NDArray[np.float64] = mel_filter_bank(
        201, bands, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney"
    )
    return filters


@pytest.mark.parametrize("bands", [80, 128])
def test_filters(bands: int) -> None:
    """Slaney's filters, as Whisper uses them."""
    np.testing.assert_allclose(mel_filters(bands, 400), _reference_filters(bands), atol=1e-15)


def test_mel_scale() -> None:
    """Linear below 1 kHz (15 mel there), a factor of 6.4 in 27 mel above; and back."""
    assert hz_to_mel(np.array([500.0, 1000.0, 6400.0])).tolist() == pytest.approx([7.5, 15.0, 42.0])
    hz = np.linspace(0, 8000, 50)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-9)


def test_batched_words_equal_single_spectrograms(
    recordings: Recordings, make_tokens: MakeTokens, run_extraction: Extract
) -> None:
    """The mean log-mel frame of each clip, from transformers' numpy spectrogram of it alone."""
    tokens = make_tokens([{"audio": str(path)} for path, _ in recordings])
    result = run_extraction(tokens, None, {"family": "log-mel"}, ("0",))
    for row, (_, samples) in zip(result.rows, recordings, strict=True):
        frames = spectrogram(
            samples.astype(np.float64),
            window_function(400, "hann"),
            400,
            160,
            center=False,
            power=2.0,
            mel_filters=_reference_filters(80),
            mel_floor=1e-10,
        )
        wanted = np.log(frames).mean(axis=1)
        np.testing.assert_allclose(result.vectors["0"][row], wanted, rtol=0, atol=1e-4)


def test_it_has_one_layer(make_tokens: MakeTokens, run_extraction: Extract) -> None:
    """Any other is refused."""
    with pytest.raises(UserError, match="no layer '1'; this model has 0"):
        run_extraction(make_tokens([{}]), None, {"family": "log-mel"}, ("1",))
