"""VG-HuBERT: HuBERT base trained on with images, with a CLS frame.

The CLS frame is put in front behind the positional convolution, and the waveform is not normalised
(Peng & Harwath 2022, "Word discovery in visually grounded, self-supervised speech models").
Layers 0 to 12. Named layers, one vector a clip each: ``cls``, the CLS frame behind the last block;
``projection``, that vector in the space in which speech is matched with images.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from groundscope.encoders.audio_branch import (
    AudioBranch,
    GroundedSpeech,
)
from groundscope.encoders.base import (
    AudioEncoder,
    Request,
    Sink,
    block_layers,
    check_layers,
    deepest,
)
from groundscope.encoders.converted import check_blocks, describe, fill, read_settings
from groundscope.encoders.options import AUDIO_OPTIONS, WEIGHT_OPTIONS, Option

READS = "audio"
OPTIONS: Mapping[str, Option] = {**AUDIO_OPTIONS, **WEIGHT_OPTIONS}
_FAMILY = "vg-hubert"
_CLS, _PROJECTION = "cls", "projection"


def load(request: Request) -> AudioEncoder:
    """Load the audio branch (see `encoders.base`)."""
    settings = read_settings(request, _FAMILY)
    speech, joint = settings["speech"], settings["projection_size"]
    blocks: int = speech["num_hidden_layers"]
    check_blocks(request, blocks)
    named = (_CLS,) if joint is None else (_CLS, _PROJECTION)
    check_layers(request.model, request.layers, (*block_layers(blocks), *named))
    model = fill(
        request,
        lambda: _Model(speech, blocks, joint),
        lambda: _Model(
            speech,
            deepest(request.layers, blocks),
            joint if _PROJECTION in request.layers else None,
        ),
    )
    return VgHubert(
        model,
        request.layers,
        cls_before_positions=False,
        normalizes=settings["normalizes"],
        facts=describe(request, model, blocks),
    )


class VgHubert(GroundedSpeech):
    """The audio branch with its projection into the joint space."""

    def after_block(self, index: int, hidden: Tensor, counts: list[int], sink: Sink) -> None:
        """Deliver the CLS vector of the last block (named layers need all of them built)."""
        if index < len(self.branch.speech.encoder.layers):
            return
        if _CLS in self.layers:
            sink.vectors(_CLS, hidden[:, 0])
        if _PROJECTION in self.layers:
            assert isinstance(self.branch, _Model)
            sink.vectors(_PROJECTION, self.branch.audio_cls_token_proj(hidden[:, 0]))


class _Model(AudioBranch):
    """All weights under their released names, the projection only where it is wanted."""

    def __init__(self, settings: Mapping[str, Any], blocks: int, joint: int | None) -> None:
        super().__init__(settings, blocks)
        if joint is not None:
            width = settings["hidden_size"]
            self.audio_cls_token_proj = nn.Sequential(
                nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, joint)
            )
