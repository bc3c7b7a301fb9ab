"""SpeechCLIP: HuBERT, whose layers a small branch maps to CLIP's image space.

Numbered layers are those of HuBERT base or large, which was frozen in training (Shih et al. 2022);
of large, the last one is taken before the final norm, as the authors do. Named layers come from the
branch behind the learned weighted sum of all of them: ``branch``, its frames, and ``projection``,
the recording in CLIP's space (the authors scale it to length 1); of parallel models also ``cls``,
the CLS vector, and of cascaded models ``keywords``, the keyword vectors one behind another. All but
``branch`` are one vector a clip.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no job opens a socket

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Wav2Vec2Config, Wav2Vec2Model

from groundscope.encoders.base import (
    SAMPLE_RATE,
    AudioEncoder,
    Request,
    Sink,
    block_layers,
    check_layers,
    deepest,
)
from groundscope.encoders.converted import check_blocks, describe, fill, read_settings
from groundscope.encoders.options import AUDIO_OPTIONS, WEIGHT_OPTIONS, Option
from groundscope.encoders.pretrained import Tower
from groundscope.encoders.speech_clip_branches import CascadedBranch, ParallelBranch
from groundscope.encoders.taps import Taps
from groundscope.encoders.waveforms import ExactPadding, pad_batch, receptive_field

READS = "audio"
OPTIONS: Mapping[str, Option] = {**AUDIO_OPTIONS, **WEIGHT_OPTIONS}
_FAMILY = "speech-clip"
_BRANCHES: Mapping[str, type[ParallelBranch | CascadedBranch]] = {
    "parallel": ParallelBranch,
    "cascaded": CascadedBranch,
}


def load(request: Request) -> AudioEncoder:
    """Load HuBERT and the parallel branch (see `encoders.base`)."""
    settings = read_settings(request, _FAMILY)
    speech, branch = settings["speech"], settings["branch"]
    blocks: int = speech["num_hidden_layers"]
    check_blocks(request, blocks)
    named = _BRANCHES[branch["kind"]].NAMED
    check_layers(request.model, request.layers, (*block_layers(blocks), *named))
    depth = max(deepest(request.layers, blocks), 1)
    wanted = any(name in named for name in request.layers)
    model = fill(
        request,
        lambda: _Model(speech, blocks, branch),
        lambda: _Model(speech, depth, branch if wanted else None),
    )
    facts = {**describe(request, model, blocks), "branch": branch["kind"]}
    return SpeechClip(model, request.layers, facts, normalizes=settings["normalizes"])


class SpeechClip(AudioEncoder):
    """HuBERT with the branch, exact in padded batches."""

    variance_floor = 1e-5  # that of PyTorch's layer norm, which the authors normalise with

    def __init__(
        self,
        model: "_Model",
        layers: Sequence[str],
        facts: Mapping[str, str],
        *,
        normalizes: bool,
    ) -> None:
        config = model.speech.config
        self.model = model
        self.normalizes: bool = normalizes
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
        summed = model.branch is not None
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

        def deliver(layer: str, hidden: Tensor) -> None:
            if layer in self.layers:
                sink.frames(layer, hidden, counts=counts, rate=self.rate)
            if self.model.branch is not None:
                part = self.model.share(int(layer), hidden, normed=self.normalizes)
                summed[:] = [summed[0] + part] if summed else [part]

        self.taps.run(deliver, lambda: self.model.speech(values, attention_mask=mask))
        if self.model.branch is None:
            return
        ends = torch.tensor(counts, device=values.device)
        times = torch.arange(summed[0].shape[1], device=values.device)
        padding = None if len(set(counts)) == 1 else times >= ends[:, None]
        for layer, found in self.model.branch(summed[0], padding).items():
            if layer in self.layers and layer == "branch":
                sink.frames(layer, found, counts=counts, rate=self.rate)
            elif layer in self.layers:
                sink.vectors(layer, found)


class _Model(nn.Module):
    """All weights; the branch only where it is wanted."""

    def __init__(
        self, settings: Mapping[str, Any], blocks: int, branch: Mapping[str, Any] | None
    ) -> None:
        super().__init__()
        config = Wav2Vec2Config(**{**settings, "num_hidden_layers": blocks})
        config._attn_implementation = "sdpa"
        self.speech: Any = Wav2Vec2Model(config)
        self.branch: nn.Module | None = None
        if branch is not None:
            self.layer_weights = nn.Parameter(torch.zeros(blocks + 1))
            self.branch = _BRANCHES[branch["kind"]](config.hidden_size, branch)

    def share(self, layer: int, hidden: Tensor, *, normed: bool) -> Tensor:
        """Give the part of the weighted sum that is layer `layer`."""
        if normed:
            hidden = functional.layer_norm(hidden, hidden.shape[-1:])
        return self.layer_weights.softmax(0)[layer] * hidden
