"""Subspaces that vectors are compared in: the first principal components, or an LDA space."""

import numpy as np
from scipy.linalg import eigh, svd

from groundscope.metrics.discriminant import project, varies_within
from groundscope.metrics.groups import Floats, Groups


def principal_components(rows: Floats, count: int) -> Floats:
    """Scores on the first principal components, shape ``[n, count]``; signs are arbitrary.

    Raises
    ------
    ValueError
        More components than min(n - 1, d), or than directions with variance.
    """
    centred = np.asarray(rows, np.float64) - np.mean(rows, axis=0, dtype=np.float64)
    most = min(len(centred) - 1, centred.shape[1])
    if count > most:
        message = f"pca-{count} needs more rows or features: {centred.shape} allow {most}"
        raise ValueError(message)
    if len(centred) > centred.shape[1]:
        top = centred.shape[1] - 1
        values, axes = eigh(centred.T @ centred, subset_by_index=[top - count + 1, top])
        spread, directions = values[::-1], axes[:, ::-1].T
    else:
        _, singular, directions = svd(centred, full_matrices=False)
        spread, directions = singular[:count] ** 2, directions[:count]
    if spread[-1] <= 1e-12 * spread[0]:
        message = f"pca-{count}: the rows vary in fewer than {count} directions"
        raise ValueError(message)
    return np.asarray(centred @ directions.T)


def has_lda_space(rows: Floats, labels: Groups) -> bool:
    """Whether classes differ, by more than 1e-4 of the rows' standard deviation, and rows within.

    Otherwise discriminant axes would be made of rounding. A text encoder gives a word the same
    vector whoever says it, so that speakers have no such space there, and neither have words.

    Parameters
    ----------
    rows
        Shape ``[n, d]``.
    labels
        Class of each row.
    """
    means = labels.means(np.asarray(rows, np.float64))
    between = np.linalg.norm(means - means.mean(axis=0), axis=1).max()
    spread = np.sqrt(np.var(rows, axis=0, dtype=np.float64).sum())
    return bool(between > 1e-4 * spread) and varies_within(rows, labels)


def into_space(rows: Floats, space: str, labels: Groups | None = None) -> Floats:
    """Rows in a named space.

    Parameters
    ----------
    rows
        Shape ``[n, d]``.
    space
        ``full``, ``pca-K``, or ``lda`` (of `labels`, fitted on these rows: in sample).
    labels
        Class of each row, for ``lda``.

    Raises
    ------
    ValueError
        Unknown space, or one that the rows do not allow.
    """
    if space == "full":
        return rows
    kind, _, count = space.partition("-")
    if kind == "pca" and count.isdecimal() and int(count) > 0:
        return principal_components(rows, int(count))
    if space == "lda" and labels is not None:
        return project(np.asarray(rows, np.float64), labels)
    message = f"space must be full, pca-K or lda (with a labelling), got {space!r}"
    raise ValueError(message)
