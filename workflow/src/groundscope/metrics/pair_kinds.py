"""The kinds of word pairs that a corpus has: their token pairs in every draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.jackknife import degrees_of_freedom
from groundscope.metrics.word_pairs import Crossed, Pairs, Part, Sample, sample_rows, shuffled_pairs

RANDOM, DIFFERENT = "random", "different-word"
# Effective words of a kind below which a bootstrap or a jackknife over them is far too sure.
_FEWEST = 10


@dataclass(frozen=True)
class Draws:
    """Token pairs of every kind in every draw; the same for all layers.

    Attributes
    ----------
    kinds
        Pairs of each kind, ``random`` first; ``different-word`` are those of the random pairs.
    references
        What the AUC of kinds that cross all tokens of their words is against: the random type pairs
        of different words, in any draw, crossed over the same tokens as those kinds.
    lacking
        Kinds that are left out, and how many draws have no pair of them.
    words
        Word of each row.
    count
        How many draws.
    """

    kinds: Mapping[str, Pairs | Crossed | Part]
    references: Mapping[tuple[str, ...], Crossed]
    lacking: Mapping[str, int]
    words: Groups
    count: int

    def tokens(self, kind: str, count: int) -> Integers:
        """Tokens of each word in some pair of a kind in the first `count` draws, ``[words]``."""
        rows = [self.kinds[kind].rows(draw) for draw in range(count)]
        entered = self.words.codes[np.unique(np.concatenate(rows))]
        return np.bincount(entered, minlength=len(self.words)).astype(np.intp)

    @cached_property
    def pooled(self) -> Mapping[str, "Pooled"]:
        """Type pairs of all draws of each kind."""
        return {kind: Pooled.of(pairs, len(self.words)) for kind, pairs in self.kinds.items()}

    @cached_property
    def pooled_references(self) -> Mapping[tuple[str, ...], "Pooled"]:
        """Type pairs of all draws of each of `references`."""
        return {kinds: Pooled.of(each, len(self.words)) for kinds, each in self.references.items()}


@dataclass(frozen=True)
class Pooled:
    """Type pairs of one kind in any draw.

    Attributes
    ----------
    words
        Word codes, shape ``[t, 2]``.
    index
        Place in `words` of the type pairs of the first draw, the second, ...
    draws, tokens
        Draws that hold each type pair, and its token pairs over all of them, shape ``[t]``.
    """

    words: Integers
    index: Integers
    draws: Integers
    tokens: Integers

    @classmethod
    def of(cls, pairs: Pairs | Crossed | Part, words: int) -> "Pooled":
        """Pool the draws of one kind."""
        keys = pairs.words[:, 0] * words + pairs.words[:, 1]
        present, index, draws = np.unique(keys, return_inverse=True, return_counts=True)
        tokens = np.bincount(index, weights=pairs.counts).astype(np.intp)
        return cls(np.stack(np.divmod(present, words), axis=1), index, draws, tokens)

    def means(self, values: Floats) -> Floats:
        """Mean over draws of the values of type pairs, shape ``[t]``."""
        return np.bincount(self.index, weights=values) / self.draws

    @cached_property
    def held(self) -> Integers:
        """Type pairs that hold each word of the kind, shape ``[words of the kind]``."""
        first, second = self.words.T
        held = np.bincount(np.concatenate([first, second[first != second]]))
        return held[held > 0]

    @cached_property
    def degrees(self) -> float:
        """`degrees_of_freedom` of the words, each weighing the type pairs that hold it."""
        return degrees_of_freedom(self.held)

    @property
    def effective(self) -> float:
        """Effective number of words, ``(sum h)^2 / sum h^2`` of `held` (Kish 1965)."""
        return float(self.held.sum() ** 2 / (self.held @ self.held))

    @property
    def few(self) -> bool:
        """Whether there are fewer than 10 words in effect: too few to tell of other words."""
        return self.effective < _FEWEST


def draw_pairs(
    words: Groups,
    *,
    speakers: Groups | None,
    relations: Mapping[str, Sequence[tuple[str, str]]],
    whole: Mapping[str, Sequence[tuple[str, str]]],
    sample: int,
    seeds: Sequence[int],
) -> Draws:
    """Draw the token pairs of every kind.

    Parameters
    ----------
    words
        Word of each token.
    speakers
        Speaker of each token, if known: makes the kind ``same-speaker``.
    relations
        Word pairs of further kinds: every token of one with every token of the other, in each draw.
    whole
        The same over all tokens instead of the draw (``same-group``).
    sample, seeds
        Tokens of a draw, and the seed of each draw.

    Returns
    -------
    Draws
        Kinds without any pair in some draw are left out, and counted.

    Raises
    ------
    ValueError
        Fewer than four words, or a draw of so few tokens that it has no random pair; or no draw has
        one of different words, which kinds of listed pairs need.
    """
    if len(words) < 4:
        message = f"word pairs need at least 4 words, got {len(words)}"
        raise ValueError(message)
    every = np.arange(len(words.codes))
    everything = Sample.of(every, words)
    rngs = [np.random.default_rng(seed) for seed in seeds]
    drawn = [Sample.of(sample_rows(len(every), sample, seed), words) for seed in seeds]
    within = {RANDOM: Groups(np.array(["all"]), np.zeros_like(every)), "same-word": words}
    if speakers is not None:
        within["same-speaker"] = speakers
    kinds: dict[str, Pairs | Crossed | Part] = {}
    for kind, groups in within.items():
        pairs = [
            shuffled_pairs(each.rows, groups, rng) for each, rng in zip(drawn, rngs, strict=True)
        ]
        kinds[kind] = made = Pairs.of(pairs, groups, words)
        if kind == RANDOM:
            kinds[DIFFERENT] = Part.of_different_words(made)
    for kind, given in {**relations, **whole}.items():
        fixed = kind in whole or sample >= len(every)
        kinds[kind] = Crossed.of([everything] * len(seeds) if fixed else drawn, words, given)
    without = {kind: len(seeds) - len(np.unique(each.draws)) for kind, each in kinds.items()}
    lacking = {kind: count for kind, count in without.items() if count}
    if RANDOM in lacking:
        message = f"a draw of {len(drawn[0].rows)} tokens has no random pair: expected a larger one"
        raise ValueError(message)
    kept = {kind: each for kind, each in kinds.items() if kind not in lacking}
    crossing: dict[tuple[Sample, ...], list[str]] = {}
    for kind, listed in kept.items():
        if isinstance(listed, Crossed):
            crossing.setdefault(tuple(listed.samples), []).append(kind)
    if crossing and lacking.get(DIFFERENT) == len(seeds):
        message = "no draw has a random pair of different words: expected larger draws"
        raise ValueError(message)
    different = Pooled.of(kinds[DIFFERENT], len(words)).words
    references = {
        tuple(names): Crossed.of_codes(samples, words, different)
        for samples, names in crossing.items()
    }
    return Draws(kept, references, lacking, words, len(seeds))
