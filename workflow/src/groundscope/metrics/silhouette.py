"""Silhouettes of a labelling, with the jackknife over words and permutations of the labels."""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.distances import Distances, together
from groundscope.metrics.groups import Floats, Groups, Integers, of_similar_noise, permuted_labels
from groundscope.metrics.intervals import Interval
from groundscope.metrics.jackknife import pseudo_values
from groundscope.metrics.p_values import permutation_p
from groundscope.metrics.silhouette_coefficients import (
    check_groups,
    coefficients,
    distances_to_groups,
    means_by_protocol,
    means_without_groups,
)
from groundscope.metrics.silhouette_jackknife import (
    collapsed_strata,
    jackknife_blocks,
    jackknife_intervals,
    left_out,
)

_UNITS = 200


@dataclass(frozen=True)
class Silhouette:
    """Silhouettes of one layer, of all groups or as the mean of runs that each leave one out.

    Attributes
    ----------
    rows
        Of each row, shape ``[n]``; of runs the mean over those that the row is in.
    estimate
        Mean over all rows, then mean over the rows of each group, shape ``[1 + k]``; of runs their
        mean, shape ``[1]``.
    interval
        See `jackknife_intervals`, shape of `estimate`.
    null
        After permuting the labels, shape ``[1 + k, permutations]`` or ``[1, permutations]``.
    p_value
        One-sided, shape of `estimate`; missing without permutations, and where the null is only
        known in the mean (see `score_runs`).
    blocks
        Block of words of each row, which the jackknife left out together, shape ``[n]``.
    pseudo_values
        Of the blocks, for the first of the estimates.
    without_groups
        That estimate without each group, shape ``[k]``; None where it was not made.
    """

    rows: Floats
    estimate: Floats
    interval: Interval
    null: Floats
    p_value: Floats
    blocks: Integers
    pseudo_values: Floats
    without_groups: Floats | None = None


def score(
    distances: Distances,
    labels: Groups,
    units: Groups,
    *,
    exchanged: Groups,
    permutations: int = 0,
    seed: int = 0,
) -> Silhouette:
    """Silhouettes of all groups at once: the first of `score_both`."""
    return score_both(
        distances, labels, units, exchanged=exchanged, permutations=permutations, seed=seed
    )[0]


def score_both(
    distances: Distances,
    labels: Groups,
    units: Groups,
    *,
    exchanged: Groups,
    tokens: Integers | None = None,
    permutations: int,
    seed: int,
) -> tuple[Silhouette, Silhouette]:
    """Silhouettes of a labelling: of all groups at once, and of runs that each leave one out.

    The space is the same in all runs. Both follow from the same sums of distances: a run only lacks
    one of the groups that might be nearest.

    Parameters
    ----------
    distances
        Of the rows.
    labels
        Group of each row. The runs of two groups are missing (NaN).
    units
        Word of each row: what the jackknife leaves out. Over 200 words are left out in 200 random
        blocks. Where every word lies in one group, the jackknife is stratified by group:
        see `collapsed_strata`.
    exchanged
        Rows whose labels move together under the null (see `permuted_labels`): words, or speakers
        where the labels are theirs.
    tokens
        Behind each row, if rows are means of them: see `of_similar_noise`, shape ``[n]``.
    permutations
        Of the labels; 0 leaves the null out.
    seed
        Of blocks and permutations.

    Raises
    ------
    ValueError
        Fewer than two groups, or a group of fewer than two words.
    """
    check_groups(labels, units)
    rng = np.random.default_rng(seed)
    sizes = labels.sizes.astype(np.float64)
    (sums,) = distances.sums(labels.codes[None], len(labels))
    estimate = means_by_protocol(sums, sizes, labels.codes)
    blocks, groups = jackknife_blocks(labels, units, rng, _UNITS)
    strata = collapsed_strata(groups, labels, units)
    without = left_out(distances, labels, units, sums, blocks, groups)
    null = np.empty((len(estimate), permutations))
    alike = of_similar_noise(exchanged, tokens)
    for some in together(permutations, sums.size):
        shuffled = np.stack([permuted_labels(labels, exchanged, rng, alike).codes for _ in some])
        for index, codes, moved in zip(
            some, shuffled, distances.sums(shuffled, len(labels)), strict=True
        ):
            counts = np.bincount(codes, minlength=len(labels)).astype(np.float64)
            null[:, index] = means_by_protocol(moved, counts, codes)
    p_value = permutation_p(estimate, null) if permutations else np.full(len(estimate), np.nan)
    inner, others, _ = distances_to_groups(sums, sizes, labels.codes, 2)
    rows, further = (coefficients(inner, other, sizes[labels.codes]) for other in others)
    # a row is in the runs of all groups but its own, and one of them lacks the nearest other
    of_runs = rows + (further - rows) / (len(labels) - 1)
    # where rows are units a label may be the word, which goes with its group
    alone = len(units) == len(labels.codes)
    gone = means_without_groups(sums, sizes, labels.codes) if alone else (None, None)
    whole, runs = (
        Silhouette(
            own,
            estimate[part],
            jackknife_intervals(estimate[part], without[part], labels, blocks, strata),
            null[part],
            p_value[part],
            blocks,
            pseudo_values(estimate[part][0], without[part][0], strata),
            left,
        )
        for own, part, left in zip(
            (rows, of_runs), (slice(0, -1), slice(-1, None)), gone, strict=True
        )
    )
    return whole, runs
