"""The Gaussian (RBF) kernel of a layer's rows, centred, with the median as its bandwidth.

No n x n matrix is held: squared distances are made in tiles, as often as they are needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundscope.metrics.groups import Floats, Integers, equal_rows
from groundscope.metrics.kernels import LinearRows, is_permutation, linear
from groundscope.metrics.order_statistics import two_in_order

_ROWS, _COLUMNS = 512, 4096


@dataclass(frozen=True)
class Distances:
    """Squared distances between the rows of a layer.

    Attributes
    ----------
    rows
        The rows and their squared norms.
    alike
        A number for each row, the same for rows that are the same, shape ``[n]``.
    """

    rows: LinearRows
    alike: Integers

    def fill(
        self, tile: Floats, x: Floats, y: Floats, left: slice | Integers, right: slice | Integers
    ) -> None:
        """Put squared distances in a tile; rows that are the same have none, whatever rounds."""
        self.rows.fill(tile, x, y, left, right)
        tile *= -2
        tile += self.rows.norms[left][:, None]
        tile += self.rows.norms[right]
        np.maximum(tile, 0.0, out=tile)
        np.copyto(tile, 0.0, where=self.alike[left][:, None] == self.alike[right])

    def tiles(self) -> Iterator[tuple[slice, slice, Floats]]:
        """Give all pairs of rows once, in tiles: on the diagonal both ranges of rows are equal."""
        count = len(self.alike)
        for start in range(0, count, _ROWS):
            stop = min(start + _ROWS, count)
            left = slice(start, stop)
            x = self.rows.part(left)
            yield left, left, self._tile(x, x, left, left)
            for first in range(stop, count, _COLUMNS):
                right = slice(first, min(first + _COLUMNS, count))
                yield left, right, self._tile(x, self.rows.part(right), left, right)

    def _tile(self, x: Floats, y: Floats, left: slice, right: slice) -> Floats:
        tile = np.empty((len(x), len(y)))
        self.fill(tile, x, y, left, right)
        return tile

    def median(self) -> float:
        """Median of all n^2 squared distances, zeros of the diagonal included."""
        count = len(self.alike)

        def pairs() -> Iterator[Floats]:
            for left, right, tile in self.tiles():
                yield tile[np.triu_indices(len(tile), 1)] if left == right else tile

        # sorted, n zeros come first, then each pair twice: an odd number has one middle
        place = ((count**2 - 1) // 2 - count) // 2
        middle, following = two_in_order(pairs, count * (count - 1) // 2, place)
        return middle if count % 2 else (middle + following) / 2

    def weighted(self, scale: float, weights: Floats) -> Floats:
        """Multiply the kernel ``exp(-distance^2 / scale)`` with weights, both ``[n, w]``."""
        sums = np.zeros_like(weights)
        for left, right, tile in self.tiles():
            tile /= -scale
            np.exp(tile, out=tile)
            sums[left] += tile @ weights[right]
            if left != right:
                sums[right] += tile.T @ weights[left]
        return sums

    def shuffled(self, shuffle: Integers, order: Integers) -> "Distances":
        """Shuffle the rows, to `order`; distances do not depend on the mean, which may move."""
        rows = replace(self.rows, order=order, norms=self.rows.norms[shuffle])
        return Distances(rows, self.alike[shuffle])


@dataclass(frozen=True)
class GaussianRows:
    """Rows for the kernel ``exp(-distance^2 / scale)``.

    Attributes
    ----------
    distances
        Squared distances between the rows.
    scale
        Of squared distances.
    means, grand
        Means of the rows of the Gram matrix, shape ``[n]``, and of all of it.
    norms
        Diagonal of the centred Gram matrix, shape ``[n]``.
    """

    distances: Distances
    scale: float
    means: Floats
    grand: float
    norms: Floats

    @classmethod
    def of(cls, distances: Distances, scale: float, means: Floats, grand: float) -> "GaussianRows":
        """Give rows whose kernel has these means."""
        return cls(distances, scale, means, grand, 1 - 2 * means + grand)

    @property
    def order(self) -> Integers:
        """Which of the features the rows are, shape ``[n]``."""
        return self.distances.rows.order

    @property
    def width(self) -> int:
        """Features."""
        return self.distances.rows.width

    def part(self, rows: slice | Integers) -> Floats:
        """Centre the features of some of the rows, in float64."""
        return self.distances.rows.part(rows)

    def fill(
        self, tile: Floats, x: Floats, y: Floats, left: slice | Integers, right: slice | Integers
    ) -> None:
        """Put the kernel of x and y in a tile, centred."""
        self.distances.fill(tile, x, y, left, right)
        tile /= -self.scale
        np.exp(tile, out=tile)
        tile -= self.means[left][:, None]
        tile -= self.means[right] - self.grand

    def shuffled(
        self, shuffles: Sequence[Integers], orders: Sequence[Integers]
    ) -> list["GaussianRows"]:
        """Shuffle these rows, to each of `orders`; rows that are repeated move the means."""
        count = len(self.means)
        shares = np.stack([np.bincount(each, minlength=count) for each in shuffles], axis=1) / count
        if all(map(is_permutation, shuffles)):
            moved = np.broadcast_to(self.means[:, None], shares.shape)
        else:
            moved = self.distances.weighted(self.scale, shares)
        return [
            GaussianRows.of(
                self.distances.shuffled(shuffle, order),
                self.scale,
                means[shuffle],
                float(share @ means),
            )
            for shuffle, order, share, means in zip(
                shuffles, orders, shares.T, moved.T, strict=True
            )
        ]


def gaussian(values: Floats, order: Integers, *, name: str, threshold: float = 1.0) -> GaussianRows:
    """Prepare rows for ``exp(-d^2 / (2 t^2 m))``, t = `threshold`.

    m is the median of all squared distances between the rows, zeros of the diagonal included
    (Kornblith et al. 2019, reference notebook).

    Raises
    ------
    ValueError
        What `cka.check` refuses, or over half of the pairs of rows are the same.
    """
    rows = linear(values, order, name=name)
    distances = Distances(rows, equal_rows(values[order]))
    median = distances.median()
    if median == 0:
        message = (
            f"{name}: over half of the pairs of rows are the same: no RBF bandwidth exists; "
            "half of the pairs must differ: leave words out, or measure cka-linear"
        )
        raise ValueError(message)
    scale = 2 * threshold**2 * median
    means = distances.weighted(scale, np.full((len(order), 1), 1 / len(order)))[:, 0]
    return GaussianRows.of(distances, scale, means, float(means.mean()))
