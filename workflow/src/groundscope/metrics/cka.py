"""Centred kernel alignment of all layers of two models, with exact leave-one-word-out terms.

Linear CKA of centred features X ``[n, d]`` and Y ``[n, e]`` is
``HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y))`` (Kornblith et al. 2019, eq. 2). With
``F = ||X'Y||_F^2`` and squared row norms k, l of the centred rows,

- biased: ``HSIC = F``;
- debiased (Song et al. 2012, HSIC_1): the row sums of a centred Gram matrix are zero, so that
  ``n (n - 3) HSIC_1 = F - n / (n - 2) sum(k l) + sum(k) sum(l) / ((n - 1) (n - 2))``.

Both come from X'Y and row norms alone, or from the centred Gram matrices XX' and YY' where rows are
fewer than features or the kernel is not linear.

Without the rows of one group (a word type) with row sums s, t, and N rows left, the features are
centred again by adding s / N and t / N; every term of the estimators follows from
``x_i' (X'Y) y_i`` and sums within the group (`_without`), so that the jackknife over word types
is exact and costs one more product.
"""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats
from groundscope.metrics.kernels import Layer, Order

_BLOCK = 2048


@dataclass(frozen=True)
class Hsic:
    """n (n - 3) HSIC_1 and F of one pair, whole and without each group (shape ``[g]``)."""

    debiased: float
    biased: float
    debiased_without: Floats
    biased_without: Floats

    @property
    def whole(self) -> Floats:
        """Both, shape ``[2]``: debiased, biased."""
        return np.array([self.debiased, self.biased])


def hsic(a: Layer, b: Layer, order: Order) -> Hsic:
    """HSIC of a pair of prepared layers, whole and without each group."""
    if a.gram != b.gram:
        message = "both layers must be features, or both Gram matrices"
        raise ValueError(message)
    total, rows, group_cross, norms_b, norms_a = (_gram_cross if a.gram else _cross)(a, b, order)
    whole = _debias(
        total, float(a.norms @ b.norms), a.norms.sum(), b.norms.sum(), float(len(a.norms))
    )
    biased_without, debiased_without = _without(
        a, b, order, total, order.sums(rows), group_cross, norms_b, norms_a
    )
    return Hsic(float(whole), total, debiased_without, biased_without)


def numerators(a: Layer, b: Layer) -> Floats:
    """``n (n - 3) HSIC_1`` and F of a pair, without the leave-one-out terms, shape ``[2]``."""
    if a.gram:
        total = float(np.vdot(a.values, b.values))
    else:
        product = a.values.T @ b.values
        total = float(np.vdot(product, product))
    whole = _debias(
        total, float(a.norms @ b.norms), a.norms.sum(), b.norms.sum(), float(len(a.norms))
    )
    return np.array([whole, total])


def _debias(
    total: Floats | float,
    products: Floats | float,
    k: Floats | float,
    m: Floats | float,
    n: Floats | float,
) -> Floats | float:
    return total - n / (n - 2) * products + k * m / ((n - 1) * (n - 2))


def _cross(a: Layer, b: Layer, order: Order) -> tuple[float, Floats, Floats, Floats, Floats]:
    """Feature space: F, x_i'Cy_i, s_g'Ct_g, y_i.(Y'k), x_i.(X'l)."""
    x, y = a.values, b.values
    product = x.T @ y
    rows = np.empty(len(x))
    crossed = np.empty(len(x))
    single = bool((order.sizes == 1).all())
    sums = y if single else order.sums(y)
    group = np.repeat(np.arange(len(order.sizes)), order.sizes)
    for start in range(0, len(x), _BLOCK):
        part = slice(start, start + _BLOCK)
        image = x[part] @ product
        rows[part] = np.einsum("ij,ij->i", image, y[part])
        if not single:
            crossed[part] = np.einsum("ij,ij->i", image, sums[group[part]])
    group_cross = rows if single else order.sums(crossed)
    total = float(np.einsum("ij,ij->", product, product))
    return total, rows, group_cross, y @ (a.norms @ y), x @ (b.norms @ x)


def _gram_cross(a: Layer, b: Layer, order: Order) -> tuple[float, Floats, Floats, Floats, Floats]:
    """Gram space: the same five."""
    rows = np.einsum("ij,ij->i", a.values, b.values)
    if (order.sizes == 1).all():
        group_cross = rows
    else:
        group_cross = np.einsum("ij,ij->i", order.sums(a.values), order.sums(b.values))
    return float(rows.sum()), rows, group_cross, b.values @ a.norms, a.values @ b.norms


def _without(
    a: Layer,
    b: Layer,
    order: Order,
    total: float,
    rows: Floats,
    crossed: Floats,
    norms_b: Floats,
    norms_a: Floats,
) -> tuple[Floats, Floats]:
    """F and n (n - 3) HSIC_1 without each group, from sums within the group."""
    k, m, alpha, beta = a.norms, b.norms, a.within, b.within
    left = len(k) - order.sizes.astype(np.float64)
    square_s, square_t = order.sums(alpha), order.sums(beta)
    inside = np.add.reduceat(a.blocks * b.blocks, np.cumsum(order.sizes**2) - order.sizes**2)
    mixed = order.sums(alpha * beta)
    biased = (
        total
        + inside
        + square_s * square_t / left**2
        - 2 * rows
        - 2 * crossed / left
        + 2 * mixed / left
    )
    sum_k = k.sum() - order.sums(k)
    sum_m = m.sum() - order.sums(m)
    products = (
        float(k @ m)
        - order.sums(k * m)
        + 2 / left * (order.sums(norms_b) - order.sums(k * beta))
        + 2 / left * (order.sums(norms_a) - order.sums(m * alpha))
        + (square_t * sum_k + square_s * sum_m) / left**2
        + 4 / left**2 * (crossed - mixed)
        - 3 * square_s * square_t / left**3
    )
    debiased = _debias(biased, products, sum_k - square_s / left, sum_m - square_t / left, left)
    return biased, np.asarray(debiased)


def second_order(
    a: Layer, b: Layer, whole: Floats, own_a: Floats, own_b: Floats, order: Order
) -> Floats:
    """Variance of the part of CKA that is made by pairs of groups, debiased and biased.

    To first order in the HSICs, CKA is ``sum_ij g_ij`` with ``g = AB / sqrt(aa bb) - CKA / 2 (A^2 /
    aa + B^2 / bb)`` for the (U-)centred Gram matrices A, B. What is left of g, summed over the rows
    of two groups, after centring over groups adds ``2 sum g^2`` to the variance; the jackknife
    counts it twice (Efron and Stein 1981).

    Parameters
    ----------
    a, b
        The layers.
    whole, own_a, own_b
        n (n - 3) HSIC_1 and F of the pair and of either layer with itself, shape ``[2]``.
    order
        Groups; at most 200 of them are looked at.

    Returns
    -------
    numpy.ndarray
        Shape ``[2]``; 0 for three groups or fewer.
    """
    groups, chosen = len(order.sizes), len(order.subset_starts)
    if chosen < 4:
        return np.zeros(2)
    result = np.empty(2)
    for index, (left, right) in enumerate(
        ((_u_centred(a, order), _u_centred(b, order)), (a.square, b.square))
    ):
        scale = np.sqrt(own_a[index] * own_b[index])
        alignment = whole[index] / scale
        parts = left * right / scale - alignment / 2 * (
            left**2 / own_a[index] + right**2 / own_b[index]
        )
        parts = np.add.reduceat(parts, order.subset_starts, axis=0)
        parts = np.add.reduceat(parts, order.subset_starts, axis=1)
        np.fill_diagonal(parts, 0.0)
        sums = parts.sum(axis=1)
        parts -= (sums[:, None] + sums) / (chosen - 2)
        parts += sums.sum() / ((chosen - 1) * (chosen - 2))
        np.fill_diagonal(parts, 0.0)
        result[index] = 2 * np.vdot(parts, parts) * groups * (groups - 1) / (chosen * (chosen - 1))
    return result


def _u_centred(layer: Layer, order: Order) -> Floats:
    """U-centred Gram matrix (Szekely and Rizzo 2014) of the subset's rows; row sums are -norms."""
    norms, count = layer.norms[order.subset], len(layer.norms)
    square = layer.square + (norms[:, None] + norms) / (count - 2)
    square -= layer.norms.sum() / ((count - 1) * (count - 2))
    np.fill_diagonal(square, 0.0)
    return np.asarray(square)
