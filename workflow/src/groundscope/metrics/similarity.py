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
        A zero vector, which has no cosine, or values that are not finite.
    """
    rows = np.asarray(rows, np.float64)
    if not np.isfinite(rows).all():
        message = "the vectors hold values that are not finite"
        raise ValueError(message)
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


@dataclass(frozen=True)
class Reference:
    """Random pairs that other kinds are compared with, and their bootstrap weights.

    Attributes
    ----------
    ordered
        Their similarities, sorted, shape ``[t]``.
    cumulated
        For each bootstrap replicate the weight of the first 0, 1, ... t of them, ``[replicates, t +
        1]``.
    """

    ordered: Floats
    cumulated: Floats

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> "Reference":
        """Sort random pairs, shape ``[t]``, with weights ``[replicates, t]``."""
        order = np.argsort(values, kind="stable")
        cumulated = np.zeros((len(weights), len(values) + 1))
        np.cumsum(weights[:, order], axis=1, out=cumulated[:, 1:])
        return cls(values[order], cumulated)


def area_under_curve(values: Floats, weights: Floats, reference: Reference) -> tuple[float, Floats]:
    """Chance that a pair of one kind is more similar than a random pair (ties count half).

    Parameters
    ----------
    values
        Type-pair similarities of the kind, shape ``[t]``.
    weights
        Their bootstrap weights, shape ``[replicates, t]``, see `pair_weights`.
    reference
        The random pairs.

    Returns
    -------
    tuple
        AUC, 0 to 1 with 0.5 for no difference; and its bootstrap replicates.
    """
    below = np.searchsorted(reference.ordered, values, side="left")
    upto = np.searchsorted(reference.ordered, values, side="right")
    estimate = float((below + upto).mean() / 2 / len(reference.ordered))
    found = []
    for own, base in zip(weights, reference.cumulated, strict=True):
        total = own.sum() * base[-1]
        if total > 0:
            found.append(float(own @ (base[below] + base[upto])) / 2 / total)
    return estimate, np.array(found)


def pair_weights(counts: Floats, words: Integers) -> Floats:
    """How often each type pair is drawn when words are: the product of its words' counts.

    Parameters
    ----------
    counts
        Draws of each word in each bootstrap replicate, shape ``[replicates, words]``.
    words
        Word codes of the pairs, shape ``[t, 2]``; a word paired with itself counts once.
    """
    first, second = counts[:, words[:, 0]], counts[:, words[:, 1]]
    return np.asarray(np.where(words[:, 0] == words[:, 1], first, first * second))
