"""Alignment of every layer of one model with every layer of another, with error and null."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import repeat
from typing import TypeVar

import numpy as np

from groundscope.metrics import cka, kernels
from groundscope.metrics.groups import Floats, Groups, Integers, permuted_rows
from groundscope.metrics.order import Order
from groundscope.metrics.statistics import Interval, jackknife, t_interval
from groundscope.metrics.threads import one_core_each

ESTIMATORS = ("debiased", "biased")
_HELD = 320 * 2**20
_Batch = list[tuple[int, kernels.Layer]]
_Asked = TypeVar("_Asked")


@dataclass(frozen=True)
class Source:
    """A layer that is loaded when it is needed.

    Attributes
    ----------
    name
        For messages.
    features
        d, known without loading.
    load
        Returns the features, shape ``[n, d]``, the same rows for all sources of a comparison.
    """

    name: str
    features: int
    load: Callable[[], Floats]


@dataclass(frozen=True)
class Alignment:
    """CKA of layers A x layers B; the first axis is `ESTIMATORS`.

    Attributes
    ----------
    estimate
        Shape ``[2, A, B]``; 1 for layers that are equal up to rotation and scale.
    interval
        Jackknife over groups of rows, without counting the part of pairs of groups twice.
    null
        CKA after permuting the groups of one side, shape ``[2, A, B, permutations]``.
    """

    estimate: Floats
    interval: Interval
    null: Floats


class _Side:
    """Layers of one model: loaded when needed in feature space, kept in Gram space."""

    def __init__(self, sources: Sequence[Source], order: Order, kernel: str, *, gram: bool):
        self.sources, self.order, self.kernel, self.gram = sources, order, kernel, gram
        self._kept: dict[int, kernels.Layer] = {}
        self._own: dict[int, cka.Hsic] = {}

    def layer(self, index: int) -> kernels.Layer:
        if index in self._kept:
            return self._kept[index]
        source = self.sources[index]
        if self.kernel == "rbf":
            layer = kernels.rbf_gram(source.load(), self.order, name=source.name)
        else:
            layer = kernels.prepare(source.load(), self.order, gram=self.gram, name=source.name)
        if self.gram:
            self._kept[index] = layer
        return layer

    def own(self, index: int, layer: kernels.Layer) -> cka.Hsic:
        """HSIC of a layer with itself."""
        if index not in self._own:
            own = cka.hsic(layer, layer, self.order)
            # the trace without a row bounds the HSIC without it, for rows that are not left out too
            norms = layer.norms
            trace = norms.sum() - norms.max() * len(norms) / (len(norms) - 1)
            without = min(own.debiased_without.min(), own.biased_without.min(), trace**2)
            if not min(own.debiased, without) > 1e-12 * own.biased:
                message = (
                    f"{self.sources[index].name}: too few rows differ for CKA with a jackknife: "
                    "without one word type the rest has no variance; "
                    "at least 3 types must have distinct vectors"
                )
                raise ValueError(message)
            self._own[index] = own
        return self._own[index]

    def batches(self) -> Iterator[_Batch]:
        """Layers in turn, as many at once as fit `_HELD` bytes, at least one."""
        batch: _Batch = []
        for index in range(len(self.sources)):
            batch.append((index, self.layer(index)))
            held = sum(layer.values.nbytes for _, layer in batch)
            full = held + batch[-1][1].values.nbytes > _HELD and not self.gram
            if full or index == len(self.sources) - 1:
                yield batch
                batch = []


def compare_layers(
    left: Sequence[Source],
    right: Sequence[Source],
    groups: Groups,
    *,
    kernel: str = "linear",
    gram: bool | None = None,
    permutations: int = 0,
    seed: int = 0,
) -> Alignment:
    """CKA of all pairs of layers of two models.

    In feature space memory holds three layers at a time, or as many as fit 320 MiB and two more,
    whatever the number of layers.

    Debiasing removes what a row shares with itself. Several tokens of one word also share the word,
    and those pairs stay in: the estimate on tokens is then higher than on types, and says how alike
    the layers are on this set of words rather than in general.

    Parameters
    ----------
    left, right
        Layers of either model.
    groups
        Word types of the rows: the units of the jackknife and of the permutation.
    kernel
        ``linear`` or ``rbf`` (Gram space only).
    gram
        Gram or feature space; None takes the cheaper one. The result is the same.
    permutations
        Of the null; 0 leaves it out.
    seed
        Of the permutations.

    Raises
    ------
    ValueError
        Fewer than 4 rows or 2 word types, or a layer without variance.
    """
    rows = len(groups.codes)
    if len(groups) < 2:
        message = f"a jackknife over word types needs at least 2 of them, got {len(groups)}"
        raise ValueError(message)
    if rows - groups.sizes.max() < 4:
        message = (
            f"CKA with a jackknife over word types needs at least 4 rows besides those of any one "
            f"type, got {rows - groups.sizes.max()} of {rows}"
        )
        raise ValueError(message)
    if gram is None:
        gram = kernels.use_gram(rows, [s.features for s in left], [s.features for s in right])
    gram = gram or kernel == "rbf"
    order = Order.of(groups)
    first = _Side(left, order, kernel, gram=gram)
    second = _Side(right, order, kernel, gram=gram)
    shuffles = _shuffles(groups, order, permutations, seed)
    parts = [_compare_batch(batch, first, second, shuffles) for batch in first.batches()]
    estimate, error, null = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    return Alignment(estimate, t_interval(estimate, error, len(order.weights) - 1), null)


def _compare_batch(
    batch: _Batch, first: _Side, second: _Side, shuffles: Sequence[Integers]
) -> tuple[Floats, Floats, Floats]:
    """Estimate, standard error and null of some layers with all layers of the other model."""
    order, layers = first.order, [layer for _, layer in batch]
    shape = (2, len(batch), len(second.sources))
    estimate, error, null = np.empty(shape), np.empty(shape), np.empty((*shape, len(shuffles)))
    with one_core_each(len(batch)) as pool:
        owns = list(pool.map(first.own, *zip(*batch, strict=True)))
        scales = np.stack([own.whole for own in owns], axis=1)

        def ask(j: int) -> tuple[int, kernels.Layer, Future[cka.Hsic], list[Future[cka.Hsic]]]:
            b = second.layer(j)
            if 2 * b.values.nbytes <= _HELD:
                b = b.in_double()
            crossed = [pool.submit(cka.hsic, a, b, order) for a in layers]
            return j, b, pool.submit(second.own, j, b), crossed

        for j, b, own_b, crossed in _one_ahead(map(ask, range(len(second.sources)))):
            for i, (a, own_a, both) in enumerate(zip(layers, owns, crossed, strict=True)):
                found = _with_error(a, b, both.result(), own_a, own_b.result(), order)
                estimate[:, i, j], error[:, i, j] = found
            for p, shuffle in enumerate(shuffles):
                moved = kernels.shuffled(b, shuffle)
                scale, *shared = pool.map(cka.numerators, [moved, *layers], repeat(moved))
                null[:, :, j, p] = np.stack(shared, axis=1) / np.sqrt(scales * scale[:, None])
    return estimate, error, null


def _one_ahead(asked: Iterator[_Asked]) -> Iterator[_Asked]:
    """Give what was asked for once the next is asked for too, so that no core waits."""
    now = next(asked)
    for following in asked:
        yield now
        now = following
    yield now


def _with_error(
    a: kernels.Layer,
    b: kernels.Layer,
    both: cka.Hsic,
    own_a: cka.Hsic,
    own_b: cka.Hsic,
    order: Order,
) -> tuple[Floats, Floats]:
    """CKA of a pair and its standard error, either shape ``[2]``."""
    estimate = both.whole / np.sqrt(own_a.whole * own_b.whole)
    without = both.whole_without / np.sqrt(own_a.whole_without * own_b.whole_without)
    variance = jackknife(estimate, without, weights=order.weights).standard_error ** 2
    pairs = cka.second_order(a, b, both.whole, own_a.whole, own_b.whole, order)
    # the pairs' part cannot be more than half of what the jackknife finds
    return estimate, np.sqrt(np.maximum(variance - pairs, variance / 2))


def _shuffles(groups: Groups, order: Order, count: int, seed: int) -> list[Integers]:
    rng = np.random.default_rng(seed)
    in_order = Groups(groups.names, groups.codes[order.rows])
    return [permuted_rows(in_order, rng) for _ in range(count)]
