"""Input that has no answer: every metric says what it found and what it needs."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from groundscope.metrics.comparison import MEASURES, compare
from groundscope.metrics.distances import METRICS, Distances
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.pair_kinds import draw_pairs
from groundscope.metrics.pair_scores import score_layer
from groundscope.metrics.probing import probe
from groundscope.metrics.silhouette import score
from groundscope.metrics.sources import Source
from groundscope.metrics.spaces import has_lda_space, into_space

Metric = Callable[[Floats, Groups, Groups], Any]


def _compare(rows: Floats, _: Groups, words: Groups, measure: str) -> Any:
    other = np.random.default_rng(0).normal(size=(len(rows), 3))
    sides = [[Source("layer", 3, partial(np.asarray, given))] for given in (rows, other)]
    return compare(sides[0], sides[1], words, measure=measure, neighbours=2)


def _pairs(rows: Floats, _: Groups, words: Groups) -> Any:
    draws = draw_pairs(words, speakers=None, relations={}, whole={}, sample=99, seeds=[0, 1])
    return score_layer(rows, draws, replicates=10, seed=0)


def _silhouette(rows: Floats, labels: Groups, words: Groups, metric: str) -> Any:
    return score(Distances(rows, metric), labels, words, exchanged=words)


def _lda(rows: Floats, labels: Groups, words: Groups, solver: str) -> Any:
    settings: dict[str, Any] = {"folds": 2, "repeats": 1, "permutations": 0, "seed": 0}
    return probe(rows, labels, words, [words], exchanged=words, solver=solver, **settings)


METRICS_OF_ROWS: dict[str, tuple[Callable[..., Any], dict[str, str]]] = {
    **{measure: (_compare, {"measure": measure}) for measure in MEASURES},
    "pairs": (_pairs, {}),
    **{f"silhouette {name}": (_silhouette, {"metric": name}) for name in METRICS},
    **{f"lda {name}": (_lda, {"solver": name}) for name in ("shrinkage", "svd")},
}


@pytest.mark.parametrize("name", METRICS_OF_ROWS)
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((12, 3)), "the same"),
        (np.full((12, 3), np.nan), "not finite"),
        (np.eye(3), r"at least [245]|needs at least|has 1"),
    ],
    ids=["constant", "not finite", "three words"],
)
def test_what_no_metric_takes(name: str, rows: Floats, message: str) -> None:
    """Constant features, values that are not numbers, fewer than four words."""
    run, settings = METRICS_OF_ROWS[name]
    words = Groups.of([f"w{number:02d}" for number in range(len(rows))])
    with pytest.raises(ValueError, match=message):
        run(rows, Groups.of(np.arange(len(rows)) % 2), words, **settings)


@pytest.mark.parametrize("name", [name for name in METRICS_OF_ROWS if " " in name])
def test_one_group(name: str) -> None:
    """A labelling with one label divides nothing."""
    run, settings = METRICS_OF_ROWS[name]
    rows = np.random.default_rng(1).normal(size=(8, 3))
    words = Groups.of(list("abcdefgh"))
    with pytest.raises(ValueError, match=r"at least 2 .*, got 1"):
        run(rows, Groups.of(["x"] * 8), words, **settings)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cka-linear", "too few rows differ"),
        ("cka-rbf", "over half of the pairs of rows are the same"),
        ("rsa", "without one word all distances are the same"),
        ("knn", "8 rows are the same vector: 2 nearest"),
    ],
)
def test_duplicate_rows(name: str, message: str) -> None:
    """Rows that repeat leave these measures without a meaning."""
    rows = np.eye(3)[[0] * 8 + [1]]
    words = Groups.of(list("abcdefghi"))
    with pytest.raises(ValueError, match=message):
        _compare(rows, words, words, name)


@pytest.mark.parametrize("solver", ["shrinkage", "svd"])
def test_folds_that_train_on_one_vector_a_class(solver: str) -> None:
    """All tokens of a word are one vector, and two folds leave one word of two in each class.

    A third word in each gives an answer, or tokens that differ by little; more words a good one.
    """
    rng = np.random.default_rng(4)

    def scores(words_each: int, noise: float) -> float:
        count = 3 * words_each
        words = Groups.of(np.repeat(np.arange(count), 4))
        labels = Groups.of(words.codes % 3)
        rows = 9 * np.eye(3, 6)[labels.codes] + rng.normal(size=(count, 6))[words.codes]
        rows += noise * rng.normal(size=rows.shape)
        return float(_lda(rows, labels, words, solver).estimate[0])

    with pytest.raises(
        ValueError, match=r"12 rows that are one vector in each class: .*more words"
    ):
        scores(2, noise=0)
    assert scores(3, noise=0) > 0.4
    assert scores(8, noise=0) > 0.9
    assert 0 <= scores(2, noise=1e-3) <= 1


@pytest.mark.parametrize("solver", ["shrinkage", "svd"])
def test_classes_of_one_vector_each(solver: str) -> None:
    """Nothing varies within classes: no LDA, and no LDA space."""
    rows = np.random.default_rng(4).normal(size=(6, 4)).repeat(5, axis=0)
    labels, words = Groups.of(np.arange(30) // 5), Groups.of(np.arange(30))
    with pytest.raises(ValueError, match="the rows of each class are one and the same vector"):
        probe(
            rows,
            labels,
            words,
            [words],
            exchanged=words,
            solver=solver,
            folds=3,
            repeats=1,
            permutations=0,
            seed=0,
        )
    assert not has_lda_space(rows, labels)
    with pytest.raises(ValueError, match="the rows of each class are one and the same vector"):
        into_space(rows, "lda", labels)
