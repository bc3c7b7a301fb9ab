"""Layers made ready for alignment: features, or centred Gram matrices, sorted by word."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.order import LARGE, Order

_BLOCK = 1024


@dataclass(frozen=True)
class Layer:
    """One layer, prepared: rows sorted by group, m of them in groups that are left out.

    Attributes
    ----------
    values
        Features ``[n, d]`` in their own precision, or the centred Gram matrix ``[n, n]`` if `gram`.
    gram
        Which of the two.
    mean
        Mean of the features, shape ``[d]``; zero if `gram`.
    norms
        Squared row norms, centred, shape ``[n]``.
    within
        Inner product of each row with its group's row sum, shape ``[m]``.
    blocks
        Inner products between rows of the same group, flat, groups in order, those of over 256
        rows left out in feature space; shape ``[sum(sizes ** 2)]``.
    square
        Inner products between the rows of `Order.subset`.
    double
        Centred features and, as the last column, their squared norms in float64, ``[n, d + 1]``,
        if they are held because they are read often.
    """

    values: Floats
    gram: bool
    mean: Floats
    norms: Floats
    within: Floats
    blocks: Floats
    square: Floats
    double: Floats | None = None

    def centred(self, rows: slice | Integers) -> Floats:
        """Centre some of the rows, in float64."""
        if self.double is not None:
            return self.double[rows, :-1]
        return np.subtract(self.values[rows], self.mean, dtype=np.float64)

    def with_norms(self, rows: slice) -> Floats:
        """Centre some of the rows, and put their squared norms behind them as one more column."""
        if self.double is not None:
            return self.double[rows]
        norms = self.norms[rows]
        made = np.empty((len(norms), len(self.mean) + 1))
        np.subtract(self.values[rows], self.mean, out=made[:, :-1])
        made[:, -1] = norms
        return made

    def in_double(self) -> "Layer":
        """Hold the features centred, in float64."""
        if self.gram:
            return self
        double = self.with_norms(slice(None))
        return replace(self, values=double[:, :-1], mean=np.zeros_like(self.mean), double=double)


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
        Shape ``[n, d]``, float32 or float64, rows in the caller's order; centred in float64.
    order
        Groups of the rows.
    gram
        Keep the Gram matrix in place of the features.
    name
        Of the layer, for messages.
    """
    check(features, name)
    values = features[order.rows]
    mean = values.mean(axis=0, dtype=np.float64)
    if gram:
        centred = values - mean
        return from_gram(centred @ centred.T, order)
    layer = _bare(values, mean)
    subset = layer.centred(order.subset)
    alone = layer.norms[: order.left_out] if order.alone else None
    return replace(
        layer,
        within=_within(layer, order) if alone is None else alone,
        blocks=_blocks(layer, order) if alone is None else alone,
        square=subset @ subset.T,
    )


def _bare(values: Floats, mean: Floats) -> Layer:
    """Features with what `cka.numerators` reads, and no more."""
    none = np.empty(0)
    layer = Layer(values, gram=False, mean=mean, norms=none, within=none, blocks=none, square=none)
    norms = np.empty(len(values))
    for start in range(0, len(values), _BLOCK):
        part = slice(start, start + _BLOCK)
        rows = layer.centred(part)
        norms[part] = np.einsum("ij,ij->i", rows, rows)
    return replace(layer, norms=norms)


def _within(layer: Layer, order: Order) -> Floats:
    sums = order.sums(layer.values) - order.sizes[:, None] * layer.mean
    group = np.repeat(np.arange(len(order.sizes)), order.sizes)
    within = np.empty(len(group))
    for start in range(0, len(group), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(group)))
        within[part] = np.einsum("ij,ij->i", layer.centred(part), sums[group[part]])
    return within


def _blocks(layer: Layer, order: Order) -> Floats:
    parts = [np.empty(0)]
    row = 0
    for size, count in zip(*np.unique(order.sizes, return_counts=True), strict=True):
        if size > LARGE:
            break
        step = max(1, _BLOCK // size)
        for first in range(0, count, step):
            groups = min(step, count - first)
            same = layer.centred(slice(row, row + size * groups)).reshape(groups, size, -1)
            parts.append((same @ same.transpose(0, 2, 1)).reshape(-1))
            row += size * groups
    return np.concatenate(parts)


def from_gram(gram: Floats, order: Order) -> Layer:
    """Prepare a layer from a kernel matrix ``[n, n]`` whose rows are sorted; it is centred here."""
    means = gram.mean(axis=0)
    gram = gram - means - means[:, None] + means.mean()
    groups = np.repeat(np.arange(len(order.sizes)), order.sizes)
    left = np.repeat(np.arange(len(groups)), order.sizes[groups])
    offset = np.arange(len(left)) - np.repeat(
        np.cumsum(order.sizes[groups]) - order.sizes[groups], order.sizes[groups]
    )
    right = order.starts[groups[left]] + offset
    blocks: Floats = gram[left, right]
    within: Floats = np.bincount(left, weights=blocks).astype(np.float64)
    norms = np.diagonal(gram).copy()
    square = gram[np.ix_(order.subset, order.subset)]
    return Layer(
        gram,
        gram=True,
        mean=np.zeros(()),
        norms=norms,
        within=within,
        blocks=blocks,
        square=square,
    )


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
    return _bare(values, values.mean(axis=0, dtype=np.float64))
