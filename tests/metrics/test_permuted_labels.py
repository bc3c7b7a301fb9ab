"""Permutations of labels that vary within words: what may come out, and the nulls they make."""

from collections.abc import Callable
from itertools import permutations, product
from typing import TypeAlias

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Floats, Groups, permuted_labels
from groundscope.metrics.probing import probe
from groundscope.metrics.silhouette import score
from groundscope.metrics.silhouette_refitted import score_refitted

Measure: TypeAlias = Callable[[Floats, Groups, Groups, Groups, int, int], tuple[float, Floats]]


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
    rows: Floats, labels: Groups, words: Groups, exchanged: Groups, count: int, seed: int
) -> tuple[float, Floats]:
    distances = Distances(rows, "cosine")
    found = score(distances, labels, words, exchanged=exchanged, permutations=count, seed=seed)
    return float(found.estimate[0]), found.null[0]


def _in_lda_space(
    rows: Floats, labels: Groups, words: Groups, exchanged: Groups, count: int, seed: int
) -> tuple[float, Floats]:
    (found,) = score_refitted(
        rows, labels, words, "lda", ["euclidean"],
        exchanged=exchanged, permutations=count, seed=seed,
    )  # fmt: skip
    return float(found.estimate[0]), found.null[0]


def _accuracy(
    rows: Floats, labels: Groups, words: Groups, exchanged: Groups, count: int, seed: int
) -> tuple[float, Floats]:
    found = probe(
        rows, labels, words, [words], exchanged=exchanged,
        solver="svd", folds=3, repeats=1, permutations=count, seed=seed,
    )  # fmt: skip
    return float(found.estimate[0]), found.null[0]


def _accuracy_apart(
    rows: Floats, labels: Groups, words: Groups, speakers: Groups, count: int, seed: int
) -> tuple[float, Floats]:
    found = probe(
        rows, labels, words, [words, speakers], exchanged=speakers,
        solver="svd", folds=2, repeats=1, permutations=count, seed=seed,
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
    estimate, null = _silhouette(rows, speakers, words, words, 99, seed=0)
    assert estimate > 0.4
    assert abs(null.mean()) < 0.05
    estimate, null = _accuracy(rows, speakers, words, words, 19, seed=0)
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
        ranks.append(_broken(*measure(rows, speakers, words, words, 9, seed), rng))
    assert kstest(ranks, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("measure", "chance"),
    [(_silhouette, None), (_in_lda_space, None), (_accuracy, None), (_accuracy_apart, 0.5)],
)
def test_labels_of_speakers_are_permuted_between_speakers(
    measure: Measure, chance: float | None
) -> None:
    """Sex that vectors know nothing about: p is uniform, and the null what such labels have.

    The vectors are of speakers who are far apart, so that any two halves of the speakers are: the
    null is at chance only where no speaker is on both sides.
    """
    rng = np.random.default_rng(9)
    words, speakers = Groups.of(np.repeat(np.arange(8), 8)), Groups.of(np.tile(np.arange(8), 8))
    ranks, estimates, means = [], [], []
    for seed in range(90):
        rows = 2 * rng.normal(size=(8, 5))[speakers.codes] + rng.normal(size=(64, 5))
        sex = Groups.of((rng.permutation(8) % 2)[speakers.codes])
        estimate, null = measure(rows, sex, words, speakers, 9, seed)
        ranks.append(_broken(estimate, null, rng))
        estimates.append(estimate)
        means.append(null.mean())
    assert kstest(ranks, "uniform").pvalue > 0.01
    error = np.std(np.subtract(estimates, means)) / np.sqrt(len(means))
    assert np.mean(estimates) == pytest.approx(np.mean(means), abs=2.6 * error)
    if chance is not None:
        assert np.mean(means) == pytest.approx(chance, abs=0.02)


def test_four_speakers_divide_in_three_ways() -> None:
    """Two of each sex: however far apart the sexes are, p is about 1/3 at least."""
    rng = np.random.default_rng(4)
    words, speakers = Groups.of(np.repeat(np.arange(9), 4)), Groups.of(np.tile(np.arange(4), 9))
    sex = Groups.of(speakers.codes % 2)
    rows = rng.normal(size=(36, 3)) + 20 * np.eye(2, 3)[sex.codes]
    distances = Distances(rows, "cosine")
    found = score(distances, sex, words, exchanged=speakers, permutations=499)
    assert found.estimate[0] > 0.8
    # three standard errors of the share
    assert found.p_value[0] == pytest.approx(1 / 3, abs=3 * np.sqrt(2 / 9 / 499))
