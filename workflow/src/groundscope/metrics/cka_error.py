"""Standard error of CKA: a jackknife that counts the part of pairs of groups once."""

from collections.abc import Sequence

import numpy as np

from groundscope.metrics.cka import Centred, Hsic, addends
from groundscope.metrics.groups import Floats
from groundscope.metrics.jackknife import jackknife
from groundscope.metrics.order import Order, Panel

_BLOCK = 128


def with_error(
    a: Centred, b: Centred, both: Hsic, own_a: Hsic, own_b: Hsic, order: Order
) -> tuple[Floats, Floats, Floats]:
    """CKA of a pair, with the jackknife that counts the part of pairs of groups once.

    Parameters
    ----------
    a, b
        The layers.
    both, own_a, own_b
        HSIC of the pair, and of either layer with itself.
    order
        Groups.

    Returns
    -------
    tuple
        The estimate and its standard error, debiased and biased, shape ``[2]``; the estimate
        without each group that is left out, shape ``[2, g]``.
    """
    estimate = both.whole / np.sqrt(own_a.whole * own_b.whole)
    without = both.without / np.sqrt(own_a.without * own_b.without)
    variance = jackknife(estimate, without, weights=order.weights).standard_error ** 2
    pairs = _second_order(a, b, (both, own_a, own_b), order)
    # the pairs' part cannot be more than half of what the jackknife finds
    return estimate, np.sqrt(np.maximum(variance - pairs, variance / 2)), without


def _second_order(a: Centred, b: Centred, parts: tuple[Hsic, Hsic, Hsic], order: Order) -> Floats:
    """Variance of the part of CKA that is made by pairs of groups, debiased and biased.

    To first order in the HSICs, CKA is ``sum_ij r_ij`` with ``r = AB / sqrt(aa bb) - CKA / 2 (A^2 /
    aa + B^2 / bb)`` for the (U-)centred Gram matrices A, B. Let ``R_gh`` be the sum of r over the
    rows of two groups and ``s_g`` that of ``R_gh`` over all h but g. After centring over the m
    groups, ``D_gh = R_gh - (s_g + s_h) / (m - 2) + sum(s) / ((m - 1) (m - 2))`` adds ``2 sum D^2``
    over all g and h but g to the variance; the jackknife counts it twice (Efron and Stein 1981).

    s is exact for each group that is left out. The sum of ``D^2`` is one over pairs of groups of
    `Order.subset`, which weigh what they stand for (Horvitz and Thompson 1952).

    Parameters
    ----------
    a, b
        The layers.
    parts
        HSIC of the pair and of either layer with itself.
    order
        Groups.

    Returns
    -------
    numpy.ndarray
        Shape ``[2]``; 0 for three groups or fewer.
    """
    count, subset = order.groups, order.subset
    if count < 4:
        return np.zeros(2)
    whole = np.stack([part.whole for part in parts])
    between = _first_order(np.stack([part.between for part in parts]), whole[..., None])
    total, effects = between @ order.weights, between[:, subset.groups]
    sums = np.empty((2, 3, len(subset.groups), len(subset.groups)))
    added_a, added_b = (addends(layer.norms)[subset.rows] for layer in (a, b))
    for panel in subset.panels(_BLOCK):
        square = a.square[panel.rows], b.square[panel.rows]
        u_centred = _u_centred(a, added_a, panel.rows), _u_centred(b, added_b, panel.rows)
        for index, (left, right) in enumerate((u_centred, square)):
            rows = _first_order((left * right, left**2, right**2), whole[:, index])
            sums[index, :, panel.groups] = _of_groups(rows, panel, order)
    result = np.empty(2)
    once, more = subset.once, subset.once - subset.twice
    for index, (added, alone, single) in enumerate(sums):
        own = effects[index]
        # what is left of the sum over two groups once it is centred is squared; rows that were
        # drawn stand for others in the sum, and pairs of them for pairs in its square
        mean = (own[:, None] + own) / (count - 2) - total[index] / ((count - 1) * (count - 2))
        squares = added**2 * np.outer(subset.twice, subset.twice) + single * np.outer(more, more)
        squares += alone * np.outer(more, subset.twice) + alone.T * np.outer(subset.twice, more)
        squares += mean * (mean - 2 * added * np.outer(once, once))
        result[index] = 2 * np.vdot(subset.weights, squares)
    return np.maximum(result, 0.0)


def _first_order(products: Sequence[Floats] | Floats, whole: Floats) -> Floats:
    """Give what products AB, A^2 and B^2 add to CKA, to first order; `whole` has their sums."""
    both, own_a, own_b = whole
    scale = np.sqrt(own_a * own_b)
    shared, square_a, square_b = products
    return np.asarray(shared / scale - both / scale / 2 * (square_a / own_a + square_b / own_b))


def _of_groups(rows: Floats, panel: Panel, order: Order) -> Floats:
    """Sum rows over pairs of groups; sum the squares of sums over columns, and of entries.

    Shape ``[3, groups of the panel, c]``. The squares are 0 where all rows of groups are there, as
    nothing is made of them.
    """
    starts = order.subset.starts
    of_columns = np.add.reduceat(rows, starts, axis=1)
    result = np.zeros((3, len(panel.starts), len(starts)))
    result[0] = np.add.reduceat(of_columns, panel.starts)
    if (order.subset.once > 1).any():
        result[1] = np.add.reduceat(of_columns**2, panel.starts)
        result[2] = np.add.reduceat(np.add.reduceat(rows**2, starts, axis=1), panel.starts)
    return result


def _u_centred(layer: Centred, added: Floats, rows: slice) -> Floats:
    """Rows of the U-centred Gram matrix of the subset, from its `addends`."""
    square = layer.square[rows] + (added[rows, None] + added)
    np.fill_diagonal(square[:, rows], 0.0)
    return np.asarray(square)
