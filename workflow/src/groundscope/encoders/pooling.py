"""From frames to one vector a word, on the device, layer by layer, nothing else kept."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from groundscope.errors import UserError

Span = tuple[float, float]

_PICK: Mapping[str, Callable[[int, int], int]] = {
    "centre": lambda first, last: (first + last - 1) // 2,
    "first": lambda first, last: first,
    "last": lambda first, last: last - 1,
}
# r: how far a frame may depend on its batch, relative (`encoders.base`); 84 times float32's epsilon
_EXACT = 1e-5


def frame_range(span: Span | None, rate: float, count: int) -> tuple[int, int]:
    """Frames ``[first, last)`` that a span covers: floor of its start to ceiling of its end.

    Parameters
    ----------
    span
        Begin and end in seconds (in positions, for text); None: everything valid.
    rate
        Frames per second (1 for text).
    count
        Valid frames; the range is clamped to them and never empty.
    """
    if span is None:
        return 0, count
    # a time that is a whole number of frames up to rounding stays in its frame
    first = math.floor(round(span[0] * rate, 6))
    last = math.ceil(round(span[1] * rate, 6))
    first = min(max(first, 0), count - 1)
    return first, min(max(last, first + 1), count)


class WordPooler:
    """A sink that pools the words of a batch (see `encoders.base`).

    Parameters
    ----------
    spans
        For each item of the batch its words, each a span or None for everything valid.
    pooling
        ``mean``; ``centre``, the middle frame (the earlier of two); ``centroid``, the frame
        nearest to the word's mean after each dimension is scaled to unit variance within the word
        (Choi et al. 2024; the earliest of those that are equally near but for rounding, so the
        first of two); ``first`` or ``last`` frame.
    whole_inputs
        Whether each item is one word, so that layers with one vector an item can serve it.
    """

    def __init__(
        self, spans: Sequence[Sequence[Span | None]], pooling: str, *, whole_inputs: bool
    ) -> None:
        self.spans = spans
        self.whole_inputs = whole_inputs
        self.pooling = pooling
        self.pooled: dict[str, Tensor] = {}
        self._items = [item for item, words in enumerate(spans) for _ in words]
        self._flat = [word for words in spans for word in words]
        self._ranges: dict[tuple[float, tuple[int, ...]], list[tuple[int, int]]] = {}

    def frames(
        self, layer: str, hidden: Tensor, *, counts: Sequence[int] | None = None, rate: float = 1.0
    ) -> None:
        """Pool ``[batch, time, d]`` to ``[words, d]``, float32, in the order of `spans`."""
        valid = tuple(counts) if counts is not None else (hidden.shape[1],) * hidden.shape[0]
        ranges = self._ranges.get((rate, valid))
        if ranges is None:
            ranges = [
                frame_range(span, rate, valid[item])
                for item, span in zip(self._items, self._flat, strict=True)
            ]
            self._ranges[rate, valid] = ranges
        with torch.autocast(hidden.device.type, enabled=False):
            self._keep(layer, self._pool(hidden, ranges))

    def vectors(self, layer: str, vectors: Tensor) -> None:
        """Take ``[batch, d]`` as they are: one word an item, which is the whole item."""
        if not self.whole_inputs:
            message = (
                f"layer {layer!r} is one vector for a whole input, so it has none for a word inside"
                " one: use slicing: audio, or context: word"
            )
            raise UserError(message)
        self._keep(layer, vectors.float())

    def _keep(self, layer: str, vectors: Tensor) -> None:
        if layer in self.pooled:
            message = f"layer {layer!r} came twice"
            raise ValueError(message)
        self.pooled[layer] = vectors

    def _pool(self, hidden: Tensor, ranges: Sequence[tuple[int, int]]) -> Tensor:
        if self.pooling == "mean":
            return self._means(hidden, ranges)
        if self.pooling == "centroid":
            rows = [
                first + _centroid(hidden[item, first:last])
                for item, (first, last) in zip(self._items, ranges, strict=True)
            ]
        else:
            rows = [_PICK[self.pooling](first, last) for first, last in ranges]
        return hidden[self._items, rows].float()

    def _means(self, hidden: Tensor, ranges: Sequence[tuple[int, int]]) -> Tensor:
        """Weighted sums by one batched product; padded frames weigh exactly nothing."""
        widest = max(len(words) for words in self.spans)
        slots = [slot for words in self.spans for slot in range(len(words))]
        bounds = torch.tensor(ranges, device=hidden.device)
        time = torch.arange(hidden.shape[1], device=hidden.device)
        inside = (time >= bounds[:, :1]) & (time < bounds[:, 1:])
        share = inside / (bounds[:, 1:] - bounds[:, :1])
        weights = hidden.new_zeros(len(self.spans), widest, hidden.shape[1], dtype=torch.float32)
        weights[self._items, slots] = share
        return torch.bmm(weights, hidden.float())[self._items, slots]


def _centroid(frames: Tensor) -> int:
    """Index of the frame nearest to the mean, dimensions scaled by their deviation.

    Two frames are always equally far from their mean. Of frames whose distances differ by no more
    than rounding, it is the earliest.
    """
    # sums in double precision: what rounding remains is that of the frames themselves
    values = frames.double()
    centred = values - values.mean(dim=0)
    deviation = centred.square().mean(dim=0).sqrt()
    # a dimension that does not vary within the word tells no frames apart
    scale = torch.where(deviation > 0, 1 / deviation, torch.zeros_like(deviation))
    scaled = centred * scale
    squares = scaled.square().sum(dim=1)
    # A value x is exact to r |x|, so z = (x - mean) / deviation to r |x| / deviation, z^2 to 2 |z|
    # times that, and sums over dimensions to the root of the sum of squares. What hardly varies is
    # all rounding, which is no larger than its deviation.
    noise = (_EXACT * values.abs() * scale).clamp(max=1)
    slack = 2 * (scaled * noise).norm(dim=1)
    possible = squares - slack <= (squares + slack).min()
    return int(possible.int().argmax())
