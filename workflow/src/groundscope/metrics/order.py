"""Rows sorted by word: which words a jackknife leaves out, and where their rows are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers

# groups that are left out in turn, and how many of the largest are certainly among them
_LEFT_OUT, _LARGEST = 2048, 1024
_SUBSET, _SUBSET_ROWS = 200, 2048
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
        Sorted rows of all groups, or of up to 200 random ones with up to 2048 rows, whose pairs
        stand for all pairs.
    subset_starts
        First row of each of those groups within `subset`.
    """

    rows: Integers
    groups: int
    starts: Integers
    sizes: Integers
    weights: Floats
    subset: Integers
    subset_starts: Integers

    @classmethod
    def of(cls, groups: Groups, *, every: bool = False) -> "Order":
        """Sort the rows of a partition."""
        in_order, weights = _left_out(groups.sizes, len(groups) if every else _LEFT_OUT)
        rank = np.empty(len(groups), np.intp)
        rank[in_order] = np.arange(len(groups))
        sizes = groups.sizes[in_order]
        rows = np.argsort(rank[groups.codes], kind="stable")
        chosen = _subset(sizes)
        subset = np.flatnonzero(np.isin(np.repeat(np.arange(len(groups)), sizes), chosen))
        subset_starts = np.cumsum(sizes[chosen]) - sizes[chosen]
        sizes = sizes[: len(weights)]
        starts = np.cumsum(sizes) - sizes
        return cls(rows, len(groups), starts, sizes, weights, subset, subset_starts)

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

    def subset_panels(self, size: int) -> Iterator[Panel]:
        """Cut the rows and groups of the subset likewise; they count within it."""
        rows, groups = slice(0, len(self.subset)), slice(0, len(self.subset_starts))
        return Panel(rows, groups, self.subset_starts).cut(size)


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


def _subset(sizes: Integers) -> Integers:
    chosen = np.arange(len(sizes))
    if len(sizes) > _SUBSET:
        chosen = np.random.default_rng(0).choice(chosen, _SUBSET, replace=False)
    if sizes[chosen].sum() > _SUBSET_ROWS:
        # what is compared is quadratic in these rows
        fitting = np.sort(chosen)
        chosen = fitting[np.cumsum(sizes[fitting]) <= _SUBSET_ROWS]
    return np.sort(chosen)
