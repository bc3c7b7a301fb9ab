"""Centred kernel alignment of two layers, with exact leave-one-word-out terms.

Linear CKA of centred features X ``[n, d]`` and Y ``[n, e]`` is
``HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y))`` (Kornblith et al. 2019, eq. 2). With
``F = ||X'Y||_F^2`` and squared row norms k, l of the centred rows,

- biased: ``HSIC = F``;
- debiased (Song et al. 2012, HSIC_1): the row sums of a centred Gram matrix are zero, so that
  ``n (n - 3) HSIC_1 = F - n / (n - 2) sum(k l) + sum(k) sum(l) / ((n - 1) (n - 2))``.

Both come from X'Y and row norms alone (`feature_space`), or from the centred Gram matrices XX' and
YY' (`gram_space`), which any kernel has.

Without the rows of one group (a word type) with row sums s, t, and N rows left, the features are
centred again by adding s / N and t / N; every term of the estimators follows from
``x_i' (X'Y) y_i`` and sums within the group (`_without`), so that the value without a word type is
exact and costs one more product of its rows.
"""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats
from groundscope.metrics.order import Order


@dataclass(frozen=True)
class Centred:
    """What the estimators read of a layer: parts of its centred Gram matrix, rows sorted by group.

    Attributes
    ----------
    norms
        The diagonal: squared norms of the centred rows, shape ``[n]``.
    within
        Sum of each row that is left out over the columns of its group, shape ``[m]``.
    square
        Rows and columns of the rows of `Order.subset`.
    """

    norms: Floats
    within: Floats
    square: Floats


@dataclass(frozen=True)
class Terms:
    """F, and sums over the rows i of each group g, shape ``[g]``, with centred Gram matrices K, L.

    In feature space ``C = X'Y``, ``t_g`` the sum of a group's rows of Y, k and l the norms.

    Attributes
    ----------
    total
        F.
    rows
        ``sum_j K_ij L_ij``, which is ``x_i' C y_i``.
    crossed
        ``sum_j (sum_i K_ij) (sum_i L_ij)``: the sum of ``x_i' C t_g``.
    norms_b, norms_a
        ``(L k)_i`` and ``(K l)_i``.
    inside
        ``K_ij L_ij`` over all pairs of rows of the group.
    """

    total: float
    rows: Floats
    crossed: Floats
    norms_b: Floats
    norms_a: Floats
    inside: Floats


@dataclass(frozen=True)
class Hsic:
    """n (n - 3) HSIC_1 and F of one pair: debiased and biased.

    Attributes
    ----------
    whole
        Shape ``[2]``.
    without
        Without each group that is left out, shape ``[2, g]``.
    between
        Sum over the rows of each of these, with those of all others, of the products of the
        (U-)centred Gram matrices, shape ``[2, g]``.
    """

    whole: Floats
    without: Floats
    between: Floats


def hsic(a: Centred, b: Centred, order: Order, terms: Terms) -> Hsic:
    """HSIC of a pair of layers, whole and without each group."""
    biased, debiased = _without(a, b, order, terms)
    between = _between(a, b, order, terms), terms.rows - terms.inside
    return Hsic(
        whole(terms.total, a.norms, b.norms), np.stack([debiased, biased]), np.stack(between)
    )


def whole(total: float, k: Floats, m: Floats) -> Floats:
    """``n (n - 3) HSIC_1`` and F of a pair from its F and both layers' norms, shape ``[2]``."""
    return np.array([_debias(total, float(k @ m), k.sum(), m.sum(), float(len(k))), total])


def _debias(
    total: Floats | float,
    products: Floats | float,
    k: Floats | float,
    m: Floats | float,
    n: Floats | float,
) -> Floats | float:
    return total - n / (n - 2) * products + k * m / ((n - 1) * (n - 2))


def _without(a: Centred, b: Centred, order: Order, terms: Terms) -> tuple[Floats, Floats]:
    """F and n (n - 3) HSIC_1 without each group, from sums within the group."""
    k, m, alpha, beta = (
        values[: order.left_out] for values in (a.norms, b.norms, a.within, b.within)
    )
    left = len(a.norms) - order.sizes.astype(np.float64)
    square_s, square_t = order.sums(alpha), order.sums(beta)
    mixed = order.sums(alpha * beta)
    biased = (
        terms.total
        + terms.inside
        + square_s * square_t / left**2
        - 2 * terms.rows
        - 2 * terms.crossed / left
        + 2 * mixed / left
    )
    sum_k = a.norms.sum() - order.sums(k)
    sum_m = b.norms.sum() - order.sums(m)
    products = (
        float(a.norms @ b.norms)
        - order.sums(k * m)
        + 2 / left * (terms.norms_b - order.sums(k * beta))
        + 2 / left * (terms.norms_a - order.sums(m * alpha))
        + (square_t * sum_k + square_s * sum_m) / left**2
        + 4 / left**2 * (terms.crossed - mixed)
        - 3 * square_s * square_t / left**3
    )
    debiased = _debias(biased, products, sum_k - square_s / left, sum_m - square_t / left, left)
    return biased, np.asarray(debiased)


def _between(a: Centred, b: Centred, order: Order, terms: Terms) -> Floats:
    """Sum the products of U-centred Gram matrices over the rows of each group and of all others.

    With p of `addends`, such a matrix is ``K_ij + p_i + p_j`` (q for L); rows of K sum to 0.
    """
    p, q, own = addends(a.norms), addends(b.norms), order.sizes
    of_p, of_q, of_both = order.sums(p), order.sums(q), order.sums(p * q)
    mixed = order.sums(q[: order.left_out] * a.within) + order.sums(p[: order.left_out] * b.within)
    return np.asarray(
        terms.rows
        - terms.inside
        + (terms.norms_a + terms.norms_b) / (len(p) - 2)
        - 2 * mixed
        + (len(p) - 2 * own) * of_both
        + own * (p @ q)
        + of_p * (q.sum() - of_q)
        + of_q * (p.sum() - of_p)
    )


def addends(norms: Floats) -> Floats:
    """U-centre a centred Gram matrix (Szekely and Rizzo 2014): add these to its rows and columns.

    They are of the matrix whose diagonal, the norms, was set to 0, and stays 0.
    """
    count = len(norms)
    return np.asarray((norms - norms.sum() / (2 * (count - 1))) / (count - 2))


def check(features: Floats, name: str) -> None:
    """Refuse features that have no alignment.

    Raises
    ------
    ValueError
        Fewer than 4 rows, rows that are all the same, or values that are not finite.
    """
    rows = len(features)
    if rows < 4:
        message = f"{name}: CKA needs at least 4 rows (words or tokens), got {rows}"
        raise ValueError(message)
    if not np.isfinite(features).all():
        message = f"{name}: the features hold values that are not finite"
        raise ValueError(message)
    if not (features != features[0]).any():
        message = f"{name}: all {rows} rows are the same vector; CKA needs rows that differ"
        raise ValueError(message)


def check_own(own: Hsic, layer: Centred, name: str) -> None:
    """Refuse a layer whose HSIC with itself is 0, be it without one group.

    Raises
    ------
    ValueError
        No variance, or no debiased HSIC.
    """
    # the trace without a row bounds the HSIC without it, for rows that are not left out too
    norms = layer.norms
    trace = norms.sum() - norms.max() * len(norms) / (len(norms) - 1)
    (debiased, biased), without = own.whole, own.without.min(axis=1)
    least = 1e-12 * biased
    if not min(without[1], trace**2) > least:
        message = (
            f"{name}: too few rows differ for CKA with a jackknife: without one word type less "
            "than 1e-12 of the biased HSIC of the rows with themselves is left; at least 2 types "
            "must differ from the most common vector, and none by 1,000 times as much as all others"
        )
        raise ValueError(message)
    if not min(debiased, without[0]) > least:
        where = " without one word type" if debiased > least else ""
        message = (
            f"{name}: debiased CKA has no value{where}: the debiased HSIC of the rows is below "
            "1e-12 of the biased one of all, as where they are orthogonal (one-hot), all but one "
            "are the same, or one is far longer than all others; "
            "some pairs of rows must be more alike than others, whichever type is left out"
        )
        raise ValueError(message)
