"""Columns that all result tables share, from the numbers of a metric."""

import math
from typing import Any

import numpy as np

from groundscope.metrics.groups import Floats
from groundscope.metrics.intervals import Interval


def number(value: Any) -> float | None:
    """Plain number; None where it is missing (NaN)."""
    plain = float(value)
    return None if math.isnan(plain) else plain


def estimate_columns(
    estimate: Any, interval: Interval, index: int | tuple[int, ...], made_from: str
) -> dict[str, Any]:
    """Make the columns estimate, standard_error, ci_low, ci_high and interval of one number."""
    error = number(interval.standard_error[index])
    return {
        "estimate": float(estimate),
        "standard_error": error,
        "ci_low": number(interval.low[index]),
        "ci_high": number(interval.high[index]),
        "interval": None if error is None else made_from,
    }


NO_INTERVAL = dict.fromkeys(("standard_error", "ci_low", "ci_high", "interval"))
NO_NULL = dict.fromkeys(("permuted", "null_mean", "null_high", "p_value"))


def null_columns(null: Floats, p_value: Any, permuted: str) -> dict[str, Any]:
    """Make permuted, null_mean, null_high and p_value from permuted estimates, shape ``[p]``.

    Where p is missing, only the mean of the null is known.
    """
    if not len(null):
        return dict(NO_NULL)
    known = number(p_value)
    return {
        "permuted": permuted,
        "null_mean": float(null.mean()),
        "null_high": None if known is None else float(np.percentile(null, 95)),
        "p_value": known,
    }
