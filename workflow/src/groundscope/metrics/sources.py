"""Layers that are compared, loaded when they are needed, and how their rows are permuted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.order import Order


@dataclass(frozen=True)
class Refitted:
    """A layer in a space that is fitted anew without each block of words, for a jackknife.

    Attributes
    ----------
    blocks
        Block of each row, shape ``[n]``; the same for all sources of a comparison.
    load
        Features of the rows that are left without a block, shape ``[n - rows of the block, d]``.
    """

    blocks: Integers
    load: Callable[[int], Floats]

    def drawn(self, rows: Integers) -> "Refitted":
        """Give those of some rows; the space is that of all rows without the block."""
        blocks = self.blocks

        def load(block: int) -> Floats:
            kept = blocks != block
            features = self.load(block)
            return np.asarray(features[(np.cumsum(kept) - 1)[rows[kept[rows]]]])

        return Refitted(blocks[rows], load)


@dataclass(frozen=True)
class Source:
    """A layer that is loaded when it is needed.

    Attributes
    ----------
    name
        For messages.
    features
        d, known without loading.
    load
        Returns the features, shape ``[n, d]``, the same rows for all sources of a comparison.
    moved
        Where features depend on the order of the rows, as in a space that is fitted to their
        labels: gives those after each permutation of the null, from their number and a seed, as
        `spaces.moved_lda_spaces` does. Without it the rows that are loaded are permuted.
    refitted
        The features without each block of words, where they are in a space that is fitted to the
        rows.
    """

    name: str
    features: int
    load: Callable[[], Floats]
    moved: Callable[[int, int], Iterable[Floats]] | None = None
    refitted: Refitted | None = None


@dataclass(frozen=True)
class Null:
    """Permutations of sorted rows, and their seed."""

    order: Order
    shuffles: Sequence[Integers]
    seed: int

    def moved(self, source: Source) -> Iterator[Floats] | None:
        """Sorted features after each permutation, where they depend on the order of the rows."""
        if source.moved is None or not self.shuffles:
            return None
        moved = source.moved(len(self.shuffles), self.seed)
        return (features[self.order.rows] for features in moved)
