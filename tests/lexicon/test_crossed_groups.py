"""Crossed groups: every sound in every category, checked from scratch."""

from itertools import combinations

import numpy as np
import pytest

from groundscope.errors import UserError
from groundscope.lexicon.crossed_groups import CrossedRules, crossed_groups, crossed_rows
from groundscope.lexicon.distance import phone_distance
from groundscope.lexicon.word_pool import Pool, make_pool

CATEGORIES = ("animal", "tool", "place")
# six sounds of four phones; each category begins its word with a phone of its own
SPOKEN = {
    f"{category}{sound}": (category, f"{sound}a", f"{sound}b", f"{sound}c")
    for category in CATEGORIES
    for sound in range(6)
}
# these sound like row 0 but for one phone, and may not be in another row
SPOKEN["animal-like-0"] = ("animal", "0a", "0b", "x")
SPOKEN["tool-like-0"] = ("tool", "0a", "0b", "x")


@pytest.fixture
def pool() -> Pool:
    """All words with vectors of no matter."""
    vectors = {word: np.ones(2) for word in SPOKEN}
    return make_pool(vectors, {word: [phones] for word, phones in SPOKEN.items()}, {}, "phones")


@pytest.fixture
def candidates() -> dict[str, list[str]]:
    """Words of each category, one of them in no pool."""
    found = {c: sorted(word for word in SPOKEN if word.startswith(c)) for c in CATEGORIES}
    found["tool"].append("unheard")
    return found


@pytest.mark.parametrize("count", [2, 3])
def test_rows_meet_every_criterion(
    pool: Pool, candidates: dict[str, list[str]], count: int
) -> None:
    """Six rows: alike within, apart between, one word a category, none twice."""
    chosen = {label: candidates[label] for label in CATEGORIES[:count]}
    rows = crossed_rows(pool, chosen, CrossedRules(max_distance=0.25, min_rows=6))
    assert len(rows) == 6
    for row in rows:
        for word, category in zip(row, CATEGORIES, strict=False):
            assert word.startswith(category)
        assert all(phone_distance(SPOKEN[a], SPOKEN[b]) <= 0.25 for a, b in combinations(row, 2))
    for first, second in combinations(rows, 2):
        assert all(phone_distance(SPOKEN[a], SPOKEN[b]) >= 0.6 for a in first for b in second)


def test_two_labellings_of_the_same_words(pool: Pool, candidates: dict[str, list[str]]) -> None:
    """Labels by meaning and by sound: each combination has exactly one word."""
    rules = CrossedRules(max_distance=0.25)
    meaning, sound = (
        {word: group.label for group in crossed_groups(pool, candidates, rules, by=by)
         for word in group.words}
        for by in ("meaning", "sound")
    )  # fmt: skip
    assert meaning.keys() == sound.keys()
    assert set(meaning.values()) == set(CATEGORIES)
    cells = {(meaning[word], sound[word]) for word in meaning}
    assert len(cells) == len(meaning) == 18


def test_too_few_rows_say_what_is_possible(pool: Pool, candidates: dict[str, list[str]]) -> None:
    """The number of rows that there are is the setting that would work."""
    with pytest.raises(UserError, match="expected 7: set min_rows to 6"):
        crossed_rows(pool, candidates, CrossedRules(min_rows=7))
    with pytest.raises(UserError, match="empty are \\['none'\\]"):
        crossed_rows(pool, {**candidates, "none": ["unheard"]}, CrossedRules())
