"""Kernels of a layer's rows, centred, of which tiles of a Gram matrix are made.

The linear kernel, the Gaussian one, and either from a matrix that is held, for rows that are
shuffled again and again.
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
_BLOCK = 512


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

    def shuffled(self, shuffle: Integers, order: Integers) -> "LinearRows":
        """Shuffle these rows, to `order`."""
        if _is_permutation(shuffle):
            return replace(self, order=order, norms=self.norms[shuffle])
        return _linear(self.values, order)


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
    mean = values[order].mean(axis=0, dtype=np.float64)
    rows = LinearRows(values, order, mean, np.empty(len(order)))
    for start in range(0, len(order), _BLOCK):
        part = slice(start, start + _BLOCK)
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
        # all layers share an order: with many shuffles it is not small
        moves = [(shuffle, linear[0].order[shuffle]) for shuffle in shuffles]
        return layers, [[layer.shuffled(*move) for layer in linear] for move in moves]
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
        means, grand = np.broadcast_to(0.0, count), 0.0
        if not _is_permutation(order):
            share = np.bincount(order, minlength=count) / count
            of_rows = gram @ share
            means, grand = of_rows[order], float(share @ of_rows)
        made.append(HeldRows(gram, order, means, grand, diagonal[order] - 2 * means + grand))
    return made


def _is_permutation(order: Integers) -> bool:
    """Whether no row is repeated: a centred matrix then stays so."""
    return bool((np.bincount(order, minlength=len(order)) == 1).all())
