"""Whisper's encoder: a fixed window of log-mel frames, so batches are exact as they are."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from groundscope.encoders.base import SAMPLE_RATE, AudioEncoder, Request, Sink
from groundscope.encoders.mel import mel_filters, power_spectrogram
from groundscope.encoders.pretrained import Tower, load_tower
from groundscope.encoders.taps import Taps
from groundscope.errors import UserError

_N_FFT, _HOP = 400, 160
_SAMPLES_PER_FRAME = 2 * _HOP


class WhisperLike(AudioEncoder):
    """The encoder with its own log-mel front end; words are pooled over valid frames only."""

    normalizes = False

    def __init__(self, tower: Tower, layers: Sequence[str]) -> None:
        config = tower.model.config
        self.tower = tower
        self.taps = Taps(tower, layers)
        self.window = config.max_source_positions * _SAMPLES_PER_FRAME
        filters = torch.from_numpy(mel_filters(config.num_mel_bins, _N_FFT)).float()
        self.filters = filters.to(tower.model.device)
        self.facts = {**tower.facts, "window_s": f"{self.window / SAMPLE_RATE:g}"}

    @classmethod
    def load(cls, request: Request, config: Any) -> "WhisperLike":
        """Build it from a request."""
        positions = _positions(request, config.max_source_positions)

        def cut(short: Any, state: dict[str, Tensor]) -> None:
            short.max_source_positions = positions
            state["embed_positions.weight"] = state["embed_positions.weight"][:positions].clone()

        tower = load_tower(
            request,
            config,
            WhisperEncoder,
            last_layer=lambda *_: ("layer_norm", True),
            prefixes=("model.encoder.", "encoder."),
            cut=cut,
        )
        return cls(tower, request.layers)

    def forward(self, batch: Sequence[Tensor], sink: Sink) -> None:
        """Run waveforms (see `encoders.base`)."""
        assert self.window is not None
        waves = batch[0].new_zeros(len(batch), self.window)
        for row, clip in zip(waves, batch, strict=True):
            row[: len(clip)] = clip
        counts = [-(-len(clip) // _SAMPLES_PER_FRAME) for clip in batch]
        rate = SAMPLE_RATE / _SAMPLES_PER_FRAME
        self.taps.run(
            lambda layer, hidden: sink.frames(layer, hidden, counts=counts, rate=rate),
            lambda: self.tower.model(self.log_mel(waves)),
        )

    def log_mel(self, waves: Tensor) -> Tensor:
        """Whisper's input, ``[batch, bands, frames]``, from waveforms that fill the window.

        Decimal logarithm of the mel power, no lower than 8 below the clip's highest value, then
        shifted and scaled (Radford et al. 2022, section 2.2; released preprocessing).
        """
        with torch.autocast(waves.device.type, enabled=False):
            power = power_spectrogram(waves, _N_FFT, _HOP, centred=True)[..., :-1]
            log = (self.filters.T @ power).clamp(min=1e-10).log10()
            highest = log.amax(dim=(1, 2), keepdim=True)
            return (torch.maximum(log, highest - 8.0) + 4.0) / 4.0


def _positions(request: Request, full: int) -> int:
    """Frames of the configured window."""
    seconds: float | None = request.options["window_s"]
    if seconds is None:
        return full
    positions = round(seconds * SAMPLE_RATE / _SAMPLES_PER_FRAME)
    if not 1 <= positions <= full:
        longest = full * _SAMPLES_PER_FRAME / SAMPLE_RATE
        message = f"models.{request.model}.window_s: {seconds:g} is not within 0.02 to {longest:g}"
        raise UserError(message)
    return positions
