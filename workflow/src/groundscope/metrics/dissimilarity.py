"""Representational similarity analysis (RSA): whether two layers have the same words far apart.

It shares no formula with CKA. Of one row a word, since tokens of one word are near each other.
Ranks of the distances are held, two bytes for each of n^2, and no square matrix.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.ranks import average_ranks
from groundscope.metrics.unit_vectors import unit_rows

_ROWS = 64
# digits of a distance that are ranked: products of the same rows differ in later ones by rounding
_DIGITS = 13
# ranks that are made float64 at a time
_CONVERTED = 2**16
# distances that are sorted at a time, but at least 1/16 of all, and those that say where to cut
_SORTED, _PARTS, _SAMPLED = 2**18, 16, 2**12
# the ranks of the distances of more words are beyond int32
_MOST = 2**16


@dataclass(frozen=True)
class Triangle:
    """Places for a number for each pair of n things, in panels that lie one after the other.

    A panel is 64 things by these and all later ones, in which the pairs of a thing with itself and
    with earlier ones are empty.

    Attributes
    ----------
    count
        n.
    """

    count: int

    @property
    def size(self) -> int:
        """Number of places, some 32 n of which are empty."""
        return sum((stop - start) * (self.count - start) for start, stop in self._ranges())

    def panels(self, places: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Panels of an array of `size`, ``[things, later things]``."""
        first = 0
        for start, stop in self._ranges():
            last = first + (stop - start) * (self.count - start)
            yield places[first:last].reshape(stop - start, -1)
            first = last

    @cached_property
    def before(self) -> Integers:
        """What j is added to for the place of a pair i < j, shape ``[n]``."""
        before, first = np.empty(self.count, np.intp), 0
        for start, stop in self._ranges():
            width = self.count - start
            before[start:stop] = first - start + np.arange(stop - start) * width
            first += (stop - start) * width
        return before

    @staticmethod
    def empty(panel: NDArray[Any], value: float) -> None:
        """Put a value in the empty places of a panel."""
        np.copyto(panel[:, : len(panel)], value, where=np.tri(len(panel), dtype=np.bool_))

    def sums(self, panels: Iterable[NDArray[Any]]) -> Floats:
        """Sum over the pairs of each thing, shape ``[n]``, of panels whose empty places are 0."""
        sums = np.zeros(self.count)
        for (start, stop), panel in zip(self._ranges(), panels, strict=True):
            sums[start:stop] += panel.sum(axis=1, dtype=np.float64)
            sums[start:] += panel.sum(axis=0, dtype=np.float64)
        return sums

    def _ranges(self) -> Iterator[tuple[int, int]]:
        for start in range(0, self.count, _ROWS):
            yield start, min(start + _ROWS, self.count)


@dataclass(frozen=True)
class Dissimilarity:
    """Ranks of the cosine distances between words, for RSA (Kriegeskorte et al. 2008).

    Attributes
    ----------
    words
        Where each pair of words has its place.
    ranks
        Twice the ranks of the n (n - 1) / 2 distances, less their mean: whole numbers; 0 where a
        place is empty. Distances that are the same to 13 decimal places tie, and share the mean of
        their ranks. Shape ``[words.size]``, int32.
    square
        Sum of their squares.
    """

    words: Triangle
    ranks: NDArray[np.int32]
    square: float

    @classmethod
    def of(cls, rows: Floats) -> "Dissimilarity":
        """Rank the distances of some rows ``[n, d]``.

        Raises
        ------
        ValueError
            Fewer than 4 rows or more than 65,536, a zero vector, or distances that are all the
            same.
        """
        count = len(rows)
        if not 4 <= count <= _MOST:
            message = f"RSA needs at least 4 words and at most {_MOST}, got {count}"
            raise ValueError(message)
        unit, words = unit_rows(rows), Triangle(count)
        distances = np.empty(words.size)
        for panel in words.panels(distances):
            later = unit[count - panel.shape[1] :]
            np.matmul(later[: len(panel)], later.T, out=panel)
            np.subtract(1.0, panel, out=panel)
            np.round(panel, _DIGITS, out=panel)
            words.empty(panel, np.nan)
        ranks = _ranks(distances, count * (count - 1) // 2)
        if not ranks.any():
            message = (
                f"all distances between {count} words are the same: they have no ranks; RSA needs "
                "distances that differ"
            )
            raise ValueError(message)
        return cls(words, ranks, _product(ranks, ranks))

    @cached_property
    def sums(self) -> tuple[Floats, Floats]:
        """Sum over the distances of each word of ranks and of their squares, shape ``[n]``."""
        return self.words.sums(self.words.panels(self.ranks)), self._products(self)

    def alignment(self, other: "Dissimilarity") -> float:
        """Spearman correlation of two sets of distances."""
        return float(_product(self.ranks, other.ranks) / np.sqrt(self.square * other.square))

    def without(self, other: "Dissimilarity") -> Floats:
        """Give the same without each word, shape ``[n]``.

        Its n - 1 distances are left out; the others keep their ranks.

        Raises
        ------
        ValueError
            Without some word all distances are the same.
        """

        def left(sums: Floats) -> Floats:
            # each distance is in the sums of two words
            return np.asarray(sums.sum() / 2 - sums)

        (sum_a, square_a), (sum_b, square_b) = (map(left, each.sums) for each in (self, other))
        pairs = (self.words.count - 1) * (self.words.count - 2) / 2
        covariance = left(self._products(other)) - sum_a * sum_b / pairs
        variances = square_a - sum_a**2 / pairs, square_b - sum_b**2 / pairs
        for variance, square in zip(variances, (square_a, square_b), strict=True):
            if (variance <= 1e-12 * square).any():
                message = (
                    "without one word all distances are the same, and have no ranks: RSA with a "
                    "jackknife needs distances that differ, whichever word is left out"
                )
                raise ValueError(message)
        return np.asarray(covariance / np.sqrt(variances[0] * variances[1]))

    def reordered(self, order: Integers) -> "Dissimilarity":
        """Give the words a new order: new row i is old row ``order[i]``."""
        ranks, before = np.empty_like(self.ranks), self.words.before
        for panel in self.words.panels(ranks):
            later = order[len(order) - panel.shape[1] :]
            first = later[: len(panel), None]
            # every place exists: the default mode would copy, to check first
            places = np.take(before, np.minimum(first, later), mode="clip")
            places += np.maximum(first, later)
            np.take(self.ranks, places, out=panel, mode="clip")
            self.words.empty(panel, 0)
        return replace(self, ranks=ranks)

    def _products(self, other: "Dissimilarity") -> Floats:
        """Sum over the distances of each word of the products of ranks, shape ``[n]``."""
        panels = (self.words.panels(each.ranks) for each in (self, other))
        return self.words.sums(a * b.astype(np.float64) for a, b in zip(*panels, strict=True))


def _ranks(distances: Floats, pairs: int) -> NDArray[np.int32]:
    """Twice the ranks of so many distances, less their mean; 0 for those that are missing.

    Some that are next to each other in rank are sorted at a time: what sorting holds is many times
    the distances.
    """
    ranks = np.zeros(len(distances), np.int32)
    parts = min(_PARTS, 1 + pairs // _SORTED)
    sample = np.sort(distances[:: 1 + len(distances) // _SAMPLED])
    known = np.count_nonzero(sample == sample)
    edges = sample[known * np.arange(1, parts) // parts]
    below = 0
    for low, high in pairwise([-np.inf, *edges, np.inf]):
        chosen = np.flatnonzero((distances >= low) & (distances < high))
        ranks[chosen] = 2 * (below + average_ranks(distances[chosen])) - (pairs + 1)
        below += len(chosen)
    return ranks


def _product(a: NDArray[np.int32], b: NDArray[np.int32]) -> float:
    """Sum of the products, in float64."""
    parts = (slice(at, at + _CONVERTED) for at in range(0, len(a), _CONVERTED))
    return sum(
        float(np.vdot(a[part].astype(np.float64), b[part].astype(np.float64))) for part in parts
    )
