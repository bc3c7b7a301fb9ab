"""Vectors scaled to length 1, of which the inner products are cosines."""

import numpy as np

from groundscope.metrics.groups import Floats


def unit_rows(rows: Floats) -> Floats:
    """Rows scaled to length 1, float64.

    Raises
    ------
    ValueError
        A zero vector, which has no cosine, or values that are not finite.
    """
    rows = np.asarray(rows, np.float64)
    return np.asarray(rows / checked_lengths(lengths_of(rows))[:, None])


def lengths_of(rows: Floats) -> Floats:
    """Length of each row ``[n, d]``, float64, shape ``[n]``."""
    rows = rows.astype(np.float64, copy=False)
    return np.asarray(np.sqrt(np.vecdot(rows, rows)))


def checked_lengths(lengths: Floats) -> Floats:
    """Lengths of rows that all have a direction.

    Raises
    ------
    ValueError
        A zero vector, which has no cosine, or values that are not finite.
    """
    if not np.isfinite(lengths).all():
        message = "the vectors hold values that are not finite"
        raise ValueError(message)
    if not (lengths > 0).all():
        message = f"row {int(np.argmin(lengths))} is the zero vector: it has no cosine"
        raise ValueError(message)
    return lengths
