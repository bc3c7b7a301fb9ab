"""Which words are related, by meaning or by sound.

Rules of Choi et al. 2024 (arXiv 2406.08619), section on word pairs, and Sauter et al.
(arXiv 2509.15837): a synonym shares a synset and does not sound alike; a near homophone sounds
alike, is not the same in sound, and is no synonym in either direction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from groundscope.lexicon.distance import distance_rows, encode

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
        Of the edit distance: ``phones`` or ``arpabet``.
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
    categories: Mapping[str, str] | None = None,
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
        Word -> label; words of one label are related by ``same-category``.
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
    synonyms = _synonym_pairs(words, place, thesaurus)
    labels = categories or {}
    found = []
    for start, block in _word_distances([pronunciations[word] for word in words], rules, workers):
        rows, columns = np.nonzero(block <= rules.near)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            first, distance = start + row, float(block[row, column])
            related = (first, column) in synonyms or (column, first) in synonyms
            if distance == 0 and first != column:
                found.append(Relation("true-homophone", words[first], words[column], 0.0))
            elif distance > 0 and not related:
                found.append(Relation("near-homophone", words[first], words[column], distance))
        stop = start + len(block)
        for first, second in synonyms:
            if start <= first < stop and block[first - start, second] > rules.near:
                distance = float(block[first - start, second])
                found.append(Relation("synonym", words[first], words[second], distance))
        for first, second in _same_label(words[start:stop], labels, place):
            distance = float(block[first - start, second])
            found.append(Relation("same-category", words[first], words[second], distance))
    return sorted(found, key=lambda pair: (pair.relation, pair.word_a, pair.word_b))


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


def _word_distances(
    variants: Sequence[Sequence[Phones]], rules: Rules, workers: int
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield blocks of the word by word distance matrix: minima over the words' variants."""
    counts = np.array([len(each) for each in variants])
    codes = encode([phones for each in variants for phones in each], rules.unit)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    if (counts == 1).all():
        yield from distance_rows(codes, codes, workers=workers)
        return
    # whole words stay together: variants of one word are never split between blocks
    for start in range(0, len(counts), 500):
        words = slice(start, start + 500)
        rows = codes[first[start] : first[start] + int(counts[words].sum())]
        block = np.concatenate([part for _, part in distance_rows(rows, codes, workers=workers)])
        by_column = np.minimum.reduceat(block, first, axis=1)
        yield start, np.minimum.reduceat(by_column, first[words] - first[start], axis=0)


def _same_label(
    words: Sequence[str], labels: Mapping[str, str], place: Mapping[str, int]
) -> Iterator[tuple[int, int]]:
    members: dict[str, list[str]] = {}
    for word in place:
        if word in labels:
            members.setdefault(labels[word], []).append(word)
    for word in words:
        for other in members.get(labels.get(word, ""), ()):
            if other != word:
                yield place[word], place[other]
