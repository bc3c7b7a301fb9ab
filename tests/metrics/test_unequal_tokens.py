"""Means of unequal numbers of tokens: what the null of alignments exchanges."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from groundscope.metrics.comparison import MEASURES, compare
from groundscope.metrics.groups import Floats, Groups, of_similar_count, permuted_rows
from groundscope.metrics.sources import Source
from groundscope.metrics.spaces import moved_lda_spaces


def _source(rows: Floats) -> Source:
    return Source("rows", rows.shape[1], lambda: rows)


def _words(count: int) -> Groups:
    return Groups.of([f"w{number:03d}" for number in range(count)])


@given(counts=st.lists(st.integers(1, 300), min_size=1, max_size=60))
def test_strata_have_neighbouring_counts(counts: list[int]) -> None:
    """Means of one are about as noisy, and no stratum could have taken the next count too."""
    tokens = np.array(counts)
    strata = of_similar_count(tokens)
    held = [tokens[strata.codes == code] for code in range(len(strata))]
    ranges = sorted((int(own.min()), int(own.max())) for own in held)
    limit = Fraction(1, 100)
    assert all(Fraction(1, low) - Fraction(1, high) <= limit for low, high in ranges)
    assert all(
        Fraction(1, below[0]) - Fraction(1, above[0]) > limit for below, above in pairwise(ranges)
    )


def test_small_counts_are_strata_and_large_ones_share_some() -> None:
    """From the least there is; words are not in the order of their counts."""
    tokens = np.array([100_000, 1, 2, 9, 10, 11, 12, 100, 2, 25, 20])
    strata = [sorted(tokens[of_similar_count(tokens).codes == code]) for code in range(7)]
    assert sorted(strata) == [[1], [2, 2], [9], [10, 11], [12], [20, 25], [100, 100_000]]


def test_words_move_within_their_stratum() -> None:
    """Every word of a stratum takes the place of every other, and of no word of another stratum."""
    words, strata = _words(12), Groups.of(list("aaaaaabbbbbb"))
    draws = np.random.default_rng(2)
    met = np.zeros((12, 12), int)
    for _ in range(400):
        met[np.arange(12), permuted_rows(words, draws, strata)] += 1
    same = strata.codes[:, None] == strata.codes
    assert (met[~same] == 0).all()
    np.testing.assert_allclose(met[same], 400 / 6, atol=4 * np.sqrt(400 / 6))


@pytest.mark.parametrize("measure", MEASURES)
def test_equal_numbers_of_tokens_have_the_free_permutations(measure: str) -> None:
    """Bit for bit, whatever the number is."""
    rng = np.random.default_rng(3)
    left, right = ([_source(rng.normal(size=(30, 8)))] for _ in range(2))
    free, equal = (
        compare(left, right, _words(30), measure=measure, tokens=tokens, permutations=9, seed=4)
        for tokens in (None, np.full(30, 6))
    )
    np.testing.assert_array_equal(free.null_mean, equal.null_mean)
    np.testing.assert_array_equal(free.null_high, equal.null_high)


def test_equal_numbers_of_tokens_have_the_free_lda_spaces() -> None:
    """The axes of the null are those of free permutations where strata are one."""
    rows = np.random.default_rng(5).normal(size=(30, 8))
    labels = Groups.of(np.arange(30) % 3)
    free, equal = (
        list(moved_lda_spaces(rows, labels, _words(30), 3, 1, strata))
        for strata in (None, of_similar_count(np.full(30, 2)))
    )
    np.testing.assert_array_equal(free, equal)


@pytest.mark.parametrize(
    ("measure", "estimator"), [("rsa", 0), ("knn", 0), ("cka-linear", 1), ("cka-rbf", 0)]
)
def test_unrelated_means_of_unequal_numbers_of_tokens(measure: str, estimator: int) -> None:
    """Free permutations reject most of them, those among words of as many tokens few.

    The mean of few tokens is noisier, and so farther from all others, in both layers.
    """
    rng = np.random.default_rng(6)
    runs, count, features = 60, 80, 300
    found = []
    for seed in range(runs):
        tokens = rng.choice([1, 2, 4, 16], count)
        noise = 2 / np.sqrt(tokens)[:, None]
        left, right = (
            [_source(3 + rng.normal(size=(count, features)) * np.hypot(1, noise))] for _ in range(2)
        )
        options: dict[str, Any] = {"measure": measure, "permutations": 19, "seed": seed}
        both = (
            compare(left, right, _words(count), tokens=given, **options) for given in (None, tokens)
        )
        found.append([result.p_value[estimator, 0, 0] for result in both])
    free, within = (np.array(found) <= 0.05).sum(axis=0)
    assert free > 0.5 * runs
    assert within <= binom.ppf(0.999, runs, 0.05)


@pytest.mark.parametrize(("measure", "estimator"), [("rsa", 0), ("cka-linear", 1), ("cka-rbf", 1)])
def test_few_words_of_unequal_numbers_of_tokens(measure: str, estimator: int) -> None:
    """Words with other numbers of tokens do not take their places, however few are left to move."""
    rng = np.random.default_rng(9)
    runs, count, features = 60, 13, 384
    reached = 0
    for seed in range(runs):
        tokens = rng.integers(1, 11, count)
        noise = 2 / np.sqrt(tokens)[:, None]
        left, right = (
            [_source(3 + rng.normal(size=(count, features)) * np.hypot(1, noise))] for _ in range(2)
        )
        options: dict[str, Any] = {"measure": measure, "permutations": 39, "seed": seed}
        found = compare(left, right, _words(count), tokens=tokens, **options)
        reached += found.p_value[estimator, 0, 0] <= 0.05
    assert reached <= binom.ppf(0.999, runs, 0.05)


@pytest.mark.parametrize("measure", MEASURES)
def test_null_of_drawn_words(measure: str) -> None:
    """Strata are those of the words of the draw; all measures move the same words."""
    rng = np.random.default_rng(7)
    tokens = rng.integers(1, 6, 40)
    x, y = rng.normal(size=(2, 40, 6))
    options: dict[str, Any] = {"measure": measure, "sample": 25, "neighbours": 4, "seed": 8}
    found = compare(
        [_source(x)], [_source(y)], _words(40), tokens=tokens, permutations=1, **options
    )
    rows = found.first_draw
    draws = np.random.default_rng(8)
    moved = permuted_rows(_words(25), draws, of_similar_count(tokens[rows]))
    wanted = compare([_source(x[rows])], [_source(y[rows][moved])], _words(25), **options)
    np.testing.assert_allclose(found.null_mean, wanted.estimate, rtol=1e-9, atol=1e-12)
