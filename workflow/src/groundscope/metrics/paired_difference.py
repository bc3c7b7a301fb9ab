"""The mean of paired differences: its bootstrap-t interval and its sign-flip p."""

import numpy as np

from groundscope.metrics.bootstrap import bootstrap_weights
from groundscope.metrics.groups import Floats
from groundscope.metrics.intervals import Interval
from groundscope.metrics.p_values import sign_flip_p


def paired_difference(
    differences: Floats, *, replicates: int, permutations: int, seed: int
) -> tuple[Interval, Floats]:
    """Bootstrap intervals and sign-flip p of means of paired differences.

    The interval is the bootstrap-t (Efron and Tibshirani 1993, section 12.5), which keeps its
    coverage with few and skewed differences. The two-sided p counts sign flips whose mean is at
    least as far from zero (Fisher's randomisation of the signs). Means of the same units share
    replicates and flips.

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
    # differences that are all the same have no replicate that varies, and no error
    spread = np.sqrt(np.where(usable, squares, np.nan) / (count - 1))
    ratio = np.where(error[..., None] > 0, (means - estimate[..., None]) / spread, 0.0)
    low, high = np.nanpercentile(ratio, [2.5, 97.5], axis=-1)
    return Interval(error, estimate - high * error, estimate - low * error), p_value
