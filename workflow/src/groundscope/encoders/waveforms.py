"""Padded batches of waveforms that give what each waveform gives alone.

Two things in wav2vec 2.0-like encoders let padding leak into valid frames: the group norm of the
first convolution, whose statistics run over time, and positional convolutions, which see padded
frames where a single clip has zeros. `ExactPadding` mends both in a loaded transformers model.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from groundscope.errors import UserError


def pad_batch(clips: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
    """Waveforms padded with zeros on the right, ``[batch, samples]``, and their lengths."""
    return nn.utils.rnn.pad_sequence(list(clips), batch_first=True), [len(clip) for clip in clips]


def frame_count(samples: int, kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Frames that a stack of unpadded convolutions makes of `samples` samples."""
    for kernel, stride in zip(kernels, strides, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Fewest samples that give one frame.

    Raises
    ------
    UserError
        A kernel or a stride is no positive number.
    """
    if min(*kernels, *strides) < 1:
        message = f"conv_kernel {kernels}, conv_stride {strides}: expected positive numbers"
        raise UserError(message)
    samples = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples


class _ValidGroupNorm(nn.Module):
    """A group norm of one channel a group whose statistics come from valid frames only.

    What it makes of the frames behind them is of no use and reaches no valid frame: the
    convolutions that follow are not padded.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        if norm.num_groups != norm.num_channels:
            message = f"expected one channel a group, got {norm}"
            raise ValueError(message)
        self.norm = norm
        self.counts: list[int] | None = None

    def forward(self, hidden: Tensor) -> Tensor:
        """Normalise ``[batch, channels, time]``."""
        # statistics of half-precision sums would be worthless
        values = hidden.float()
        if self.counts is None:
            # autocast would leave it in half precision on a CPU, unlike on a GPU and below
            with torch.autocast(hidden.device.type, enabled=False):
                normed: Tensor = self.norm(values)
            return normed
        counts = torch.tensor(self.counts, device=values.device)[:, None, None]
        valid = torch.arange(values.shape[-1], device=values.device) < counts
        # in place and in two passes: torch.var_mean takes ten times as long on a CPU
        mean = values.mul_(valid).sum(dim=-1, keepdim=True) / counts
        values.sub_(mean).mul_(valid)
        variance = torch.linalg.vector_norm(values, dim=-1, keepdim=True).square() / counts
        scale = self.norm.weight[:, None] * torch.rsqrt(variance + self.norm.eps)
        return values.mul_(scale).add_(self.norm.bias[:, None])


class ExactPadding:
    """Makes a loaded wav2vec 2.0-like model indifferent to padding.

    Parameters
    ----------
    model
        Has ``feature_extractor.conv_layers`` (first one with a ``layer_norm`` that may be a group
        norm) and ``encoder.pos_conv_embed``. It is changed in place.
    kernels, strides
        Of the convolutional front end.
    leading
        Frames that the model puts in front of those of the front end (a learned CLS frame).
    """

    def __init__(
        self, model: Any, kernels: Sequence[int], strides: Sequence[int], *, leading: int = 0
    ) -> None:
        self.kernels, self.strides, self.leading = tuple(kernels), tuple(strides), leading
        self._mask: Tensor | None = None
        self._norm: _ValidGroupNorm | None = None
        first = model.feature_extractor.conv_layers[0]
        if isinstance(getattr(first, "layer_norm", None), nn.GroupNorm):
            first.layer_norm = self._norm = _ValidGroupNorm(first.layer_norm)
        for module in list(model.encoder.pos_conv_embed.modules()):
            if isinstance(module, nn.Conv1d):
                if parametrize.is_parametrized(module):
                    # the weight norm gives the same weight every time: compute it once
                    parametrize.remove_parametrizations(module, "weight")
                module.register_forward_pre_hook(self._zero_padding)

    def set_lengths(self, lengths: Sequence[int], device: torch.device) -> list[int]:
        """Announce the next batch; return its valid frames (without leading ones) per item."""
        counts = [frame_count(length, self.kernels, self.strides) for length in lengths]
        padded = len(set(lengths)) > 1
        if self._norm is not None:
            self._norm.counts = (
                [frame_count(n, self.kernels[:1], self.strides[:1]) for n in lengths]
                if padded
                else None
            )
        self._mask = self.frame_mask(counts, device) if padded else None
        return counts

    def frame_mask(self, counts: Sequence[int], device: torch.device) -> Tensor:
        """Which frames are valid, leading ones included: bool ``[batch, time]``."""
        ends = torch.tensor(counts, device=device) + self.leading
        return torch.arange(max(counts) + self.leading, device=device) < ends[:, None]

    def _zero_padding(self, module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor] | None:
        if self._mask is None:
            return None
        return (args[0] * self._mask[:, None, :],)
