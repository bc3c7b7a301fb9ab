"""Alignment of every layer of one model with every layer of another, with error and null."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import repeat
from typing import TypeVar

import numpy as np

from groundscope.metrics import cka, feature_space, gram_space, kernels, rbf
from groundscope.metrics.groups import Floats, Groups, Integers, permuted_rows
from groundscope.metrics.order import Order
from groundscope.metrics.statistics import Interval, degrees_of_freedom, jackknife, t_interval
from groundscope.metrics.threads import one_core_each

ESTIMATORS = ("debiased", "biased")
_HELD = 320 * 2**20
_HELD_IN_GRAM_SPACE = 2**31
_Batch = list[tuple[int, feature_space.Layer]]
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
    moved
        Where features depend on the order of the rows, as in a space that is fitted to their
        labels: gives those after each permutation of the null, from their number and a seed, as
        `spaces.moved_lda_spaces` does. Without it the rows that are loaded are permuted.
    """

    name: str
    features: int
    load: Callable[[], Floats]
    moved: Callable[[int, int], Iterable[Floats]] | None = None


@dataclass(frozen=True)
class Alignment:
    """CKA of layers A x layers B; the first axis is `ESTIMATORS`.

    Attributes
    ----------
    estimate
        Shape ``[2, A, B]``; 1 for layers that are equal up to rotation and scale.
    interval
        Jackknife over groups of rows, without counting the part of pairs of groups twice.
    left_out
        Codes of the groups that the jackknife leaves out, shape ``[g]``.
    without
        The estimate without each of these, shape ``[2, A, B, g]``.
    null
        CKA after permuting the groups of one side, shape ``[2, A, B, permutations]``.
    """

    estimate: Floats
    interval: Interval
    left_out: Integers
    without: Floats
    null: Floats


@dataclass(frozen=True)
class _Null:
    """Permutations of sorted rows, and their seed."""

    order: Order
    shuffles: Sequence[Integers]
    seed: int

    def moved(self, source: Source) -> Iterator[Floats] | None:
        """Sorted features after each permutation, where they depend on the order of the rows."""
        if source.moved is None or not self.shuffles:
            return None
        moved = source.moved(len(self.shuffles), self.seed)
        return (features[self.order.rows] for features in moved)


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
            _check_own(own, layer, self.sources[index].name)
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


def _check_own(own: cka.Hsic, layer: cka.Centred, name: str) -> None:
    # the trace without a row bounds the HSIC without it, for rows that are not left out too
    norms = layer.norms
    trace = norms.sum() - norms.max() * len(norms) / (len(norms) - 1)
    (debiased, biased), without = own.whole, own.without.min(axis=1)
    least = 1e-12 * biased
    if not min(without[1], trace**2) > least:
        message = (
            f"{name}: too few rows differ for CKA with a jackknife: without one word type all "
            "others are the same vector; at least 2 types must differ from the most common vector"
        )
        raise ValueError(message)
    if not min(debiased, without[0]) > least:
        where = " without one word type" if debiased > least else ""
        message = (
            f"{name}: debiased CKA has no value{where}: the debiased HSIC of the rows is 0, as "
            "where they are orthogonal (one-hot) or all but one are the same; "
            "some pairs of rows must be more alike than others, whichever type is left out"
        )
        raise ValueError(message)


def compare_layers(
    left: Sequence[Source],
    right: Sequence[Source],
    groups: Groups,
    *,
    kernel: str = "linear",
    gram: bool | None = None,
    every: bool = False,
    permutations: int = 0,
    seed: int = 0,
) -> Alignment:
    """CKA of all pairs of layers of two models.

    In feature space memory holds three layers at a time, or as many as fit 320 MiB and two more,
    whatever the number of layers; in Gram space all layers, or two and as many as fit 2 GiB, and
    320 MiB a core.

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
    every
        Leave every group out in turn, rather than 2048 of more.
    permutations
        Of the null; 0 leaves it out.
    seed
        Of the permutations.

    Raises
    ------
    ValueError
        Fewer than 4 rows or 2 word types, or a layer without variance or debiased HSIC, be it
        without one word type.
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
    order = Order.of(groups, every=every)
    if gram is None:
        gram = _costs_less_in_gram_space(left, right, order, 1 + permutations)
    in_order = Groups(groups.names, groups.codes[order.rows])
    rng = np.random.default_rng(seed)
    shuffles = [permuted_rows(in_order, rng) for _ in range(permutations)]
    moves = _Null(order, shuffles, seed)
    if kernel == "rbf" or gram:
        estimate, error, without, null = _in_gram_space(left, right, order, kernel, moves)
    else:
        estimate, error, without, null = _in_feature_space(left, right, order, moves)
    degrees = min(degrees_of_freedom(groups.sizes), len(order.weights) - 1)
    interval = t_interval(estimate, error, degrees)
    left_out = in_order.codes[order.starts]
    return Alignment(estimate, interval, left_out, without, null)


def _costs_less_in_gram_space(
    left: Sequence[Source], right: Sequence[Source], order: Order, compared: int
) -> bool:
    """Compare operations, `compared` times of all pairs of layers, within bounds of memory."""
    rows, pairs = len(order.rows), len(left) * len(right)
    first, second = (sum(source.features for source in side) for side in (left, right))
    features = 2 * (rows * compared + order.left_out / 2) * first * second
    made = first * (right is not left) + second
    # an entry of a matrix that is held takes as long as some 80 multiplications, and the products
    # of tiles, bound by memory, three times as long as others
    made += (80 * len(right) if kernels.holds(rows, len(right)) else second) * (compared - 1)
    gram = rows**2 * (made + 3 * pairs * compared) + 6 * rows * order.left_out * pairs
    held = 8 * rows * (first + second)
    frequent = max(order.sizes, default=0)
    return gram < features and held <= _HELD_IN_GRAM_SPACE and frequent <= gram_space.PANEL


def _in_gram_space(
    left: Sequence[Source],
    right: Sequence[Source],
    order: Order,
    kernel: str,
    moves: _Null,
) -> tuple[Floats, ...]:
    """Estimate, standard error, estimate without each group, and null of all pairs of layers."""
    held = 8 * len(order.rows) * sum(source.features for source in [*left, *right])
    if held > _HELD_IN_GRAM_SPACE and len(left) * len(right) > 1:
        return _by_halves(left, right, order, kernel, moves)
    make = rbf.gaussian if kernel == "rbf" else kernels.linear
    sources = [*right] if right is left else [*left, *right]
    with one_core_each(len(left) * len(right)) as pool:
        made = [make(source.load(), order.rows, name=source.name) for source in sources]
        second, shuffled = _shuffled(made[-len(right) :], right, make, moves, pool)
        rows = [*made[: -len(right)], *second]
        tiling = gram_space.Tiling(rows, len(left), len(right), shuffled, order)
        sums, pairs = tiling.sums(pool), tiling.pairs()
        squares = pool.map(kernels.square, rows, repeat(order.subset))
        layers = [
            cka.Centred(each.norms, within, square)
            for each, within, square in zip(rows, sums.within, squares, strict=True)
        ]

        def hsic(pair: int) -> cka.Hsic:
            a, b = pairs[pair]
            return cka.hsic(layers[a], layers[b], order, sums.terms(pair, a, b))

        found = list(pool.map(hsic, range(len(pairs))))
        owns = found[-len(layers) :]
        for own, layer, source in zip(owns, layers, sources, strict=True):
            _check_own(own, layer, source.name)

        def cell(pair: int) -> tuple[Floats, ...]:
            a, b = pairs[pair]
            values = _with_error(layers[a], layers[b], found[pair], owns[a], owns[b], order)
            null = np.empty((2, len(shuffled)))
            for p, totals in enumerate(sums.null):
                moved = shuffled[p][b - len(layers)].norms
                scale = owns[a].whole * cka.whole(totals[b - len(layers)], moved, moved)
                null[:, p] = cka.whole(totals[pair], layers[a].norms, moved) / np.sqrt(scale)
            return *values, null

        cells = zip(*pool.map(cell, range(len(left) * len(right))), strict=True)
        made_of_cells = [np.stack(values, axis=1) for values in cells]
    shape = 2, len(left), len(right)
    return tuple(values.reshape(*shape, *values.shape[2:]) for values in made_of_cells)


def _by_halves(
    left: Sequence[Source], right: Sequence[Source], order: Order, kernel: str, moves: _Null
) -> tuple[Floats, ...]:
    """Give the same as `_in_gram_space` of half of a side at a time."""
    axis, longer = (1, left) if len(left) >= len(right) else (2, right)
    middle = len(longer) // 2
    sides = [
        (half, right) if longer is left else (left, half)
        for half in (longer[:middle], longer[middle:])
    ]
    parts = [_in_gram_space(*side, order, kernel, moves) for side in sides]
    return tuple(np.concatenate(part, axis) for part in zip(*parts, strict=True))


def _shuffled(
    made: Sequence[kernels.MadeRows],
    sources: Sequence[Source],
    make: Callable[..., kernels.MadeRows],
    moves: _Null,
    pool: Executor,
) -> tuple[Sequence[kernels.Rows], Sequence[Sequence[kernels.Rows]]]:
    """Rows of the layers of a model as they are, and after each permutation."""
    moved = [moves.moved(source) for source in sources]
    if None in moved:
        return kernels.shuffled(made, moves.shuffles, pool)
    places = np.arange(len(moves.order.rows))
    after = [
        [make(features, places, name=source.name) for features in each or ()]
        for each, source in zip(moved, sources, strict=True)
    ]
    return made, list(zip(*after, strict=True))


def _in_feature_space(
    left: Sequence[Source], right: Sequence[Source], order: Order, moves: _Null
) -> tuple[Floats, ...]:
    """Give the same as `_in_gram_space`, some of the first layers at a time."""
    first, second = _Side(left, order), _Side(right, order)
    parts = [_compare_batch(batch, first, second, moves) for batch in first.batches()]
    return tuple(np.concatenate(part, axis=1) for part in zip(*parts, strict=True))


def _compare_batch(batch: _Batch, first: _Side, second: _Side, moves: _Null) -> tuple[Floats, ...]:
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
                found = _with_error(a, b, both.result(), own_a, own_b.result(), order)
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


def _with_error(
    a: cka.Centred,
    b: cka.Centred,
    both: cka.Hsic,
    own_a: cka.Hsic,
    own_b: cka.Hsic,
    order: Order,
) -> tuple[Floats, Floats, Floats]:
    """CKA of a pair, its standard error, and CKA without each group: ``[2]``, and ``[2, g]``."""
    estimate = both.whole / np.sqrt(own_a.whole * own_b.whole)
    without = both.without / np.sqrt(own_a.without * own_b.without)
    variance = jackknife(estimate, without, weights=order.weights).standard_error ** 2
    pairs = cka.second_order(a, b, both.whole, own_a.whole, own_b.whole, order)
    # the pairs' part cannot be more than half of what the jackknife finds
    return estimate, np.sqrt(np.maximum(variance - pairs, variance / 2)), without
