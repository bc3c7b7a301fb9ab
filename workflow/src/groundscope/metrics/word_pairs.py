"""Pairs of words and of their tokens: which there are; drawn once, and used for every layer.

Pairs are pairs of *tokens* (row indices), which belong to (left word, right word) pairs of types.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundscope.metrics.groups import Groups, Integers


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

    def rows(self, draw: int) -> Integers:
        """Rows of the pairs of a draw; a row may come twice."""
        return self.rows_of(self.draws == draw)

    def rows_of(self, chosen: NDArray[np.bool_]) -> Integers:
        """Rows of the token pairs of some type pairs, shape ``[t]``."""
        pairs = chosen[self.types]
        return np.concatenate([self.left[pairs], self.right[pairs]])


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the type pairs of a kind.

    Attributes
    ----------
    whole
        The kind.
    chosen
        Which of its type pairs, as indices, shape ``[t]``.
    words, counts, draws
        As in `Pairs`.
    """

    whole: Pairs
    chosen: Integers
    words: Integers
    counts: Integers
    draws: Integers

    @classmethod
    def of_different_words(cls, pairs: Pairs) -> "Part":
        """Choose the pairs whose words differ."""
        chosen = np.flatnonzero(pairs.words[:, 0] != pairs.words[:, 1])
        return cls(pairs, chosen, pairs.words[chosen], pairs.counts[chosen], pairs.draws[chosen])

    def rows(self, draw: int) -> Integers:
        """Rows of the pairs of a draw; a row may come twice."""
        chosen = np.zeros(len(self.whole.draws), np.bool_)
        chosen[self.chosen[self.draws == draw]] = True
        return self.whole.rows_of(chosen)


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

    def places(self, pairs: Integers, words: Groups) -> Integers:
        """Of pairs of word codes, those whose words both occur, as indices into `present`."""
        index = np.full(len(words), -1)
        # word codes are in the order of the names
        index[np.searchsorted(words.names, self.present.names)] = np.arange(len(self.present))
        places = index[pairs]
        return places[(places >= 0).all(axis=1)]


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
        index = {str(name): code for code, name in enumerate(words.names)}
        known = {(index[a], index[b]) for a, b in word_pairs if a != b and {a, b} <= index.keys()}
        return cls.of_codes(samples, words, np.asarray(sorted(known), np.intp).reshape(-1, 2))

    @classmethod
    def of_codes(cls, samples: Sequence[Sample], words: Groups, pairs: Integers) -> "Crossed":
        """Take sorted pairs of word codes, ``[m, 2]``, as `of` takes pairs of names."""
        known = {sample: sample.places(pairs, words) for sample in set(samples)}
        places = [known[sample] for sample in samples]
        both = list(zip(samples, places, strict=True))
        # word codes are in the order of the names
        codes = [np.searchsorted(words.names, each.present.names)[pairs] for each, pairs in both]
        counts = [each.present.sizes[pairs].prod(axis=1) for each, pairs in both]
        draws = np.repeat(np.arange(len(samples)), [len(pairs) for pairs in places])
        return cls(samples, places, np.concatenate(codes), np.concatenate(counts), draws)

    def rows(self, draw: int) -> Integers:
        """Rows of the pairs of a draw."""
        sample = self.samples[draw]
        return sample.by_word[np.isin(sample.present.codes, self.places[draw])]

    @property
    def drawn_once(self) -> bool:
        """Whether all draws take the same tokens, and so have the same values in any layer."""
        return len(set(self.samples)) == 1


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
