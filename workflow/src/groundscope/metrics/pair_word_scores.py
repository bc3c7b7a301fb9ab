"""What each word does to the scores of a kind of word pairs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.jackknife import pseudo_values
from groundscope.metrics.pair_scores import KindScores


def by_word(
    scores: KindScores, random: KindScores, words: Groups
) -> tuple[Integers, Mapping[str, tuple[Floats, Floats]]]:
    """Scores of the type pairs that hold a word, and pseudo-values of words.

    A word is left out with all type pairs that hold it, of the kind and of the random pairs, which
    for the AUC are the kind's `KindScores.reference`. Words of random pairs alone are units too:
    their vectors move the score, which would seem surer than it is without them. The kind's own
    words weigh most and may be few: the sizes of units are the kind's type pairs that hold them.

    Parameters
    ----------
    scores, random
        Of a kind, and of the random pairs.
    words
        Word of each token.

    Returns
    -------
    codes
        Words that occur in the kind or in random pairs.
    found
        For ``auc`` and ``normalised``: the score of the kind's pairs of each of these words against
        all random pairs, missing (NaN) where it has none, and their `pseudo_values`, which are
        missing where the kind has too few words in effect (`KindScores.few`).
    """
    held = _Held.of(scores.words, len(words))
    codes = np.union1d(scores.words, random.words)
    found = {}
    for measure, make, others in (
        ("auc", _areas, scores.reference),
        ("normalised", _differences, random),
    ):
        base = _Held.of(others.words, len(words))
        with np.errstate(invalid="ignore"):
            estimate, own, without = make(scores, others.values, held, base)
        values = pseudo_values(estimate, without[codes], sizes=held.sizes[codes])
        found[measure] = own[codes], np.full_like(values, np.nan) if scores.few else values
    return codes, found


@dataclass(frozen=True)
class _Held:
    """The words of type pairs, one after the other; once where a pair is of one word.

    Attributes
    ----------
    words, places
        A word, and the pair that holds it, shape ``[m]``.
    sizes
        Pairs that hold each word, shape ``[words]``.
    """

    words: Integers
    places: Integers
    sizes: Integers

    @classmethod
    def of(cls, pairs: Integers, count: int) -> "_Held":
        other = np.flatnonzero(pairs[:, 0] != pairs[:, 1])
        words = np.concatenate([pairs[:, 0], pairs[other, 1]])
        places = np.concatenate([np.arange(len(pairs)), other])
        return cls(words, places, np.bincount(words, minlength=count))

    def sums(self, values: Floats | Integers) -> Floats:
        """Sum over the pairs that hold each word, shape ``[words]``."""
        return np.asarray(np.bincount(self.words, values[self.places], len(self.sizes)), np.float64)


def _differences(
    scores: KindScores, random: Floats, held: _Held, base: _Held
) -> tuple[float, Floats, Floats]:
    """Mean cosine minus that of random pairs: of all, of the pairs of each word, without it."""
    own, others = (
        (values.sum() - of_words.sums(values)) / (len(values) - of_words.sizes)
        for values, of_words in ((scores.values, held), (random, base))
    )
    level = (scores.raw - scores.normalised).mean()
    of_word = held.sums(scores.values) / held.sizes - level
    return float(scores.normalised.mean()), of_word, own - others


def _areas(
    scores: KindScores, random: Floats, held: _Held, base: _Held
) -> tuple[float, Floats, Floats]:
    """AUC against random pairs: of all, of the pairs of each word, without it.

    Without a word there are the comparisons of all pairs, less those of its pairs of the kind, less
    those of its random pairs, plus those of both, which were taken off twice. All are counted, so
    that nothing is rounded; twice, so that ties are whole.
    """
    order = np.argsort(random)
    total, base_total = len(scores.values), len(order)
    ranks = np.empty(base_total, np.intp)
    ranks[order] = np.arange(base_total)
    # random pairs below each pair of the kind, without and with its equals
    ends = [np.searchsorted(random[order], scores.values, side=side) for side in ("left", "right")]
    won = ends[0] + ends[1]
    upto = np.cumsum(np.bincount(np.concatenate(ends), minlength=base_total))
    lost = (2 * total - upto)[ranks]
    # random pairs word by word, and by rank within a word
    keys = np.sort(base.words * (base_total + 1) + ranks[base.places])
    starts = held.words * (base_total + 1)
    reached = [np.searchsorted(keys, starts + end[held.places]) for end in ends]
    both = reached[0] + reached[1] - 2 * np.searchsorted(keys, starts)
    without = won.sum() - held.sums(won) - base.sums(lost)
    without += np.bincount(held.words, both, len(held.sizes))
    without /= 2 * (total - held.sizes) * (base_total - base.sizes)
    of_word = held.sums(won) / held.sizes / 2 / base_total
    return float(won.mean() / 2 / base_total), of_word, without
