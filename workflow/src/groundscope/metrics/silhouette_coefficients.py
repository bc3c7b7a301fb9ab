"""Silhouettes of rows from sums of distances to groups.

For row i of group c the silhouette is ``s = (b - a) / max(a, b)``: a is the mean distance to the
other rows of c, b the smallest mean distance to the rows of another group (Rousseeuw 1987). Range
-1 to 1; 1 is well inside its group, 0 on the border, negative nearer to another group. A row that
is alone in its group has 0 by convention.

Only the sums of distances to each group are needed, ``[n, k]`` (see `distances`).
"""

import numpy as np

from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Floats, Groups, Integers


def silhouettes(distances: Distances, labels: Groups) -> Floats:
    """Silhouette of each row, shape ``[n]``."""
    (sums,) = distances.sums(labels.codes[None], len(labels))
    return from_sums(sums, labels.sizes.astype(np.float64), labels.codes)


def from_sums(sums: Floats, sizes: Floats, codes: Integers) -> Floats:
    """Silhouette of each row from its sums of distances to the groups.

    Parameters
    ----------
    sums
        Shape ``[n, k]``.
    sizes
        Rows of each group, shape ``[k]``; a group of size zero is left out.
    codes
        Group of each row, shape ``[n]``.
    """
    inner, (outer,), _ = distances_to_groups(sums, sizes, codes, 1)
    return coefficients(inner, outer, sizes[codes])


def distances_to_groups(
    sums: Floats, sizes: Floats, codes: Integers, count: int
) -> tuple[Floats, Floats, Integers]:
    """Mean distances of each row to its own group and to the nearest others.

    Parameters
    ----------
    sums, sizes, codes
        As in `from_sums`.
    count
        Nearest groups that are wanted.

    Returns
    -------
    tuple
        Distances to the own group, shape ``[n]``; to the nearest groups, nearest first, infinite
        where there is none, shape ``[count, n]``; and which groups these are.
    """
    rows = np.arange(len(codes))
    inner = np.maximum(sums[rows, codes] / np.maximum(sizes[codes] - 1, 1), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums / sizes
    means[:, sizes == 0] = np.inf
    means[rows, codes] = np.inf
    outer, which = np.empty((count, len(rows))), np.empty((count, len(rows)), np.intp)
    for rank in range(count):
        which[rank] = np.argmin(means, axis=1)
        outer[rank] = np.maximum(means[rows, which[rank]], 0.0)
        means[rows, which[rank]] = np.inf
    return inner, outer, which


def coefficients(inner: Floats, outer: Floats, own_sizes: Floats) -> Floats:
    """Silhouettes ``(outer - inner) / max(outer, inner)``; missing where `outer` is infinite.

    0 for a row alone in its group, or at distance zero from both groups: neither in nor out.
    """
    larger = np.maximum(inner, outer)
    with np.errstate(invalid="ignore"):
        scores = np.divide(outer - inner, larger, out=np.zeros_like(larger), where=larger > 0)
    return np.where(own_sizes > 1, scores, 0.0)


def means_by_group(rows: Floats, codes: Integers, sizes: Floats) -> Floats:
    """Mean over all rows, then over the rows of each group, shape ``[1 + k]``.

    Missing of a group of size zero.
    """
    with np.errstate(invalid="ignore"):
        groups = np.bincount(codes, weights=rows, minlength=len(sizes)) / sizes
    return np.concatenate([[rows.mean()], groups])


def means_by_protocol(sums: Floats, sizes: Floats, codes: Integers) -> Floats:
    """`means_by_group`, then the mean of runs that each leave a group out, shape ``[2 + k]``.

    Parameters
    ----------
    sums, sizes, codes
        As in `from_sums`.
    """
    inner, (outer, further), (nearest, _) = distances_to_groups(sums, sizes, codes, 2)
    rows, moved = (coefficients(inner, each, sizes[codes]) for each in (outer, further))
    means = means_by_group(rows, codes, sizes)
    gains = np.asarray(np.bincount(nearest, moved - rows, len(sizes)), np.float64)
    return np.append(means, mean_of_runs(means[1:] * sizes, gains, sizes))


def means_without_groups(sums: Floats, sizes: Floats, codes: Integers) -> Floats:
    """Mean silhouettes without each group, of all rows that are left, and of their runs.

    Rows that a group was nearest to have the next one instead. A run leaves another group out of
    what is left: with g and h gone, a row that both were nearest to has the third.

    Parameters
    ----------
    sums, sizes, codes
        As in `from_sums`, every group with rows.

    Returns
    -------
    numpy.ndarray
        Shape ``[2, k]``; missing of two groups, and of runs of three.
    """
    count, total = len(sizes), sizes.sum()
    without = np.full((2, count), np.nan)
    if count < 3:
        return without
    inner, others, (first, second, _) = distances_to_groups(sums, sizes, codes, 3)
    rows, next_, third = (coefficients(inner, other, sizes[codes]) for other in others)
    own = np.bincount(codes, rows, count)
    gains = np.bincount(first, next_ - rows, count)
    without[0] = (own.sum() - own + gains) / (total - sizes)
    if count > 3:

        def by_pair(one: Integers, other: Integers, values: Floats) -> Floats:
            pairs = np.bincount(one * count + other, values, count**2)
            return np.asarray(pairs.reshape(count, count), np.float64)

        both = by_pair(first, second, third - next_) - by_pair(first, codes, next_ - rows)
        left = gains - own
        runs = own.sum() + left + left[:, None] + both + both.T
        runs /= np.where(np.eye(count, dtype=np.bool_), np.inf, total - sizes - sizes[:, None])
        without[1] = runs.sum(axis=1) / (count - 1)
    return without


def mean_of_runs(sums: Floats, gains: Floats, sizes: Floats) -> Floats:
    """Mean of the runs that each leave one group out of a space that does not change.

    Without group g its rows are gone, and rows that g was nearest to have the next group instead:

    ``R_g = (sum_h S_h - S_g + G_g) / (n - n_g)``

    Parameters
    ----------
    sums
        Sum S of the silhouettes of each group, shape ``[k, ...]``.
    gains
        G: what the rows that each group is nearest to gain without it, shape ``[k, ...]``.
    sizes
        Rows of each group, shape ``[k, ...]``; a group of size zero has no run.
    """
    runs = (sums.sum(axis=0) - sums + gains) / (sizes.sum(axis=0) - sizes)
    return np.asarray(runs.mean(axis=0, where=sizes > 0))


def check_groups(labels: Groups, units: Groups) -> None:
    """Refuse groupings that have no silhouette, and no LDA space.

    Raises
    ------
    ValueError
        Fewer than two groups, or a group of fewer than two words.
    """
    if len(labels) < 2:
        message = (
            f"a labelling needs at least 2 groups, got {len(labels)}: {', '.join(labels.names)}"
        )
        raise ValueError(message)
    words = words_of_groups(labels, units)
    if (words < 2).any():
        group = labels.names[int(np.argmin(words))]
        message = f"group {str(group)!r} has 1 word with vectors: a group needs at least 2"
        raise ValueError(message)


def words_of_groups(labels: Groups, units: Groups) -> Integers:
    """Count the words of which some row is in each group, shape ``[k]``."""
    pairs = np.unique(labels.codes * len(units) + units.codes) // len(units)
    return np.bincount(pairs, minlength=len(labels)).astype(np.intp)
