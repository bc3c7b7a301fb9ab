"""Cosine similarity of word pairs: which pairs, and their means over word types.

Pairs are pairs of *tokens* (row indices), drawn once and used for every layer. Similarities are
averaged within each (left word, right word) pair of types first and over types then (Choi et al.
2024).
"""

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.threads import one_core_each

# pairs whose vectors stay in a processor's own caches, and how many of them a thread takes at once;
# rows of which a float64 copy is made at once
_PAIRS, _SLICE, _ROWS = 128, 1024, 512


@dataclass(frozen=True, eq=False)
class Pairs:
    """Token pairs of one kind, of all draws.

    Attributes
    ----------
    left, right
        Row indices, shape ``[m]``, in an order that comes back to the same rows soon.
    types
        Index of each pair's type pair, shape ``[m]``.
    words
        Word codes of the type pairs of the first draw, the second, ..., shape ``[t, 2]``.
    counts
        Token pairs of each type pair, shape ``[t]``.
    draws
        Draw of each type pair, shape ``[t]``.
    """

    left: Integers
    right: Integers
    types: Integers
    words: Integers
    counts: Integers
    draws: Integers

    @classmethod
    def of(
        cls, pairs: Sequence[tuple[Integers, Integers]], groups: Groups, words: Groups
    ) -> "Pairs":
        """Sort the token pairs of each draw, which are within groups, into pairs of word types."""
        left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
        draws = np.repeat(np.arange(len(pairs)), [len(side) for side, _ in pairs])
        order = np.lexsort([left, groups.codes[left]])
        left, right, draws = left[order], right[order], draws[order]
        shape = len(pairs), len(words), len(words)
        keys = np.ravel_multi_index((draws, words.codes[left], words.codes[right]), shape)
        present, types, counts = np.unique(keys, return_inverse=True, return_counts=True)
        draws, *both = np.unravel_index(present, shape)
        return cls(left, right, types, np.stack(both, axis=1), counts, draws)


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the type pairs of a kind.

    Attributes
    ----------
    chosen
        Which of its type pairs, as indices, shape ``[t]``.
    words, counts, draws
        As in `Pairs`.
    """

    chosen: Integers
    words: Integers
    counts: Integers
    draws: Integers

    @classmethod
    def of_different_words(cls, pairs: Pairs) -> "Part":
        """Choose the pairs whose words differ."""
        chosen = np.flatnonzero(pairs.words[:, 0] != pairs.words[:, 1])
        return cls(chosen, pairs.words[chosen], pairs.counts[chosen], pairs.draws[chosen])


def unit_rows(rows: Floats) -> Floats:
    """Rows scaled to length 1, float64.

    Raises
    ------
    ValueError
        A zero vector, which has no cosine, or values that are not finite.
    """
    rows = np.asarray(rows, np.float64)
    return np.asarray(rows / _checked(_lengths(rows))[:, None])


def all_alike(rows: Floats) -> bool:
    """Whether all rows ``[n, d]`` point the same way; the first that does not ends the search."""
    first = unit_rows(rows[:1])
    starts = range(0, len(rows), _ROWS)
    return all((unit_rows(rows[start : start + _ROWS]) == first).all() for start in starts)


def _lengths(rows: Floats) -> Floats:
    rows = rows.astype(np.float64, copy=False)
    return np.asarray(np.sqrt(np.vecdot(rows, rows)))


def _checked(lengths: Floats) -> Floats:
    if not np.isfinite(lengths).all():
        message = "the vectors hold values that are not finite"
        raise ValueError(message)
    if not (lengths > 0).all():
        message = f"row {int(np.argmin(lengths))} is the zero vector: it has no cosine"
        raise ValueError(message)
    return lengths


def sample_rows(count: int, size: int, seed: int) -> Integers:
    """Draw rows without replacement, as ``random.Random(seed).sample`` does."""
    drawn = random.Random(seed).sample(range(count), min(size, count))
    return np.asarray(drawn, np.intp)


def shuffled_pairs(
    rows: Integers, groups: Groups, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Each row with another one of its group; never with itself.

    The rows are shuffled within groups and set beside themselves; rows that meet themselves are
    dropped (Choi et al. 2024).
    """
    codes = groups.codes[rows]
    left = rows[np.argsort(codes, kind="stable")]
    right = rows[np.lexsort([rng.random(len(rows)), codes])]
    other = left != right
    return left[other], right[other]


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows that tokens are taken from.

    Attributes
    ----------
    rows
        Row indices as they were drawn, shape ``[m]``.
    by_word
        The same, word by word.
    present
        Word of each of `by_word`, among the words that occur there.
    """

    rows: Integers
    by_word: Integers
    present: Groups

    @classmethod
    def of(cls, rows: Integers, words: Groups) -> "Sample":
        """Take some rows."""
        by_word = rows[np.argsort(words.codes[rows], kind="stable")]
        codes, places = np.unique(words.codes[by_word], return_inverse=True)
        return cls(rows, by_word, Groups(words.names[codes], places))

    def places(self, word_pairs: Sequence[tuple[str, str]]) -> Integers:
        """Both words of the pairs of two words that occur, as indices into `present`."""
        index = {str(name): place for place, name in enumerate(self.present.names)}
        known = {(index[a], index[b]) for a, b in word_pairs if a != b and {a, b} <= index.keys()}
        return np.asarray(sorted(known), np.intp).reshape(-1, 2)

    def mean_units(self, rows: Floats, lengths: Floats, pool: Executor) -> Floats:
        """Mean of the unit vectors of each word, summed in float64, shape ``[words, d]``."""
        bounds = np.concatenate([[0], np.cumsum(self.present.sizes)])
        shares = 1 / (lengths[self.by_word] * self.present.sizes[self.present.codes])

        def means(first: int, last: int) -> Floats:
            found = np.zeros((last - first, rows.shape[1]))
            for start in range(bounds[first], bounds[last], _ROWS):
                part = slice(start, min(start + _ROWS, bounds[last]))
                tokens = self.by_word[part]
                inside = np.clip(bounds[first : last + 1] - start, 0, len(tokens))
                entries = shares[part], np.arange(len(tokens)), inside
                members = csr_array(entries, (last - first, len(tokens)))
                found += members @ rows[tokens].astype(np.float64)
            return found

        steps = np.arange(0, len(self.rows), _ROWS)
        cuts = np.append(np.unique(np.searchsorted(bounds, steps)), len(self.present))
        return np.concatenate([*pool.map(means, cuts[:-1], cuts[1:])])


@dataclass(frozen=True, eq=False)
class Crossed:
    """Every token of one word with every token of another, for listed pairs of words.

    The mean cosine over such a block is the product of the two words' mean unit vectors, so that
    no token pair is ever formed.

    Attributes
    ----------
    samples
        Where the tokens of each draw are taken from.
    places
        Both words of each type pair of each draw as indices into `Sample.present`, ``[t, 2]``.
    words, counts, draws
        As those of `Pairs`.
    """

    samples: Sequence[Sample]
    places: Sequence[Integers]
    words: Integers
    counts: Integers
    draws: Integers

    @classmethod
    def of(
        cls, samples: Sequence[Sample], words: Groups, word_pairs: Sequence[tuple[str, str]]
    ) -> "Crossed":
        """Keep the pairs whose two (different) words both have a token in a draw's sample."""
        known = {sample: sample.places(word_pairs) for sample in set(samples)}
        places = [known[sample] for sample in samples]
        both = list(zip(samples, places, strict=True))
        # word codes are in the order of the names
        codes = [np.searchsorted(words.names, each.present.names)[pairs] for each, pairs in both]
        counts = [each.present.sizes[pairs].prod(axis=1) for each, pairs in both]
        draws = np.repeat(np.arange(len(samples)), [len(pairs) for pairs in places])
        return cls(samples, places, np.concatenate(codes), np.concatenate(counts), draws)

    @property
    def drawn_once(self) -> bool:
        """Whether all draws take the same tokens, and so have the same values in any layer."""
        return len(set(self.samples)) == 1


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
        lengths = _checked(np.concatenate([*pool.map(_lengths, _parts(rows, _ROWS))]))
        for each in kinds:
            if isinstance(each, Pairs):
                cosines = _products(rows, each.left, each.right, pool)
                cosines /= lengths[each.left] * lengths[each.right]
                found.append(np.bincount(each.types, weights=cosines) / each.counts)
                continue
            products = {}
            for sample, places in dict(zip(each.samples, each.places, strict=True)).items():
                if sample not in units:
                    units[sample] = sample.mean_units(rows, lengths, pool)
                products[sample] = _products(units[sample], places[:, 0], places[:, 1], pool)
            found.append(np.concatenate([products[sample] for sample in each.samples]))
    return found


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


def group_word_pairs(word_labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """All unordered pairs of different words with the same label."""
    members: dict[str, list[str]] = {}
    for word, label in sorted(word_labels.items()):
        members.setdefault(label, []).append(word)
    return [
        (first, second)
        for words in members.values()
        for number, first in enumerate(words)
        for second in words[number + 1 :]
    ]
