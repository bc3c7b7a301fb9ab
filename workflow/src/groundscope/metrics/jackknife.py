"""The jackknife: scores without each unit, their standard error, and the units' pseudo-values."""

import numpy as np
from numpy.typing import ArrayLike

from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.intervals import Interval, t_interval, t_quantile


def unit_means(values: Floats, units: Groups) -> Floats:
    """Leave-one-unit-out means of row values, shape ``[n]`` to ``[units]``."""
    total, sums = values.sum(), units.sums(values)
    return np.asarray((total - sums) / (len(values) - units.sizes))


def jackknife(
    estimate: ArrayLike,
    left_out: Floats,
    strata: Integers | None = None,
    weights: Floats | None = None,
) -> Interval:
    """Delete-one-unit jackknife, stratified where units are fixed in their strata.

    ``se^2 = sum_h (m_h - 1) / m_h * sum_{u in h} (theta_(u) - mean_h)^2`` (Efron and Stein 1981;
    Wolter 2007, section 4.5, for strata); the interval takes Student's t with
    ``units - strata`` degrees of freedom.

    Parameters
    ----------
    estimate
        Shape ``[...]``.
    left_out
        The estimate without each unit, shape ``[..., units]``.
    strata
        Stratum of each unit, shape ``[units]``; one stratum if not given.
    weights
        Units that each one stands for where some were drawn out of all, shape ``[units]``; 1 if not
        given.

    Raises
    ------
    ValueError
        Fewer than two units in a stratum.
    """
    units = left_out.shape[-1]
    codes = np.zeros(units, np.intp) if strata is None else strata
    shares = np.ones(units) if weights is None else weights
    counts = np.bincount(codes)
    counts = counts[counts > 0]
    if (counts < 2).any():
        message = f"a jackknife needs at least 2 units in each stratum, got {counts.min()}"
        raise ValueError(message)
    variance = np.zeros(left_out.shape[:-1])
    for stratum in np.unique(codes):
        part, share = left_out[..., codes == stratum], shares[codes == stratum]
        size = share.sum()
        mean = part @ share / size
        variance += (size - 1) / size * ((part - mean[..., None]) ** 2 @ share)
    return t_interval(estimate, np.sqrt(variance), units - len(counts))


def pseudo_values(
    estimate: ArrayLike,
    left_out: Floats,
    strata: Integers | None = None,
    sizes: Integers | None = None,
) -> Floats:
    """Pseudo-values of units: independent numbers that stand for the score of all of them.

    ``z_u = theta + sqrt(M (M - 1) (m_h - 1) / m_h) (mean_h - theta_(u))`` for M units, m_h in
    stratum h; one stratum has Tukey's (1958) factor M - 1, without its correction of bias. Their
    mean is the estimate, and the standard error of that mean is the `jackknife` error. Hence the
    difference of two scores of the same units is the mean of differences that include what a unit
    does to the scores of others.

    Parameters
    ----------
    estimate
        The score of all units, shape ``[...]``.
    left_out
        The score without each unit, shape ``[..., units]``.
    strata
        Stratum of each unit, shape ``[units]``; one stratum if not given.
    sizes
        Rows of each unit, shape ``[units]``, where a few units may have most of them: deviations
        from the mean are then larger by the ratio of Student's t of `degrees_of_freedom` to that of
        ``units - 1``, so that what treats units as equal is no surer than a t-interval.

    Returns
    -------
    numpy.ndarray
        Shape ``[..., units]``.
    """
    units = left_out.shape[-1]
    codes = np.zeros(units, np.intp) if strata is None else strata
    effects = np.empty(left_out.shape)
    for stratum in np.unique(codes):
        here = codes == stratum
        part, size = left_out[..., here], here.sum()
        scale = np.sqrt(units * (units - 1) * (size - 1) / size)
        effects[..., here] = scale * (part.mean(axis=-1, keepdims=True) - part)
    if sizes is not None:
        effects *= t_quantile(degrees_of_freedom(sizes)) / t_quantile(units - 1)
    return np.asarray(estimate)[..., None] + effects


def as_of_equal_blocks(estimate: ArrayLike, left_out: Floats, sizes: Integers) -> Floats:
    """Scores without blocks of unequal size, as a `jackknife` of equal ones would have them.

    With ``h_j = n / m_j`` for a block of m_j rows, deviations of ``z_j = h_j theta - (h_j - 1)
    theta_(j)`` over ``sqrt(h_j - 1)`` are alike (Busing, Meijer and Van der Leeden 1999), and free
    of what the score owes to the number of rows. They are returned about the mean of what is left,
    made to sum to 0, and scaled: the variance of a mean of independent rows is right.

    Parameters
    ----------
    estimate, left_out
        The score, and without each block, shape ``[...]`` and ``[..., blocks]``.
    sizes
        Rows of each block, shape ``[blocks]``, two blocks or more.
    """
    count, ratio = len(sizes), sizes.sum() / sizes
    values = ratio * np.asarray(estimate)[..., None] - (ratio - 1) * left_out
    weight = 1 / np.sqrt(ratio - 1)
    share = weight / weight.sum()
    effects = weight * (values - (values @ share)[..., None])
    # of values of variance 1 / m_j
    expected = weight**2 @ (1 / sizes - 2 * share / sizes + share**2 @ (1 / sizes))
    effects *= np.sqrt(count / sizes.sum() / expected / (count - 1))
    return np.asarray(left_out.mean(axis=-1, keepdims=True) - effects)


def degrees_of_freedom(sizes: Integers) -> float:
    """Degrees of freedom of a jackknife over units that weigh what they have of the rows.

    Left out, a unit of share w moves a mean of all rows by ``w / (1 - w)`` times its deviation, so
    that a few large units make most of the jackknife variance, which is then known as badly as from
    few units. For independent normal units of equal variance that variance is a quadratic form with
    eigenvalues e, and has ``(sum e)^2 / sum e^2`` degrees of freedom (Satterthwaite 1946; Bell and
    McCaffrey 2002): ``units - 1`` for equal sizes, 1 for two units whatever their sizes.

    Parameters
    ----------
    sizes
        Rows of each unit, shape ``[units]``, two units or more.

    Returns
    -------
    float
        From 1 to ``units - 1``.
    """
    share = sizes / sizes.sum()
    if share.max() > 0.999:
        # below 1.00001, which rounding of the sums would bury
        return 1.0
    square = (share / (1 - share)) ** 2
    total, crossed, spread = square.sum(), square @ share, share @ share
    trace = total - 2 * crossed + total * spread
    norm = square**2 @ (1 - 4 * share + 2 * spread) + 2 * total * (square @ share**2)
    norm += 2 * crossed**2 - 4 * total * spread * crossed + (total * spread) ** 2
    # equal sizes give units - 1 to the last bit
    return round(float(trace**2 / norm), 9)
