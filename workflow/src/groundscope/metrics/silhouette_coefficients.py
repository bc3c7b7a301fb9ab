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
    rows = np.arange(len(codes))
    own_size = sizes[codes]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums / sizes
        means[:, sizes == 0] = np.inf
        inner = np.maximum(sums[rows, codes] / (own_size - 1), 0.0)
        means[rows, codes] = np.inf
        outer = np.maximum(means.min(axis=1), 0.0)
        scores = (outer - inner) / np.maximum(inner, outer)
    # alone in its group, or at distance zero from both groups: neither in nor out
    scores[(own_size <= 1) | ((inner == 0) & (outer == 0))] = 0.0
    return np.asarray(scores)


def means_by_group(rows: Floats, codes: Integers, sizes: Floats) -> Floats:
    """Mean over all rows, then over the rows of each group, shape ``[1 + k]``."""
    groups = np.bincount(codes, weights=rows, minlength=len(sizes)) / sizes
    return np.concatenate([[rows.mean()], groups])


def check_groups(labels: Groups, units: Groups) -> None:
    """Refuse groupings that have no silhouette.

    Raises
    ------
    ValueError
        Fewer than two groups, or a group of fewer than two words.
    """
    if len(labels) < 2:
        message = (
            f"a silhouette needs at least 2 groups, got {len(labels)}: {', '.join(labels.names)}"
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
