"""The pair kinds of one model: token pairs of every draw, and their scores in any layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.similarity import (
    Crossed,
    Pairs,
    Sample,
    all_alike,
    areas_under_curve,
    sample_rows,
    shuffled_pairs,
    type_means,
)
from groundscope.metrics.statistics import (
    Interval,
    bootstrap_weights,
    draws_interval,
    percentile_interval,
)

RANDOM = "random"


@dataclass(frozen=True)
class Draws:
    """Token pairs of every kind, one list entry a draw; the same for all layers.

    Attributes
    ----------
    kinds
        Pairs of each kind, ``random`` first.
    words
        Word of each row.
    tokens, types
        Tokens and word types of the first draw.
    """

    kinds: Mapping[str, Sequence[Pairs | Crossed]]
    words: Groups
    tokens: int
    types: int

    @cached_property
    def pooled(self) -> Mapping[str, "Pooled"]:
        """Type pairs of all draws of each kind."""
        return {kind: Pooled.of(pairs, len(self.words)) for kind, pairs in self.kinds.items()}


@dataclass(frozen=True)
class Pooled:
    """Type pairs of one kind in any draw.

    Attributes
    ----------
    words
        Word codes, shape ``[t, 2]``.
    index
        Place in `words` of the type pairs of the first, second, ... draw, one after the other.
    draws, tokens
        Draws that hold each type pair, and its token pairs over all of them, shape ``[t]``.
    """

    words: Integers
    index: Integers
    draws: Integers
    tokens: Integers

    @classmethod
    def of(cls, pairs: Sequence[Pairs | Crossed], words: int) -> "Pooled":
        """Pool the draws of one kind."""
        keys = np.concatenate([each.words[:, 0] * words + each.words[:, 1] for each in pairs])
        present, index = np.unique(keys, return_inverse=True)
        tokens = np.bincount(index, weights=np.concatenate([each.counts for each in pairs]))
        return cls(
            np.stack([present // words, present % words], axis=1).astype(np.intp),
            index.astype(np.intp),
            np.bincount(index),
            tokens.astype(np.intp),
        )

    def means(self, values: Sequence[Floats]) -> Floats:
        """Mean over draws of the values of type pairs, shape ``[t]``."""
        return np.bincount(self.index, weights=np.concatenate(values)) / self.draws


@dataclass(frozen=True)
class KindScores:
    """Scores of one kind in one layer.

    Attributes
    ----------
    raw, normalised
        Mean cosine over type pairs in each draw, and that minus the random pairs', ``[draws]``.
    raw_interval, normalised_interval
        t over draws.
    auc, auc_interval
        Against random pairs, and its bootstrap over words; missing for the random pairs themselves.
    pairs, type_pairs
        Token pairs and type pairs, mean over draws.
    words, values, counts
        Type pairs of all draws as word codes ``[t, 2]``, their cosine (mean over draws) and their
        token pairs over all draws, ``[t]``.
    """

    raw: Floats
    normalised: Floats
    raw_interval: Interval
    normalised_interval: Interval
    auc: float | None
    auc_interval: Interval | None
    pairs: int
    type_pairs: int
    words: Integers
    values: Floats
    counts: Integers


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
        Kinds without any pair in some draw are left out, except ``random``.

    Raises
    ------
    ValueError
        Fewer than four words.
    """
    if len(words) < 4:
        message = f"word pairs need at least 4 words, got {len(words)}"
        raise ValueError(message)
    every = np.arange(len(words.codes))
    everything = Sample.of(every, words)
    fixed = {kind: Crossed.of(everything, words, given) for kind, given in whole.items()}
    if sample >= len(every):
        fixed |= {kind: Crossed.of(everything, words, given) for kind, given in relations.items()}
    kinds: dict[str, list[Pairs | Crossed]] = {}
    for seed in seeds:
        rows = sample_rows(len(every), sample, seed)
        drawn = Sample.of(rows, words)
        rng = np.random.default_rng(seed)
        found: dict[str, Pairs | Crossed] = {
            RANDOM: Pairs.of(*shuffled_pairs(rows, None, rng), words),
            "same-word": Pairs.of(*shuffled_pairs(rows, words, rng), words),
        }
        if speakers is not None:
            found["same-speaker"] = Pairs.of(*shuffled_pairs(rows, speakers, rng), words)
        for kind, given in {**relations, **whole}.items():
            found[kind] = fixed[kind] if kind in fixed else Crossed.of(drawn, words, given)
        for kind, pairs in found.items():
            kinds.setdefault(kind, []).append(pairs)
    kept = {kind: draws for kind, draws in kinds.items() if all(len(each.words) for each in draws)}
    first = sample_rows(len(every), sample, seeds[0])
    return Draws(kept, words, len(first), len(np.unique(words.codes[first])))


def score_layer(
    features: Floats, draws: Draws, *, replicates: int, seed: int
) -> dict[str, KindScores]:
    """Score every kind in one layer.

    Parameters
    ----------
    features
        Vectors of the tokens, float32 or float64, ``[n, d]``.
    draws
        From `draw_pairs`.
    replicates, seed
        Bootstrap of the AUC over words.

    Raises
    ------
    ValueError
        A zero vector, or vectors that are all the same.
    """
    if all_alike(features):
        message = f"all {len(features)} vectors are the same: every pair has the cosine 1"
        raise ValueError(message)
    each = [pairs for kind in draws.kinds.values() for pairs in kind]
    found = iter(type_means(each, features))
    means = {kind: [next(found) for _ in pairs] for kind, pairs in draws.kinds.items()}
    base = np.array([values.mean() for values in means[RANDOM]])
    pooled = {
        kind: (draws.pooled[kind].means(values), draws.pooled[kind].words)
        for kind, values in means.items()
    }
    others = {kind: values for kind, values in pooled.items() if kind != RANDOM}
    counts = _bootstrap_counts(len(draws.words), replicates, seed)
    areas = areas_under_curve(others, pooled[RANDOM], counts)
    scores = {}
    for kind, pairs in draws.kinds.items():
        raw = np.array([values.mean() for values in means[kind]])
        values, words = pooled[kind]
        area = areas.get(kind)
        interval = None
        if area is not None and len(area.resampled) > 1:
            interval = percentile_interval(area.resampled)
        scores[kind] = KindScores(
            raw,
            raw - base,
            draws_interval(raw),
            draws_interval(raw - base),
            None if area is None else area.estimate,
            interval,
            round(float(np.mean([one.counts.sum() for one in pairs]))),
            round(float(np.mean([len(one.words) for one in pairs]))),
            words,
            values,
            draws.pooled[kind].tokens,
        )
    return scores


@lru_cache(maxsize=1)
def _bootstrap_counts(words: int, replicates: int, seed: int) -> Floats:
    """Draw the words of each replicate: the same for all layers."""
    return bootstrap_weights(words, replicates, seed)


def by_word(scores: KindScores, words: Groups) -> tuple[Integers, Floats]:
    """Mean normalised cosine of the type pairs that hold a word, left or right.

    Returns
    -------
    tuple
        Codes of the words that occur, and their means.
    """
    own = scores.words[:, 0] == scores.words[:, 1]
    codes = np.concatenate([scores.words[:, 0], scores.words[~own, 1]])
    values = np.concatenate([scores.values, scores.values[~own]])
    base = float((scores.raw - scores.normalised).mean())
    counts = np.bincount(codes, minlength=len(words))
    present = np.flatnonzero(counts)
    sums = np.bincount(codes, weights=values, minlength=len(words))
    return present, np.asarray(sums[present] / counts[present] - base)
