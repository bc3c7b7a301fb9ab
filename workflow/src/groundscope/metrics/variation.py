"""Whether rows vary within classes, and which variance of a feature is only rounding."""

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers

_EPS = float(np.finfo(np.float64).eps)


def rounding_of(rows: Floats) -> Floats:
    """Bound the variance that rounding may make of each feature, shape ``[d]``.

    Values that are the same but for rounding (means of other numbers of tokens), and their mean,
    are known to n eps of themselves at worst.
    """
    squares = np.einsum("ij,ij->j", rows, rows) / len(rows)
    return np.asarray(squares * (len(rows) * _EPS) ** 2)


def varies_within(rows: Floats, labels: Groups) -> bool:
    """Whether the rows of some class differ, by more than 1e-7 of the rows' standard deviation.

    Otherwise nothing can be discriminated from: a vector that does not depend on the context is the
    same for all tokens of a word, and the words are the classes where the label is the word.

    Parameters
    ----------
    rows
        Shape ``[n, d]``.
    labels
        Class of each row.
    """
    rows = np.asarray(rows, np.float64)
    whole = np.arange(len(rows))
    return vary(rows, labels.codes, whole, len(rows) * float(rows.var(axis=0).sum()))


def vary(rows: Floats, codes: Integers, chosen: Integers, total: float) -> bool:
    """Whether squares about class means of the chosen rows exceed 1e-14 of `total`.

    The first class says so as a rule, and the others are not looked at.
    """
    within = 0.0
    for code in np.unique(codes[chosen]):
        own = rows[chosen[codes[chosen] == code]]
        within += len(own) * own.var(axis=0).sum()
        if within > 1e-14 * total:
            return True
    return False


def check_varies_within(rows: Floats, labels: Groups) -> None:
    """Refuse rows for which `varies_within` is false.

    Raises
    ------
    ValueError
        The rows of each class are one vector.
    """
    if not varies_within(rows, labels):
        message = (
            "the rows of each class are one and the same vector: "
            "LDA needs a class whose rows differ"
        )
        raise ValueError(message)
