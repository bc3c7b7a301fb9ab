"""A baseline that has learned nothing: log-mel frames, pooled like any layer.

Layer "0" is its only one: 80 bands, windows of 25 ms every 10 ms from the first sample, natural
logarithm of the power.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from groundscope.encoders.base import SAMPLE_RATE, AudioEncoder, Request, Sink, check_layers
from groundscope.encoders.mel import mel_filters, power_spectrogram
from groundscope.encoders.options import AUDIO_OPTIONS, Option
from groundscope.encoders.waveforms import frame_count, pad_batch

READS = "audio"
OPTIONS: Mapping[str, Option] = {
    name: option for name, option in AUDIO_OPTIONS.items() if name != "precision"
}
_BANDS, _N_FFT, _HOP = 80, 400, 160
# the quantisation noise of 16-bit audio in one band: digital silence has no logarithm
_FLOOR = 1e-10


def load(request: Request) -> AudioEncoder:
    """Load the baseline (see `encoders.base`)."""
    check_layers(request.model, request.layers, ("0",))
    return LogMel(request)


class LogMel(AudioEncoder):
    """Log-mel filterbank frames."""

    receptive_field = _N_FFT

    def __init__(self, request: Request) -> None:
        filters = torch.from_numpy(mel_filters(_BANDS, _N_FFT)).float()
        self.filters = filters.to(request.device)
        self.facts = {"bands": str(_BANDS), "window_samples": str(_N_FFT), "hop": str(_HOP)}

    def forward(self, batch: Sequence[Tensor], sink: Sink) -> None:
        """Run waveforms (see `encoders.base`)."""
        waves, lengths = pad_batch(batch)
        power = power_spectrogram(waves, _N_FFT, _HOP, centred=False)
        frames = (self.filters.T @ power).clamp(min=_FLOOR).log().transpose(1, 2)
        counts = [frame_count(length, (_N_FFT,), (_HOP,)) for length in lengths]
        sink.frames("0", frames, counts=counts, rate=SAMPLE_RATE / _HOP)
