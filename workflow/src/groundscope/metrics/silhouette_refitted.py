"""Silhouettes in an LDA space, which is fitted anew for each left-out block and each shuffle."""

from collections.abc import Sequence

import numpy as np

from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Floats, Groups, permuted_labels
from groundscope.metrics.jackknife import pseudo_values
from groundscope.metrics.p_values import permutation_p
from groundscope.metrics.silhouette import Silhouette
from groundscope.metrics.silhouette_coefficients import check_groups, means_by_group, silhouettes
from groundscope.metrics.silhouette_jackknife import jackknife_blocks, jackknife_intervals
from groundscope.metrics.spaces import into_space

_REFITS = 100


def score_refitted(
    features: Floats,
    labels: Groups,
    units: Groups,
    metrics: Sequence[str],
    *,
    exchanged: Groups,
    permutations: int,
    seed: int,
) -> list[Silhouette]:
    """Silhouettes of a labelling in its own LDA space (in sample), by each metric.

    A null in the space of the true labels would be far too low: the space is made to separate them.
    So each shuffle of labels has a space of its own, and so has each jackknife block.

    Parameters
    ----------
    features
        Shape ``[n, d]``.
    labels, units
        Group and word of each row. Over 100 words are left out in 100 random blocks.
    metrics
        See `Distances`; each fit serves all of them.
    exchanged
        As in `silhouette.score`.
    permutations
        Of the labels; 0 leaves the null out.
    seed
        Of blocks and permutations.

    Returns
    -------
    list of Silhouette
        One entry a metric.

    Raises
    ------
    ValueError
        Fewer than two groups, or a group of fewer than two words.
    """
    check_groups(labels, units)
    rng = np.random.default_rng(seed)
    blocks, strata = jackknife_blocks(labels, units, rng, _REFITS)
    rows, estimates = _fitted(features, labels, metrics)
    without = np.empty((*estimates.shape, int(blocks.max()) + 1))
    for block in range(without.shape[2]):
        kept = blocks != block
        left = Groups(labels.names, labels.codes[kept])
        _, without[..., block] = _fitted(features[kept], left, metrics)
    null = np.empty((*estimates.shape, permutations))
    for index in range(permutations):
        moved = permuted_labels(labels, exchanged, rng)
        _, null[..., index] = _fitted(features, moved, metrics)
    missing = np.full(estimates.shape[1], np.nan)
    return [
        Silhouette(
            own,
            estimate,
            jackknife_intervals(estimate, left_out, labels, blocks, strata),
            shuffled,
            permutation_p(estimate, shuffled) if permutations else missing,
            blocks,
            pseudo_values(estimate[0], left_out[0], strata),
        )
        for own, estimate, left_out, shuffled in zip(rows, estimates, without, null, strict=True)
    ]


def _fitted(
    features: Floats, labels: Groups, metrics: Sequence[str]
) -> tuple[list[Floats], Floats]:
    """Silhouettes of the rows by each metric, and their means, ``[metrics, 1 + k]``."""
    projected = into_space(features, "lda", labels)
    rows = [silhouettes(Distances(projected, metric), labels) for metric in metrics]
    sizes = labels.sizes.astype(np.float64)
    return rows, np.stack([means_by_group(each, labels.codes, sizes) for each in rows])
