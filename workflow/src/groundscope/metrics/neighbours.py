"""Mutual nearest neighbours: whether words have the same words near them in two layers.

It shares no formula with CKA. Of one row a word, since tokens of one word would be each other's
neighbours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from groundscope.metrics.groups import Floats, Integers, equal_rows
from groundscope.metrics.unit_vectors import unit_rows

_ROWS = 128
# cosines that are nearer to each other than this differ by rounding
_ROUNDING = 1e-12
# of all neighbours, which row order may choose in both layers
_MOST_BY_ORDER = 0.01


@dataclass(frozen=True)
class Neighbours:
    """The k words nearest to each word, for their mutual overlap (Huh et al. 2024).

    Attributes
    ----------
    nearest
        Those of word i in column i, nearest first, shape ``[k, n]``.
    following
        The next k / 4 of each word, rounded up, or what is left of the words, nearest first, shape
        ``[e, n]``. With as many of the last neighbours they are the edge.
    by_order
        How many of the neighbours of each word row order chose among words as near, or kept out if
        these are fewer, shape ``[n]``.
    """

    nearest: Integers
    following: Integers
    by_order: Integers

    @classmethod
    def of(cls, rows: Floats, count: int) -> "Neighbours":
        """Find the nearest rows by cosine, itself excluded; ties fall by row order.

        Raises
        ------
        ValueError
            Fewer than ``count + 3`` rows: with one less, each word has all others but one for
            neighbours, and intervals hold too seldom. A zero vector, or more than `count` rows that
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
                f"{copies} rows are the same vector: {count} nearest of them cannot be told apart; "
                f"at most {count} may be the same: leave words out"
            )
            raise ValueError(message)
        last = min(count + -(-count // 4), len(unit) - 1)
        order = np.empty((last, len(unit)), np.intp)
        by_order = np.empty(len(unit), np.intp)
        for start in range(0, len(unit), _ROWS):
            similarity = unit[start : start + _ROWS] @ unit.T
            np.fill_diagonal(similarity[:, start:], -np.inf)
            here = _largest(similarity, last)
            order[:, start : start + _ROWS] = here.T
            least = np.take_along_axis(similarity, here[:, count - 1, None], axis=1)
            nearer, no_farther = (
                (similarity > least + by).sum(axis=1) for by in (_ROUNDING, -_ROUNDING)
            )
            by_order[start : start + _ROWS] = np.minimum(count - nearer, no_farther - count)
        return cls(order[:count], order[count:], by_order)

    def alignment(self, other: "Neighbours") -> float:
        """Mean share of neighbours that two layers have in common, 0 to 1.

        For unrelated layers ``k / (n - 1)``.
        """
        shared = np.count_nonzero(_among(other.nearest, self.nearest))
        return shared / self.nearest.size

    def without(self, other: "Neighbours") -> Floats:
        """Give the same without each word, shape ``[n]``: to first order, and scaled.

        To the share of word i that is the same in both layers, word j adds

            e_ij = (a_ij b_ij - p_i a_ij - q_i b_ij - m_i) / k,

        where a_ij and b_ij are 1 if j is a neighbour of i in this layer and in the other: if it
        were not there, the next word would be, and be shared as often as words at the edge are. Of
        those at this layer's edge the other has a share p_i among its neighbours, and the reverse
        is q_i; m_i is the mean of the rest over j. Without j the mean share is less by
        ``h_j / (n - 1)``, where the influence h_j is j's own share, less the mean share, and the
        sum of e_ij over i (infinitesimal jackknife: Jaeckel 1972).

        What varies with a pair of words is in the influence of both, and so counts twice (Efron and
        Stein 1981): ``P = sum_(i<j) (e_ij + e_ji)^2`` is subtracted once. What remains holds P
        itself and what single words do, hence is at least P. Influences are scaled for their
        squares to have that sum, ``max(sum_j h_j^2 - P, P)``.

        Raises
        ------
        ValueError
            Row order chose more than a hundredth of the neighbours in both layers: words that come
            first would look like neighbours that layers share.
        """
        chosen = np.minimum(self.by_order, other.by_order).sum()
        if chosen > _MOST_BY_ORDER * self.nearest.size:
            message = (
                f"{len(self.nearest)} nearest neighbours of {len(self.by_order)} words: for "
                f"{chosen / self.nearest.size:.0%} of them other words are as near in both layers, "
                "as where rows are orthogonal (one-hot) or repeat; shared neighbours need cosines "
                "that differ"
            )
            raise ValueError(message)
        count = self.nearest.shape[1]
        shared = _among(self.nearest, other.nearest)
        share = shared.mean(axis=0)
        effects = self._effects(other, shared)
        mean, received = effects.sum(axis=1) / (count - 1), effects.sum(axis=0)
        influence = share - share.mean() + received + mean - mean.sum()
        # of e as it is, then what its mean takes off
        pairs = (effects * effects).sum() + (effects * effects.T).sum()
        pairs += mean.sum() ** 2 - (mean * (2 * received + count * mean)).sum()
        total = np.square(influence).sum()
        scale = np.sqrt(max(total - pairs, pairs) / total) if total > 0 else 0.0
        return np.asarray(share.mean() - scale * influence / (count - 1))

    def _effects(self, other: "Neighbours", shared: NDArray[np.bool_]) -> csr_array:
        """Make k e_ij of `without`, before its mean is taken off, over k, shape ``[n, n]``."""
        near, count = self.nearest.shape
        places = np.concatenate([self.nearest, other.nearest])
        p, q = self._edge(other), other._edge(self)
        values = np.concatenate([shared - p, np.tile(-q, (near, 1))]) / near
        rows = np.tile(np.arange(count), 2 * near)
        # what is a neighbour in both layers is there twice, which is summed
        return csr_array((values.ravel(), (rows, places.ravel())), (count, count))

    def _edge(self, other: "Neighbours") -> Floats:
        """Share of the words at the edge that the other layer has among its neighbours."""
        last = self.nearest[-len(self.following) :]
        edge = np.concatenate([last, self.following])
        return np.asarray(_among(edge, other.nearest).mean(axis=0))

    def reordered(self, order: Integers) -> "Neighbours":
        """Give the words a new order: new row i is old row ``order[i]``."""
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        nearest, following = (
            place[np.take(near, order, axis=1)] for near in (self.nearest, self.following)
        )
        return Neighbours(nearest, following, self.by_order[order])


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
