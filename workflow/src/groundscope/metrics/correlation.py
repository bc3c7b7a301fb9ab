"""Correlation of two quantities across layers."""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats
from groundscope.metrics.p_values import permutation_p
from groundscope.metrics.ranks import average_ranks

# a correlation that is this near to 1 or -1 is perfect, and has no interval
_ROUNDING = 1e-12
# what scores of float32 vectors are accurate to
_SINGLE = 1e-7


def tied(values: Floats) -> Floats:
    """Give values that differ by rounding one value: the least of them.

    Parameters
    ----------
    values
        Scores, shape ``[n]``. Neighbours that differ by 1e-7 at most are the same: scores of
        vectors that differ only by the rounding of float32 are some 1e-8 apart.
    """
    order = np.argsort(values, kind="stable")
    places = np.arange(len(values))
    apart = np.diff(values[order], prepend=-np.inf) > _SINGLE
    result = np.empty(len(values))
    result[order] = values[order][np.maximum.accumulate(np.where(apart, places, 0))]
    return result


@dataclass(frozen=True)
class Correlation:
    """A correlation, -1 to 1, its 95% Fisher interval and its two-sided permutation p."""

    estimate: float
    low: float
    high: float
    p_value: float


def across_layers(x: Floats, y: Floats, kind: str, *, permutations: int, seed: int) -> Correlation:
    """Correlate two values of each layer.

    The p-value and the Fisher interval (standard error ``1 / sqrt(m - 3)``; for Spearman times
    ``sqrt(1 + r^2 / 2)``, Bonett and Wright 2000) take layers as independent. Neighbouring layers
    are not, so both are too sure.

    Parameters
    ----------
    x, y
        Shape ``[layers]``, at least 4.
    kind
        ``pearson`` or ``spearman``.
    permutations, seed
        Of the p-value.

    Raises
    ------
    ValueError
        Unknown kind, fewer than 4 layers, or a quantity that is the same in all layers.
    """
    if kind not in ("pearson", "spearman"):
        message = f"correlation must be pearson or spearman, got {kind!r}"
        raise ValueError(message)
    if len(x) < 4:
        message = f"a correlation across layers needs at least 4 of them, got {len(x)}"
        raise ValueError(message)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        message = f"one of the quantities is the same in all {len(x)} layers: no correlation exists"
        raise ValueError(message)
    if kind == "spearman":
        x, y = average_ranks(x), average_ranks(y)
    x, y = x - x.mean(), y - y.mean()
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    estimate = float(np.clip(x @ y, -1.0, 1.0))
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.broadcast_to(y, (permutations, len(y))), axis=1)
    p_value = float(permutation_p(np.abs(estimate), np.abs(shuffled @ x)))
    if 1.0 - abs(estimate) < _ROUNDING:
        return Correlation(estimate, np.nan, np.nan, p_value)
    spread = np.sqrt((1 + estimate**2 / 2 if kind == "spearman" else 1.0) / (len(x) - 3))
    low, high = np.tanh(np.arctanh(estimate) + np.array([-1.96, 1.96]) * spread)
    return Correlation(estimate, float(low), float(high), p_value)
