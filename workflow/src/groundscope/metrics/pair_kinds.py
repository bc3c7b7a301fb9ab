"""The pair kinds of one model: token pairs of every draw, and their scores in any layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from groundscope.metrics.areas import areas_under_curve
from groundscope.metrics.bootstrap import bootstrap_weights, percentile_interval
from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.intervals import Interval, draws_interval
from groundscope.metrics.jackknife import pseudo_values
from groundscope.metrics.similarity import all_alike, type_means
from groundscope.metrics.word_pairs import Crossed, Pairs, Part, Sample, sample_rows, shuffled_pairs

RANDOM, DIFFERENT = "random", "different-word"


@dataclass(frozen=True)
class Draws:
    """Token pairs of every kind in every draw; the same for all layers.

    Attributes
    ----------
    kinds
        Pairs of each kind, ``random`` first; ``different-word`` are those of the random pairs.
    lacking
        Kinds that are left out, and how many draws have no pair of them.
    words
        Word of each row.
    count
        How many draws.
    tokens, types
        Tokens and word types of the first draw.
    """

    kinds: Mapping[str, Pairs | Crossed | Part]
    lacking: Mapping[str, int]
    words: Groups
    count: int
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


@dataclass(frozen=True)
class KindScores:
    """Scores of one kind in one layer.

    Attributes
    ----------
    raw, normalised
        Mean cosine over type pairs in each draw, and that minus the random pairs', ``[draws]``.
    raw_interval, normalised_interval
        t over draws; missing for a single draw, `raw_interval` for draws of the same tokens too.
    auc, auc_interval
        Against random pairs, and its bootstrap over words; missing for the random pairs themselves,
        all or those of different words.
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
        Kinds without any pair in some draw are left out, and counted.

    Raises
    ------
    ValueError
        Fewer than four words, or a draw of so few tokens that it has no random pair.
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
    return Draws(kept, lacking, words, len(seeds), len(drawn[0].rows), len(drawn[0].present))


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
    read = {kind: each for kind, each in draws.kinds.items() if not isinstance(each, Part)}
    means = dict(zip(read, type_means([*read.values()], features), strict=True))
    for kind, each in draws.kinds.items():
        if isinstance(each, Part):
            means[kind] = means[RANDOM][each.chosen]
    raw = {
        kind: np.bincount(pairs.draws, weights=means[kind]) / np.bincount(pairs.draws)
        for kind, pairs in draws.kinds.items()
    }
    values = {kind: draws.pooled[kind].means(own) for kind, own in means.items()}
    others = {kind: (values[kind], draws.pooled[kind].words) for kind in read}
    reference = others.pop(RANDOM)
    counts = _bootstrap_counts(len(draws.words), replicates, seed)
    areas = areas_under_curve(others, reference, counts)
    scores = {}
    for kind, pooled in draws.pooled.items():
        normalised = raw[kind] - raw[RANDOM]
        pairs = draws.kinds[kind]
        different = 1 if isinstance(pairs, Crossed) and pairs.drawn_once else draws.count
        area = areas.get(kind)
        interval = None
        if area is not None and len(area.resampled) > 1:
            interval = percentile_interval(area.resampled)
        scores[kind] = KindScores(
            raw[kind],
            normalised,
            draws_interval(raw[kind][:different]),
            draws_interval(normalised),
            None if area is None else area.estimate,
            interval,
            round(pooled.tokens.sum() / draws.count),
            round(len(pooled.index) / draws.count),
            pooled.words,
            values[kind],
            pooled.tokens,
        )
    return scores


@lru_cache(maxsize=1)
def _bootstrap_counts(words: int, replicates: int, seed: int) -> Floats:
    """Draw the words of each replicate: the same for all layers."""
    return bootstrap_weights(words, replicates, seed)


def by_word(
    scores: KindScores, random: KindScores, words: Groups
) -> tuple[Integers, Floats, Floats]:
    """Mean normalised cosine of the type pairs that hold a word, and pseudo-values of words.

    A word is left out with all type pairs that hold it, of the kind and of the random pairs.

    Parameters
    ----------
    scores, random
        Of a kind, and of the random pairs.
    words
        Word of each token.

    Returns
    -------
    tuple
        Codes of the words that occur in the kind, their means, and their `pseudo_values`, which are
        missing (NaN) where one word is in all pairs of the kind.
    """
    sums, counts = _held_by_words(scores, len(words))
    present = np.flatnonzero(counts)
    base = float((scores.raw - scores.normalised).mean())
    with np.errstate(invalid="ignore"):
        own, others = (
            (each.values.sum() - of_words[0]) / (len(each.values) - of_words[1])
            for each, of_words in (
                (scores, (sums, counts)),
                (random, _held_by_words(random, len(words))),
            )
        )
    left_out = (own - others)[present]
    pseudo = pseudo_values(float(scores.normalised.mean()), left_out)
    return present, np.asarray(sums[present] / counts[present] - base), pseudo


def _held_by_words(scores: KindScores, count: int) -> tuple[Floats, Integers]:
    """Sum and number of the type pairs that hold each word, left or right."""
    own = scores.words[:, 0] == scores.words[:, 1]
    codes = np.concatenate([scores.words[:, 0], scores.words[~own, 1]])
    values = np.concatenate([scores.values, scores.values[~own]])
    sums = np.bincount(codes, weights=values, minlength=count)
    return np.asarray(sums, np.float64), np.bincount(codes, minlength=count).astype(np.intp)
