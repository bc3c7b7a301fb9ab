"""The words that groups are built from: how they sound, what they mean, how concrete they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundscope.lexicon.distance import Phones, distances, encode

_PAIRS = 2_000_000  # above this, percentiles over all pairs come from a seeded draw of pairs
_CONCRETE, _ABSTRACT = "concrete", "abstract"


@dataclass(frozen=True)
class Pool:
    """Words with everything that is known of them, in one order.

    Attributes
    ----------
    words
        Sorted, distinct.
    vectors
        Unit length, float64, shape ``[n, d]``.
    codes
        Encoded pronunciations, as `distance.encode` returns them.
    ratings
        Concreteness; NaN where a word has no rating.
    unit
        Of the distance between pronunciations.
    """

    words: Sequence[str]
    vectors: NDArray[np.float64]
    codes: Sequence[str]
    ratings: NDArray[np.float64]
    unit: str

    def distances(self, rows: Sequence[int], columns: Sequence[int]) -> NDArray[np.float64]:
        """Pronunciation distances, shape ``[len(rows), len(columns)]``."""
        return distances(
            [self.codes[index] for index in rows],
            [self.codes[index] for index in columns],
            self.unit,
        )

    def pair_sample(self, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Draw indices of word pairs: all of them, or two million drawn with `seed`."""
        count = len(self.words)
        if count * (count - 1) // 2 <= _PAIRS:
            left, right = np.triu_indices(count, 1)
            return left, right
        random = np.random.default_rng(seed)
        left = random.integers(0, count, _PAIRS)
        # a shift of 1 to n - 1 never hits the word itself
        return left, (left + random.integers(1, count, _PAIRS)) % count


def make_pool(
    vectors: Mapping[str, NDArray[np.floating]],
    pronunciations: Mapping[str, Sequence[Phones]],
    ratings: Mapping[str, float],
    unit: str,
) -> Pool:
    """Bring together the words that have both a vector and a pronunciation (its first).

    A vector of length zero has no direction, so that its word is left out.
    """
    words = sorted(
        word for word in vectors if word in pronunciations and np.any(vectors[word] != 0)
    )
    matrix = np.array([vectors[word] for word in words], dtype=np.float64)
    if words:
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    codes = encode([pronunciations[word][0] for word in words], unit)
    rated = np.array([ratings.get(word, np.nan) for word in words])
    return Pool(words, matrix, codes, rated, unit)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of words and what is known of it; deviations are those of the population.

    Attributes
    ----------
    failures
        Criteria that it fails, with the setting that would let it pass; empty if accepted.
    """

    label: str
    kind: str
    words: Sequence[str]
    concreteness: tuple[float | None, float | None]
    cosine: tuple[float | None, float | None]
    distance: tuple[float | None, float | None]
    failures: Sequence[str] = ()


def describe(
    pool: Pool, members: Sequence[int], label: str, kind: str, failures: Sequence[str] = ()
) -> Group:
    """Measure a group: mean and deviation of ratings, of pairwise cosines and distances."""
    upper = np.triu_indices(len(members), 1)
    chosen = pool.vectors[list(members)]
    ratings = pool.ratings[list(members)]
    return Group(
        label=label,
        kind=kind,
        words=[pool.words[index] for index in members],
        concreteness=_moments(ratings[~np.isnan(ratings)]),
        cosine=_moments((chosen @ chosen.T)[upper]),
        distance=_moments(pool.distances(members, members)[upper] if members else np.zeros(0)),
        failures=tuple(failures),
    )


def _moments(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    return (float(values.mean()), float(values.std())) if len(values) else (None, None)


def concreteness_class(mean: float | None, low: float, high: float) -> str:
    """Name the class of a rating: at most `low` abstract, at least `high` concrete, else mixed."""
    if mean is None:
        return "mixed"
    if mean <= low:
        return _ABSTRACT
    return _CONCRETE if mean >= high else "mixed"
