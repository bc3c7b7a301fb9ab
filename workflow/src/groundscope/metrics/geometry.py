"""Second opinions on alignment that share no formula with CKA: RSA and mutual nearest neighbours.

Both are defined on one row a word, since several tokens of one word would be each other's
neighbours.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.similarity import unit_rows
from groundscope.metrics.statistics import average_ranks


@dataclass(frozen=True)
class Dissimilarity:
    """Ranks of the cosine distances between words, for RSA (Kriegeskorte et al. 2008).

    Attributes
    ----------
    ranks
        Centred ranks (ties share their mean) of the n (n - 1) / 2 distances, as a symmetric matrix
        with a zero diagonal, shape ``[n, n]``.
    """

    ranks: Floats

    @classmethod
    def of(cls, rows: Floats) -> "Dissimilarity":
        """Rank the distances of some rows ``[n, d]``.

        Raises
        ------
        ValueError
            Fewer than 4 rows, a zero vector, or distances that are all the same.
        """
        count = len(rows)
        if count < 4:
            message = f"RSA needs at least 4 words, got {count}"
            raise ValueError(message)
        unit = unit_rows(rows)
        upper = np.triu_indices(count, 1)
        ranks = average_ranks((1.0 - unit @ unit.T)[upper])
        if ranks[0] == ranks.mean() and (ranks == ranks[0]).all():
            message = f"all distances between {count} words are the same: they have no ranks"
            raise ValueError(message)
        square = np.zeros((count, count))
        square[upper] = ranks - ranks.mean()
        return cls(square + square.T)

    def alignment(self, other: "Dissimilarity") -> float:
        """Spearman correlation of two sets of distances."""
        a, b = self.ranks, other.ranks
        return float(np.vdot(a, b) / np.sqrt(np.vdot(a, a) * np.vdot(b, b)))

    def without(self, other: "Dissimilarity") -> Floats:
        """Give the same without each word, shape ``[n]``.

        Its n - 1 distances are left out; the others keep their ranks.
        """
        count = len(self.ranks)

        def left(product: Floats) -> Floats:
            rows = product.sum(axis=1)
            return np.asarray(rows.sum() - 2 * rows)

        a, b = self.ranks, other.ranks
        sum_a, sum_b = left(a), left(b)
        pairs = (count - 1) * (count - 2)
        covariance = left(a * b) - sum_a * sum_b / pairs
        variance = (left(a**2) - sum_a**2 / pairs) * (left(b**2) - sum_b**2 / pairs)
        return np.asarray(covariance / np.sqrt(variance))

    def reordered(self, order: Integers) -> "Dissimilarity":
        """Give the words a new order: new row i is old row ``order[i]``."""
        return Dissimilarity(self.ranks[np.ix_(order, order)])


@dataclass(frozen=True)
class Neighbours:
    """The k words nearest to each word, for their mutual overlap (Huh et al. 2024).

    Attributes
    ----------
    nearest
        Shape ``[n, k]``, nearest first.
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
        copies = int(np.unique(unit, axis=0, return_counts=True)[1].max())
        if copies > count:
            message = (
                f"{copies} rows are the same vector: {count} nearest of them cannot be told apart"
            )
            raise ValueError(message)
        similarity = unit @ unit.T
        np.fill_diagonal(similarity, -np.inf)
        order = np.argsort(-similarity, axis=1, kind="stable")[:, : count + 1].copy()
        return cls(order[:, :count], order[:, count])

    @cached_property
    def member(self) -> NDArray[np.bool_]:
        """Whether column j is among the nearest of row i, shape ``[n, n]``."""
        member = np.zeros((len(self.nearest), len(self.nearest)), np.bool_)
        np.put_along_axis(member, self.nearest, values=True, axis=1)
        return member

    def alignment(self, other: "Neighbours") -> float:
        """Mean share of neighbours that two layers have in common, 0 to 1.

        For unrelated layers ``k / (n - 1)``.
        """
        return float(np.take_along_axis(self.member, other.nearest, axis=1).mean())

    def without(self, other: "Neighbours") -> Floats:
        """Give the same without each word, shape ``[n]``.

        The next one takes its place among the neighbours of another word. It is shared too if the
        other layer has it among its neighbours, or has the same next one and lost the same word.
        """
        count, near = self.nearest.shape
        rows = np.arange(count)
        shared = np.take_along_axis(self.member, other.nearest, axis=1)
        gained = other.member[rows, self.following], self.member[rows, other.following]
        same = self.following == other.following
        change = (
            np.bincount(self.nearest.ravel(), np.repeat(gained[0], near), count)
            + np.bincount(other.nearest.ravel(), np.repeat(gained[1], near), count)
            + np.bincount(other.nearest[shared], np.repeat(same - 1.0, shared.sum(axis=1)), count)
        )
        return np.asarray((shared.sum() - shared.sum(axis=1) + change) / (near * (count - 1)))

    def reordered(self, order: Integers) -> "Neighbours":
        """Give the words a new order: new row i is old row ``order[i]``."""
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return Neighbours(place[self.nearest[order]], place[self.following[order]])
