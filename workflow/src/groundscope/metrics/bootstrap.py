"""The bootstrap: how often units are drawn, and intervals of what the replicates give."""

import numpy as np
from scipy.special import ndtr

from groundscope.metrics.groups import Floats
from groundscope.metrics.intervals import Interval, t_quantile


def bootstrap_weights(units: int, replicates: int, seed: int) -> Floats:
    """How often each unit is drawn in each bootstrap replicate, shape ``[replicates, units]``."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, np.full(units, 1.0 / units), size=replicates).astype(np.float64)


def percentile_interval(replicates: Floats, degrees: float) -> Interval:
    """Bootstrap standard error and expanded percentile interval, over the last axis.

    Percentiles are those of the normal distribution at Student's t of `degrees` degrees of freedom,
    by ``sqrt((degrees + 1) / degrees)``: replicates of few units vary too little (Hesterberg 2015).
    """
    tail = 100 * ndtr(-np.sqrt((degrees + 1) / degrees) * t_quantile(degrees))
    low, high = np.percentile(replicates, [tail, 100 - tail], axis=-1)
    return Interval(replicates.std(axis=-1, ddof=1), low, high)
