"""Gram space: HSIC of all pairs of layers from tiles of their centred Gram matrices.

A tile is some rows by some rows. The tiles of all layers are made together, multiplied with each
other and dropped: a layer costs ``n^2 d`` operations with however many layers it is compared, and
nothing of n x n entries is held.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from itertools import product, repeat
from typing import Any, Protocol

import numpy as np

from groundscope.metrics import cka
from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.order import Order, Panel

PANEL, LEAST = 512, 128
# of a panel's rows and its tiles with another
SPACE = 160 * 2**20
HELD = 512 * 2**20


class Rows(Protocol):
    """Rows of a layer in some order, of which tiles of the centred Gram matrix can be made."""

    @property
    def norms(self) -> Floats:
        """Diagonal of the centred Gram matrix, shape ``[n]``."""

    @property
    def width(self) -> int:
        """Numbers that `part` has for each row."""

    def part(self, rows: slice | Integers) -> Any:
        """Whatever `fill` needs of some of the rows."""

    def fill(
        self, tile: Floats, x: Any, y: Any, left: slice | Integers, right: slice | Integers
    ) -> None:
        """Put the centred Gram matrix of rows `left` and `right`, of parts x and y, in a tile."""


@dataclass(frozen=True)
class LinearRows:
    """Rows for the linear kernel.

    Attributes
    ----------
    values
        Features in their own precision and order, shape ``[n, d]``.
    order
        Which of these, shape ``[n]``.
    mean
        Of the features, shape ``[d]``.
    norms
        Squared norms of the centred features, shape ``[n]``.
    """

    values: Floats
    order: Integers
    mean: Floats
    norms: Floats

    @property
    def width(self) -> int:
        """Features."""
        return len(self.mean)

    def part(self, rows: slice | Integers) -> Floats:
        """Centre some of the rows, in float64."""
        return np.subtract(self.values[self.order[rows]], self.mean, dtype=np.float64)

    def fill(
        self, tile: Floats, x: Floats, y: Floats, left: slice | Integers, right: slice | Integers
    ) -> None:
        """Put the products of x and y in a tile."""
        np.matmul(x, y.T, out=tile)

    def shuffled(self, order: Integers) -> "LinearRows":
        """Give these rows in another order."""
        return _linear(self.values, self.order[order])


@dataclass(frozen=True)
class GaussianRows:
    """Rows for the kernel ``exp(-distance^2 / scale)``.

    Attributes
    ----------
    linear
        The rows and their squared norms.
    scale
        Of squared distances.
    means, grand
        Means of the rows of the Gram matrix, shape ``[n]``, and of all of it.
    norms
        Diagonal of the centred Gram matrix, shape ``[n]``.
    """

    linear: LinearRows
    scale: float
    means: Floats
    grand: float
    norms: Floats

    @property
    def width(self) -> int:
        """Features."""
        return self.linear.width

    def part(self, rows: slice | Integers) -> Floats:
        """Centre the features of some of the rows, in float64."""
        return self.linear.part(rows)

    def fill(
        self, tile: Floats, x: Floats, y: Floats, left: slice | Integers, right: slice | Integers
    ) -> None:
        """Put the kernel of x and y in a tile, centred."""
        self.linear.fill(tile, x, y, left, right)
        tile *= 2
        tile -= self.linear.norms[left][:, None]
        tile -= self.linear.norms[right]
        np.minimum(tile, 0.0, out=tile)
        tile /= self.scale
        np.exp(tile, out=tile)
        tile -= self.means[left][:, None]
        tile -= self.means[right] - self.grand


@dataclass(frozen=True)
class HeldRows:
    """Rows of a Gram matrix that is held.

    Attributes
    ----------
    gram
        Shape ``[n, n]``.
    order
        Which of its rows, shape ``[n]``.
    means, grand
        Means of these rows over these columns, shape ``[n]``, and of all.
    norms
        Diagonal of the centred matrix, shape ``[n]``.
    """

    gram: Floats
    order: Integers
    means: Floats
    grand: float
    norms: Floats

    @property
    def width(self) -> int:
        """Numbers of rows."""
        return 1

    def part(self, rows: slice | Integers) -> Integers:
        """Where some of the rows are."""
        return self.order[rows]

    def fill(
        self,
        tile: Floats,
        x: Integers,
        y: Integers,
        left: slice | Integers,
        right: slice | Integers,
    ) -> None:
        """Put rows x and columns y in a tile, centred."""
        places = x[:, None] * len(self.gram) + y
        np.take(self.gram.reshape(-1), places, out=tile, mode="clip")
        tile -= self.means[left][:, None]
        tile -= self.means[right] - self.grand


def square(layer: Rows, rows: Integers) -> Floats:
    """Give the centred Gram matrix of some rows."""
    part, tile = layer.part(rows), np.empty((len(rows), len(rows)))
    layer.fill(tile, part, part, rows, rows)
    return tile


def linear(values: Floats, order: Integers, *, name: str) -> LinearRows:
    """Prepare the rows of a layer ``[n, d]`` in some order."""
    cka.check(values, name)
    return _linear(values, order)


def _linear(values: Floats, order: Integers) -> LinearRows:
    # an order may repeat rows, which moves the mean
    mean = values[order].mean(axis=0, dtype=np.float64)
    rows = LinearRows(values, order, mean, np.empty(len(order)))
    for start in range(0, len(order), PANEL):
        part = slice(start, start + PANEL)
        x = rows.part(part)
        rows.norms[part] = np.einsum("ij,ij->i", x, x)
    return rows


def gaussian(values: Floats, order: Integers, *, name: str, threshold: float = 1.0) -> GaussianRows:
    """Prepare the same for ``exp(-d^2 / (2 t^2 m))``, t = `threshold`.

    m is the median of all squared distances between the rows, zeros of the diagonal included
    (Kornblith et al. 2019, reference notebook). They are held for a while: ``16 n^2`` bytes.
    """
    rows = linear(values, order, name=name)
    gram = square(rows, np.arange(len(order)))
    # norms of the same rounding, so that rows that are the same have no distance
    rows = replace(rows, norms=np.diagonal(gram).copy())
    gram *= -2
    gram += rows.norms[:, None]
    gram += rows.norms
    np.maximum(gram, 0.0, out=gram)
    median = float(np.median(gram))
    if median == 0:
        message = f"{name}: over half of the pairs of rows are the same: no RBF bandwidth exists"
        raise ValueError(message)
    scale = 2 * threshold**2 * median
    gram /= -scale
    np.exp(gram, out=gram)
    means = gram.mean(axis=0)
    grand = float(means.mean())
    return GaussianRows(rows, scale, means, grand, 1 - 2 * means + grand)


def shuffled(
    layers: Sequence[LinearRows | GaussianRows], shuffles: Sequence[Integers], pool: Executor
) -> tuple[Sequence[Rows], list[Sequence[Rows]]]:
    """Give layers, and for each shuffle the same layers with their rows in that order.

    Shuffled tiles are taken from Gram matrices that are held, but for the linear kernel where these
    do not fit 512 MiB: then they are multiplied anew.
    """
    if not shuffles:
        return layers, []
    linear = [layer for layer in layers if isinstance(layer, LinearRows)]
    if len(linear) == len(layers) and not holds(len(layers[0].norms), len(layers)):
        return layers, [[layer.shuffled(order) for layer in linear] for order in shuffles]
    first, *others = zip(*pool.map(_held, layers, repeat(shuffles)), strict=True)
    return first, [*others]


def holds(rows: int, layers: int) -> bool:
    """Whether the Gram matrices of some layers fit 512 MiB."""
    return 8 * rows**2 * layers <= HELD


def _held(layer: Rows, shuffles: Sequence[Integers]) -> list[HeldRows]:
    """Hold a layer's Gram matrix; give its rows in order, then shuffled: some may be repeated."""
    count = len(layer.norms)
    gram = square(layer, np.arange(count))
    diagonal, made = np.diagonal(gram), []
    for order in (np.arange(count), *shuffles):
        share = np.bincount(order, minlength=count) / count
        means = gram @ share
        grand = float(share @ means)
        norms = diagonal[order] - 2 * means[order] + grand
        made.append(HeldRows(gram, order, means[order], grand, norms))
    return made


@dataclass
class Sums:
    """What all tiles add up to, for P pairs of layers: A x B, then each of L with itself.

    Attributes
    ----------
    total
        F, shape ``[P]``.
    rows, crossed, inside
        As in `cka.Terms`, shape ``[g, P]``.
    norms
        Gram matrix of one layer times norms of another, summed over rows, ``[g, L, L]``.
    within
        As in `cka.Centred`, shape ``[L, m]``.
    null
        F with the shuffled rows of B, and of each of those with itself, ``[shuffles, A x B + B]``.
    """

    total: Floats
    rows: Floats
    crossed: Floats
    inside: Floats
    norms: Floats
    within: Floats
    null: Floats

    def add(self, other: "Sums") -> None:
        """Add those of other tiles."""
        for field in fields(self):
            mine: Floats = getattr(self, field.name)
            mine += getattr(other, field.name)

    def terms(self, pair: int, a: int, b: int) -> cka.Terms:
        """Terms of a pair, of layers a and b."""
        return cka.Terms(
            float(self.total[pair]),
            self.rows[:, pair],
            self.crossed[:, pair],
            self.norms[:, b, a],
            self.norms[:, a, b],
            self.inside[:, pair],
        )


@dataclass(frozen=True)
class Tiling:
    """All layers of two models.

    Attributes
    ----------
    layers
        L layers, rows in the sorted order: the first are those of one model, the last those of the
        other; both are all of them where a model is compared with itself.
    first, second
        A and B, the numbers of layers of either model.
    shuffled
        For each shuffle the rows of the second model's layers.
    order
        Groups of the rows. One of more than `PANEL` rows that is left out makes larger tiles.
    """

    layers: Sequence[Rows]
    first: int
    second: int
    shuffled: Sequence[Sequence[Rows]]
    order: Order

    def pairs(self) -> list[tuple[int, int]]:
        """Both layers of each of the P pairs, in order."""
        count = len(self.layers)
        crossed = product(range(self.first), range(count - self.second, count))
        return [*crossed, *((layer, layer) for layer in range(count))]

    def sums(self, pool: Executor) -> Sums:
        """Add up all tiles, some rows with all others in each task."""
        # so small that all cores have work and memory is bounded, or else so large that it is fast
        fitting = SPACE // (8 * sum(layer.width + PANEL for layer in self.layers))
        size = max(LEAST, min(PANEL, fitting, len(self.order.rows) // 4))
        panels = self.order.panels(size)
        parts = pool.map(self._panel_sums, [panels[at:] for at in range(len(panels))])
        result = next(parts)
        for part in parts:
            result.add(part)
        return result

    def _panel_sums(self, panels: Sequence[Panel]) -> Sums:
        """Sum over the tiles of the first panel's rows with its own and later rows."""
        panel, sums = panels[0], self._nothing()
        left = [layer.part(panel.rows) for layer in self.layers]
        widest = max(other.size for other in panels)
        space = np.empty((len(left) + bool(self.shuffled) * self.second) * panel.size * widest)
        for other in panels:
            right = left if other is panel else None
            tiles = _tiles(self.layers, left, right, panel, other, space)
            weight = 1 if other is panel else 2
            if panel.left_out:
                sums.total += weight * self._add_rows(sums, panel, tiles, other)
            else:
                sums.total += weight * self._inner(_flat(tiles))[0]
            if other is panel:
                self._add_inside(sums, panel, tiles)
            elif other.left_out:
                self._add_rows(sums, other, tiles.transpose(0, 2, 1).copy(), panel)
            for null, layers in zip(sums.null, self.shuffled, strict=True):
                x = [layer.part(panel.rows) for layer in layers]
                y = x if other is panel else None
                moved = _tiles(layers, x, y, panel, other, space[tiles.size :])
                crossed = _crossed(_flat(tiles[: self.first]), _flat(moved))
                null += weight * np.concatenate([crossed, _own(_flat(moved))], axis=1)[0]
        return sums

    def _nothing(self) -> Sums:
        groups, count = len(self.order.sizes), len(self.layers)
        pairs = self.first * self.second + count
        shapes = (pairs,), *[(groups, pairs)] * 3, (groups, count, count)
        moved = len(self.shuffled), self.first * self.second + self.second
        return Sums(*map(np.zeros, (*shapes, (count, self.order.left_out), moved)))

    def _inner(self, tiles: Floats) -> Floats:
        """Products of the rows of all pairs of tiles, ``[L, i, j]`` to ``[i, P]``."""
        crossed = _crossed(tiles[: self.first], tiles[len(tiles) - self.second :])
        return np.concatenate([crossed, _own(tiles)], axis=1)

    def _add_rows(self, sums: Sums, panel: Panel, tiles: Floats, other: Panel) -> Floats:
        """Add what a panel's groups have with other rows; give the products of the tiles."""
        inner = self._inner(tiles)
        summed, here = tiles, inner
        if panel.size > len(panel.starts):
            summed = np.add.reduceat(tiles, panel.starts, axis=1)
            here = self._inner(summed)
        sums.rows[panel.groups] += np.add.reduceat(inner, panel.starts)
        sums.crossed[panel.groups] += here
        norms = np.stack([layer.norms[other.rows] for layer in self.layers], axis=1)
        sums.norms[panel.groups] += (summed @ norms).transpose(1, 0, 2)
        return np.asarray(inner.sum(axis=0))

    def _add_inside(self, sums: Sums, panel: Panel, tiles: Floats) -> None:
        """Add what the groups of a panel have within themselves."""
        stops = np.append(panel.starts, panel.size)[1:]
        groups = range(panel.groups.start, panel.groups.stop)
        for group, start, stop in zip(groups, panel.starts, stops, strict=True):
            same = tiles[:, start:stop, start:stop]
            sums.inside[group] += self._inner(_flat(same))[0]
            rows = slice(panel.rows.start + start, panel.rows.start + stop)
            sums.within[:, rows] += same.sum(axis=2)


def _tiles(
    layers: Sequence[Rows],
    left: Sequence[Any],
    right: Sequence[Any] | None,
    panel: Panel,
    other: Panel,
    space: Floats,
) -> Floats:
    """Make the tiles of all layers in `space`, ``[layers, i, j]``, from parts, right if known."""
    tiles = space[: len(layers) * panel.size * other.size].reshape(-1, panel.size, other.size)
    for at, layer in enumerate(layers):
        y = layer.part(other.rows) if right is None else right[at]
        layer.fill(tiles[at], left[at], y, panel.rows, other.rows)
    return tiles


def _flat(tiles: Floats) -> Floats:
    """Give tiles of a single row."""
    return tiles.reshape(len(tiles), 1, -1)


def _crossed(left: Floats, right: Floats) -> Floats:
    """Products of the rows of each tile with those of each other, ``[i, A x B]``."""
    products = left.transpose(1, 0, 2) @ right.transpose(1, 2, 0)
    return np.asarray(products.reshape(len(products), -1))


def _own(tiles: Floats) -> Floats:
    """Products of the rows of each tile with themselves, ``[i, L]``."""
    return np.asarray(np.einsum("lij,lij->il", tiles, tiles))
