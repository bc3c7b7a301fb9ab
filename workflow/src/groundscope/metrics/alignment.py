"""Alignment of every layer of one model with every layer of another, with error and null."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundscope.metrics import feature_alignment, gram_alignment, gram_space, kernels
from groundscope.metrics.groups import Floats, Groups, Integers, permuted_rows
from groundscope.metrics.intervals import Interval, t_interval
from groundscope.metrics.jackknife import degrees_of_freedom
from groundscope.metrics.order import Order
from groundscope.metrics.sources import Null, Source

ESTIMATORS = ("debiased", "biased")


@dataclass(frozen=True)
class Alignment:
    """CKA of layers A x layers B; the first axis is `ESTIMATORS`.

    Attributes
    ----------
    estimate
        Shape ``[2, A, B]``; 1 for layers that are equal up to rotation and scale.
    interval
        Jackknife over groups of rows, without counting the part of pairs of groups twice.
    degrees
        Degrees of freedom of the interval.
    left_out
        Codes of the groups that the jackknife leaves out, or blocks of words, shape ``[g]``.
    without
        The estimate without each of these, shape ``[2, A, B, g]``; of nearest neighbours to first
        order (`neighbours.Neighbours.without`).
    null
        CKA after permuting the groups of one side, shape ``[2, A, B, permutations]``.
    """

    estimate: Floats
    interval: Interval
    degrees: float
    left_out: Integers
    without: Floats
    null: Floats


def compare_layers(
    left: Sequence[Source],
    right: Sequence[Source],
    groups: Groups,
    *,
    kernel: str = "linear",
    gram: bool | None = None,
    every: bool = False,
    permutations: int = 0,
    strata: Groups | None = None,
    seed: int = 0,
) -> Alignment:
    """CKA of all pairs of layers of two models.

    In feature space memory holds three layers at a time, or as many as fit 320 MiB and two more,
    whatever the number of layers; in Gram space all layers, or two and as many as fit 2 GiB, and
    320 MiB a core. Where words have several tokens, a layer that is held takes up to 32 MiB more.

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
    strata
        Of the word types, where only those of one stratum are exchangeable.
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
    shuffles = [permuted_rows(in_order, rng, strata) for _ in range(permutations)]
    moves = Null(order, shuffles, seed)
    if kernel == "rbf" or gram:
        estimate, error, without, null = gram_alignment.align(left, right, order, kernel, moves)
    else:
        estimate, error, without, null = feature_alignment.align(left, right, order, moves)
    degrees = min(degrees_of_freedom(groups.sizes), len(order.weights) - 1)
    interval = t_interval(estimate, error, degrees)
    left_out = in_order.codes[order.starts]
    return Alignment(estimate, interval, degrees, left_out, without, null)


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
    return gram < features and held <= gram_alignment.HELD and frequent <= gram_space.PANEL
