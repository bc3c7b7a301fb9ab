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

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers

_BLOCK = 2048
_SUBSET = 200


@dataclass(frozen=True)
class Order:
    """Rows sorted by group, groups of equal size side by side.

    Attributes
    ----------
    rows
        The sorted order, shape ``[n]``.
    starts, sizes
        First sorted row and number of rows of each group, shape ``[g]``.
    subset
        Sorted rows of all groups, or of 200 random ones, whose pairs stand for all pairs.
    subset_starts
        First row of each of those groups within `subset`.
    """

    rows: Integers
    starts: Integers
    sizes: Integers
    subset: Integers
    subset_starts: Integers

    @classmethod
    def of(cls, groups: Groups) -> "Order":
        """Sort the rows of a partition."""
        by_size = np.argsort(groups.sizes, kind="stable")
        rank = np.empty(len(groups), np.intp)
        rank[by_size] = np.arange(len(groups))
        sizes = groups.sizes[by_size]
        rows = np.argsort(rank[groups.codes], kind="stable")
        chosen = np.arange(len(groups))
        if len(groups) > _SUBSET:
            chosen = np.sort(np.random.default_rng(0).choice(chosen, _SUBSET, replace=False))
        subset = np.flatnonzero(np.isin(np.repeat(np.arange(len(groups)), sizes), chosen))
        starts = np.cumsum(sizes[chosen]) - sizes[chosen]
        return cls(rows, np.cumsum(sizes) - sizes, sizes, subset, starts)

    def sums(self, rows: Floats) -> Floats:
        """Sum sorted rows within groups, ``[n, ...]`` to ``[g, ...]``."""
        return np.add.reduceat(rows, self.starts, axis=0)

    def spread(self, of_groups: Floats) -> Floats:
        """Repeat a group's value for each of its rows, ``[g, ...]`` to ``[n, ...]``."""
        return np.repeat(of_groups, self.sizes, axis=0)


@dataclass(frozen=True)
class Layer:
    """One layer, prepared: centred, rows sorted by group.

    Attributes
    ----------
    values
        Features ``[n, d]``, or the Gram matrix ``[n, n]`` if `gram`.
    gram
        Which of the two.
    norms
        Squared row norms, shape ``[n]``.
    within
        Inner product of each row with its group's row sum, shape ``[n]``.
    blocks
        Inner products between rows of the same group, flat, groups in order; shape
        ``[sum(sizes ** 2)]``.
    square
        Inner products between the rows of `Order.subset`.
    """

    values: Floats
    gram: bool
    norms: Floats
    within: Floats
    blocks: Floats
    square: Floats


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


def prepare(features: Floats, order: Order, *, gram: bool, name: str) -> Layer:
    """Centre and sort a layer's features for the linear kernel.

    Parameters
    ----------
    features
        Shape ``[n, d]``, rows in the caller's order; read as float64.
    order
        Groups of the rows.
    gram
        Keep the Gram matrix in place of the features.
    name
        Of the layer, for messages.
    """
    check(features, name)
    centred = features[order.rows].astype(np.float64)
    centred -= centred.mean(axis=0)
    if gram:
        return from_gram(centred @ centred.T, order)
    norms = np.einsum("ij,ij->i", centred, centred)
    sums = order.spread(order.sums(centred))
    within = np.einsum("ij,ij->i", centred, sums)
    square = centred[order.subset] @ centred[order.subset].T
    return Layer(
        centred,
        gram=False,
        norms=norms,
        within=within,
        blocks=_blocks(centred, order),
        square=square,
    )


def _blocks(centred: Floats, order: Order) -> Floats:
    parts = []
    row = 0
    for size, count in zip(*np.unique(order.sizes, return_counts=True), strict=True):
        same = centred[row : row + size * count].reshape(count, size, -1)
        parts.append((same @ same.transpose(0, 2, 1)).reshape(-1))
        row += size * count
    return np.concatenate(parts)


def from_gram(gram: Floats, order: Order) -> Layer:
    """Prepare a layer from a kernel matrix ``[n, n]`` whose rows are sorted; it is centred here."""
    means = gram.mean(axis=0)
    gram = gram - means - means[:, None] + means.mean()
    groups = np.repeat(np.arange(len(order.sizes)), order.sizes)
    left = np.repeat(np.arange(len(gram)), order.sizes[groups])
    offset = np.arange(len(left)) - np.repeat(
        np.cumsum(order.sizes[groups]) - order.sizes[groups], order.sizes[groups]
    )
    right = order.starts[groups[left]] + offset
    blocks: Floats = gram[left, right]
    within: Floats = np.bincount(left, weights=blocks, minlength=len(gram)).astype(np.float64)
    norms = np.diagonal(gram).copy()
    square = gram[np.ix_(order.subset, order.subset)]
    return Layer(gram, gram=True, norms=norms, within=within, blocks=blocks, square=square)


def rbf_gram(features: Floats, order: Order, *, name: str, threshold: float = 1.0) -> Layer:
    """Prepare a layer for the Gaussian kernel ``exp(-d^2 / (2 t^2 m))``, t = `threshold`.

    m is the median of all n x n squared distances, zeros of the diagonal included (Kornblith et
    al. 2019, reference notebook).
    """
    check(features, name)
    centred = features[order.rows].astype(np.float64)
    centred -= centred.mean(axis=0)
    products = centred @ centred.T
    norms = np.diagonal(products)
    squared = np.maximum(norms[:, None] + norms - 2 * products, 0.0)
    median = float(np.median(squared))
    if median == 0:
        message = f"{name}: over half of the pairs of rows are the same: no RBF bandwidth exists"
        raise ValueError(message)
    return from_gram(np.exp(-squared / (2 * threshold**2 * median)), order)


def use_gram(rows: int, left: Sequence[int], right: Sequence[int]) -> bool:
    """Whether Gram matrices cost less than feature products, and no more memory.

    Parameters
    ----------
    rows
        n.
    left, right
        Feature counts of the layers on either side.
    """
    features = sum(4 * rows * a * b for a in left for b in right)
    features += sum(4 * rows * a * a for a in (*left, *right))
    # a Gram pair is bound by memory: some 40 multiplications' time for each of n x n entries
    gram = sum(2 * rows * rows * a for a in (*left, *right)) + 40 * rows**2 * (
        len(left) * len(right) + len(left) + len(right)
    )
    return rows <= 2 * max(*left, *right) and gram < features


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


def shuffled(layer: Layer, rows: Integers) -> Layer:
    """Replace the (sorted) rows of a layer by `rows` of it, and centre again.

    Only what `numerators` reads is right in the result.
    """
    if layer.gram:
        gram = layer.values[np.ix_(rows, rows)]
        means = gram.mean(axis=0)
        gram -= means
        gram -= means[:, None] - means.mean()
        return replace(layer, values=gram, norms=np.diagonal(gram).copy())
    values = layer.values[rows]
    values -= values.mean(axis=0)
    norms = np.einsum("ij,ij->i", values, values)
    return replace(layer, values=values, norms=norms)


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
