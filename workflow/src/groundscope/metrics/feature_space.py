"""Feature space: linear HSIC of pairs of layers from products of their features, by row blocks."""

from dataclasses import dataclass, replace

import numpy as np

from groundscope.metrics import cka
from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.order import LARGE, Order

_BLOCK = 1024
_SINGLE = 4096


@dataclass(frozen=True)
class Layer(cka.Centred):
    """One layer, prepared: rows sorted by group, m of them in groups that are left out.

    Attributes
    ----------
    values
        Features ``[n, d]`` in their own precision.
    mean
        Of the features, shape ``[d]``.
    blocks
        Inner products between rows of the same group, flat, groups in order, those of over 256
        rows left out; shape ``[sum(sizes ** 2)]``.
    double
        Centred features and, as the last column, their squared norms in float64, ``[n, d + 1]``,
        if they are held because they are read often.
    """

    values: Floats
    mean: Floats
    blocks: Floats
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
        double = self.with_norms(slice(None))
        return replace(self, values=double[:, :-1], mean=np.zeros_like(self.mean), double=double)


def prepare(features: Floats, order: Order, *, name: str) -> Layer:
    """Centre and sort a layer's features.

    Parameters
    ----------
    features
        Shape ``[n, d]``, float32 or float64, rows in the caller's order; centred in float64.
    order
        Groups of the rows.
    name
        Of the layer, for messages.
    """
    cka.check(features, name)
    layer = bare(features[order.rows])
    subset = layer.centred(order.subset.rows)
    alone = layer.norms[: order.left_out] if order.alone else None
    return replace(
        layer,
        within=_within(layer, order) if alone is None else alone,
        blocks=_blocks(layer, order) if alone is None else alone,
        square=subset @ subset.T,
    )


def bare(values: Floats) -> Layer:
    """Centre the features of sorted rows ``[n, d]``, for `whole` and no more."""
    none = np.empty(0)
    mean = values.mean(axis=0, dtype=np.float64)
    layer = Layer(values=values, mean=mean, norms=none, within=none, blocks=none, square=none)
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


def hsic(a: Layer, b: Layer, order: Order) -> cka.Hsic:
    """HSIC of a pair of prepared layers, whole and without each group.

    Row terms of over 4096 rows are multiplied in single precision, except those of a layer with
    itself: they enter the values without a group as one part in n, so that these keep 1e-9, and
    the standard error 1e-5. Where one row is 100 times as long as the others, whose terms have
    its scale, values without a group keep 7e-5 and the standard error 2e-3. The whole values are
    double precision throughout.
    """
    return cka.hsic(a, b, order, _terms(a, b, order))


def whole(a: Layer, b: Layer) -> Floats:
    """``n (n - 3) HSIC_1`` and F of a pair, without the leave-one-out terms, shape ``[2]``."""
    product = np.zeros((len(a.mean), len(b.mean)))
    for start in range(0, len(b.norms), _BLOCK):
        part = slice(start, start + _BLOCK)
        y = b.centred(part)
        product += (y if a is b else a.centred(part)).T @ y
    return cka.whole(float(np.vdot(product, product)), a.norms, b.norms)


def _terms(a: Layer, b: Layer, order: Order) -> cka.Terms:
    """Multiply all rows, and the rows that are left out with that product."""
    product = np.zeros((len(a.mean) + 1, len(b.mean) + 1))
    large = []
    for part, frequent in order.parts():
        here = _with_norms(a, b, part)
        product += here
        if frequent:
            large.append(float(np.vdot(here[:-1, :-1], here[:-1, :-1])))
    rows, crossed, norms_a, norms_b = _row_terms(a, b, order, product)
    return cka.Terms(
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
    single = len(b.norms) > _SINGLE and a is not b
    factor, scales = product[:-1, :-1], (0, 0, 0)
    if single:
        scales = _exponent(np.sqrt(a.norms)), _exponent(factor), _exponent(np.sqrt(b.norms))
        factor = _in_single(factor, scales[1])
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(rows)))
        y = b.centred(part)
        x = y if a is b else a.centred(part)
        norms_a[part] = x @ product[:-1, -1]
        norms_b[part] = y @ product[-1, :-1]
        if single:
            x, y = _in_single(x, scales[0]), _in_single(y, scales[2])
        image = x @ factor
        rows[part] = np.einsum("ij,ij->i", image, y)
        if sums is not None:
            crossed[part] = np.einsum("ij,ij->i", image, sums[group[part]])
    rows *= 2.0 ** sum(scales)
    if sums is not None:
        crossed *= 2.0 ** sum(scales[:2])
    return rows, rows if order.alone else crossed, norms_a, norms_b


def _exponent(values: Floats) -> int:
    """Power of two above all magnitudes."""
    return int(np.frexp(np.abs(values).max())[1])


def _in_single(values: Floats, exponent: int) -> Floats:
    """Divide by a power of two, which is exact, so that nothing leaves the range of float32."""
    return (values * 2.0**-exponent).astype(np.float32)


def _inside(a: Layer, b: Layer, order: Order) -> Floats:
    """Sum within each group of the products of inner products, for the groups with `blocks`."""
    squares = order.sizes**2
    starts = np.cumsum(squares) - squares
    held = starts[starts < len(a.blocks)]
    return np.add.reduceat(a.blocks * b.blocks, held) if len(held) else np.empty(0)
