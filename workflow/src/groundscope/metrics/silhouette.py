"""Silhouettes from sums of distances to groups, with exact leave-one-word-out and permutations.

For row i of group c the silhouette is ``s = (b - a) / max(a, b)``: a is the mean distance to the
other rows of c, b the smallest mean distance to the rows of another group (Rousseeuw 1987). Range
-1 to 1; 1 is well inside its group, 0 on the border, negative nearer to another group. A row that
is alone in its group has 0 by convention.

Only the sums of distances to each group are needed, ``[n, k]`` (see `distances`).
"""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Floats, Groups, Integers, home_of, permuted_labels
from groundscope.metrics.intervals import Interval, t_interval
from groundscope.metrics.jackknife import jackknife, pseudo_values
from groundscope.metrics.p_values import permutation_p

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
        Of the blocks, for the mean over all rows.
    """

    rows: Floats
    estimate: Floats
    interval: Interval
    null: Floats
    p_value: Floats
    blocks: Integers
    pseudo_values: Floats


def silhouettes(distances: Distances, labels: Groups) -> Floats:
    """Silhouette of each row, shape ``[n]``."""
    sums = distances.sums(np.eye(len(labels))[labels.codes])
    return from_sums(sums, labels.sizes.astype(np.float64), labels.codes)


def from_sums(sums: Floats, sizes: Floats, codes: Integers) -> Floats:
    """Silhouette of each row from its sums of distances to the groups.

    Parameters
    ----------
    sums
        Shape ``[n, k]``.
    sizes
        Rows of each group, shape ``[k]``; a group of size zero is left out.
    codes
        Group of each row, shape ``[n]``.
    """
    rows = np.arange(len(codes))
    own_size = sizes[codes]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums / sizes
        means[:, sizes == 0] = np.inf
        inner = np.maximum(sums[rows, codes] / (own_size - 1), 0.0)
        means[rows, codes] = np.inf
        outer = np.maximum(means.min(axis=1), 0.0)
        scores = (outer - inner) / np.maximum(inner, outer)
    # alone in its group, or at distance zero from both groups: neither in nor out
    scores[(own_size <= 1) | ((inner == 0) & (outer == 0))] = 0.0
    return np.asarray(scores)


def check_groups(labels: Groups, units: Groups) -> None:
    """Refuse groupings that have no silhouette.

    Raises
    ------
    ValueError
        Fewer than two groups, or a group of fewer than two words.
    """
    if len(labels) < 2:
        message = (
            f"a silhouette needs at least 2 groups, got {len(labels)}: {', '.join(labels.names)}"
        )
        raise ValueError(message)
    words = _words_of_groups(labels, units)
    if (words < 2).any():
        group = labels.names[int(np.argmin(words))]
        message = f"group {str(group)!r} has 1 word with vectors: a group needs at least 2"
        raise ValueError(message)


def _words_of_groups(labels: Groups, units: Groups) -> Integers:
    pairs = np.unique(labels.codes * len(units) + units.codes) // len(units)
    return np.bincount(pairs, minlength=len(labels)).astype(np.intp)


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
    indicator = np.eye(len(labels))[labels.codes]
    sizes = indicator.sum(axis=0)
    sums = distances.sums(indicator)
    rows = from_sums(sums, sizes, labels.codes)
    estimate = means_by_group(rows, labels.codes, sizes)
    blocks, strata = jackknife_blocks(labels, units, rng, _UNITS)
    without = (_without_mixed if strata is None else _without_pure)(distances, labels, sums, blocks)
    null = np.empty((len(estimate), permutations))
    for index in range(permutations):
        codes = permuted_labels(labels, exchanged, rng).codes
        shuffled = np.eye(len(labels))[codes]
        counts = shuffled.sum(axis=0)
        null[:, index] = means_by_group(
            from_sums(distances.sums(shuffled), counts, codes), codes, counts
        )
    p_value = permutation_p(estimate, null) if permutations else np.full(len(estimate), np.nan)
    interval = jackknife_intervals(estimate, without, labels, blocks, strata)
    pseudo = pseudo_values(estimate[0], without[0], strata)
    return Silhouette(rows, estimate, interval, null, p_value, blocks, pseudo)


def means_by_group(rows: Floats, codes: Integers, sizes: Floats) -> Floats:
    """Mean over all rows, then over the rows of each group, shape ``[1 + k]``."""
    groups = np.bincount(codes, weights=rows, minlength=len(sizes)) / sizes
    return np.concatenate([[rows.mean()], groups])


def jackknife_blocks(
    labels: Groups, units: Groups, rng: np.random.Generator, most: int
) -> tuple[Integers, Integers | None]:
    """Blocks of words that a jackknife leaves out.

    Parameters
    ----------
    labels, units
        Group and word of each row.
    rng
        Forms the blocks.
    most
        Words beyond this number are left out in about this many random blocks.

    Returns
    -------
    tuple
        Block of each row, shape ``[n]``; and the group of each block, or None where the rows of
        some word lie in several groups. Blocks stay within groups otherwise.
    """
    home = home_of(labels, units)
    strata = np.zeros(len(units), np.intp) if home is None else home
    blocks = np.empty(len(units), np.intp)
    first = 0
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        count = len(members)
        if len(units) > most:
            count = min(count, max(2, round(most * count / len(units))))
        blocks[rng.permutation(members)] = first + np.arange(len(members)) % count
        first += count
    if home is None:
        return blocks[units.codes], None
    groups = np.empty(first, np.intp)
    groups[blocks] = home
    return blocks[units.codes], groups


def jackknife_intervals(
    estimate: Floats, without: Floats, labels: Groups, blocks: Integers, strata: Integers | None
) -> Interval:
    """Jackknife intervals of the mean over all rows and of the groups, shape ``[1 + k]``.

    What is known of a group rests mostly on its own words: Student's t takes its units minus one
    degrees of freedom, and units minus strata for all rows.

    Parameters
    ----------
    estimate, without
        Of all rows and of the groups, and without each block, shape ``[1 + k, blocks]``.
    labels
        Group of each row.
    blocks, strata
        See `jackknife_blocks`.
    """
    error = jackknife(estimate, without, strata).standard_error
    apart = 1 if strata is None else len(labels)
    own = _words_of_groups(labels, Groups.of(blocks)) - 1
    return bounded(t_interval(estimate, error, [without.shape[1] - apart, *own]))


def bounded(interval: Interval) -> Interval:
    """Cut limits at -1 and 1, which no silhouette exceeds."""
    low, high = (np.clip(limit, -1.0, 1.0) for limit in (interval.low, interval.high))
    return Interval(interval.standard_error, low, high)


def _without_mixed(distances: Distances, labels: Groups, sums: Floats, blocks: Integers) -> Floats:
    """Estimates without each block of words, whose rows may lie in any group."""
    indicator = np.eye(len(labels))[labels.codes]
    without = np.empty((1 + len(labels), int(blocks.max()) + 1))
    for block in range(without.shape[1]):
        removed = indicator * (blocks == block)[:, None]
        kept = blocks != block
        left = (indicator - removed).sum(axis=0)
        codes = labels.codes[kept]
        scores = from_sums((sums - distances.sums(removed))[kept], left, codes)
        without[:, block] = means_by_group(scores, codes, left)
    return without


def _without_pure(distances: Distances, labels: Groups, sums: Floats, blocks: Integers) -> Floats:
    """Estimates without each block of words, each block inside one group.

    Only the distances to that group change: rows of the group get another a, all others may get
    another b. That is O(n) a block.
    """
    count, groups = sums.shape
    sizes = labels.sizes.astype(np.float64)
    rows = np.arange(count)
    means = sums / sizes
    means[rows, labels.codes] = np.inf
    nearest = np.argmin(means, axis=1)
    outer = means[rows, nearest]
    means[rows, nearest] = np.inf
    second = means.min(axis=1)
    inner = sums[rows, labels.codes] / np.maximum(sizes[labels.codes] - 1, 1)
    without = np.empty((1 + groups, int(blocks.max()) + 1))
    for group in range(groups):
        members = labels.codes == group
        own = np.unique(blocks[members])
        removed = distances.sums((blocks[:, None] == own).astype(np.float64))
        gone = np.array([(blocks == block).sum() for block in own], np.float64)
        kept = blocks[:, None] != own
        left = sizes[group] - gone
        rest = np.maximum(sums[:, [group]] - removed, 0.0)
        others = np.where(nearest == group, second, outer)
        a = np.where(members[:, None], rest / np.maximum(left - 1, 1), inner[:, None])
        b = np.where(members[:, None], outer[:, None], np.minimum(others[:, None], rest / left))
        larger = np.maximum(a, b)
        scores = np.divide(b - a, larger, out=np.zeros_like(a), where=larger > 0)
        scores[members] *= left > 1
        scores *= kept
        without[0, own] = scores.sum(axis=0) / kept.sum(axis=0)
        by_group = labels.sums(scores)
        without[1:, own] = by_group / (
            sizes[:, None] - (np.arange(groups) == group)[:, None] * gone
        )
    return without
