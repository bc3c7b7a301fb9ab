"""p-values of permuted labels and of flipped signs, and their correction where they are many."""

import numpy as np
from numpy.typing import ArrayLike

from groundscope.metrics.groups import Floats, Integers

# random signs that are held at a time
_FLIPS = 1000


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


def sign_flip_p(differences: Floats, permutations: int, rng: np.random.Generator) -> Floats:
    """Two-sided p of means under random flips of the signs, counted as in `permutation_p`.

    Parameters
    ----------
    differences
        Shape ``[..., units]``; all means share the flips.
    permutations
        Random flips of the signs of all units.
    rng
        Draws them.
    """
    count = differences.shape[-1]
    observed = np.abs(differences.mean(axis=-1))
    reached = np.zeros(observed.shape, np.intp)
    for start in range(0, permutations, _FLIPS):
        size = count, min(_FLIPS, permutations - start)
        flips = rng.integers(0, 2, size) * 2.0 - 1.0
        reached += _reaching(observed, np.abs(differences @ flips / count))
    return np.asarray((1.0 + reached) / (1.0 + permutations))


def _reaching(estimate: ArrayLike, null: Floats) -> Integers:
    """Count the permuted estimates that are no less, over the last axis."""
    observed = np.asarray(estimate, np.float64)[..., None]
    # a tie must not hang on rounding: permuted sums are formed in another order, and pseudo-values
    # of words that differ in nothing are some 1e-14 apart
    slack = 1e-9 * np.maximum(np.abs(observed), 1e-300)
    return np.asarray((null >= observed - slack).sum(axis=-1))


def holm(p_values: Floats) -> Floats:
    """Holm's step-down correction (Holm 1979), shape ``[m]`` to ``[m]``."""
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * (count - np.arange(count))
    corrected = np.empty(count)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected
