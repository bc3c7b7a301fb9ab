"""Ranks, which rank correlations and RSA are made of."""

import numpy as np

from groundscope.metrics.groups import Floats


def average_ranks(values: Floats) -> Floats:
    """Rank values from 1; ties share the mean of their ranks.

    What `scipy.stats.rankdata` gives, without an import that takes longer than most analyses.
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[place]
    return ranks
