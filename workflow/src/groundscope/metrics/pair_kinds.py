"""The pair kinds of one model: token pairs of every draw, and their scores in any layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.similarity import (
    Crossed,
    Pairs,
    Reference,
    area_under_curve,
    pair_weights,
    sample_rows,
    shuffled_pairs,
    unit_rows,
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
    kinds: dict[str, list[Pairs | Crossed]] = {}
    for seed in seeds:
        rows = sample_rows(len(every), sample, seed)
        rng = np.random.default_rng(seed)
        found: dict[str, Pairs | Crossed] = {
            RANDOM: Pairs.of(*shuffled_pairs(rows, None, rng), words),
            "same-word": Pairs.of(*shuffled_pairs(rows, words, rng), words),
        }
        if speakers is not None:
            found["same-speaker"] = Pairs.of(*shuffled_pairs(rows, speakers, rng), words)
        found |= {kind: Crossed.of(rows, words, given) for kind, given in relations.items()}
        found |= {kind: Crossed.of(every, words, given) for kind, given in whole.items()}
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
        Vectors of the tokens, ``[n, d]``.
    draws
        From `draw_pairs`.
    replicates, seed
        Bootstrap of the AUC over words.

    Raises
    ------
    ValueError
        A zero vector, or vectors that are all the same.
    """
    unit = unit_rows(features)
    if not (unit != unit[0]).any():
        message = f"all {len(unit)} vectors are the same: every pair has the cosine 1"
        raise ValueError(message)
    weights = bootstrap_weights(len(draws.words), replicates, seed)
    means = {kind: [each.type_means(unit) for each in pairs] for kind, pairs in draws.kinds.items()}
    base = np.array([values.mean() for values in means[RANDOM]])
    pooled = {
        kind: _pooled(pairs, means[kind], len(draws.words)) for kind, pairs in draws.kinds.items()
    }
    base_words, base_values, _ = pooled[RANDOM]
    reference = Reference.of(base_values, pair_weights(weights, base_words))
    scores = {}
    for kind, pairs in draws.kinds.items():
        raw = np.array([values.mean() for values in means[kind]])
        words, values, counts = pooled[kind]
        auc, interval = None, None
        if kind != RANDOM:
            auc, resampled = area_under_curve(values, pair_weights(weights, words), reference)
            interval = percentile_interval(resampled) if len(resampled) > 1 else None
        scores[kind] = KindScores(
            raw,
            raw - base,
            draws_interval(raw),
            draws_interval(raw - base),
            auc,
            interval,
            round(float(np.mean([each.counts.sum() for each in pairs]))),
            round(float(np.mean([len(each.words) for each in pairs]))),
            words,
            values,
            counts,
        )
    return scores


def _pooled(
    pairs: Sequence[Pairs | Crossed], means: Sequence[Floats], words: int
) -> tuple[Integers, Floats, Integers]:
    """Type pairs of all draws: words, cosine (mean over draws), token pairs."""
    keys = np.concatenate([each.words[:, 0] * words + each.words[:, 1] for each in pairs])
    present, index = np.unique(keys, return_inverse=True)
    drawn = np.bincount(index)
    values = np.bincount(index, weights=np.concatenate(list(means))) / drawn
    tokens = np.concatenate([each.counts for each in pairs])
    counts = np.bincount(index, weights=tokens).astype(np.intp)
    return np.stack([present // words, present % words], axis=1).astype(np.intp), values, counts


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
