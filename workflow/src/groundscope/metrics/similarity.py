"""Cosine similarity of word pairs: means over word types.

Similarities of pairs of tokens are averaged within each (left word, right word) pair of types first
and over types then (Choi et al. 2024).
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.threads import one_core_each
from groundscope.metrics.unit_vectors import checked_lengths, lengths_of, unit_rows
from groundscope.metrics.word_pairs import Crossed, Pairs, Sample

# pairs whose vectors stay in a processor's own caches, and how many of them a thread takes at once;
# rows of which a float64 copy is made at once
_PAIRS, _SLICE, _ROWS = 128, 1024, 512


def all_alike(rows: Floats) -> bool:
    """Whether all rows ``[n, d]`` point the same way; the first that does not ends the search."""
    first = unit_rows(rows[:1])
    starts = range(0, len(rows), _ROWS)
    return all((unit_rows(rows[start : start + _ROWS]) == first).all() for start in starts)


def type_means(kinds: Sequence[Pairs | Crossed], rows: Floats) -> list[Floats]:
    """Mean cosine of each type pair of each draw, shape ``[t]``, of several kinds.

    Products and sums are float64, where neither squares of float32 numbers leave the range nor
    cosines near 1 lose what tells them apart. The result does not depend on the number of threads.

    Parameters
    ----------
    kinds
        The pairs. A sample that several draws or kinds share is read once.
    rows
        Vectors of the tokens, float32 or float64, ``[n, d]``.

    Raises
    ------
    ValueError
        A zero vector.
    """
    found: list[Floats] = []
    units: dict[Sample, Floats] = {}
    with one_core_each(max(len(each.words) for each in kinds) // _SLICE) as pool:
        lengths = checked_lengths(np.concatenate([*pool.map(lengths_of, _parts(rows, _ROWS))]))
        for each in kinds:
            if isinstance(each, Pairs):
                cosines = _products(rows, each.left, each.right, pool)
                cosines /= lengths[each.left] * lengths[each.right]
                found.append(np.bincount(each.types, weights=cosines) / each.counts)
                continue
            products = {}
            for sample, places in dict(zip(each.samples, each.places, strict=True)).items():
                if sample not in units:
                    units[sample] = _mean_units(sample, rows, lengths, pool)
                products[sample] = _products(units[sample], places[:, 0], places[:, 1], pool)
            found.append(np.concatenate([products[sample] for sample in each.samples]))
    return found


def _mean_units(sample: Sample, rows: Floats, lengths: Floats, pool: Executor) -> Floats:
    """Mean of the unit vectors of each word, summed in float64, shape ``[words, d]``."""
    bounds = np.concatenate([[0], np.cumsum(sample.present.sizes)])
    shares = 1 / (lengths[sample.by_word] * sample.present.sizes[sample.present.codes])

    def means(first: int, last: int) -> Floats:
        found = np.zeros((last - first, rows.shape[1]))
        for start in range(bounds[first], bounds[last], _ROWS):
            part = slice(start, min(start + _ROWS, bounds[last]))
            tokens = sample.by_word[part]
            inside = np.clip(bounds[first : last + 1] - start, 0, len(tokens))
            entries = shares[part], np.arange(len(tokens)), inside
            members = csr_array(entries, (last - first, len(tokens)))
            found += members @ rows[tokens].astype(np.float64)
        return found

    steps = np.arange(0, len(sample.rows), _ROWS)
    cuts = np.append(np.unique(np.searchsorted(bounds, steps)), len(sample.present))
    return np.concatenate([*pool.map(means, cuts[:-1], cuts[1:])])


def _products(rows: Floats, left: Integers, right: Integers, pool: Executor) -> Floats:
    """Inner products of pairs of rows, shape ``[m]``, in float64.

    Pairs of the same left row should follow each other: then it is read and converted once.
    """
    begins = np.diff(left, prepend=-1) != 0
    begins[::_PAIRS] = True
    starts = np.flatnonzero(begins)
    sizes = np.diff(starts, append=len(left))
    parts = [
        part
        for size in np.unique(sizes)
        for part in _parts(starts[sizes == size, None] + np.arange(size), _SLICE // size)
    ]
    found = np.empty(len(left))
    products = pool.map(partial(_products_of_slice, rows, left, right), parts)
    for part, product in zip(parts, products, strict=True):
        found[part] = product
    return found


def _products_of_slice(rows: Floats, left: Integers, right: Integers, places: Integers) -> Floats:
    """Inner products of the pairs at `places`, a line of which has one left row."""
    return np.concatenate(
        [
            np.vecdot(rows[left[part[:, :1]]], rows[right[part]], dtype=np.float64)
            for part in _parts(places, _PAIRS // places.shape[1])
        ]
    )


def _parts(values: NDArray[Any], size: int) -> list[NDArray[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
