"""CKA of all pairs of layers of two models in Gram space, with error and null."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from itertools import repeat

import numpy as np

from groundscope.metrics import cka, gram_space, kernels, rbf
from groundscope.metrics.cka_error import with_error
from groundscope.metrics.groups import Floats
from groundscope.metrics.order import Order
from groundscope.metrics.sources import Null, Source
from groundscope.metrics.threads import one_core_each

# of features
HELD = 2**31


def align(
    left: Sequence[Source],
    right: Sequence[Source],
    order: Order,
    kernel: str,
    moves: Null,
) -> tuple[Floats, ...]:
    """Compare all pairs of layers of A and B, with errors and null.

    Parameters
    ----------
    left, right
        Layers of either model; half of the longer side at a time where they exceed 2 GiB.
    order
        Groups of the rows.
    kernel
        ``linear`` or ``rbf``.
    moves
        Permutations of the null.

    Returns
    -------
    tuple
        Estimate, standard error, estimate without each group, and null: ``[2, A, B]``, the same,
        ``[2, A, B, g]`` and ``[2, A, B, permutations]``; debiased, then biased.

    Raises
    ------
    ValueError
        What `cka.check` and `cka.check_own` refuse.
    """
    held = 8 * len(order.rows) * sum(source.features for source in [*left, *right])
    if held > HELD and len(left) * len(right) > 1:
        return _by_halves(left, right, order, kernel, moves)
    make = rbf.gaussian if kernel == "rbf" else kernels.linear
    sources = [*right] if right is left else [*left, *right]
    with one_core_each(len(left) * len(right)) as pool:

        def rows_of(features: Floats, name: str) -> kernels.MadeRows:
            return make(features, order.rows, name=name)

        loaded = (source.load() for source in sources)
        made = list(pool.map(rows_of, loaded, (source.name for source in sources)))
        second, shuffled = _shuffled(made[-len(right) :], right, make, moves, pool)
        rows = [*made[: -len(right)], *second]
        tiling = gram_space.Tiling(rows, len(left), len(right), shuffled, order)
        sums, pairs = tiling.sums(pool), tiling.pairs()
        squares = pool.map(kernels.square, rows, repeat(order.subset.rows))
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
            cka.check_own(own, layer, source.name)

        def cell(pair: int) -> tuple[Floats, ...]:
            a, b = pairs[pair]
            values = with_error(layers[a], layers[b], found[pair], owns[a], owns[b], order)
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
    left: Sequence[Source], right: Sequence[Source], order: Order, kernel: str, moves: Null
) -> tuple[Floats, ...]:
    """Give the same as `align` of half of a side at a time."""
    axis, longer = (1, left) if len(left) >= len(right) else (2, right)
    middle = len(longer) // 2
    sides = [
        (half, right) if longer is left else (left, half)
        for half in (longer[:middle], longer[middle:])
    ]
    parts = [align(*side, order, kernel, moves) for side in sides]
    return tuple(np.concatenate(part, axis) for part in zip(*parts, strict=True))


def _shuffled(
    made: Sequence[kernels.MadeRows],
    sources: Sequence[Source],
    make: Callable[..., kernels.MadeRows],
    moves: Null,
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
