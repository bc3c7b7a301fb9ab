"""Intervals, permutation p-values and corrections that every analysis shares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from groundscope.metrics.groups import Floats, Groups, Integers

_TAIL = 0.975
# random signs that are held at a time
_FLIPS = 1000


@dataclass(frozen=True)
class Interval:
    """Standard error and 95% interval of an estimate; arrays of the estimate's shape."""

    standard_error: Floats
    low: Floats
    high: Floats


def average_ranks(values: Floats) -> Floats:
    """Rank values from 1; ties share the mean of their ranks.

    What `scipy.stats.rankdata` gives, without an import that takes longer than most analyses.
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[place]
    return ranks


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
        effects *= _quantile(degrees_of_freedom(sizes)) / _quantile(units - 1)
    return np.asarray(estimate)[..., None] + effects


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


def t_interval(estimate: ArrayLike, standard_error: ArrayLike, degrees: float) -> Interval:
    """Interval ``estimate -+ t * se`` with Student's t of `degrees` degrees of freedom."""
    centre = np.asarray(estimate, np.float64)
    error = np.asarray(standard_error, np.float64)
    half = _quantile(degrees) * error
    return Interval(error, centre - half, centre + half)


def _quantile(degrees: float) -> float:
    return float(stdtrit(degrees, _TAIL))


def draws_interval(values: Floats) -> Interval:
    """t-interval of the mean over repeated draws, the last axis; missing for a single draw."""
    draws = values.shape[-1]
    if draws < 2:
        missing = np.full(values.shape[:-1], np.nan)
        return Interval(missing, missing, missing)
    error = values.std(axis=-1, ddof=1) / np.sqrt(draws)
    return t_interval(values.mean(axis=-1), error, draws - 1)


def proportion_interval(
    proportion: ArrayLike, standard_error: ArrayLike, units: int, degrees: float
) -> Interval:
    """Wilson interval of a proportion with the effective number of units its error implies.

    ``n_eff = p (1 - p) / se^2`` (Korn and Graubard 1998), or `units` where every unit is right or
    every unit is wrong, so that the interval stays inside [0, 1] and never has zero width.

    Parameters
    ----------
    proportion, standard_error
        Shape ``[...]``; the error comes from a jackknife over units.
    units
        Independent units behind the proportion.
    degrees
        Degrees of freedom of the error.
    """
    p = np.asarray(proportion, np.float64)
    error = np.asarray(standard_error, np.float64)
    spread = p * (1 - p)
    usable = (error > 0) & (spread > 0)
    size = np.where(usable, spread / np.where(usable, error, 1.0) ** 2, float(units))
    quantile = _quantile(degrees) ** 2
    centre = (p + quantile / (2 * size)) / (1 + quantile / size)
    half = np.sqrt(quantile) * np.sqrt(spread / size + quantile / (4 * size**2))
    half = half / (1 + quantile / size)
    return Interval(error, centre - half, centre + half)


def permutation_p(estimate: ArrayLike, null: Floats) -> Floats:
    """One-sided p, ``(1 + #{null >= estimate}) / (1 + permutations)`` (Phipson and Smyth 2010).

    Parameters
    ----------
    estimate
        Shape ``[...]``.
    null
        Permuted estimates, shape ``[..., permutations]``.
    """
    return np.asarray((1.0 + _reaching(estimate, null)) / (1.0 + null.shape[-1]))


def _reaching(estimate: ArrayLike, null: Floats) -> Integers:
    """Count the permuted estimates that are no less, over the last axis."""
    observed = np.asarray(estimate, np.float64)[..., None]
    # the permuted sums are formed in another order: a tie must not hang on the last bit
    slack = 1e-12 * np.maximum(np.abs(observed), 1e-300)
    return np.asarray((null >= observed - slack).sum(axis=-1))


def holm(p_values: Floats) -> Floats:
    """Holm's step-down correction (Holm 1979), shape ``[m]`` to ``[m]``."""
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * (count - np.arange(count))
    corrected = np.empty(count)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def bootstrap_weights(units: int, replicates: int, seed: int) -> Floats:
    """How often each unit is drawn in each bootstrap replicate, shape ``[replicates, units]``."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, np.full(units, 1.0 / units), size=replicates).astype(np.float64)


def percentile_interval(replicates: Floats) -> Interval:
    """Bootstrap standard error and percentile interval, over the last axis."""
    low, high = np.percentile(replicates, [2.5, 97.5], axis=-1)
    return Interval(replicates.std(axis=-1, ddof=1), low, high)


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
    p_value = _sign_flip_p(differences, permutations, np.random.default_rng(seed))
    weights = bootstrap_weights(count, replicates, seed).T
    means = differences @ weights / count
    squares = differences**2 @ weights / count - means**2
    usable = squares > 1e-12 * differences.var(axis=-1)[..., None]
    # differences that are all the same have no replicate that varies, and no error
    spread = np.sqrt(np.where(usable, squares, np.nan) / (count - 1))
    ratio = np.where(error[..., None] > 0, (means - estimate[..., None]) / spread, 0.0)
    low, high = np.nanpercentile(ratio, [2.5, 97.5], axis=-1)
    return Interval(error, estimate - high * error, estimate - low * error), p_value


def _sign_flip_p(differences: Floats, permutations: int, rng: np.random.Generator) -> Floats:
    count = differences.shape[-1]
    observed = np.abs(differences.mean(axis=-1))
    reached = np.zeros(observed.shape, np.intp)
    for start in range(0, permutations, _FLIPS):
        size = count, min(_FLIPS, permutations - start)
        flips = rng.integers(0, 2, size) * 2.0 - 1.0
        reached += _reaching(observed, np.abs(differences @ flips / count))
    return np.asarray((1.0 + reached) / (1.0 + permutations))


def unit_means(values: Floats, units: Groups) -> Floats:
    """Leave-one-unit-out means of row values, shape ``[n]`` to ``[units]``."""
    total, sums = values.sum(), units.sums(values)
    return np.asarray((total - sums) / (len(values) - units.sizes))
