"""The audio branch that grounded speech models share: wav2vec 2.0 or HuBERT with a CLS frame."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no job opens a socket

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

from groundscope.encoders.base import SAMPLE_RATE, AudioEncoder, Sink
from groundscope.encoders.waveforms import ExactPadding, pad_batch, receptive_field


class AudioBranch(nn.Module):
    """Convolutions, positional convolution, CLS frame, transformer blocks.

    Parameters
    ----------
    settings
        Of ``Wav2Vec2Config``; `blocks` replaces its number of blocks.
    blocks
        Blocks to build.
    """

    def __init__(self, settings: Mapping[str, Any], blocks: int) -> None:
        super().__init__()
        config = Wav2Vec2Config(**{**settings, "num_hidden_layers": blocks})
        config._attn_implementation = "sdpa"
        self.speech: Any = Wav2Vec2Model(config)
        self.cls_token = nn.Parameter(torch.randn(1, 1, config.hidden_size))


class GroundedSpeech(AudioEncoder):
    """Runs an `AudioBranch` block by block, exact in padded batches.

    Parameters
    ----------
    branch
        In eval mode, on the device.
    layers
        Wanted layers.
    cls_before_positions
        Whether the positional convolution sees the CLS frame as frame 0.
    normalizes, facts
        As in `AudioEncoder`.
    """

    variance_floor = 0.0

    def __init__(
        self,
        branch: AudioBranch,
        layers: Sequence[str],
        *,
        cls_before_positions: bool,
        normalizes: bool,
        facts: Mapping[str, str],
    ) -> None:
        config = branch.speech.config
        self.branch = branch
        self.layers = frozenset(layers)
        self.cls_before_positions = cls_before_positions
        self.normalizes = normalizes
        self.facts = facts
        leading = 1 if cls_before_positions else 0
        self.padding = ExactPadding(
            branch.speech, config.conv_kernel, config.conv_stride, leading=leading
        )
        self.receptive_field = receptive_field(config.conv_kernel, config.conv_stride)
        self.rate: float = SAMPLE_RATE
        for stride in config.conv_stride:
            self.rate /= stride

    def forward(self, batch: Sequence[Tensor], sink: Sink) -> None:
        """Run waveforms (see `encoders.base`)."""
        values, lengths = pad_batch(batch)
        counts = self.padding.set_lengths(lengths, values.device)
        mask = attention_mask(counts, values.device)
        hidden = self._enter(values)
        for index in range(len(self.branch.speech.encoder.layers) + 1):
            if index:
                block = self.branch.speech.encoder.layers[index - 1]
                hidden = block(hidden, attention_mask=mask)
            if str(index) in self.layers:
                sink.frames(str(index), hidden[:, 1:], counts=counts, rate=self.rate)
            self.after_block(index, hidden, counts, sink)

    def after_block(self, index: int, hidden: Tensor, counts: list[int], sink: Sink) -> None:
        """Deliver named layers that begin at the output of block `index`, CLS frame first."""

    def _enter(self, values: Tensor) -> Tensor:
        """Make what enters the first block, CLS frame first: ``[batch, 1 + time, d]``."""
        speech = self.branch.speech
        features = speech.feature_extractor(values).transpose(1, 2)
        hidden, _ = speech.feature_projection(features)
        cls = self.branch.cls_token.expand(len(hidden), -1, -1).to(hidden.dtype)
        if self.cls_before_positions:
            hidden = torch.cat([cls, hidden], dim=1)
        hidden = hidden + speech.encoder.pos_conv_embed(hidden)
        if not self.cls_before_positions:
            hidden = torch.cat([cls, hidden], dim=1)
        entered: Tensor = speech.encoder.layer_norm(hidden)
        return entered


def attention_mask(counts: Sequence[int], device: torch.device) -> Tensor | None:
    """Which frames behind a leading CLS frame may be attended to, bool ``[batch, 1, 1, 1 + time]``.

    None where nothing is padded.
    """
    if len(set(counts)) == 1:
        return None
    ends = torch.tensor(counts, device=device) + 1
    return (torch.arange(max(counts) + 1, device=device) < ends[:, None])[:, None, None, :]
