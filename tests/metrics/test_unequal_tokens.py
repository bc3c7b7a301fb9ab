"""Means of unequal numbers of tokens: what the null of alignments exchanges."""

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


@given(counts=st.lists(st.integers(1, 12), min_size=1, max_size=60))
def test_strata_have_neighbouring_counts(counts: list[int]) -> None:
    """Equal counts are together, no others between them, and three words at least."""
    tokens = np.array(counts)
    strata = of_similar_count(tokens)
    assert len(strata) == 1 or strata.sizes.min() >= 3
    held = [tokens[strata.codes == code] for code in range(len(strata))]
    ranges = sorted((own.min(), own.max()) for own in held)
    assert all(below[1] < above[0] for below, above in pairwise(ranges))


def test_counts_of_three_words_are_strata() -> None:
    """No count is joined without need; what is left goes with the last stratum."""
    tokens = np.repeat([1, 2, 3, 4, 7, 9], [6, 3, 1, 2, 4, 2])
    np.testing.assert_array_equal(
        of_similar_count(tokens).codes, np.repeat([0, 1, 2, 3], [6, 3, 3, 6])
    )


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
