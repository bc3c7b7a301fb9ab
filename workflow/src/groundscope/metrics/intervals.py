"""Standard errors and 95% intervals from Student's t, and Wilson's of a proportion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from groundscope.metrics.groups import Floats

_TAIL = 0.975


@dataclass(frozen=True)
class Interval:
    """Standard error and 95% interval of an estimate; arrays of the estimate's shape."""

    standard_error: Floats
    low: Floats
    high: Floats


def t_interval(estimate: ArrayLike, standard_error: ArrayLike, degrees: ArrayLike) -> Interval:
    """Interval ``estimate -+ t * se`` with Student's t of `degrees` degrees of freedom.

    One for all estimates, or one each.
    """
    centre = np.asarray(estimate, np.float64)
    error = np.asarray(standard_error, np.float64)
    half = stdtrit(degrees, _TAIL) * error
    return Interval(error, centre - half, centre + half)


def bounded(interval: Interval, least: ArrayLike = -1.0) -> Interval:
    """Cut limits at `least` and 1, beyond which the number that is estimated cannot be."""
    low, high = (np.clip(limit, least, 1.0) for limit in (interval.low, interval.high))
    return Interval(interval.standard_error, low, high)


def t_quantile(degrees: float) -> float:
    """97.5% quantile of Student's t of `degrees` degrees of freedom."""
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
    proportion: ArrayLike,
    standard_error: ArrayLike,
    units: ArrayLike,
    degrees: ArrayLike,
    expected: ArrayLike | None = None,
) -> Interval:
    """Wilson interval of a proportion with the effective number of units its error implies.

    ``n_eff = p (1 - p) / se^2`` (Korn and Graubard 1998), or `units` where every unit is right or
    every unit is wrong, so that the interval stays inside [0, 1] and never has zero width.

    Parameters
    ----------
    proportion, standard_error
        Shape ``[...]``; the error comes from a jackknife over units.
    units
        Independent units behind the proportion; one number for all, or one each.
    degrees
        Degrees of freedom of the error, likewise.
    expected
        Proportion that the error belongs to, p in n_eff, where a prior moved it; shape ``[...]``.
    """
    p = np.asarray(proportion, np.float64)
    error = np.asarray(standard_error, np.float64)
    moved = p if expected is None else np.asarray(expected, np.float64)
    usable = (error > 0) & (moved > 0) & (moved < 1)
    size = np.where(usable, moved * (1 - moved) / np.where(usable, error, 1.0) ** 2, units)
    spread = p * (1 - p)
    quantile = stdtrit(degrees, _TAIL) ** 2
    centre = (p + quantile / (2 * size)) / (1 + quantile / size)
    half = np.sqrt(quantile) * np.sqrt(spread / size + quantile / (4 * size**2))
    half = half / (1 + quantile / size)
    return Interval(error, centre - half, centre + half)
