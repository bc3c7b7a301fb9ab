"""Cosine similarity of word pairs: which pairs, their means over word types, AUC against random.

Pairs are pairs of *tokens* (row indices), drawn once and used for every layer. Similarities are
averaged within each (left word, right word) pair of types first and over types then (Choi et al.
2024).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers

_CHUNK = 8192


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

    def type_means(self, unit: Floats) -> Floats:
        """Mean cosine of each type pair from unit vectors ``[n, d]``, shape ``[t]``."""
        cosines = np.empty(len(self.left))
        for start in range(0, len(self.left), _CHUNK):
            part = slice(start, start + _CHUNK)
            cosines[part] = np.einsum("ij,ij->i", unit[self.left[part]], unit[self.right[part]])
        sums = np.bincount(self.types, weights=cosines, minlength=len(self.words))
        return np.asarray(sums / self.counts)


def unit_rows(rows: Floats) -> Floats:
    """Rows scaled to length 1, float64.

    Raises
    ------
    ValueError
        A zero vector, which has no cosine.
    """
    rows = np.asarray(rows, np.float64)
    norms = np.linalg.norm(rows, axis=1)
    if not (norms > 0).all():
        message = f"row {int(np.argmin(norms))} is the zero vector: it has no cosine"
        raise ValueError(message)
    return np.asarray(rows / norms[:, None])


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


@dataclass(frozen=True)
class Crossed:
    """Every token of one word with every token of another, for listed pairs of words.

    The mean cosine over such a block is the product of the two words' mean unit vectors, so that
    no token pair is ever formed.

    Attributes
    ----------
    rows
        Rows that tokens are taken from.
    present
        Word of each of `rows`, among the words that occur there.
    places
        Both words of each type pair as indices into `present`, shape ``[t, 2]``.
    words
        The same as word codes, shape ``[t, 2]``.
    counts
        Token pairs of each type pair, shape ``[t]``.
    """

    rows: Integers
    present: Groups
    places: Integers
    words: Integers
    counts: Integers

    @classmethod
    def of(cls, rows: Integers, words: Groups, word_pairs: Sequence[tuple[str, str]]) -> "Crossed":
        """Keep the pairs whose two (different) words both have a token among `rows`."""
        present = Groups.of(words.names[words.codes[rows]])
        index = {str(name): place for place, name in enumerate(present.names)}
        known = sorted(
            {(index[a], index[b]) for a, b in word_pairs if a != b and a in index and b in index}
        )
        places = np.asarray(known, np.intp).reshape(-1, 2)
        codes = np.searchsorted(words.names, present.names)[places]
        return cls(rows, present, places, codes, present.sizes[places].prod(axis=1))

    def type_means(self, unit: Floats) -> Floats:
        """Mean cosine of each type pair from unit vectors ``[n, d]``, shape ``[t]``."""
        means = self.present.means(unit[self.rows])
        values = np.empty(len(self.places))
        for start in range(0, len(values), _CHUNK):
            part = self.places[start : start + _CHUNK]
            values[start : start + _CHUNK] = np.einsum(
                "ij,ij->i", means[part[:, 0]], means[part[:, 1]]
            )
        return values


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


def area_under_curve(
    values: Floats, words: Integers, base: Floats, base_words: Integers, weights: Floats
) -> tuple[float, Floats]:
    """Chance that a pair of one kind is more similar than a random pair (ties count half).

    Parameters
    ----------
    values, words
        Type-pair similarities of the kind, shape ``[t]``, and their word codes, ``[t, 2]``.
    base, base_words
        The same of the random pairs.
    weights
        Bootstrap counts of words, shape ``[replicates, words]``. A pair counts as often as both of
        its words were drawn together: the product of their counts.

    Returns
    -------
    tuple
        AUC, 0 to 1 with 0.5 for no difference; and its bootstrap replicates.
    """
    order = np.argsort(base, kind="stable")
    ordered = base[order]
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    estimate = float((below + upto).mean() / 2 / len(base))
    replicates = np.full(len(weights), np.nan)
    for number, counts in enumerate(weights):
        own = _pair_weights(counts, words)
        reference = np.concatenate([[0.0], np.cumsum(_pair_weights(counts, base_words)[order])])
        total = own.sum() * reference[-1]
        if total > 0:
            replicates[number] = own @ (reference[below] + reference[upto]) / 2 / total
    return estimate, replicates[~np.isnan(replicates)]


def _pair_weights(counts: Floats, words: Integers) -> Floats:
    first, second = counts[words[:, 0]], counts[words[:, 1]]
    return np.asarray(np.where(words[:, 0] == words[:, 1], first, first * second))
