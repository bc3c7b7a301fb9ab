"""Alignment by any measure, with the jackknife of spaces that are fitted to the rows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from groundscope.metrics import alignment
from groundscope.metrics.alignment import Alignment
from groundscope.metrics.dissimilarity import Dissimilarity
from groundscope.metrics.groups import Floats, Groups, Integers, permuted_rows
from groundscope.metrics.intervals import t_interval
from groundscope.metrics.jackknife import as_of_equal_blocks, degrees_of_freedom, jackknife
from groundscope.metrics.neighbours import Neighbours
from groundscope.metrics.sources import Source

_Geometry = TypeVar("_Geometry", Dissimilarity, Neighbours)


def align(
    left: Sequence[Source],
    right: Sequence[Source],
    words: Groups,
    *,
    measure: str,
    neighbours: int,
    every: bool = False,
    strata: Groups | None = None,
    permutations: int = 0,
    seed: int = 0,
) -> Alignment:
    """Align all pairs of layers, in spaces that are what they are.

    Parameters and errors are those of `alignment.compare_layers`, but for two.

    Parameters
    ----------
    measure
        One of `comparison.MEASURES`.
    neighbours
        k of ``knn``.
    """
    if measure == "rsa":
        result = _by_geometry(Dissimilarity.of, left, right, words, strata, permutations, seed)
    elif measure == "knn":
        make = partial(Neighbours.of, count=neighbours)
        result = _by_geometry(make, left, right, words, strata, permutations, seed)
    else:
        result = alignment.compare_layers(
            left,
            right,
            words,
            kernel=measure.removeprefix("cka-"),
            every=every,
            permutations=permutations,
            strata=strata,
            seed=seed,
        )
    # layers that are the same are above it by rounding
    return replace(result, estimate=np.minimum(result.estimate, 1.0))


def refit(
    result: Alignment,
    left: Sequence[Source],
    right: Sequence[Source],
    words: Groups,
    blocks: Integers,
    rows: Integers,
    *,
    measure: str,
    neighbours: int,
) -> Alignment:
    """Give an alignment the jackknife of blocks of words without which axes are fitted anew.

    Words may do more to an alignment through the axes than by their own rows, above all near as
    many features as words less classes.

    Parameters
    ----------
    result
        Of all rows.
    left, right, words
        Layers that have `sources.Refitted`, and the word of each row.
    blocks, rows
        Block of each row that axes are fitted to, and which of these the layers have.
    measure, neighbours
        See `align`; of few rows k is no more than leaves a choice.
    """
    sizes = np.bincount(blocks)
    without = np.empty((*result.estimate.shape, len(sizes)))
    for block in range(len(sizes)):
        kept = words.only(blocks[rows] != block)
        first = _without(left, block)
        second = first if right is left else _without(right, block)
        k = min(neighbours, len(kept) - 3)
        without[..., block] = align(first, second, kept, measure=measure, neighbours=k).estimate
    without = as_of_equal_blocks(result.estimate, without, sizes)
    degrees, error = degrees_of_freedom(sizes), jackknife(result.estimate, without).standard_error
    interval = t_interval(result.estimate, error, degrees)
    left_out = np.arange(len(sizes))
    return Alignment(result.estimate, interval, degrees, left_out, without, result.null)


def _without(sources: Sequence[Source], block: int) -> list[Source]:
    return [
        Source(source.name, source.features, partial(source.refitted.load, block))
        for source in sources
        if source.refitted is not None
    ]


def _by_geometry(
    make: Callable[[Floats], _Geometry],
    left: Sequence[Source],
    right: Sequence[Source],
    words: Groups,
    strata: Groups | None,
    permutations: int,
    seed: int,
) -> Alignment:
    rng = np.random.default_rng(seed)
    orders = [permuted_rows(words, rng, strata) for _ in range(permutations)]
    first = [make(source.load()) for source in left]
    estimate = np.empty((1, len(left), len(right)))
    without = np.empty((1, len(left), len(right), len(words)))
    null = np.empty((1, len(left), len(right), permutations))
    for j, source in enumerate(right):
        second = make(source.load())
        for i, layer in enumerate(first):
            estimate[0, i, j] = layer.alignment(second)
            without[0, i, j] = layer.without(second)
        shuffled = map(second.reordered, orders)
        if source.moved is not None and permutations:
            shuffled = map(make, source.moved(permutations, seed))
        for p, moved in enumerate(shuffled):
            null[0, :, j, p] = [layer.alignment(moved) for layer in first]
    interval, degrees = jackknife(estimate, without), len(words) - 1.0
    return Alignment(estimate, interval, degrees, words.codes, without, null)
