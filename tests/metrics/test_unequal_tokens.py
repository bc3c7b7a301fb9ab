"""Means of unequal numbers of tokens: what nulls of alignments and of labels exchange."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from groundscope.metrics.comparison import MEASURES, compare
from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import (
    Floats,
    Groups,
    Integers,
    of_similar_count,
    of_similar_noise,
    permuted_labels,
    permuted_rows,
)
from groundscope.metrics.kmeans import agreement
from groundscope.metrics.probing import probe
from groundscope.metrics.silhouette import score_both
from groundscope.metrics.silhouette_refitted import score_refitted
from groundscope.metrics.silhouette_runs import score_runs
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


def _silhouette(rows: Floats, labels: Groups, words: Groups, **null: Any) -> tuple[Floats, Floats]:
    found, _ = score_both(Distances(rows, "cosine"), labels, words, exchanged=words, **null)
    return found.estimate[0], found.null[0]


def _refitted(rows: Floats, labels: Groups, words: Groups, **null: Any) -> tuple[Floats, Floats]:
    (found,) = score_refitted(rows, labels, words, "lda", ["euclidean"], exchanged=words, **null)
    return found.estimate[0], found.null[0]


def _runs(rows: Floats, labels: Groups, words: Groups, **null: Any) -> tuple[Floats, Floats]:
    (found,) = score_runs(rows, labels, words, "pca-4", ["cosine"], exchanged=words, **null)
    return found.estimate[0], found.null[0]


def _clusters(rows: Floats, labels: Groups, words: Groups, **null: Any) -> tuple[Floats, Floats]:
    values, moved = agreement(rows, labels, exchanged=words, seeds=1, restarts=1, **null)
    return values.mean(), moved


def _accuracy(rows: Floats, labels: Groups, words: Groups, **null: Any) -> tuple[Floats, Floats]:
    options: dict[str, Any] = {"solver": "shrinkage", "folds": 4, "repeats": 1, **null}
    found = probe(rows, labels, words, [words], exchanged=words, **options)
    return found.estimate[0], found.null[0]


OF_LABELS = [_silhouette, _refitted, _runs, _clusters, _accuracy]


@pytest.mark.parametrize("measure", OF_LABELS)
def test_labels_of_equal_numbers_of_tokens_are_permuted_freely(measure: Any) -> None:
    """Bit for bit, whatever the number is; and not where numbers differ."""
    rng = np.random.default_rng(3)
    rows, labels = rng.normal(size=(30, 8)), Groups.of(np.arange(30) % 3)
    free, equal, other = (
        measure(rows, labels, _words(30), tokens=tokens, permutations=5, seed=4)[1]
        for tokens in (None, np.full(30, 49), 1 + np.arange(30) % 5)
    )
    np.testing.assert_array_equal(free, equal)
    assert (free != other).any()


def test_labels_that_go_with_numbers_of_tokens() -> None:
    """Vectors that know nothing of them: free permutations reject many, those of strata few.

    Means of few tokens are farther from all others, which share a direction.
    """
    rng = np.random.default_rng(6)
    runs, count, features = 60, 60, 100
    labels = Groups.of(np.arange(count) % 2)
    shares = np.array([[0.6, 0.25, 0.15], [0.15, 0.25, 0.6]])
    found = []
    for seed in range(runs):
        tokens = np.array([rng.choice([1, 3, 16], p=shares[code]) for code in labels.codes])
        noise = np.hypot(0.5, 2 / np.sqrt(tokens))[:, None]
        rows = 1 + rng.normal(size=(count, features)) * noise
        both = (
            _silhouette(rows, labels, _words(count), tokens=given, permutations=19, seed=seed)
            for given in (None, tokens)
        )
        found.append([(null >= estimate - 1e-9).sum() for estimate, null in both])
    free, within = (np.array(found) == 0).sum(axis=0)
    assert free > 0.3 * runs
    assert within <= binom.ppf(0.999, runs, 0.05)


def test_speakers_are_exchanged_by_the_noise_of_their_words() -> None:
    """The mean over words, in strata of the same width; labels stay in each."""
    speakers = Groups.of(np.repeat(list("abcd"), 2))
    tokens = np.array([1, 3, 3, 1, 2, 2, 30, 30])
    strata = of_similar_noise(speakers, tokens)
    assert strata is not None
    assert [set(np.flatnonzero(strata.codes == code)) for code in range(3)] == [{0, 1}, {2}, {3}]
    labels = Groups.of(speakers.codes % 2)
    drawn: set[tuple[int, ...]] = {
        tuple(permuted_labels(labels, speakers, np.random.default_rng(seed), strata).codes[::2])
        for seed in range(30)
    }
    assert drawn == {(0, 1, 0, 1), (1, 0, 0, 1)}


@given(counts=st.lists(st.integers(1, 10_000), min_size=1, max_size=60))
def test_strata_of_words_are_those_of_their_counts(counts: list[int]) -> None:
    """Rounding of reciprocals moves no word to another stratum."""
    tokens: Integers = np.array(counts)
    found = of_similar_noise(_words(len(counts)), tokens)
    assert found is not None
    wanted = of_similar_count(tokens)
    assert len(set(zip(found.codes, wanted.codes, strict=True))) == len(wanted) == len(found)
