"""Rows of a layer, of which tiles of a centred Gram matrix are made, as they are and shuffled.

For the linear kernel, and for any from a matrix that is held; `rbf` has those of the Gaussian one.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, Protocol

import numpy as np

from groundscope.metrics import cka
from groundscope.metrics.groups import Floats, Integers

HELD = 512 * 2**20
_BLOCK, _CACHED = 512, 64


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


class MadeRows(Rows, Protocol):
    """Rows of a layer that are made of its features."""

    @property
    def order(self) -> Integers:
        """Which of the features the rows are, shape ``[n]``."""

    def shuffled(self, shuffles: Sequence[Integers], orders: Sequence[Integers]) -> Sequence[Rows]:
        """Shuffle these rows, to each of `orders`."""


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
        order = self.order[rows]
        centred = np.empty((len(order), self.width))
        # a few at a time: they are still in the cache when the mean is subtracted
        for start in range(0, len(order), _CACHED):
            some = centred[start : start + _CACHED]
            some[...] = self.values[order[start : start + _CACHED]]
            some -= self.mean
        return centred

    def fill(
        self, tile: Floats, x: Floats, y: Floats, left: slice | Integers, right: slice | Integers
    ) -> None:
        """Put the products of x and y in a tile."""
        np.matmul(x, y.T, out=tile)

    def shuffled(
        self, shuffles: Sequence[Integers], orders: Sequence[Integers]
    ) -> list["LinearRows"]:
        """Shuffle these rows, to each of `orders`; rows that are repeated move the mean."""
        return [
            replace(self, order=order, norms=self.norms[shuffle])
            if is_permutation(shuffle)
            else _linear(self.values, order)
            for shuffle, order in zip(shuffles, orders, strict=True)
        ]


@dataclass(frozen=True)
class HeldRows:
    """Rows of a Gram matrix that is held.

    Attributes
    ----------
    gram
        Centred over all rows, shape ``[n, n]``.
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
    ordered = values if is_permutation(order) else values[order]
    mean = ordered.mean(axis=0, dtype=np.float64)
    rows = LinearRows(values, order, mean, np.empty(len(order)))
    for start in range(0, len(order), _BLOCK):
        part = slice(start, start + _BLOCK)
        x = rows.part(part)
        rows.norms[part] = np.einsum("ij,ij->i", x, x)
    return rows


def shuffled(
    layers: Sequence[MadeRows], shuffles: Sequence[Integers], pool: Executor
) -> tuple[Sequence[Rows], list[Sequence[Rows]]]:
    """Give layers, and for each shuffle the same layers with their rows in that order.

    Shuffled tiles are taken from Gram matrices that are held where these fit 512 MiB, and made anew
    where they do not.
    """
    if not shuffles:
        return layers, []
    if holds(len(layers[0].norms), len(layers)):
        first, *others = zip(*pool.map(_held, layers, repeat(shuffles)), strict=True)
        return first, [*others]
    # all layers share an order: with many shuffles it is not small
    orders = [layers[0].order[shuffle] for shuffle in shuffles]
    moved = pool.map(lambda layer: layer.shuffled(shuffles, orders), layers)
    return layers, [*zip(*moved, strict=True)]


def holds(rows: int, layers: int) -> bool:
    """Whether the Gram matrices of some layers fit 512 MiB."""
    return 8 * rows**2 * layers <= HELD


def _held(layer: Rows, shuffles: Sequence[Integers]) -> list[HeldRows]:
    """Hold a layer's Gram matrix; give its rows in order, then shuffled: some may be repeated."""
    count = len(layer.norms)
    gram = square(layer, np.arange(count))
    diagonal, made = np.diagonal(gram), []
    for order in (np.arange(count), *shuffles):
        means, grand = np.broadcast_to(0.0, count), 0.0
        if not is_permutation(order):
            share = np.bincount(order, minlength=count) / count
            of_rows = gram @ share
            means, grand = of_rows[order], float(share @ of_rows)
        made.append(HeldRows(gram, order, means, grand, diagonal[order] - 2 * means + grand))
    return made


def is_permutation(order: Integers) -> bool:
    """Whether no row is repeated: a centred matrix then stays so."""
    return bool((np.bincount(order, minlength=len(order)) == 1).all())
