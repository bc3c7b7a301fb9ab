"""The mean of paired differences: its bootstrap-t interval and its sign-flip p."""

import numpy as np

from groundscope.metrics.bootstrap import bootstrap_weights
from groundscope.metrics.groups import Floats
from groundscope.metrics.intervals import Interval, t_interval
from groundscope.metrics.p_values import sign_flip_p


def in_one_repeat(differences: Floats) -> Floats:
    """Differences of units that were scored repeatedly, as far apart as they are in one repeat.

    What was drawn for a repeat (the training words of folds) all units share, so that means over
    repeats are closer to each other than they are to those of other words. Their deviations are
    stretched until their variance is the mean of that within repeats; their mean stays.

    Parameters
    ----------
    differences
        Shape ``[repeats, units]``; one repeat stays as it is.

    Returns
    -------
    numpy.ndarray
        Shape ``[units]``.
    """
    means = differences.mean(axis=0)
    centre, variance = means.mean(), means.var()
    stretch = np.sqrt(differences.var(axis=1).mean() / variance) if variance > 0 else 1.0
    return np.asarray(centre + stretch * (means - centre)) if len(differences) > 1 else means


def paired_difference(
    differences: Floats, *, replicates: int, permutations: int, seed: int
) -> tuple[Interval, Floats]:
    """Bootstrap intervals and sign-flip p of means of paired differences.

    The interval is the bootstrap-t (Efron and Tibshirani 1993, section 12.5), which keeps its
    coverage with skewed differences, but ends nowhere nearer than Student's t: where few
    differences are not 0, the bootstrap knows too little. The two-sided p counts sign flips whose
    mean is at least as far from zero (Fisher's randomisation of the signs). Means of the same units
    share replicates and flips.

    Parameters
    ----------
    differences
        One difference a unit (a word), units independent of each other, shape ``[..., units]``:
        see `pseudo_values`.
    replicates
        Bootstrap replicates.
    permutations
        Random sign flips.
    seed
        Of both.

    Raises
    ------
    ValueError
        Fewer than 3 units.
    """
    count = differences.shape[-1]
    if count < 3:
        message = f"a paired contrast needs at least 3 units with both scores, got {count}"
        raise ValueError(message)
    estimate = differences.mean(axis=-1)
    error = differences.std(axis=-1, ddof=1) / np.sqrt(count)
    p_value = sign_flip_p(differences, permutations, np.random.default_rng(seed))
    weights = bootstrap_weights(count, replicates, seed).T
    means = differences @ weights / count
    squares = differences**2 @ weights / count - means**2
    usable = squares > 1e-12 * differences.var(axis=-1)[..., None]
    spread = np.sqrt(np.where(usable, squares, np.nan) / (count - 1))
    # differences that are all the same, or all but one, may have no replicate that varies
    some = usable.any(axis=-1, keepdims=True)
    ratio = np.where(some, (means - estimate[..., None]) / spread, 0.0)
    low, high = np.nanpercentile(ratio, [2.5, 97.5], axis=-1)
    student = t_interval(estimate, error, count - 1)
    return Interval(
        error,
        np.minimum(estimate - high * error, student.low),
        np.maximum(estimate - low * error, student.high),
    ), p_value
