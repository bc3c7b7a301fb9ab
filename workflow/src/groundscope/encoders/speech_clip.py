"""SpeechCLIP (base, parallel): HuBERT, whose layers a small branch maps to CLIP's image space.

Layers 0 to 12 are those of HuBERT base, which was frozen in training (Shih et al. 2022). Named
layers, all behind one transformer block over the learned weighted sum of those 13, with a CLS
frame in front: ``branch``, its frames; ``cls``, its CLS vector behind the norm that follows;
``projection``, that vector in CLIP's space (the authors scale it to length 1). The last two are
one vector a clip.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no job opens a socket

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

from groundscope.encoders.audio_branch import attention_mask
from groundscope.encoders.base import (
    AUDIO_OPTIONS,
    SAMPLE_RATE,
    WEIGHT_OPTIONS,
    AudioEncoder,
    Option,
    Request,
    Sink,
    block_layers,
    check_layers,
    deepest,
)
from groundscope.encoders.converted import check_blocks, describe, fill, read_settings
from groundscope.encoders.pretrained import Taps, Tower
from groundscope.encoders.waveforms import ExactPadding, pad_batch, receptive_field

READS = "audio"
OPTIONS: Mapping[str, Option] = {**AUDIO_OPTIONS, **WEIGHT_OPTIONS}
_FAMILY = "speech-clip"
_NAMED = ("branch", "cls", "projection")


def load(request: Request) -> AudioEncoder:
    """Load HuBERT and the parallel branch (see `encoders.base`)."""
    settings = read_settings(request, _FAMILY)
    speech, branch = settings["speech"], settings["branch"]
    blocks: int = speech["num_hidden_layers"]
    check_blocks(request, blocks)
    check_layers(request.model, request.layers, (*block_layers(blocks), *_NAMED))
    depth = max(deepest(request.layers, blocks), 1)
    wanted = any(name in _NAMED for name in request.layers)
    model = fill(
        request,
        lambda: _Model(speech, blocks, branch),
        lambda: _Model(speech, depth, branch if wanted else None),
    )
    return SpeechClip(model, request.layers, describe(request, model, blocks))


class SpeechClip(AudioEncoder):
    """HuBERT with the branch, exact in padded batches."""

    normalizes = False
    variance_floor = 0.0

    def __init__(self, model: "_Model", layers: Sequence[str], facts: Mapping[str, str]) -> None:
        config = model.speech.config
        self.model = model
        self.layers = frozenset(layers)
        self.facts = facts
        tower = Tower(
            model=model.speech,
            path="encoder.layers",
            blocks=config.num_hidden_layers,
            norm_path="",
            after_norm=False,
            facts=facts,
        )
        summed = self.layers & set(_NAMED)
        self.taps = Taps(tower, block_layers(tower.blocks) if summed else layers)
        self.padding = ExactPadding(model.speech, config.conv_kernel, config.conv_stride)
        self.receptive_field = receptive_field(config.conv_kernel, config.conv_stride)
        self.rate: float = SAMPLE_RATE
        for stride in config.conv_stride:
            self.rate /= stride

    def forward(self, batch: Sequence[Tensor], sink: Sink) -> None:
        """Run waveforms (see `encoders.base`)."""
        values, lengths = pad_batch(batch)
        counts = self.padding.set_lengths(lengths, values.device)
        mask = None
        if len(set(lengths)) > 1:
            ends = torch.tensor(lengths, device=values.device)
            mask = (torch.arange(max(lengths), device=values.device) < ends[:, None]).long()
        summed: list[Tensor] = []
        shares = self.model.shares()

        def deliver(layer: str, hidden: Tensor) -> None:
            if layer in self.layers:
                sink.frames(layer, hidden, counts=counts, rate=self.rate)
            if shares is not None:
                part = shares[int(layer)] * hidden
                summed[:] = [summed[0] + part] if summed else [part]

        self.taps.run(deliver, lambda: self.model.speech(values, attention_mask=mask))
        if summed:
            self._branch(summed[0], counts, sink)

    def _branch(self, frames: Tensor, counts: list[int], sink: Sink) -> None:
        """Deliver the named layers from the weighted sum ``[batch, time, d]``."""
        cls = self.model.cls.expand(len(frames), -1, -1).to(frames.dtype)
        mask = attention_mask(counts, frames.device)
        padding = None if mask is None else ~mask[:, 0, 0]
        hidden = self.model.branch(torch.cat([cls, frames], dim=1), src_key_padding_mask=padding)
        if "branch" in self.layers:
            sink.frames("branch", hidden[:, 1:], counts=counts, rate=self.rate)
        vector = self.model.norm(hidden[:, 0])
        if "cls" in self.layers:
            sink.vectors("cls", vector)
        if "projection" in self.layers:
            sink.vectors("projection", self.model.linear_proj(vector))


class _Model(nn.Module):
    """All weights; the branch only where it is wanted."""

    def __init__(
        self, settings: Mapping[str, Any], blocks: int, branch: Mapping[str, Any] | None
    ) -> None:
        super().__init__()
        config = Wav2Vec2Config(**{**settings, "num_hidden_layers": blocks})
        config._attn_implementation = "sdpa"
        self.speech: Any = Wav2Vec2Model(config)
        self.has_branch = branch is not None
        if branch is None:
            return
        width = config.hidden_size
        self.layer_weights = nn.Parameter(torch.zeros(blocks + 1))
        self.cls = nn.Parameter(torch.randn(1, 1, width))
        self.branch = nn.TransformerEncoderLayer(
            width, branch["heads"], branch["inner"], activation="gelu", batch_first=True
        )
        self.norm = nn.LayerNorm(width)
        self.linear_proj = nn.Linear(width, branch["joint"])

    def shares(self) -> Tensor | None:
        """How much each layer counts in the weighted sum; None without a branch."""
        return self.layer_weights.softmax(0) if self.has_branch else None
