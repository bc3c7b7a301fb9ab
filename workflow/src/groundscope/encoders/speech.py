"""Speech encoders of transformers: wav2vec 2.0 and its relatives, and Whisper's encoder.

One family: wav2vec2 (XLS-R and MMS with it), HuBERT, WavLM, data2vec-audio, UniSpeech,
UniSpeech-SAT, Whisper. Layer 0 enters the first block: behind the positional convolution (and the
norm that post-norm models have there), or behind Whisper's two convolutions and its positions.
Where a norm stands behind the last block (pre-norm models, Whisper), the last layer is before it
for wav2vec 2.0's relatives and behind it for Whisper, unless ``final_norm`` says otherwise: what
``hidden_states[-1]`` is in transformers 5.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from groundscope.encoders.base import (
    SAMPLE_RATE,
    AudioEncoder,
    Request,
    Sink,
    block_layers,
    check_layers,
)
from groundscope.encoders.options import AUDIO_OPTIONS, WEIGHT_OPTIONS, Option
from groundscope.encoders.pretrained import (
    Tower,
    check_blocks,
    load_tower,
    normalizes_waveform,
    read_config,
    registered_class,
    variance_floor,
)
from groundscope.encoders.taps import Taps
from groundscope.encoders.waveforms import ExactPadding, pad_batch, receptive_field
from groundscope.encoders.whisper import WhisperLike
from groundscope.errors import UserError

READS = "audio"
OPTIONS: Mapping[str, Option] = {
    **AUDIO_OPTIONS,
    **WEIGHT_OPTIONS,
    "final_norm": Option("default", ("default", "before", "after")),
    "window_s": Option(None, (), float),
}
# Values of ``model_type``.
KINDS = (
    "wav2vec2",
    "hubert",
    "wavlm",
    "data2vec-audio",
    "unispeech",
    "unispeech-sat",
    "whisper",
)


def load(request: Request) -> AudioEncoder:
    """Load a speech encoder (see `encoders.base`)."""
    config = read_config(request.checkpoint, request.model)
    if config.model_type not in KINDS:
        message = (
            f"models.{request.model}: its checkpoint is a {config.model_type!r} model; the family "
            f"speech reads {', '.join(KINDS)}"
        )
        raise UserError(message)
    check_blocks(request, config.num_hidden_layers)
    check_layers(request.model, request.layers, block_layers(config.num_hidden_layers))
    if config.model_type == "whisper":
        return WhisperLike.load(request, config)
    if request.options["window_s"] is not None:
        message = (
            f"models.{request.model}.window_s: only Whisper has a window, and its checkpoint is a "
            f"{config.model_type!r} model; expected null"
        )
        raise UserError(message)
    return Wav2Vec2Like.load(request, config)


class Wav2Vec2Like(AudioEncoder):
    """wav2vec 2.0 and its relatives, exact in padded batches."""

    def __init__(
        self,
        tower: Tower,
        layers: Sequence[str],
        *,
        normalizes: bool | None,
        variance_floor: float,
    ) -> None:
        config = tower.model.config
        self.tower = tower
        self.taps = Taps(tower, layers)
        self.padding = ExactPadding(tower.model, config.conv_kernel, config.conv_stride)
        self.receptive_field = receptive_field(config.conv_kernel, config.conv_stride)
        self.rate = SAMPLE_RATE
        for stride in config.conv_stride:
            self.rate /= stride
        self.normalizes = normalizes
        self.variance_floor = variance_floor
        self.facts = tower.facts

    @classmethod
    def load(cls, request: Request, config: Any) -> "Wav2Vec2Like":
        """Build it from a request."""
        # neither is needed to reach the blocks: training-time masks, and a downsampling adapter
        config.mask_time_prob = config.mask_feature_prob = 0.0
        config.add_adapter = False
        pre_norm = getattr(config, "do_stable_layer_norm", False)
        tower = load_tower(
            request,
            config,
            registered_class(request, config),
            last_layer=lambda *_: ("encoder.layer_norm" if pre_norm else "", False),
        )
        return cls(
            tower,
            request.layers,
            normalizes=normalizes_waveform(request.checkpoint),
            variance_floor=variance_floor(request.checkpoint),
        )

    def forward(self, batch: Sequence[Tensor], sink: Sink) -> None:
        """Run waveforms (see `encoders.base`)."""
        values, lengths = pad_batch(batch)
        counts = self.padding.set_lengths(lengths, values.device)
        mask = None
        if len(set(lengths)) > 1:
            mask = torch.zeros(values.shape, dtype=torch.int64, device=values.device)
            for item, length in enumerate(lengths):
                mask[item, :length] = 1
        with warnings.catch_warnings():
            # transformers' WavLM passes a boolean mask beside its float position bias
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")
            self.taps.run(
                lambda layer, hidden: sink.frames(layer, hidden, counts=counts, rate=self.rate),
                lambda: self.tower.model(values, attention_mask=mask),
            )
