"""CTC speech models of transformers: log probabilities of their labels, frame by frame."""

import math
import os
from dataclasses import dataclass
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no job opens a socket

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers.initialization import no_init_weights

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.foreign import refusing
from groundscope.encoders.pretrained import (
    normalizes_waveform,
    read_config,
    variance_floor,
    warn_of_own_code,
)
from groundscope.encoders.products import single_precision
from groundscope.encoders.waveforms import frame_count, receptive_field
from groundscope.encoders.weights import check_finite, match_names, read_tensors
from groundscope.errors import UserError

_HEAD = "lm_head.weight"
_KINDS = ("wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat")


@dataclass(frozen=True)
class CtcModel:
    """A loaded model.

    Attributes
    ----------
    model
        In eval mode, on the device.
    stride, receptive_field
        Samples from frame to frame, and that a frame is computed from before the blocks.
    normalizes
        Whether it expects waveforms with zero mean and unit variance.
    variance_floor
        Added to the variance before the root.
    """

    model: Any
    stride: int
    receptive_field: int
    normalizes: bool
    variance_floor: float

    @property
    def labels(self) -> int:
        """Count the labels."""
        return int(self.model.config.vocab_size)

    def frames(self, samples: int) -> int:
        """Count the frames of so many samples."""
        config = self.model.config
        if samples < self.receptive_field:
            return 0
        return frame_count(samples, config.conv_kernel, config.conv_stride)

    def log_probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run a waveform, 16 kHz; return float32 ``[frames, labels]``."""
        with torch.inference_mode(), single_precision(self.model.device):
            values = torch.from_numpy(samples)[None].to(self.model.device)
            logits = self.model(values).logits[0]
            result: NDArray[np.float32] = logits.float().log_softmax(-1).cpu().numpy()
        return result


def load_ctc(checkpoint: Checkpoint, device: torch.device) -> CtcModel:
    """Load a model strictly.

    Raises
    ------
    UserError
        It is no speech model, has no CTC head, or its weights do not fit or are not finite.
    """
    where = checkpoint.source
    config = read_config(checkpoint, where)
    if config.model_type not in _KINDS:
        message = f"{where} is a {config.model_type!r} model; expected one of {', '.join(_KINDS)}"
        raise UserError(message)
    if getattr(config, "add_adapter", False):
        message = f"{where} has a downsampling adapter, which blurs times: not supported"
        raise UserError(message)
    tensors = read_tensors(checkpoint)
    if _HEAD not in tensors:
        message = f"{where} has no CTC head ({_HEAD}): a model fine-tuned with CTC is needed"
        raise UserError(message)
    normalizes = normalizes_waveform(checkpoint)
    if normalizes is None:
        message = f"{where}: preprocessor_config.json with do_normalize is missing"
        raise UserError(message)
    config.mask_time_prob = config.mask_feature_prob = 0.0  # of training
    auto: Any = transformers.AutoModelForCTC
    with refusing(where), torch.device("meta"):
        shapes = auto.from_config(config).state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in shapes.items()}
    state, _ = match_names(tensors, expected, prefixes=("",), where=where)
    check_finite(state, where)
    with no_init_weights():
        model = auto.from_config(config)
    warn_of_own_code(where, config, type(model))
    model.load_state_dict({name: each.float() for name, each in state.items()}, assign=True)
    return CtcModel(
        model.to(device).eval(),
        math.prod(config.conv_stride),
        receptive_field(config.conv_kernel, config.conv_stride),
        normalizes,
        variance_floor(checkpoint),
    )
