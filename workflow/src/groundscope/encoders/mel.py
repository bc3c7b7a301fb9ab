"""Mel spectrograms, as arithmetic on tensors: no audio library.

Mel scale and filters after Slaney's Auditory Toolbox (1998), as Whisper uses them.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundscope.encoders.base import SAMPLE_RATE

_BREAK_HZ = 1000.0
_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel scale: linear to 1 kHz, logarithmic above."""
    above = _BREAK_HZ / _LINEAR_HZ_PER_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / (
        _LOG_STEP
    )
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ_PER_MEL, above)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of `hz_to_mel`."""
    start = _BREAK_HZ / _LINEAR_HZ_PER_MEL
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, start) - start))
    return np.where(mel < start, mel * _LINEAR_HZ_PER_MEL, above)


def mel_filters(bands: int, n_fft: int) -> NDArray[np.float64]:
    """Triangular filters of unit area, 0 Hz to Nyquist, ``[n_fft // 2 + 1, bands]``."""
    top = hz_to_mel(np.array(SAMPLE_RATE / 2))
    edges = mel_to_hz(np.linspace(0.0, float(top), bands + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, n_fft // 2 + 1)
    width = np.diff(edges)
    slopes = edges[None, :] - bins[:, None]
    down = -slopes[:, :-2] / width[:-1]
    up = slopes[:, 2:] / width[1:]
    triangles = np.maximum(0.0, np.minimum(down, up))
    filters: NDArray[np.float64] = triangles * (2.0 / (edges[2:] - edges[:-2]))
    return filters


def power_spectrogram(waves: Tensor, n_fft: int, hop: int, *, centred: bool) -> Tensor:
    """Squared magnitudes in a periodic Hann window, ``[..., n_fft // 2 + 1, frames]``.

    Parameters
    ----------
    waves
        float32, ``[..., samples]``.
    n_fft, hop
        Window and step in samples.
    centred
        Frames are centred on multiples of the step (the ends are mirrored), not begun there.
    """
    window = torch.hann_window(n_fft, device=waves.device)
    spectrum = torch.stft(
        waves, n_fft, hop, window=window, center=centred, pad_mode="reflect", return_complex=True
    )
    # not `abs`, whose square root takes four times as long
    return spectrum.real.square() + spectrum.imag.square()
