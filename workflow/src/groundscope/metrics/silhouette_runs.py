"""Mean silhouette of runs that each leave a group out, in a subspace that each run fits anew."""

from collections.abc import Sequence

import numpy as np

from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import (
    Floats,
    Groups,
    Integers,
    deal,
    of_similar_noise,
    permuted_labels,
)
from groundscope.metrics.intervals import bounded
from groundscope.metrics.jackknife import jackknife, pseudo_values
from groundscope.metrics.silhouette import Silhouette
from groundscope.metrics.silhouette_coefficients import check_groups, silhouettes
from groundscope.metrics.silhouette_jackknife import in_several_blocks
from groundscope.metrics.spaces import into_space, into_space_again

# Fits behind a jackknife, and the fewest blocks that have a standard error worth the name.
_REFITS, _FEWEST = 50, 10


def score_runs(
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
    """Mean silhouette of the runs that each leave one group out (Sauter et al. 2025).

    Each run has a fit of its own, and so has each block of words that is left out of it. So blocks
    are few, 50 over the number of groups but ten at least, each with words of all groups in their
    shares. A permutation of the labels has one run, which leaves out each group in turn: that gives
    the mean of the null, but not how the mean of runs varies, and so no p.

    Parameters
    ----------
    features
        Shape ``[n, d]``.
    labels, units
        Group and word of each row, at least three groups.
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
    count = min(len(units), max(_FEWEST, round(_REFITS / len(labels))))
    blocks = in_several_blocks(deal(labels, units, count, rng), labels, units, rng)

    rows = np.zeros((len(metrics), len(features)))
    runs = np.empty((len(metrics), len(labels)))
    without = np.empty((len(metrics), count, len(labels)))
    for group in range(len(labels)):
        stays = labels.codes != group
        part, kept, block_of = labels.only(stays), features[stays], blocks[stays]
        projected = into_space(kept, space, part)
        found = _silhouettes(projected, part, metrics)
        rows[:, stays] += found / (len(labels) - 1)
        runs[:, group] = found.mean(axis=1)
        # a block that has no word in this run leaves it as it is
        without[..., group] = runs[:, [group]]
        for block in np.unique(block_of):
            left = block_of != block
            less = part.only(left)
            again = into_space_again(kept[left], space, less)
            without[:, block, group] = _silhouettes(again, less, metrics).mean(axis=1)
    null = np.empty((len(metrics), permutations))
    alike = of_similar_noise(exchanged, tokens)
    for index in range(permutations):
        moved = permuted_labels(labels, exchanged, rng, alike)
        stays = moved.codes != index % len(labels)
        part = moved.only(stays)
        projected = into_space_again(features[stays], space, part)
        null[:, index] = _silhouettes(projected, part, metrics).mean(axis=1)
    return [
        Silhouette(
            own,
            estimate[None],
            bounded(jackknife(estimate[None], less[None])),
            shuffled[None],
            np.full(1, np.nan),
            blocks,
            pseudo_values(estimate, less),
        )
        for own, estimate, less, shuffled in zip(
            rows, runs.mean(axis=1), without.mean(axis=2), null, strict=True
        )
    ]


def _silhouettes(projected: Floats, labels: Groups, metrics: Sequence[str]) -> Floats:
    """Silhouettes of rows by each metric, shape ``[metrics, rows]``."""
    return np.stack([silhouettes(Distances(projected, metric), labels) for metric in metrics])
