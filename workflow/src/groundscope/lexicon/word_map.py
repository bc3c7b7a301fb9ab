"""Which words are related, by meaning or by sound.

Rules of Choi et al. 2024 (arXiv 2406.08619), section on word pairs, and Sauter et al.
(arXiv 2509.15837): a synonym shares a synset and does not sound alike; a near homophone sounds
alike, is not the same in sound, and is no synonym in either direction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Protocol

import numpy as np

from groundscope.lexicon.distance import encode, near_pairs, pair_distances

Phones = Sequence[str]


class Thesaurus(Protocol):
    """Anything that knows synonyms, of any language."""

    def synonyms(self, word: str) -> frozenset[str]:
        """Return the synonyms of a word, without the word."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds.

    Attributes
    ----------
    near
        Largest distance of near homophones; synonyms are further apart than this.
    unit
        Of the edit distance: ``phones``, ``arpabet`` or ``features``.
    """

    near: float = 0.4
    unit: str = "phones"


@dataclass(frozen=True, slots=True)
class Relation:
    """An ordered pair of words, how they are related, and how far apart they sound."""

    relation: str
    word_a: str
    word_b: str
    distance: float


def build_word_map(
    pronunciations: Mapping[str, Sequence[Phones]],
    thesaurus: Thesaurus | None,
    rules: Rules,
    *,
    categories: Mapping[str, Collection[str]] | None = None,
    workers: int = 1,
) -> list[Relation]:
    """Find all related pairs among the words that have a pronunciation.

    Parameters
    ----------
    pronunciations
        Word -> its pronunciations; the distance of two words is that of their closest ones.
    thesaurus
        Source of synonyms; None for relations of sound only.
    rules
        Thresholds.
    categories
        Word -> its labels; words that share one are related by ``same-category``.
    workers
        Threads; does not change the result.

    Returns
    -------
    list of Relation
        Sorted. Relations ``synonym``, ``near-homophone``, ``true-homophone``, ``same-category``;
        every pair in both directions where both hold, since synonymy of inflected forms does
        not always hold both ways.
    """
    words = sorted(pronunciations)
    place = {word: index for index, word in enumerate(words)}
    variants = [pronunciations[word] for word in words]
    codes = encode([phones for each in variants for phones in each], rules.unit)
    near = _near_words(variants, codes, rules, workers)
    synonyms = _synonym_pairs(words, place, thesaurus)
    related = []
    for pair, distance in near.items():
        if distance == 0:
            related.append(("true-homophone", *pair, distance))
        elif pair not in synonyms and pair[::-1] not in synonyms:
            related.append(("near-homophone", *pair, distance))
    others = [("synonym", pair) for pair in synonyms if pair not in near]
    others += [("same-category", pair) for pair in _same_label(categories or {}, place)]
    apart = _distances(variants, codes, [pair for _, pair in others], rules.unit)
    related += [(name, *pair, each) for (name, pair), each in zip(others, apart, strict=True)]
    # words are sorted, so that their indices sort like them
    return [
        Relation(name, words[first], words[second], distance)
        for name, first, second, distance in sorted(related)
    ]


def _synonym_pairs(
    words: Sequence[str], place: Mapping[str, int], thesaurus: Thesaurus | None
) -> set[tuple[int, int]]:
    if thesaurus is None:
        return set()
    return {
        (index, place[other])
        for index, word in enumerate(words)
        for other in thesaurus.synonyms(word)
        if other in place
    }


def _distances(
    variants: Sequence[Sequence[Phones]],
    codes: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    unit: str,
) -> list[float]:
    """Compute the distance of the closest variants of each pair of words."""
    if not pairs:
        return []
    counts = [len(each) for each in variants]
    start = np.cumsum([0, *counts]).tolist()
    place, left, right = [], [], []
    for number, (first, second) in enumerate(pairs):
        for x in codes[start[first] : start[first + 1]]:
            for y in codes[start[second] : start[second + 1]]:
                place.append(number)
                left.append(x)
                right.append(y)
    closest = np.full(len(pairs), np.inf)
    np.minimum.at(closest, place, pair_distances(left, right, unit))
    return [float(each) for each in closest]


def _near_words(
    variants: Sequence[Sequence[Phones]], codes: Sequence[str], rules: Rules, workers: int
) -> dict[tuple[int, int], float]:
    """Find the ordered pairs of different words whose closest variants are near enough."""
    if not variants:
        return {}
    owner = np.repeat(np.arange(len(variants)), [len(each) for each in variants])
    left, right, distance = near_pairs(codes, rules.near, rules.unit, workers=workers)
    found: dict[tuple[int, int], float] = {}
    for pair, apart in zip(
        zip(owner[left].tolist(), owner[right].tolist(), strict=True),
        distance.tolist(),
        strict=True,
    ):
        if pair[0] != pair[1]:
            found[pair] = min(apart, found.get(pair, apart))
    return found


def _same_label(
    labels: Mapping[str, Collection[str]], place: Mapping[str, int]
) -> set[tuple[int, int]]:
    members: dict[str, list[int]] = {}
    for word, index in place.items():
        for label in labels.get(word, ()):
            members.setdefault(label, []).append(index)
    return {pair for group in members.values() for pair in permutations(group, 2)}
