"""Silhouettes of a labelling, with the jackknife over words and permutations of the labels."""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.distances import Distances, together
from groundscope.metrics.groups import Floats, Groups, Integers, permuted_labels
from groundscope.metrics.intervals import Interval
from groundscope.metrics.jackknife import degrees_of_freedom, pseudo_values
from groundscope.metrics.p_values import permutation_p
from groundscope.metrics.silhouette_coefficients import check_groups, from_sums, means_by_group
from groundscope.metrics.silhouette_jackknife import jackknife_blocks, jackknife_intervals, left_out

_UNITS = 200


@dataclass(frozen=True)
class Silhouette:
    """Silhouettes of one layer.

    Attributes
    ----------
    rows
        Of each row, shape ``[n]``.
    estimate
        Mean over all rows, then mean over the rows of each group, shape ``[1 + k]``.
    interval
        See `jackknife_intervals`, shape ``[1 + k]``.
    null
        After permuting the labels, shape ``[1 + k, permutations]``.
    p_value
        One-sided, shape ``[1 + k]``; missing without permutations.
    blocks
        Block of words of each row, which the jackknife left out together, shape ``[n]``.
    pseudo_values
        Of the blocks, for the mean over all rows. Blocks of unequal numbers of rows have twice
        `degrees_of_freedom` (taken by simulation).
    """

    rows: Floats
    estimate: Floats
    interval: Interval
    null: Floats
    p_value: Floats
    blocks: Integers
    pseudo_values: Floats


def score(
    distances: Distances,
    labels: Groups,
    units: Groups,
    *,
    exchanged: Groups,
    permutations: int = 0,
    seed: int = 0,
) -> Silhouette:
    """Silhouettes of a labelling, per row, per group and overall.

    Parameters
    ----------
    distances
        Of the rows.
    labels
        Group of each row.
    units
        Word of each row: what the jackknife leaves out. Over 200 words are left out in 200 random
        blocks. Where every word lies in one group, the jackknife is stratified by group.
    exchanged
        Rows whose labels move together under the null (see `permuted_labels`): words, or speakers
        where the labels are theirs.
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
    rows = from_sums(sums, sizes, labels.codes)
    estimate = means_by_group(rows, labels.codes, sizes)
    blocks, strata = jackknife_blocks(labels, units, rng, _UNITS)
    without = left_out(distances, labels, sums, blocks, strata)
    null = np.empty((len(estimate), permutations))
    for some in together(permutations, sums.size):
        shuffled = np.stack([permuted_labels(labels, exchanged, rng).codes for _ in some])
        for index, codes, moved in zip(
            some, shuffled, distances.sums(shuffled, len(labels)), strict=True
        ):
            counts = np.bincount(codes, minlength=len(labels)).astype(np.float64)
            null[:, index] = means_by_group(from_sums(moved, counts, codes), codes, counts)
    p_value = permutation_p(estimate, null) if permutations else np.full(len(estimate), np.nan)
    interval = jackknife_intervals(estimate, without, labels, blocks, strata)
    degrees = 2 * degrees_of_freedom(np.bincount(blocks))
    pseudo = pseudo_values(estimate[0], without[0], strata, degrees)
    return Silhouette(rows, estimate, interval, null, p_value, blocks, pseudo)
