"""Cosine similarity of word pairs: which pairs, their means over word types, AUC against random.

Pairs are pairs of *tokens* (row indices), drawn once and used for every layer. Similarities are
averaged within each (left word, right word) pair of types first and over types then (Choi et al.
2024).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from groundscope.metrics.groups import Floats, Groups, Integers

# pairs whose vectors stay in a processor's own cache; rows of which a float64 copy is made at once
_PAIRS, _ROWS = 64, 512


@dataclass(frozen=True)
class Pairs:
    """Token pairs of one kind.

    Attributes
    ----------
    left, right
        Row indices, shape ``[m]``.
    types
        Index of each pair's type pair, shape ``[m]``.
    words
        Word codes of each type pair, shape ``[t, 2]``.
    counts
        Token pairs of each type pair, shape ``[t]``.
    """

    left: Integers
    right: Integers
    types: Integers
    words: Integers
    counts: Integers

    @classmethod
    def of(cls, left: Integers, right: Integers, words: Groups) -> "Pairs":
        """Sort token pairs into pairs of word types."""
        keys = words.codes[left] * len(words) + words.codes[right]
        present, types = np.unique(keys, return_inverse=True)
        pairs = np.stack([present // len(words), present % len(words)], axis=1)
        counts = np.bincount(types, minlength=len(present)).astype(np.intp)
        return cls(left, right, types.astype(np.intp), pairs.astype(np.intp), counts)


def unit_rows(rows: Floats) -> Floats:
    """Rows scaled to length 1, float64.

    Raises
    ------
    ValueError
        A zero vector, which has no cosine, or values that are not finite.
    """
    rows = np.asarray(rows, np.float64)
    return np.asarray(rows / _lengths(rows)[:, None])


def all_alike(rows: Floats) -> bool:
    """Whether all rows ``[n, d]`` point the same way; the first that does not ends the search."""
    first = unit_rows(rows[:1])
    starts = range(0, len(rows), _ROWS)
    return all((unit_rows(rows[start : start + _ROWS]) == first).all() for start in starts)


def _lengths(rows: Floats) -> Floats:
    lengths = np.empty(len(rows))
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        lengths[part] = np.linalg.norm(rows[part].astype(np.float64), axis=1)
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
    rows: Integers, groups: Groups | None, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Each row with another one: any (random pairs), or one of its group; never with itself.

    The rows are shuffled (within groups) and set beside themselves; rows that meet themselves are
    dropped (Choi et al. 2024).
    """
    codes = np.zeros(len(rows), np.intp) if groups is None else groups.codes[rows]
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
        Row indices, shape ``[m]``.
    present
        Word of each of them, among the words that occur there.
    """

    rows: Integers
    present: Groups

    @classmethod
    def of(cls, rows: Integers, words: Groups) -> "Sample":
        """Take some rows."""
        codes, places = np.unique(words.codes[rows], return_inverse=True)
        return cls(rows, Groups(words.names[codes], places.astype(np.intp)))

    def mean_units(self, rows: Floats, lengths: Floats) -> Floats:
        """Mean of the unit vectors of each word, float64, shape ``[words, d]``."""
        weights = 1 / (lengths[self.rows] * self.present.sizes[self.present.codes])
        shape = (len(self.present), len(rows))
        members = csr_array((weights, (self.present.codes, self.rows)), shape)
        means = np.empty((len(self.present), rows.shape[1]))
        step = max(1, _ROWS * rows.shape[1] // len(rows))
        for start in range(0, rows.shape[1], step):
            part = slice(start, start + step)
            means[:, part] = members @ rows[:, part].astype(np.float64)
        return means


@dataclass(frozen=True, eq=False)
class Crossed:
    """Every token of one word with every token of another, for listed pairs of words.

    The mean cosine over such a block is the product of the two words' mean unit vectors, so that
    no token pair is ever formed.

    Attributes
    ----------
    sample
        Where tokens are taken from.
    places
        Both words of each type pair as indices into `Sample.present`, shape ``[t, 2]``.
    words
        The same as word codes, shape ``[t, 2]``.
    counts
        Token pairs of each type pair, shape ``[t]``.
    """

    sample: Sample
    places: Integers
    words: Integers
    counts: Integers

    @classmethod
    def of(cls, sample: Sample, words: Groups, word_pairs: Sequence[tuple[str, str]]) -> "Crossed":
        """Keep the pairs whose two (different) words both have a token in the sample."""
        present = sample.present
        index = {str(name): place for place, name in enumerate(present.names)}
        known = sorted(
            {(index[a], index[b]) for a, b in word_pairs if a != b and a in index and b in index}
        )
        places = np.asarray(known, np.intp).reshape(-1, 2)
        codes = np.searchsorted(words.names, present.names)[places]
        return cls(sample, places, codes, present.sizes[places].prod(axis=1))


def type_means(kinds: Sequence[Pairs | Crossed], rows: Floats) -> list[Floats]:
    """Mean cosine of each type pair, shape ``[t]``, of several kinds or draws.

    Products are formed in the precision of the rows: float32 rows give a cosine to 1e-6. Sums over
    pairs are float64 in any case.

    Parameters
    ----------
    kinds
        The pairs. What occurs in the list twice is computed once.
    rows
        Vectors of the tokens, float32 or float64, ``[n, d]``.

    Raises
    ------
    ValueError
        A zero vector.
    """
    lengths = _lengths(rows)
    units: dict[int, Floats] = {}
    found: dict[int, Floats] = {}
    for each in {id(each): each for each in kinds}.values():
        if isinstance(each, Crossed):
            key = id(each.sample)
            if key not in units:
                units[key] = each.sample.mean_units(rows, lengths)
            found[id(each)] = _products(units[key], each.places[:, 0], each.places[:, 1])
        else:
            cosines = _products(rows, each.left, each.right)
            cosines /= lengths[each.left] * lengths[each.right]
            sums = np.bincount(each.types, weights=cosines, minlength=len(each.words))
            found[id(each)] = sums / each.counts
    return [found[id(each)] for each in kinds]


def _products(rows: Floats, left: Integers, right: Integers) -> Floats:
    """Inner products of pairs of rows, shape ``[m]``."""
    result = np.empty(len(left))
    for start in range(0, len(left), _PAIRS):
        part = slice(start, start + _PAIRS)
        result[part] = np.einsum("ij,ij->i", rows[left[part]], rows[right[part]])
    return result


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


@dataclass(frozen=True)
class Areas:
    """Chance that a pair of one kind is more similar than a random pair (ties count half).

    Attributes
    ----------
    estimate
        0 to 1; 0.5 for no difference.
    resampled
        Bootstrap replicates, those without any pair left out.
    """

    estimate: float
    resampled: Floats


def areas_under_curve(
    kinds: Mapping[str, tuple[Floats, Integers]],
    reference: tuple[Floats, Integers],
    counts: Floats,
) -> dict[str, Areas]:
    """Area under the ROC curve of each kind against random pairs, with a bootstrap over words.

    A type pair is drawn as often as the product of its words' counts says, one of a word with
    itself as often as the word. Memory does not grow with replicates times pairs.

    Parameters
    ----------
    kinds
        Similarities ``[t]`` and words ``[t, 2]`` of the type pairs of each kind.
    reference
        The same of the random pairs.
    counts
        Draws of each word in each replicate, shape ``[replicates, words]``.
    """
    ordered, base_words = _in_order(*reference, counts.shape[1])
    ranks, words, resampled = {}, {}, {}
    for kind, (values, pairs) in kinds.items():
        own, words[kind] = _in_order(values, pairs, counts.shape[1])
        below, upto = (np.searchsorted(ordered, own, side=side) for side in ("left", "right"))
        ranks[kind] = below, upto
        resampled[kind] = np.full(len(counts), np.nan)
    cumulated = np.zeros(len(ordered) + 1)
    for replicate, drawn in enumerate(np.pad(counts, ((0, 0), (0, 1)), constant_values=1.0)):
        np.cumsum(drawn[base_words[0]] * drawn[base_words[1]], out=cumulated[1:])
        for kind, (below, upto) in ranks.items():
            weights = drawn[words[kind][0]] * drawn[words[kind][1]]
            total = weights.sum() * cumulated[-1]
            if total > 0:
                reached = weights @ cumulated[below] + weights @ cumulated[upto]
                resampled[kind][replicate] = reached / 2 / total
    return {
        kind: Areas(
            float((below + upto).mean() / 2 / len(ordered)),
            resampled[kind][~np.isnan(resampled[kind])],
        )
        for kind, (below, upto) in ranks.items()
    }


def _in_order(values: Floats, pairs: Integers, one: int) -> tuple[Floats, Integers]:
    """Sorted values and their words, ``[2, t]``; `one` for the second of a word with itself."""
    order = np.argsort(values, kind="stable")
    first, second = pairs[order].T
    return values[order], np.stack([first, np.where(first == second, one, second)])
