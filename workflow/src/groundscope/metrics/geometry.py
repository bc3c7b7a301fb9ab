"""Second opinions on alignment that share no formula with CKA: RSA and mutual nearest neighbours.

Both are defined on one row a word, since several tokens of one word would be each other's
neighbours.
"""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.similarity import unit_rows
from groundscope.metrics.statistics import average_ranks


@dataclass(frozen=True)
class Dissimilarity:
    """Ranks of the cosine distances between words.

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


def rsa(a: Dissimilarity, b: Dissimilarity) -> tuple[float, Floats]:
    """Spearman correlation of two sets of distances, and without each word.

    Kriegeskorte et al. (2008). Without a word, its n - 1 distances are left out; the others keep
    their ranks.

    Returns
    -------
    tuple
        The correlation, and shape ``[n]`` without each word.
    """
    count = len(a.ranks)

    def sums(product: Floats) -> tuple[float, Floats]:
        rows = product.sum(axis=1)
        return float(rows.sum()), rows.sum() - 2 * rows

    cross, cross_left = sums(a.ranks * b.ranks)
    own_a, own_a_left = sums(a.ranks**2)
    own_b, own_b_left = sums(b.ranks**2)
    _, total_a = sums(a.ranks)
    _, total_b = sums(b.ranks)
    left = (count - 1) * (count - 2)
    covariance = cross_left - total_a * total_b / left
    variance = (own_a_left - total_a**2 / left) * (own_b_left - total_b**2 / left)
    return cross / np.sqrt(own_a * own_b), covariance / np.sqrt(variance)


def rsa_shuffled(a: Dissimilarity, b: Dissimilarity, order: Integers) -> float:
    """Correlation after giving the words of `b` a new order."""
    moved = b.ranks[np.ix_(order, order)]
    return float(
        np.vdot(a.ranks, moved) / np.sqrt(np.vdot(a.ranks, a.ranks) * np.vdot(moved, moved))
    )


def neighbours(rows: Floats, count: int) -> Integers:
    """Nearest rows by cosine, itself excluded, shape ``[n, count]``; ties fall by row order.

    Raises
    ------
    ValueError
        Not more than `count` other rows, a zero vector, or more than `count` rows that are the
        same: their neighbours would be those that come first, which looks like agreement of layers.
    """
    if len(rows) < count + 2:
        message = f"{count} nearest neighbours need at least {count + 2} words, got {len(rows)}"
        raise ValueError(message)
    unit = unit_rows(rows)
    copies = int(np.unique(unit, axis=0, return_counts=True)[1].max())
    if copies > count:
        message = f"{copies} rows are the same vector: {count} nearest of them cannot be told apart"
        raise ValueError(message)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    return np.asarray(np.argsort(-similarity, axis=1, kind="stable")[:, :count], np.intp)


def overlap(a: Integers, b: Integers) -> Floats:
    """Share of each row's neighbours that two layers have in common, shape ``[n]``, 0 to 1.

    Its mean is the mutual k-nearest-neighbour alignment of Huh et al. (2024); for unrelated layers
    ``k / (n - 1)``.
    """
    member = np.zeros((len(a), len(a)), np.bool_)
    np.put_along_axis(member, a, values=True, axis=1)
    return np.asarray(np.take_along_axis(member, b, axis=1).mean(axis=1))


def reordered(near: Integers, order: Integers) -> Integers:
    """Neighbours after giving the words a new order: new row i is old row ``order[i]``."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[near[order]]
