"""Jackknife of silhouettes: blocks of words, exact means without each, and intervals."""

import numpy as np

from groundscope.metrics.distances import Distances, room, together, without_rounding
from groundscope.metrics.groups import Floats, Groups, Integers, home_of
from groundscope.metrics.intervals import Interval, bounded, t_interval
from groundscope.metrics.jackknife import jackknife
from groundscope.metrics.silhouette_coefficients import (
    coefficients,
    distances_to_groups,
    mean_of_runs,
    means_by_protocol,
    words_of_groups,
)

_ROUNDS = 100


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
        return in_several_blocks(blocks[units.codes], labels, units, rng), None
    groups = np.empty(first, np.intp)
    groups[blocks] = home
    return blocks[units.codes], groups


def collapsed_strata(groups: Integers | None, labels: Groups, units: Groups) -> Integers | None:
    """Strata of the jackknife: the groups, but for those of two words, which are one together.

    Without either word of such a group the other scores 0 by definition. Both estimates hardly
    differ, whatever the words are, and a stratum of the two would have no variance. Collapsed
    strata (Wolter 2007, section 2.5) count what differs between their groups as well, so that
    variances are too large rather than too small.

    Parameters
    ----------
    groups
        Of each block, see `jackknife_blocks`.
    labels, units
        Group and word of each row.

    Returns
    -------
    numpy.ndarray or None
        Stratum of each block: its group, or the first that it is collapsed with. One group of two
        words is collapsed with the smallest other. None where `groups` is.
    """
    if groups is None:
        return None
    sizes = words_of_groups(labels, units)
    few = np.flatnonzero(sizes == 2)
    if len(few) == 1:
        few = np.sort(np.argsort(sizes, kind="stable")[:2])
    return np.where(np.isin(groups, few), few[:1], groups) if len(few) else groups


def in_several_blocks(
    blocks: Integers, labels: Groups, units: Groups, rng: np.random.Generator
) -> Integers:
    """Swap words between blocks until no block has all words of a group, gone without it.

    Parameters
    ----------
    blocks
        Block of each row, the same for all rows of a word.
    labels, units
        Group and word of each row.
    rng
        Chooses words; not used where there is nothing to swap.

    Returns
    -------
    numpy.ndarray
        Block of each row, shape ``[n]``. Some group may be in one block still, where 100 rounds of
        swaps find no better: of so many groups of two words that hardly any blocks suit them all.
    """
    groups, words = np.divmod(np.unique(labels.codes * len(units) + units.codes), len(units))
    starts = np.searchsorted(groups, np.arange(len(labels)))
    block_of = np.empty(len(units), np.intp)
    block_of[units.codes] = blocks
    for _ in range(_ROUNDS):
        ends = [each.reduceat(block_of[words], starts) for each in (np.minimum, np.maximum)]
        gone = np.flatnonzero(ends[0] == ends[1])
        if not len(gone):
            break
        for group in gone:
            one = rng.choice(words[groups == group])
            other = rng.choice(np.flatnonzero(block_of != block_of[one]))
            block_of[[one, other]] = block_of[[other, one]]
    return block_of[units.codes]


def sizes_left(labels: Groups, units: Groups, blocks: Integers, groups: Integers) -> Floats:
    """Rows that each group counts for in a mean over groups without each block, ``[k, blocks]``.

    Those that it has without one word of the block, not without all: what is left of a group stands
    for the block too (Wolter 2007, section 4.5), and else had too small a part in the variance.

    Parameters
    ----------
    labels, units, blocks, groups
        See `jackknife_blocks`; each block lies in one group.
    """
    block_of = np.empty(len(units), np.intp)
    block_of[units.codes] = blocks
    of_word = np.bincount(blocks) / np.bincount(block_of)
    own = np.arange(len(labels))[:, None] == groups
    return np.asarray(labels.sizes[:, None] - own * of_word)


def left_out(
    distances: Distances,
    labels: Groups,
    units: Groups,
    sums: Floats,
    blocks: Integers,
    groups: Integers | None,
) -> Floats:
    """`means_by_protocol` of the silhouettes without each block, see `sizes_left`.

    Parameters
    ----------
    distances
        Of the rows.
    labels, units
        Group and word of each row.
    sums
        Of the distances to the rows of each group, shape ``[n, k]``.
    blocks, groups
        See `jackknife_blocks`.

    Returns
    -------
    numpy.ndarray
        Shape ``[2 + k, blocks]``.
    """
    if groups is None:
        return _without_mixed(distances, labels, sums, blocks)
    return _without_pure(distances, labels, units, sums, blocks, groups)


def jackknife_intervals(
    estimate: Floats, without: Floats, labels: Groups, blocks: Integers, strata: Integers | None
) -> Interval:
    """Jackknife intervals of the mean over all rows and of the groups, shape ``[1 + k]``.

    Missing of a group that is gone without some block.

    What is known of a group rests mostly on its own words: Student's t takes its units minus one
    degrees of freedom, and units minus strata for all rows.

    Parameters
    ----------
    estimate, without
        Of all rows and of the groups, and without each block, shape ``[1 + k, blocks]``; or of one
        number that all rows make.
    labels
        Group of each row.
    blocks, strata
        See `jackknife_blocks` and `collapsed_strata`.
    """
    error = jackknife(estimate, without, strata).standard_error
    apart = 1 if strata is None else len(np.unique(strata))
    own = words_of_groups(labels, Groups.of(blocks)) - 1
    degrees = [without.shape[1] - apart, *own][: len(estimate)]
    return bounded(t_interval(estimate, error, degrees))


def _without_mixed(distances: Distances, labels: Groups, sums: Floats, blocks: Integers) -> Floats:
    """Estimates without each block of words, whose rows may lie in any group."""
    without = np.empty((2 + len(labels), int(blocks.max()) + 1))
    rounding = distances.rounding(labels.sizes)
    for some in together(without.shape[1], sums.size):
        gone = np.where(blocks == np.asarray(some)[:, None], labels.codes, -1)
        for block, removed in zip(some, distances.sums(gone, len(labels)), strict=True):
            kept = blocks != block
            codes = labels.codes[kept]
            rest = (sums - removed)[kept]
            without_rounding(rest, rounding)
            left = np.bincount(codes, minlength=len(labels)).astype(np.float64)
            without[:, block] = means_by_protocol(rest, left, codes)
    return without


def _without_pure(
    distances: Distances,
    labels: Groups,
    units: Groups,
    sums: Floats,
    blocks: Integers,
    strata: Integers,
) -> Floats:
    """Estimates without each block of words, each block inside one group; blocks by group.

    Only the distances to that group change: rows of the group get another a, all others may get
    another b. That is O(n) a block.
    """
    counted = sizes_left(labels, units, blocks, strata)
    count, groups = sums.shape
    sizes = labels.sizes.astype(np.float64)
    inner, nearest, which = distances_to_groups(sums, sizes, labels.codes, 3)
    without = np.empty((2 + groups, len(strata)))
    rounding = distances.rounding(sizes)
    starts, rows_of = np.searchsorted(strata, np.arange(groups + 1)), np.bincount(blocks)
    removed, made = np.empty((count, 0)), 0
    for group in range(groups):
        first, last = starts[group : group + 2]
        if last > made:
            # of as many further groups as have room at once
            made = max(last, starts[starts <= first + room(count)][-1])
            sets = np.where((first <= blocks) & (blocks < made), blocks - first, -1)
            (removed,), base = distances.sums(sets[None], made - first), first
        own = np.arange(first, last)
        gone = rows_of[own].astype(np.float64)
        rest = sums[:, [group]] - removed[:, own - base]
        without_rounding(rest, rounding[group])
        left = np.where(np.arange(groups)[:, None] == group, sizes[:, None] - gone, sizes[:, None])
        of_group = (labels.codes == group)[:, None]
        kept = np.where(of_group, counted[group, own] / left[group], 1.0)
        kept *= blocks[:, None] != own
        without[:, own] = _without_some(
            labels, group, inner, nearest, which, rest, left, counted[:, own], kept
        )
    return without


def _without_some(
    labels: Groups,
    group: int,
    inner: Floats,
    nearest: Floats,
    which: Integers,
    rest: Floats,
    left: Floats,
    counted: Floats,
    kept: Floats,
) -> Floats:
    """Estimates without each block of one group, shape ``[2 + k, blocks]``.

    Parameters
    ----------
    labels, group
        Group of each row, and the group that the blocks lie in.
    inner, nearest, which
        See `distances_to_groups`, of three others.
    rest
        Sums of distances to what is left of the group, shape ``[n, blocks]``.
    left, counted
        Rows that are left of the groups, and that these count for, ``[k, blocks]``.
    kept
        What each row counts for, ``[n, blocks]``: 0 where it is left out.
    """
    members = (labels.codes == group)[:, None]
    a = np.where(members, rest / np.maximum(left[group] - 1, 1), inner[:, None])
    # the two nearest groups but for this one, which comes before, between or after them
    skipped = ((which == group) & np.isfinite(nearest)).cumsum(axis=0, dtype=np.intp)
    rows = np.arange(len(inner))
    one, two = nearest[skipped[0], rows, None], nearest[1 + skipped[1], rows, None]
    here = np.where(members, np.inf, rest / left[group])
    moved = here < one
    b, further = np.minimum(one, here), np.minimum(np.maximum(one, here), two)
    own_sizes = np.where(members, left[group], labels.sizes[labels.codes][:, None])
    scores, without_nearest = (coefficients(a, each, own_sizes) * kept for each in (b, further))
    sums, gain = labels.sums(scores), without_nearest - scores
    gains = Groups(labels.names, which[skipped[0], rows]).sums(np.where(moved, 0.0, gain))
    gains[group] += np.where(moved, gain, 0.0).sum(axis=0)
    runs = mean_of_runs(sums, gains, counted)
    return np.vstack([sums.sum(axis=0) / counted.sum(axis=0), sums / counted, runs])
