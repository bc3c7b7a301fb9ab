"""Alignment in an LDA space: a null whose words move before the axes are fitted."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import kstest

from groundscope.metrics.alignment import compare_layers
from groundscope.metrics.comparison import MEASURES, Comparison, compare
from groundscope.metrics.groups import Floats, Groups, permuted_rows
from groundscope.metrics.sources import Source
from groundscope.metrics.spaces import dimensions, has_lda_space, into_space, moved_lda_spaces

# words of the nine published categories
SIZES = [10, 19, 19, 9, 13, 8, 13, 10, 8]


def _plain(rows: Floats) -> Source:
    return Source("rows", rows.shape[1], lambda: rows)


def _source(rows: Floats, labels: Groups, words: Groups) -> Source:
    return Source(
        "rows",
        dimensions(rows.shape[1], "lda", len(labels)),
        partial(into_space, rows, "lda", labels),
        partial(moved_lda_spaces, rows, labels, words),
    )


def _noise(
    rng: np.random.Generator, sizes: list[int], features: int, measure: str, permutations: int
) -> Comparison:
    """Compare unrelated rows that have nothing to do with their labels."""
    labels = Groups.of(np.repeat(np.arange(len(sizes)), sizes))
    words = Groups.of([f"w{number:03d}" for number in range(sum(sizes))])
    left, right = (
        [_source(rng.normal(size=(sum(sizes), features)), labels, words)] for _ in range(2)
    )
    seed = int(rng.integers(1 << 30))
    return compare(left, right, words, measure=measure, permutations=permutations, seed=seed)


@pytest.mark.parametrize("measure", MEASURES)
def test_p_is_uniform_for_noise(measure: str) -> None:
    """Axes that are fitted to meaningless labels align by chance; p is spread within its steps."""
    rng = np.random.default_rng(17)
    p_values = []
    for _ in range(100):
        found = _noise(rng, [8, 7, 9, 8], 14, measure, 24)
        p_values.append(found.p_value[0, 0, 0] - rng.uniform() / 25)
    assert kstest(p_values, "uniform").pvalue > 0.01


@pytest.mark.parametrize("features", [50, 200])
def test_null_of_noise_is_its_estimate(features: int) -> None:
    """CKA of 109 random vectors is 0.2 in the space of nine categories; so is its null."""
    rng = np.random.default_rng(12)
    found = [_noise(rng, SIZES, features, "cka-linear", 12) for _ in range(15)]
    estimate = np.mean([each.estimate[0] for each in found])
    assert estimate == pytest.approx(0.2, abs=0.03)
    assert np.mean([each.null_mean[0] for each in found]) == pytest.approx(estimate, abs=0.02)


@pytest.mark.parametrize("sample", [None, 24])
@pytest.mark.parametrize("measure", MEASURES)
def test_null_is_that_of_rows_moved_by_hand(measure: str, sample: int | None) -> None:
    """Unprojected rows move, all axes are fitted anew, and the rows of a draw are taken then."""
    rng = np.random.default_rng(13)
    types = np.arange(30)
    tokens = np.ones(30, int) if measure in ("rsa", "knn") else 1 + types % 3
    words = Groups.of([f"w{number:02d}" for number in np.repeat(types, tokens)])
    labels = Groups.of(words.codes % 4)
    x, y, z = rng.normal(size=(3, len(words.codes), 12))
    y += x
    run = partial(compare, groups=words, measure=measure, sample=sample, seed=5, neighbours=4)
    layers = [[_source(rows, labels, words) for rows in side] for side in ([x], [y, z])]
    found = run(*layers, permutations=3)
    draws, null = np.random.default_rng(5), []
    for _ in range(3):
        order = permuted_rows(words, draws)
        a, b, c = (into_space(rows, "lda", labels) for rows in (x, y[order], z[order]))
        null.append(run([_plain(a)], [_plain(b), _plain(c)]).estimate)
    np.testing.assert_allclose(found.null_mean, np.mean(null, axis=0), rtol=1e-9)
    reached = 1 + (np.array(null) >= found.estimate).sum(axis=0)
    np.testing.assert_allclose(found.p_value, reached / 4)


@pytest.mark.parametrize("tokens", [[1], [1, 2, 9]])
def test_feature_and_gram_space_agree(tokens: list[int]) -> None:
    """The null is the same in either space, a model with itself included."""
    rng = np.random.default_rng(14)
    words = Groups.of(np.repeat(np.arange(30), np.resize(tokens, 30)))
    labels = Groups.of(words.codes % 4)
    layers = [_source(rng.normal(size=(len(words.codes), 9)), labels, words) for _ in range(2)]
    feature, gram = (
        compare_layers(layers, layers, words, gram=space, permutations=4) for space in (False, True)
    )
    np.testing.assert_allclose(feature.null, gram.null, rtol=1e-9, atol=1e-12)


def test_a_permutation_without_an_lda_space_is_drawn_again() -> None:
    """In half of them classes of a binary feature have one mean; others are equally likely."""
    rows = np.array([1.0, 1, 1, 0, 1, 0, 0, 0])[:, None]
    labels = Groups.of(list("aaaabbbb"))
    words = Groups.of(list("abcdefgh"))
    plain, draws = 0, np.random.default_rng(1)
    for _ in range(1000):
        plain += has_lda_space(rows[permuted_rows(words, draws)], labels)
    assert plain / 1000 == pytest.approx(1 - 36 / 70, abs=0.05)
    moved = list(moved_lda_spaces(rows, labels, words, 20, 2))
    assert len(moved) == 20
    for space in moved:
        assert has_lda_space(space, labels)


def test_rows_without_any_lda_space() -> None:
    """Tokens that are all alike cannot tell speakers apart, wherever their words move."""
    rng = np.random.default_rng(15)
    rows = np.repeat(rng.normal(size=(10, 3)), 2, axis=0)
    speakers, words = Groups.of(["a", "b"] * 10), Groups.of(np.repeat(np.arange(10), 2))
    with pytest.raises(ValueError, match="same mean in 100 permutations of the words"):
        next(moved_lda_spaces(rows, speakers, words, 1, 0))


def test_dimensions_are_those_of_the_space() -> None:
    """Which tells what comparing costs before a layer is loaded."""
    rng = np.random.default_rng(16)
    labels = Groups.of(np.arange(40) % 4)
    for features in (2, 30):
        rows = rng.normal(size=(40, features))
        for space in ("full", "pca-2", "lda"):
            assert into_space(rows, space, labels).shape[1] == dimensions(features, space, 4)
