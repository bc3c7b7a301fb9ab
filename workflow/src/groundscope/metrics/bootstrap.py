"""The bootstrap: how often units are drawn, and intervals of what the replicates give."""

import numpy as np

from groundscope.metrics.groups import Floats
from groundscope.metrics.intervals import Interval


def bootstrap_weights(units: int, replicates: int, seed: int) -> Floats:
    """How often each unit is drawn in each bootstrap replicate, shape ``[replicates, units]``."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, np.full(units, 1.0 / units), size=replicates).astype(np.float64)


def percentile_interval(replicates: Floats) -> Interval:
    """Bootstrap standard error and percentile interval, over the last axis."""
    low, high = np.percentile(replicates, [2.5, 97.5], axis=-1)
    return Interval(replicates.std(axis=-1, ddof=1), low, high)
