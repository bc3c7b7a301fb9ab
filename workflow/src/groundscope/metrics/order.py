"""Rows sorted by word: which words a jackknife leaves out, and where their rows are."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers

# groups that are left out in turn, and how many of the largest are certainly among them
_LEFT_OUT, _LARGEST = 2048, 1024
# groups whose pairs stand for all, how many of these for themselves, and rows
_SUBSET, _FREQUENT, _SUBSET_ROWS = 200, 100, 2048
_BLOCK = 1024
LARGE = 256


@dataclass(frozen=True)
class Panel:
    """Sorted rows next to each other: of whole groups that are left out, or of the other groups.

    Attributes
    ----------
    rows
        Which.
    groups
        The groups, as a slice of those that are left out; empty for others.
    starts
        First row of each within the panel.
    """

    rows: slice
    groups: slice
    starts: Integers

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.rows.stop - self.rows.start)

    @property
    def left_out(self) -> bool:
        """Whether its groups are left out."""
        return len(self.starts) > 0

    def cut(self, size: int) -> Iterator["Panel"]:
        """Cut into panels of whole groups, of at most `size` rows or of one larger group."""
        stops = np.append(self.starts[1:], self.size)
        first = 0
        while first < len(stops):
            start = int(self.starts[first])
            last = max(first + 1, int(np.searchsorted(stops, start + size, side="right")))
            yield Panel(
                slice(self.rows.start + start, self.rows.start + int(stops[last - 1])),
                slice(self.groups.start + first, self.groups.start + last),
                self.starts[first:last] - start,
            )
            first = last


@dataclass(frozen=True)
class Subset:
    """Rows of some groups, whose pairs stand for those of all groups.

    Those are all groups, or 200 of more: up to 100 that have more than twice as many rows as others
    on average, and random ones of the rest. Where they have over 2048 rows, larger groups have some
    random ones of theirs, in proportion to the root of their size.

    Attributes
    ----------
    rows
        Sorted rows, those of a group next to each other.
    starts
        First row of each group within `rows`, shape ``[c]``.
    groups
        The groups, as indices into those that are left out, shape ``[c]``.
    weights
        Ordered pairs of groups that each stands for, shape ``[c, c]``; 0 on the diagonal.
    once, twice
        Rows that a row stands for, and ordered pairs of rows of the group that two of its rows do,
        shape ``[c]``: 1 where the group has all its rows.
    """

    rows: Integers
    starts: Integers
    groups: Integers
    weights: Floats
    once: Floats
    twice: Floats

    @classmethod
    def of(cls, starts: Integers, sizes: Integers, weights: Floats) -> "Subset":
        """Choose from groups that are left out, ordered by size, each standing for some."""
        # another seed than that of the groups left out, of which these are drawn
        rng = np.random.default_rng(1)
        groups, shares = _pairs(sizes, weights, rng)
        of_each = sizes[groups]
        caps = range(int(of_each.max()) + 1)
        most = bisect_right(caps, _SUBSET_ROWS, key=lambda cap: int(_fitting(of_each, cap).sum()))
        kept = _fitting(of_each, most - 1)
        rows = [
            start + np.sort(rng.choice(size, some, replace=False))
            for start, size, some in zip(starts[groups], of_each, kept, strict=True)
        ]
        once = of_each / kept
        twice = once * np.maximum(of_each - 1, 1) / np.maximum(kept - 1, 1)
        return cls(np.concatenate(rows), np.cumsum(kept) - kept, groups, shares, once, twice)

    def panels(self, size: int) -> Iterator[Panel]:
        """Cut the rows and groups into panels of at most `size` rows; they count within these."""
        rows, groups = slice(0, len(self.rows)), slice(0, len(self.starts))
        return Panel(rows, groups, self.starts).cut(size)


@dataclass(frozen=True)
class Order:
    """Rows sorted by group: first the groups that a jackknife leaves out, by size.

    Those are all groups or, unless every one is asked for, 2048 of more: the largest, which matter
    most, and random ones of the rest, each of which stands for several.

    Attributes
    ----------
    rows
        The sorted order, shape ``[n]``.
    groups
        Number of groups.
    starts, sizes
        First sorted row and number of rows of each group that is left out, shape ``[g]``.
    weights
        Groups that each of these stands for, shape ``[g]``.
    subset
        Of the groups that are left out, whose pairs stand for all pairs.
    """

    rows: Integers
    groups: int
    starts: Integers
    sizes: Integers
    weights: Floats
    subset: Subset

    @classmethod
    def of(cls, groups: Groups, *, every: bool = False) -> "Order":
        """Sort the rows of a partition."""
        in_order, weights = _left_out(groups.sizes, len(groups) if every else _LEFT_OUT)
        rank = np.empty(len(groups), np.intp)
        rank[in_order] = np.arange(len(groups))
        sizes = groups.sizes[in_order]
        rows = np.argsort(rank[groups.codes], kind="stable")
        sizes = sizes[: len(weights)]
        starts = np.cumsum(sizes) - sizes
        subset = Subset.of(starts, sizes, weights)
        return cls(rows, len(groups), starts, sizes, weights, subset)

    @property
    def left_out(self) -> int:
        """Rows of the groups that are left out: the first of the sorted order."""
        return int(self.sizes.sum())

    @property
    def alone(self) -> bool:
        """Whether each of these groups has one row."""
        return bool((self.sizes == 1).all())

    def sums(self, rows: Floats) -> Floats:
        """Sum within the groups that are left out, float64: ``[n or m, ...]`` to ``[g, ...]``."""
        return np.add.reduceat(rows[: self.left_out], self.starts, axis=0, dtype=np.float64)

    def parts(self) -> Iterator[tuple[slice, bool]]:
        """Blocks of sorted rows; each group of over 256 rows is one block (True), however long."""
        small = int(np.searchsorted(self.sizes, LARGE, side="right"))
        stop = int(self.sizes[:small].sum())
        for first, last in ((0, stop), (self.left_out, len(self.rows))):
            for start in range(first, last, _BLOCK):
                yield slice(start, min(start + _BLOCK, last)), False
        for start, size in zip(self.starts[small:], self.sizes[small:], strict=True):
            yield slice(int(start), int(start + size)), True

    def panels(self, size: int) -> list[Panel]:
        """Cut the sorted rows into panels of at most `size` rows, or of one larger group."""
        left_out = Panel(slice(0, self.left_out), slice(0, len(self.sizes)), self.starts)
        made = [*left_out.cut(size)]
        none = np.empty(0, np.intp)
        for start in range(self.left_out, len(self.rows), size):
            rows = slice(start, min(start + size, len(self.rows)))
            made.append(Panel(rows, slice(0, 0), none))
        return made


def _left_out(sizes: Integers, most: int) -> tuple[Integers, Floats]:
    """Order groups: first those that are left out, by size. Say how many each stands for."""
    by_size = np.argsort(sizes, kind="stable")
    if len(sizes) <= most:
        return by_size, np.ones(len(sizes))
    others = int(np.searchsorted(sizes[by_size], sizes[by_size[-_LARGEST - 1]], side="right"))
    drawn = most - (len(sizes) - others)
    chosen = np.arange(len(sizes)) >= others
    chosen[np.random.default_rng(0).choice(others, drawn, replace=False)] = True
    weights = np.repeat([others / drawn, 1.0], [drawn, most - drawn])
    return np.concatenate([by_size[chosen], by_size[~chosen]]), weights


def _fitting(sizes: Integers, cap: int) -> Integers:
    """Rows of groups: all of small ones, of larger ones in proportion to the root of their size."""
    return np.minimum(sizes, 2 + np.sqrt(cap * sizes).astype(np.intp))


def _pairs(sizes: Integers, weights: Floats, rng: np.random.Generator) -> tuple[Integers, Floats]:
    """Choose groups whose pairs stand for all. Say how many ordered pairs each pair stands for."""
    left_out, count = len(sizes), round(weights.sum())
    if count <= _SUBSET:
        return np.arange(count), 1.0 - np.eye(count)
    average = sizes @ weights / count
    frequent = min(_FREQUENT, left_out - int(np.searchsorted(sizes, 2 * average, side="right")))
    others, drawn = count - frequent, _SUBSET - frequent
    chosen = rng.choice(others, drawn, replace=False)
    # groups that are not left out come after all others; those that stand for them take their place
    here = chosen[chosen < left_out - frequent]
    free = np.setdiff1d(np.flatnonzero(weights > 1), here)
    here = np.append(here, rng.choice(free, drawn - len(here), replace=False))
    groups = np.append(np.sort(here), np.arange(left_out - frequent, left_out))
    stands_for = np.repeat([others / drawn, 1.0], [drawn, frequent])
    pairs = np.outer(stands_for, stands_for)
    pairs[:drawn, :drawn] *= (others - 1) / others * drawn / (drawn - 1)
    np.fill_diagonal(pairs, 0.0)
    return groups, pairs
