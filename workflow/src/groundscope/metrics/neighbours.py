"""Mutual nearest neighbours: whether words have the same words near them in two layers.

It shares no formula with CKA. Of one row a word, since tokens of one word would be each other's
neighbours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundscope.metrics.groups import Floats, Integers, equal_rows
from groundscope.metrics.unit_vectors import unit_rows

_ROWS = 128


@dataclass(frozen=True)
class Neighbours:
    """The k words nearest to each word, for their mutual overlap (Huh et al. 2024).

    Attributes
    ----------
    nearest
        Those of word i in column i, nearest first, shape ``[k, n]``.
    following
        The next one of each word, shape ``[n]``: it is among k where one of these is left out.
    """

    nearest: Integers
    following: Integers

    @classmethod
    def of(cls, rows: Floats, count: int) -> "Neighbours":
        """Find the nearest rows by cosine, itself excluded; ties fall by row order.

        Raises
        ------
        ValueError
            Fewer than ``count + 3`` rows: with one less, each word has `count` others where one is
            left out, and any two layers then agree. A zero vector, or more than `count` rows that
            are the same: their neighbours would be those that come first, which looks like
            agreement of layers.
        """
        if len(rows) < count + 3:
            message = (
                f"{count} nearest neighbours with a jackknife need at least {count + 3} words, "
                f"got {len(rows)}"
            )
            raise ValueError(message)
        unit = unit_rows(rows)
        copies = int(np.bincount(equal_rows(unit)).max())
        if copies > count:
            message = (
                f"{copies} rows are the same vector: {count} nearest of them cannot be told apart"
            )
            raise ValueError(message)
        order = np.empty((count + 1, len(unit)), np.intp)
        for start in range(0, len(unit), _ROWS):
            similarity = unit[start : start + _ROWS] @ unit.T
            np.fill_diagonal(similarity[:, start:], -np.inf)
            order[:, start : start + _ROWS] = _largest(similarity, count + 1).T
        return cls(order[:-1], order[-1])

    def alignment(self, other: "Neighbours") -> float:
        """Mean share of neighbours that two layers have in common, 0 to 1.

        For unrelated layers ``k / (n - 1)``.
        """
        shared = np.count_nonzero(_among(other.nearest, self.nearest))
        return shared / self.nearest.size

    def without(self, other: "Neighbours") -> Floats:
        """Give the same without each word, shape ``[n]``.

        The next one takes its place among the neighbours of another word. It is shared too if the
        other layer has it among its neighbours, or has the same next one and lost the same word.
        """
        near, count = self.nearest.shape
        shared = _among(other.nearest, self.nearest)
        gained = (
            _among(self.following[None], other.nearest)[0],
            _among(other.following[None], self.nearest)[0],
        )
        same = self.following == other.following
        change = (
            np.bincount(self.nearest.ravel(), np.tile(gained[0], near), count)
            + np.bincount(other.nearest.ravel(), np.tile(gained[1], near), count)
            + np.bincount(other.nearest[shared], np.tile(same - 1.0, (near, 1))[shared], count)
        )
        return np.asarray((shared.sum() - shared.sum(axis=0) + change) / (near * (count - 1)))

    def reordered(self, order: Integers) -> "Neighbours":
        """Give the words a new order: new row i is old row ``order[i]``."""
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return Neighbours(place[np.take(self.nearest, order, axis=1)], place[self.following[order]])


def _largest(values: Floats, count: int) -> Integers:
    """Columns of the largest values of each row, largest first; ties fall by column."""
    least = np.partition(values, -count, axis=1)[:, -count]
    rows, columns = np.nonzero(values >= least[:, None])
    order = np.lexsort((-values[rows, columns], rows))
    starts = np.searchsorted(rows, np.arange(len(values)))
    return np.asarray(columns[order[starts[:, None] + np.arange(count)]])


def _among(wanted: Integers, given: Integers) -> NDArray[np.bool_]:
    """Whether each number is in the same column of others, ``[w, n]`` and ``[k, n]``."""
    found = np.empty(wanted.shape, np.bool_)
    for start in range(0, wanted.shape[1], _ROWS):
        part = slice(start, start + _ROWS)
        np.any(wanted[:, None, part] == given[:, part], axis=1, out=found[:, part])
    return found
