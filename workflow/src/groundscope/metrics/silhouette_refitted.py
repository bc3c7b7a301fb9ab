"""Silhouettes in a subspace that is fitted anew for each left-out block, and for each shuffle."""

from collections.abc import Sequence

import numpy as np

from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import (
    Floats,
    Groups,
    Integers,
    home_of,
    of_similar_noise,
    permuted_labels,
)
from groundscope.metrics.jackknife import pseudo_values
from groundscope.metrics.p_values import permutation_p
from groundscope.metrics.silhouette import Silhouette
from groundscope.metrics.silhouette_coefficients import check_groups, means_by_group, silhouettes
from groundscope.metrics.silhouette_jackknife import (
    collapsed_strata,
    jackknife_blocks,
    jackknife_intervals,
    sizes_left,
)
from groundscope.metrics.spaces import into_space, into_space_again

_REFITS = 100


def score_refitted(
    features: Floats,
    labels: Groups,
    units: Groups,
    space: str,
    metrics: Sequence[str],
    *,
    exchanged: Groups,
    tokens: Integers | None = None,
    permutations: int,
    seed: int,
) -> list[Silhouette]:
    """Silhouettes of a labelling in principal components or its own LDA space, by each metric.

    What a word does to the axes is part of what it does to the score: each jackknife block has a
    space of its own. So has each shuffle of the labels in an LDA space (in sample): it is made to
    separate the true ones, in which a null would be far too low.

    Parameters
    ----------
    features
        Shape ``[n, d]``.
    labels, units
        Group and word of each row. Over 100 words are left out in 100 random blocks, which stay
        within groups; over 50 in 50 where the rows of some word lie in several groups.
    space, metrics
        See `into_space` and `Distances`; each fit serves all metrics.
    exchanged, tokens
        As in `silhouette.score_both`.
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
    within = home_of(labels, units) is None
    blocks, groups = jackknife_blocks(labels, units, rng, _REFITS // 2 if within else _REFITS)
    strata = collapsed_strata(groups, labels, units)
    projected = into_space(features, space, labels)
    rows, estimates = _scored(projected, labels, metrics)
    without = np.empty((*estimates.shape, int(blocks.max()) + 1))
    for block in range(without.shape[2]):
        kept = blocks != block
        left = Groups(labels.names, labels.codes[kept])
        again = into_space_again(features[kept], space, left)
        _, without[..., block] = _scored(again, left, metrics)
    if groups is not None:
        counted = sizes_left(labels, units, blocks, groups)
        without[:, 0] = (without[:, 1:] * counted).sum(axis=1) / counted.sum(axis=0)
    null = np.empty((*estimates.shape, permutations))
    alike = of_similar_noise(exchanged, tokens)
    for index in range(permutations):
        moved = permuted_labels(labels, exchanged, rng, alike)
        moved_to = into_space(features, space, moved) if space == "lda" else projected
        _, null[..., index] = _scored(moved_to, moved, metrics)
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


def _scored(
    projected: Floats, labels: Groups, metrics: Sequence[str]
) -> tuple[list[Floats], Floats]:
    """Silhouettes of the rows by each metric, and their means, ``[metrics, 1 + k]``."""
    rows = [silhouettes(Distances(projected, metric), labels) for metric in metrics]
    sizes = labels.sizes.astype(np.float64)
    return rows, np.stack([means_by_group(each, labels.codes, sizes) for each in rows])
