"""CKA of all pairs of layers of two models in feature space, with error and null."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from itertools import repeat
from typing import TypeVar

import numpy as np

from groundscope.metrics import cka, feature_space
from groundscope.metrics.cka_error import with_error
from groundscope.metrics.groups import Floats
from groundscope.metrics.order import Order
from groundscope.metrics.sources import Null, Source
from groundscope.metrics.threads import one_core_each

_HELD = 320 * 2**20
_Batch = list[tuple[int, feature_space.Layer]]
_Asked = TypeVar("_Asked")


def align(
    left: Sequence[Source], right: Sequence[Source], order: Order, moves: Null
) -> tuple[Floats, ...]:
    """Give what `gram_alignment.align` gives, some layers of A with each of B at a time."""
    first, second = _Side(left, order), _Side(right, order)
    parts = [_compare_batch(batch, first, second, moves) for batch in first.batches()]
    return tuple(np.concatenate(part, axis=1) for part in zip(*parts, strict=True))


class _Side:
    """Layers of one model in feature space, loaded when needed."""

    def __init__(self, sources: Sequence[Source], order: Order):
        self.sources, self.order = sources, order
        self._own: dict[int, cka.Hsic] = {}

    def layer(self, index: int) -> feature_space.Layer:
        source = self.sources[index]
        return feature_space.prepare(source.load(), self.order, name=source.name)

    def own(self, index: int, layer: feature_space.Layer) -> cka.Hsic:
        """HSIC of a layer with itself."""
        if index not in self._own:
            own = feature_space.hsic(layer, layer, self.order)
            cka.check_own(own, layer, self.sources[index].name)
            self._own[index] = own
        return self._own[index]

    def batches(self) -> Iterator[_Batch]:
        """Layers in turn, as many at once as fit `_HELD` bytes, at least one."""
        batch: _Batch = []
        for index in range(len(self.sources)):
            batch.append((index, self.layer(index)))
            held = sum(layer.values.nbytes for _, layer in batch)
            full = held + batch[-1][1].values.nbytes > _HELD
            if full or index == len(self.sources) - 1:
                yield batch
                batch = []


def _compare_batch(batch: _Batch, first: _Side, second: _Side, moves: Null) -> tuple[Floats, ...]:
    """Give the same of some layers with all layers of the other model."""
    order, layers = first.order, [layer for _, layer in batch]
    shape = (2, len(batch), len(second.sources))
    estimate, error = np.empty(shape), np.empty(shape)
    without = np.empty((*shape, len(order.sizes)))
    null = np.empty((*shape, len(moves.shuffles)))
    with one_core_each(len(batch)) as pool:
        owns = list(pool.map(first.own, *zip(*batch, strict=True)))
        scales = np.stack([own.whole for own in owns], axis=1)

        def ask(
            j: int,
        ) -> tuple[int, feature_space.Layer, Future[cka.Hsic], list[Future[cka.Hsic]]]:
            b = second.layer(j)
            if 2 * b.values.nbytes <= _HELD:
                b = b.in_double()
            crossed = [pool.submit(feature_space.hsic, a, b, order) for a in layers]
            return j, b, pool.submit(second.own, j, b), crossed

        for j, b, own_b, crossed in _one_ahead(map(ask, range(len(second.sources)))):
            for i, (a, own_a, both) in enumerate(zip(layers, owns, crossed, strict=True)):
                found = with_error(a, b, both.result(), own_a, own_b.result(), order)
                estimate[:, i, j], error[:, i, j], without[:, i, j] = found
            shuffled = (b.values[shuffle] for shuffle in moves.shuffles)
            for p, features in enumerate(moves.moved(second.sources[j]) or shuffled):
                moved = feature_space.bare(features)
                scale, *shared = pool.map(feature_space.whole, [moved, *layers], repeat(moved))
                null[:, :, j, p] = np.stack(shared, axis=1) / np.sqrt(scales * scale[:, None])
    return estimate, error, without, null


def _one_ahead(asked: Iterator[_Asked]) -> Iterator[_Asked]:
    """Give what was asked for once the next is asked for too, so that no core waits."""
    now = next(asked)
    for following in asked:
        yield now
        now = following
    yield now
