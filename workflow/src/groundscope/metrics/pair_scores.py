"""Scores of the kinds of word pairs in one layer."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from groundscope.metrics.areas import Areas, Similarities, areas_under_curve
from groundscope.metrics.bootstrap import bootstrap_weights, percentile_interval
from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.intervals import Interval, draws_interval
from groundscope.metrics.pair_kinds import RANDOM, Draws
from groundscope.metrics.similarity import all_alike, type_means
from groundscope.metrics.word_pairs import Crossed, Part


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
        all or those of different words. The interval is missing too where the kind has `few` words:
        a bootstrap knows nothing of other words for one in most pairs.
    reference
        The random type pairs that the AUC is against: averaged over their drawn token pairs, or of
        different words and over all token pairs, as the kind is (`Draws.references`).
    few
        Whether the kind has too few words in effect (`Pooled.few`).
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
    reference: Similarities
    few: bool
    pairs: int
    type_pairs: int
    words: Integers
    values: Floats
    counts: Integers


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
    found = iter(type_means([*read.values(), *draws.references.values()], features))
    means = {kind: next(found) for kind in read}
    for kind, each in draws.kinds.items():
        if isinstance(each, Part):
            means[kind] = means[RANDOM][each.chosen]
    raw = {
        kind: np.bincount(pairs.draws, weights=means[kind]) / np.bincount(pairs.draws)
        for kind, pairs in draws.kinds.items()
    }
    values = {kind: draws.pooled[kind].means(own) for kind, own in means.items()}
    own = {kind: Similarities(values[kind], draws.pooled[kind].words) for kind in read}
    random = own.pop(RANDOM)
    drawn = tuple(kind for kind in own if not isinstance(read[kind], Crossed))
    bases = {drawn: random}
    for kinds, pooled in draws.pooled_references.items():
        bases[kinds] = Similarities(pooled.means(next(found)), pooled.words)
    counts = _bootstrap_counts(len(draws.words), replicates, seed)
    areas: dict[str, Areas] = {}
    references: dict[str, Similarities] = {}
    for kinds, base in bases.items():
        areas |= areas_under_curve({kind: own[kind] for kind in kinds}, base, counts)
        references |= dict.fromkeys(kinds, base)
    scores = {}
    for kind, pooled in draws.pooled.items():
        normalised = raw[kind] - raw[RANDOM]
        pairs = draws.kinds[kind]
        different = 1 if isinstance(pairs, Crossed) and pairs.drawn_once else draws.count
        area = areas.get(kind)
        interval = None
        if area is not None and len(area.resampled) > 1 and not pooled.few:
            interval = percentile_interval(area.resampled, pooled.degrees)
        scores[kind] = KindScores(
            raw[kind],
            normalised,
            draws_interval(raw[kind][:different]),
            draws_interval(normalised),
            None if area is None else area.estimate,
            interval,
            references.get(kind, random),
            pooled.few,
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
