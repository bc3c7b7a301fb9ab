"""Centred kernel alignment of two layers, with exact leave-one-word-out terms.

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
``x_i' (X'Y) y_i`` and sums within the group (`_without`), so that the value without a word type is
exact and costs one more product of its rows.
"""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats
from groundscope.metrics.kernels import Layer
from groundscope.metrics.order import Order

_BLOCK = 1024
_SINGLE = 4096


@dataclass(frozen=True)
class Hsic:
    """n (n - 3) HSIC_1 and F of one pair, whole and without each group left out, ``[g]``."""

    debiased: float
    biased: float
    debiased_without: Floats
    biased_without: Floats

    @property
    def whole(self) -> Floats:
        """Both, shape ``[2]``: debiased, biased."""
        return np.array([self.debiased, self.biased])

    @property
    def whole_without(self) -> Floats:
        """Both without each group, shape ``[2, g]``."""
        return np.stack([self.debiased_without, self.biased_without])


def hsic(a: Layer, b: Layer, order: Order) -> Hsic:
    """HSIC of a pair of prepared layers, whole and without each group.

    Row terms of over 4096 rows are multiplied in single precision, except those of a layer with
    itself: they enter the values without a group as one part in n, so that these keep 1e-9, and
    the standard error 1e-5. The whole values are double precision throughout.
    """
    if a.gram != b.gram:
        message = "both layers must be features, or both Gram matrices"
        raise ValueError(message)
    terms = _gram_terms(a, b, order) if b.gram else _terms(a, b, order)
    whole = float(_debias(terms.total, *_norm_terms(a, b)))
    biased_without, debiased_without = _without(a, b, order, terms)
    return Hsic(whole, terms.total, debiased_without, biased_without)


def numerators(a: Layer, b: Layer) -> Floats:
    """``n (n - 3) HSIC_1`` and F of a pair, without the leave-one-out terms, shape ``[2]``."""
    if b.gram:
        total = float(np.vdot(a.values, b.values))
    else:
        product = np.zeros((a.values.shape[1], b.values.shape[1]))
        for start in range(0, len(b.norms), _BLOCK):
            part = slice(start, start + _BLOCK)
            y = b.centred(part)
            product += (y if a is b else a.centred(part)).T @ y
        total = float(np.vdot(product, product))
    return np.array([float(_debias(total, *_norm_terms(a, b))), total])


def _norm_terms(a: Layer, b: Layer) -> tuple[float, float, float, float]:
    return float(a.norms @ b.norms), a.norms.sum(), b.norms.sum(), float(len(a.norms))


def _debias(
    total: Floats | float,
    products: Floats | float,
    k: Floats | float,
    m: Floats | float,
    n: Floats | float,
) -> Floats | float:
    return total - n / (n - 2) * products + k * m / ((n - 1) * (n - 2))


@dataclass(frozen=True)
class _Terms:
    """F, and sums over the rows of each group, shape ``[g]``, with C = X'Y.

    ``x_i' C y_i``, ``x_i' C t_g``, ``y_i' (Y'k)``, ``x_i' (X'l)``, and ``(x_i' x_j) (y_i' y_j)``
    over pairs of rows of the group.
    """

    total: float
    rows: Floats
    crossed: Floats
    norms_b: Floats
    norms_a: Floats
    inside: Floats


def _terms(a: Layer, b: Layer, order: Order) -> _Terms:
    """Feature space: a product of all rows, and one of those that are left out with the first."""
    product = np.zeros((len(a.mean) + 1, len(b.mean) + 1))
    large = []
    for part, whole in order.parts():
        here = _with_norms(a, b, part)
        product += here
        if whole:
            large.append(float(np.vdot(here[:-1, :-1], here[:-1, :-1])))
    rows, crossed, norms_a, norms_b = _row_terms(a, b, order, product)
    return _Terms(
        float(np.vdot(product[:-1, :-1], product[:-1, :-1])),
        order.sums(rows),
        order.sums(crossed),
        order.sums(norms_b),
        order.sums(norms_a),
        np.concatenate([_inside(a, b, order), large]),
    )


def _with_norms(a: Layer, b: Layer, part: slice) -> Floats:
    """``[X, k]'[Y, l]`` of some rows: X'Y, and beside it X'l, below it Y'k."""
    y = b.with_norms(part)
    return (y if a is b else a.with_norms(part)).T @ y


def _row_terms(
    a: Layer, b: Layer, order: Order, product: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Give x_i'Cy_i, x_i'Ct_g, x_i'(X'l) and y_i'(Y'k) of the rows left out, each ``[m]``."""
    rows, crossed, norms_a, norms_b = np.empty((4, order.left_out))
    group = np.repeat(np.arange(len(order.sizes)), order.sizes)
    sums = None if order.alone else order.sums(b.values) - order.sizes[:, None] * b.mean
    kind: type[np.floating] = np.float64
    if len(b.norms) > _SINGLE and a is not b:
        kind = np.float32
    factor = product[:-1, :-1].astype(kind)
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(rows)))
        y = b.centred(part)
        x = y if a is b else a.centred(part)
        norms_a[part] = x @ product[:-1, -1]
        norms_b[part] = y @ product[-1, :-1]
        image = x.astype(kind, copy=False) @ factor
        rows[part] = np.einsum("ij,ij->i", image, y.astype(kind, copy=False))
        if sums is not None:
            crossed[part] = np.einsum("ij,ij->i", image, sums[group[part]])
    return rows, rows if order.alone else crossed, norms_a, norms_b


def _gram_terms(a: Layer, b: Layer, order: Order) -> _Terms:
    """Gram space: the same."""
    rows = np.einsum("ij,ij->i", a.values, b.values)
    if order.alone:
        crossed = rows
    else:
        crossed = np.einsum("ij,ij->i", order.sums(a.values), order.sums(b.values))
    return _Terms(
        float(rows.sum()),
        order.sums(rows),
        crossed,
        order.sums(b.values @ a.norms),
        order.sums(a.values @ b.norms),
        _inside(a, b, order),
    )


def _inside(a: Layer, b: Layer, order: Order) -> Floats:
    """Sum within each group of the products of inner products, for the groups with `blocks`."""
    squares = order.sizes**2
    starts = np.cumsum(squares) - squares
    held = starts[starts < len(a.blocks)]
    return np.add.reduceat(a.blocks * b.blocks, held) if len(held) else np.empty(0)


def _without(a: Layer, b: Layer, order: Order, terms: _Terms) -> tuple[Floats, Floats]:
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
        Groups; those of `Order.subset` are looked at.

    Returns
    -------
    numpy.ndarray
        Shape ``[2]``; 0 for three groups or fewer.
    """
    groups, chosen = order.groups, len(order.subset_starts)
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
