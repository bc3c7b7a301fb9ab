"""FaST-VGS and FaST-VGS+: speech encoders trained to match spoken captions with images.

wav2vec 2.0 base with a learned CLS frame that the positional convolution sees as frame 0 (Peng &
Harwath 2022). Layers 0 to 12 (8 for FaST-VGS): blocks 1 to 8 lie on the way to the images (Trm1),
9 to 12 serve the masked speech loss only (Trm3). Named layers:

``trm2``
    Frames behind the grounding path: output of block 8, convolution stages that shorten it 16
    times, one more transformer block. About 3 frames a second.
``cls``
    The CLS vector behind that block: one vector a clip.
``projection``
    That vector in the space in which speech is matched with images.

The released code leaves the last, partly filled frame of ``trm2`` out of attention for some
lengths (it divides by a rounded ratio); here every frame that stands for samples takes part.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig
from transformers.models.bert import modeling_bert

from groundscope.encoders.audio_branch import (
    AudioBranch,
    GroundedSpeech,
    attention_mask,
)
from groundscope.encoders.base import AudioEncoder, Request, Sink, block_layers, check_layers
from groundscope.encoders.converted import check_blocks, describe, fill, read_settings
from groundscope.encoders.options import AUDIO_OPTIONS, WEIGHT_OPTIONS, Option

READS = "audio"
OPTIONS: Mapping[str, Option] = {**AUDIO_OPTIONS, **WEIGHT_OPTIONS}
_FAMILY = "fast-vgs"
_NAMED = ("cls", "trm2", "projection")
_WIDTH = 9


def load(request: Request) -> AudioEncoder:
    """Load the audio branch (see `encoders.base`)."""
    settings = read_settings(request, _FAMILY)
    speech, grounding = settings["speech"], settings["grounding"]
    blocks: int = speech["num_hidden_layers"]
    check_blocks(request, blocks)
    check_layers(request.model, request.layers, (*block_layers(blocks), *_NAMED))
    depth = max(
        int(name) if name.isdecimal() else grounding["tapped_block"] for name in request.layers
    )
    grounded = any(name in _NAMED for name in request.layers)
    model = fill(
        request,
        lambda: _Model(speech, blocks, grounding),
        lambda: _Model(speech, depth, grounding if grounded else None),
    )
    return FastVgs(
        model,
        request.layers,
        cls_before_positions=True,
        normalizes=settings["normalizes"],
        facts={
            **describe(request, model, blocks),
            "tapped_block": str(grounding["tapped_block"]),
        },
    )


class FastVgs(GroundedSpeech):
    """The audio branch with its grounding path."""

    def after_block(self, index: int, hidden: Tensor, counts: list[int], sink: Sink) -> None:
        """Run the grounding path from the block that it taps."""
        model = self.branch
        assert isinstance(model, _Model)
        if index != model.tapped_block or not self.layers & set(_NAMED):
            return
        frames, shorter = model.conv2(hidden[:, 1:], counts)
        cls = model.audio_cls_token_proj_pre(hidden[:, :1])
        mask = attention_mask(shorter, hidden.device)
        joined = model.trm2(torch.cat([cls, frames], dim=1), attention_mask=mask)
        if "trm2" in self.layers:
            rate = self.rate / 2 ** len(model.conv2.stages)
            sink.frames("trm2", joined[:, 1:], counts=shorter, rate=rate)
        if "cls" in self.layers:
            sink.vectors("cls", joined[:, 0])
        if "projection" in self.layers:
            sink.vectors("projection", model.trm2_proj(joined[:, 0]))


class _Model(AudioBranch):
    """All weights under their released names, the grounding path only where it is wanted."""

    def __init__(
        self, settings: Mapping[str, Any], blocks: int, grounding: Mapping[str, Any] | None
    ) -> None:
        super().__init__(settings, blocks)
        self.tapped_block = None if grounding is None else grounding["tapped_block"]
        if grounding is None:
            return
        width = settings["hidden_size"]
        config = BertConfig(
            hidden_size=width,
            intermediate_size=grounding["intermediate_size"],
            num_attention_heads=grounding["num_attention_heads"],
            layer_norm_eps=grounding["layer_norm_eps"],
            hidden_act="gelu",
        )
        config._attn_implementation = "sdpa"
        self.conv2 = _ResDavenet(width, grounding["conv_widths"])
        self.audio_cls_token_proj_pre = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        layer: Any = modeling_bert.BertLayer
        self.trm2 = layer(config)
        self.trm2_proj = nn.Linear(width, width)


class _ResDavenet(nn.Module):
    """Residual convolutions over time; each stage halves the number of frames (rounded up).

    Padded frames are set to zero before each convolution: what a single clip has there.
    """

    def __init__(self, width: int, widths: list[int]) -> None:
        super().__init__()
        self.linear = nn.Linear(width, widths[0])
        self.bn1 = nn.BatchNorm1d(widths[0])
        self.stages = range(1, len(widths))
        for stage in self.stages:
            before, after = widths[stage - 1], widths[stage]
            blocks = nn.Sequential(_Residual(before, after, 2), _Residual(after, after, 1))
            self.add_module(f"layer{stage}", blocks)

    def forward(self, frames: Tensor, counts: list[int]) -> tuple[Tensor, list[int]]:
        """Give ``[batch, shorter time, d]`` and valid frames, from ``[batch, time, d]``."""
        hidden = functional.relu(self.bn1(self.linear(frames).transpose(1, 2)))
        hidden = _zero_padding(hidden, counts)
        for stage in self.stages:
            for block in getattr(self, f"layer{stage}"):
                counts = [-(-count // block.stride) for count in counts]
                hidden = block(hidden, counts)
        return hidden.transpose(1, 2), counts


class _Residual(nn.Module):
    """Two convolutions over time beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv1d(before, after, _WIDTH, stride, _WIDTH // 2, bias=False)
        self.bn1 = nn.BatchNorm1d(after)
        self.conv2 = nn.Conv1d(after, after, _WIDTH, 1, _WIDTH // 2, bias=False)
        self.bn2 = nn.BatchNorm1d(after)
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv1d(before, after, 1, stride, bias=False), nn.BatchNorm1d(after)
            )

    def forward(self, entering: Tensor, counts: list[int]) -> Tensor:
        """Give ``[batch, after, time / stride]``; `counts` are the valid frames of the output."""
        shortcut = self.downsample(entering) if self.stride > 1 else entering
        hidden = _zero_padding(functional.relu(self.bn1(self.conv1(entering))), counts)
        hidden = functional.relu(self.bn2(self.conv2(hidden)) + shortcut)
        return _zero_padding(hidden, counts)


def _zero_padding(hidden: Tensor, counts: list[int]) -> Tensor:
    """Zero what lies beyond the valid frames of ``[batch, channels, time]``."""
    if len(set(counts)) == 1:
        return hidden
    time = torch.arange(hidden.shape[2], device=hidden.device)
    return hidden * (time < torch.tensor(counts, device=hidden.device)[:, None])[:, None, :]
