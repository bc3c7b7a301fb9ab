"""Gram space: HSIC of all pairs of layers from tiles of their centred Gram matrices.

A tile is some rows by some rows. The tiles of all layers are made together, multiplied with each
other and dropped: a layer costs ``n^2 d`` operations with however many layers it is compared, and
no n x n matrix is held, but for `kernels.HeldRows`.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import numpy as np

from groundscope.metrics import cka
from groundscope.metrics.groups import Floats
from groundscope.metrics.kernels import Rows
from groundscope.metrics.order import Order, Panel

PANEL, LEAST = 768, 128
# of a panel's rows and its tiles with another, shuffled ones too
SPACE = 240 * 2**20


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
        # small enough for some cores and for memory, or else large enough for products to be fast
        made = [*self.layers, *(self.layers[-self.second :] if self.shuffled else ())]
        fitting = SPACE // (8 * sum(layer.width + PANEL for layer in made))
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
                sums.total += weight * self._inner(tiles).sum(axis=0)
            if other is panel:
                self._add_inside(sums, panel, tiles)
            elif other.left_out:
                for part in other.cut(LEAST):
                    start = part.rows.start - other.rows.start
                    columns = tiles[:, :, start : start + part.size]
                    self._add_rows(sums, part, columns.transpose(0, 2, 1).copy(), panel)
            for null, layers in zip(sums.null, self.shuffled, strict=True):
                x = [layer.part(panel.rows) for layer in layers]
                y = x if other is panel else None
                moved = _tiles(layers, x, y, panel, other, space[tiles.size :])
                crossed = _crossed(tiles[: self.first], moved)
                null += weight * np.concatenate([crossed, _own(moved)], axis=1).sum(axis=0)
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
        sums.norms[panel.groups] += summed.transpose(1, 0, 2) @ norms
        return np.asarray(inner.sum(axis=0))

    def _add_inside(self, sums: Sums, panel: Panel, tiles: Floats) -> None:
        """Add what the groups of a panel have within themselves."""
        stops = np.append(panel.starts, panel.size)[1:]
        groups = range(panel.groups.start, panel.groups.stop)
        for group, start, stop in zip(groups, panel.starts, stops, strict=True):
            same = tiles[:, start:stop, start:stop]
            sums.inside[group] += self._inner(same).sum(axis=0)
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


def _crossed(left: Floats, right: Floats) -> Floats:
    """Products of the rows of each tile with those of each other, ``[i, A x B]``."""
    products = left.transpose(1, 0, 2) @ right.transpose(1, 2, 0)
    return np.asarray(products.reshape(len(products), -1))


def _own(tiles: Floats) -> Floats:
    """Products of the rows of each tile with themselves, ``[i, L]``."""
    return np.asarray(np.vecdot(tiles, tiles).T)
