"""RSA from panels: ranks, correlation and jackknife are those of all distances at once."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from groundscope.metrics import dissimilarity
from groundscope.metrics.dissimilarity import Dissimilarity
from groundscope.metrics.groups import Floats


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(3)


@pytest.fixture(params=["one panel", "many"])
def _panels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "many":
        monkeypatch.setattr(dissimilarity, "_ROWS", 5)
        monkeypatch.setattr(dissimilarity, "_CONVERTED", 11)
        monkeypatch.setattr(dissimilarity, "_SORTED", 20)
        monkeypatch.setattr(dissimilarity, "_SAMPLED", 50)


def _rows(rng: np.random.Generator, *, ties: bool) -> Floats:
    """24 words; with ties, vectors of length 1 whose cosines are multiples of a half."""
    if not ties:
        return rng.normal(size=(24, 6))
    halves = np.array(list(product([-0.5, 0.5], repeat=4)))
    return rng.permutation(np.concatenate([halves, np.eye(4), -np.eye(4)]))


def _condensed(rows: Floats) -> Floats:
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    return np.asarray((1 - unit @ unit.T)[np.triu_indices(len(rows), 1)])


@pytest.mark.usefixtures("_panels")
@pytest.mark.parametrize("ties", [False, True])
def test_ranks_are_those_of_scipy(rng: np.random.Generator, *, ties: bool) -> None:
    """To the last unit, however few are sorted at a time; a new order of words moves them along."""
    rows = _rows(rng, ties=ties)
    found = Dissimilarity.of(rows)
    order = rng.permutation(24)
    for given, layer in ((rows, found), (rows[order], found.reordered(order))):
        square = np.zeros((24, 24))
        square[np.triu_indices(24, 1)] = 2 * rankdata(_condensed(given)) - (24 * 23 / 2 + 1)
        panels = [*layer.words.panels(layer.ranks)]
        placed = [np.pad(panel, ((0, 0), (24 - panel.shape[1], 0))) for panel in panels]
        np.testing.assert_array_equal(np.concatenate(placed), square)


@pytest.mark.usefixtures("_panels")
@pytest.mark.parametrize("ties", [False, True])
def test_correlation_is_that_of_scipy(rng: np.random.Generator, *, ties: bool) -> None:
    """Whole, and without each word, whose distances are left out of the ranks of all."""
    x = _rows(rng, ties=ties)
    y = x + rng.normal(size=x.shape) / 2
    a, b = Dissimilarity.of(x), Dissimilarity.of(y)
    distances = _condensed(x), _condensed(y)
    assert a.alignment(b) == pytest.approx(spearmanr(*distances).statistic, rel=1e-12)
    ranks = [rankdata(values) for values in distances]
    first, second = np.triu_indices(24, 1)
    for word, found in enumerate(a.without(b)):
        kept = (first != word) & (second != word)
        wanted = np.corrcoef(ranks[0][kept], ranks[1][kept])[0, 1]
        assert found == pytest.approx(wanted, rel=1e-12)


def test_ties_outlast_a_rotation(rng: np.random.Generator) -> None:
    """Products of the same rows round to unlike numbers, whose distances tie all the same."""
    codes = rng.permutation(np.arange(120) % 6)
    for rows in (np.eye(6, 40)[codes], rng.normal(size=(6, 40))[codes]):
        turned = rows @ np.linalg.qr(rng.normal(size=(40, 40)))[0]
        found = Dissimilarity.of(rows).alignment(Dissimilarity.of(turned))
        assert found == pytest.approx(1, abs=1e-12)


def test_a_tie_of_half_of_all_distances() -> None:
    """Ties stay together where what is sorted at a time is less: 0 within and between two words."""
    rows = np.repeat(np.eye(2), 300, axis=0)
    within, between = 2 * 300 * 299 // 2, 300**2
    found = Dissimilarity.of(rows)
    values, counts = np.unique(found.ranks, return_counts=True)
    assert {*values} == {-between, 0, within}
    assert dict(zip(values, counts, strict=True))[-between] == within


@pytest.mark.parametrize("words", [12, 127, 500])
def test_distances_that_are_all_the_same(rng: np.random.Generator, words: int) -> None:
    """Products of equal rows may round to unlike numbers; orthogonal rows are equally far."""
    for rows in (np.tile(rng.normal(size=50), (words, 1)), np.eye(words)):
        with pytest.raises(ValueError, match=f"all distances between {words} words are the same"):
            Dissimilarity.of(rows)


def test_words_beyond_the_ranks() -> None:
    """More words than int32 has ranks for are refused before anything is computed."""
    with pytest.raises(ValueError, match="at most 65536, got 65537"):
        Dissimilarity.of(np.zeros((65537, 1), np.float32))


def test_memory(rng: np.random.Generator) -> None:
    """What is held is two bytes for each of n^2, and while it is made 10: a matrix is 8."""
    tracemalloc.start()
    found = Dissimilarity.of(rng.normal(size=(3000, 4)))
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.ranks.nbytes < held < 2.1 * 3000**2
    assert peak < 10 * 3000**2
