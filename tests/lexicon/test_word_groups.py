"""Semantic and phonetic groups: criteria, determinism, and what fails."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from groundscope.errors import UserError
from groundscope.lexicon.word_groups import (
    PhoneticRules,
    SemanticRules,
    phonetic_groups,
    semantic_groups,
)
from groundscope.lexicon.word_pool import Pool, make_pool

RATINGS = [float(value) for value in np.linspace(1, 5, 401)]


def pool_of(
    vectors: Mapping[str, Sequence[float]],
    phones: Mapping[str, str],
    ratings: Mapping[str, float],
) -> Pool:
    """Make a pool whose distance is by phones."""
    arrays: dict[str, NDArray[np.floating]] = {w: np.array(v) for w, v in vectors.items()}
    spoken = {word: [tuple(each.split())] for word, each in phones.items()}
    return make_pool(arrays, spoken, ratings, "phones")


@pytest.fixture
def meanings() -> Pool:
    """Two categories: a coherent concrete one with an outlier, an abstract one."""
    draw = np.random.default_rng(0)
    words = [f"c{number}" for number in range(8)] + [f"a{number}" for number in range(8)]
    centres = {"c": np.eye(12)[0] * 6, "a": np.eye(12)[1] * 6}
    vectors = {word: (centres[word[0]] + draw.normal(size=12)).tolist() for word in words}
    vectors["c7"] = (-np.eye(12)[0]).tolist()
    phones = {word: " ".join(f"{word}.{part}" for part in range(4)) for word in words}
    ratings = {word: 4.75 if word[0] == "c" else 1.5 for word in words}
    return pool_of(vectors, phones, ratings)


def test_semantic_groups(meanings: Pool) -> None:
    """The outlier and the rest of the lowest quarter leave; classes and statistics are right."""
    candidates = {"things": [f"c{n}" for n in range(8)], "ideas": [f"a{n}" for n in range(8)]}
    candidates["things"].append("not-in-the-pool")
    rules = SemanticRules(cosine_percentile=60)
    things, ideas = semantic_groups(meanings, candidates, rules, 0)
    assert (things.kind, ideas.kind) == ("concrete", "abstract")
    assert not things.failures
    assert len(things.words) == len(ideas.words) == 6
    assert "c7" not in things.words
    assert things.concreteness == (4.75, 0.0)
    assert things.distance == (1.0, 0.0)  # no phone in common
    chosen = meanings.vectors[[meanings.words.index(word) for word in things.words]]
    cosines = [float(x @ y) for n, x in enumerate(chosen) for y in chosen[:n]]
    assert things.cosine == pytest.approx((np.mean(cosines), np.std(cosines)), abs=1e-12)


@pytest.mark.parametrize("count", [2, 3])
def test_words_that_are_equally_near_stay(count: int) -> None:
    """Two words always are, and so are words at one angle to each other; rounding drops none."""
    draw = np.random.default_rng(1)
    words = [f"w{number}" for number in range(count)]
    every = [*words, "far"]
    phones = {word: " ".join(f"{word}.{part}" for part in range(4)) for word in every}
    rules = SemanticRules(min_words=count, cosine_percentile=0)
    for _ in range(100):
        axes = np.linalg.qr(draw.normal(size=(8, 8)))[0][:count]
        middle = axes.sum(axis=0)
        arrays = [*(axis + 0.3 * middle for axis in axes), -middle]
        vectors = {word: array.tolist() for word, array in zip(every, arrays, strict=True)}
        pool = pool_of(vectors, phones, dict.fromkeys(words, 4.0))
        (group,) = semantic_groups(pool, {"all": words}, rules, 0)
        assert group.words == words


def test_accepted_groups_share_no_word(meanings: Pool) -> None:
    """A labelling has one label of a word; what a group does not accept may be in another."""
    things = [f"c{n}" for n in range(8)]
    rules = SemanticRules(min_words=3, cosine_percentile=60)
    candidates = {"things": things, "objects": [*things[:5], "c7"]}
    complaint = r"candidates: 'c\d' is in the accepted groups 'things' and 'objects'; a word can"
    with pytest.raises(UserError, match=complaint):
        semantic_groups(meanings, candidates, rules, 0)
    # the outlier leaves the one, and the other has too few words
    found = semantic_groups(meanings, {"things": things, "few": ["c0", "c7"]}, rules, 0)
    assert [bool(group.failures) for group in found] == [False, True]


def test_failing_category_says_which_setting_would_do(meanings: Pool) -> None:
    """If none is accepted, the closest one and its criteria are named."""
    candidates = {"things": [f"c{n}" for n in range(4)]}
    rules = SemanticRules(cosine_percentile=60)
    with pytest.raises(UserError, match="closest is 'things': min_words: it has 3, expected 5"):
        semantic_groups(meanings, candidates, rules, 0)
    with pytest.raises(UserError, match=r"min_distance: 1\.1 would have to be 1\.000"):
        semantic_groups(meanings, candidates, SemanticRules(min_words=3, min_distance=1.1), 0)


def test_the_nearest_percentiles_let_the_category_pass(meanings: Pool) -> None:
    """A category that fails on similarity or rating passes with the percentiles that it is told."""
    candidates = {"things": [f"c{n}" for n in range(8)]}
    strict = SemanticRules(cosine_percentile=99)
    with pytest.raises(UserError, match="cosine_percentile: ") as caught:
        semantic_groups(meanings, candidates, strict, 0)
    percentile = float(str(caught.value).rpartition("would have to be ")[2])
    assert percentile < 99
    # rounded to a tenth
    relaxed = SemanticRules(cosine_percentile=percentile - 0.1)
    assert not semantic_groups(meanings, candidates, relaxed, 0)[0].failures
    mixed = {"both": ["c0", "c1", "c2", "a0", "a1", "a2"]}
    rules = SemanticRules(cosine_percentile=0, drop_percentile=0)
    with pytest.raises(UserError, match=r"mean rating 3\.12 is at percentile 50\.0; abstract"):
        semantic_groups(meanings, mixed, rules, 0)
    rules = SemanticRules(cosine_percentile=0, drop_percentile=0, abstract_percentile=50)
    assert semantic_groups(meanings, mixed, rules, 0)[0].kind == "abstract"


@pytest.fixture
def sounds() -> Pool:
    """Twelve families of seven words that differ in one phone, and meanings at random."""
    draw = np.random.default_rng(1)
    words, phones = [], {}
    for family in range(12):
        for member in range(7):
            word = f"w{family}.{member}"
            words.append(word)
            phones[word] = " ".join(
                f"{family}.{member}" if part == 3 else f"{family}-{part}" for part in range(6)
            )
    vectors = {word: draw.normal(size=300).tolist() for word in words}
    # two members of the first family mean the same
    vectors["w0.1"] = vectors["w0.0"]
    ratings = {word: 4.8 if int(word[1:].split(".")[0]) % 2 else 1.2 for word in words}
    return pool_of(vectors, phones, ratings)


def test_phonetic_groups_meet_every_criterion(sounds: Pool) -> None:
    """Recomputed from scratch: similar inside, unrelated in meaning, apart from other groups."""
    rules = PhoneticRules(similarity_percentile=95, max_cosine=0.2)
    groups = phonetic_groups(sounds, RATINGS, rules, 0)
    assert [group.kind for group in groups].count("concrete") >= 3
    used = [word for group in groups for word in group.words]
    assert len(used) == len(set(used))
    place = {word: index for index, word in enumerate(sounds.words)}
    for group in groups:
        members = [place[word] for word in group.words]
        assert len(members) >= 5
        cosines = sounds.vectors[members] @ sounds.vectors[members].T
        assert (cosines[np.triu_indices(len(members), 1)] < 0.2).all()
        assert not {"w0.0", "w0.1"} <= set(group.words)
        others = [place[word] for word in used if word not in group.words]
        assert sounds.distances(members, others).min() > 0.6
        assert group.distance == pytest.approx((1 / 6, 0), abs=1e-12)


def test_phonetic_groups_are_deterministic(sounds: Pool) -> None:
    """One seed, one result; the limit of groups a class holds."""
    rules = PhoneticRules(similarity_percentile=95, max_cosine=0.2, groups=2)
    first = phonetic_groups(sounds, RATINGS, rules, 7)
    assert phonetic_groups(sounds, RATINGS, rules, 7) == first
    assert [group.label for group in first] == [
        "concrete_1",
        "concrete_2",
        "abstract_1",
        "abstract_2",
    ]


def test_no_phonetic_group_says_what_is_possible(sounds: Pool) -> None:
    """The largest group that there is, is the setting that would work."""
    with pytest.raises(UserError, match=r"min_words 20: the largest .* set min_words to 7") as hit:
        phonetic_groups(
            sounds,
            RATINGS,
            PhoneticRules(similarity_percentile=95, min_words=20, max_cosine=0.2),
            0,
        )
    assert "\n" not in str(hit.value)
    assert phonetic_groups(
        sounds, RATINGS, PhoneticRules(similarity_percentile=95, min_words=7, max_cosine=0.2), 0
    )
