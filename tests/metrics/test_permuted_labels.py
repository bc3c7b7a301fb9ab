"""Permutations of labels that vary within words: what may come out, and the nulls they make."""

from collections.abc import Callable
from itertools import permutations, product
from typing import TypeAlias

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from groundscope.metrics.groups import Floats, Groups, permuted_labels
from groundscope.metrics.probing import probe
from groundscope.metrics.silhouette import Distances, score

Measure: TypeAlias = Callable[[Floats, Groups, Groups, int, int], tuple[float, Floats]]


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(7)


def _spoken(rng: np.random.Generator, tokens: int) -> tuple[Groups, Groups]:
    """Words of running speech, most of them said once, each token by one of three speakers."""
    weights = 1 / np.arange(1, 2001)
    words = Groups.of(rng.choice(2000, tokens, p=weights / weights.sum()))
    return words, Groups.of(rng.integers(0, 3, tokens))


def _silhouette(
    rows: Floats, labels: Groups, words: Groups, count: int, seed: int
) -> tuple[float, Floats]:
    found = score(Distances(rows, "cosine"), labels, words, permutations=count, seed=seed)
    return float(found.estimate[0]), found.null[0]


def _accuracy(
    rows: Floats, labels: Groups, words: Groups, count: int, seed: int
) -> tuple[float, Floats]:
    found = probe(
        rows, labels, words, [words],
        solver="svd", folds=3, repeats=1, permutations=count, seed=seed,
    )  # fmt: skip
    return float(found.estimate[0]), found.null[0]


def _broken(estimate: float, null: Floats, rng: np.random.Generator) -> float:
    """Rank of the estimate among its null, 0 to 1, ties at random: uniform if exchangeable."""
    above = (null > estimate + 1e-9).sum()
    ties = len(null) - above - (null < estimate - 1e-9).sum()
    return float((above + rng.uniform() * (1 + ties)) / (1 + len(null)))


def test_every_allowed_order_is_as_likely(rng: np.random.Generator) -> None:
    """Words with as many rows exchange labels, a word alone with its number spreads its own."""
    words = Groups.of(list("abccddeee"))
    labels = Groups.of([0, 1, 0, 1, 0, 0, 0, 1, 1])
    allowed = {
        (*once, *first, *second, *thrice)
        for once in permutations((0, 1))
        for pairs in permutations(((0, 1), (0, 0)))
        for first, second in product(*map(permutations, pairs))
        for thrice in permutations((0, 1, 1))
    }
    drawn = [tuple(permuted_labels(labels, words, rng).codes.tolist()) for _ in range(2400)]
    assert set(drawn) == allowed
    assert chisquare([drawn.count(order) for order in allowed]).pvalue > 0.01


def test_in_a_crossed_design_labels_stay_in_their_word(rng: np.random.Generator) -> None:
    """Each word by each speaker once: the orders within words, all of them and no others."""
    words, speakers = Groups.of(list("abcabc")), Groups.of(list("xxxyyy"))
    drawn = [tuple(permuted_labels(speakers, words, rng).codes.tolist()) for _ in range(800)]
    allowed = {(*first, *(1 - code for code in first)) for first in product((0, 1), repeat=3)}
    assert set(drawn) == allowed
    assert chisquare([drawn.count(order) for order in allowed]).pvalue > 0.01


def test_rows_of_each_label_are_kept(rng: np.random.Generator) -> None:
    """In running speech, and neither words said once nor frequent ones keep their own labels."""
    words, speakers = _spoken(rng, 300)
    assert (words.sizes == 1).mean() > 0.7
    assert words.sizes.max() > 10
    moved = permuted_labels(speakers, words, rng)
    assert moved.sizes.tolist() == speakers.sizes.tolist()
    once = words.sizes[words.codes] == 1
    for part in (once, words.codes == np.argmax(words.sizes)):
        assert (moved.codes[part] == speakers.codes[part]).mean() < 0.6


def test_null_of_speakers_is_at_chance_where_most_words_are_said_once() -> None:
    """Vectors that hold their speaker do not raise the null of running speech."""
    rng = np.random.default_rng(0)
    words, speakers = _spoken(rng, 400)
    rows = rng.normal(size=(400, 8)) + 3 * np.eye(3, 8)[speakers.codes]
    estimate, null = _silhouette(rows, speakers, words, 99, seed=0)
    assert estimate > 0.4
    assert abs(null.mean()) < 0.05
    estimate, null = _accuracy(rows, speakers, words, 19, seed=0)
    assert estimate > 0.9
    assert null.mean() == pytest.approx((speakers.sizes**2).sum() / 400**2, abs=0.02)


@pytest.mark.parametrize("measure", [_silhouette, _accuracy])
def test_p_of_a_label_within_words_is_uniform_under_the_null(measure: Measure) -> None:
    """Speakers that the vectors of running speech, alike within a word, know nothing about."""
    rng = np.random.default_rng(3)
    ranks = []
    for seed in range(120):
        words, speakers = _spoken(rng, 75)
        rows = rng.normal(size=(len(words), 3))[words.codes] + rng.normal(size=(75, 3))
        ranks.append(_broken(*measure(rows, speakers, words, 9, seed), rng))
    assert kstest(ranks, "uniform").pvalue > 0.01
