"""The Gaussian kernel from tiles: its median is NumPy's to the bit, whatever is held."""

import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from groundscope.metrics import kernels, order_statistics, rbf
from groundscope.metrics.alignment import compare_layers
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.order_statistics import two_in_order
from groundscope.metrics.sources import Source


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(11)


@pytest.fixture(params=["as it is", "small"])
def _size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tiles, few values that are sorted: then the smallest input is too large to hold."""
    if request.param == "small":
        monkeypatch.setattr(rbf, "_ROWS", 3)
        monkeypatch.setattr(rbf, "_COLUMNS", 5)
        monkeypatch.setattr(order_statistics, "_FEW", 2)


def _squared(rows: Floats) -> Floats:
    """All squared distances, from the tiles: each pair has one."""
    found = np.zeros((len(rows), len(rows)))
    distances = rbf.gaussian(rows, np.arange(len(rows)), name="").distances
    for left, right, tile in distances.tiles():
        found[left, right] = tile
    upper = np.triu(found, 1)
    return upper + upper.T


def _median(rows: Floats) -> float:
    return rbf.gaussian(rows, np.arange(len(rows)), name="").scale / 2


VALUES: dict[str, Callable[[np.random.Generator], Floats]] = {
    "spread": lambda rng: np.exp(30 * rng.normal(size=40)),
    "close": lambda rng: 1 + rng.integers(0, 9, 40) * np.spacing(1.0),
    "ties": lambda rng: rng.integers(0, 4, 41).astype(float),
    "two clusters": lambda _: np.repeat([1.0, 3.0], 20),
    "all the same": lambda _: np.full(40, 0.1),
    "tiny": lambda rng: rng.integers(0, 99, 40) * 5e-324,
}


@pytest.mark.parametrize("few", [1, 7, 100])
@pytest.mark.parametrize("name", VALUES)
def test_order_statistics_are_those_of_sorting(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, name: str, few: int
) -> None:
    """At every place, and however few values may be held; nothing follows the last."""
    monkeypatch.setattr(order_statistics, "_FEW", few)
    values = VALUES[name](rng)
    parts = np.split(values, [9, 10, 31])
    ordered = np.append(np.sort(values), np.inf)
    for place in (0, 1, len(values) // 2, len(values) - 1):
        found = two_in_order(lambda: parts, len(values), place)
        assert found == tuple(ordered[place : place + 2])


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("count", [4, 13, 20])
def test_median_is_that_of_the_matrix(
    rng: np.random.Generator, count: int, kind: type[np.float32 | np.float64], scale: float
) -> None:
    """Of all n^2 distances, odd or even, of any size that float32 holds."""
    rows: Floats = (scale * rng.normal(size=(count, 6))).astype(kind)
    assert _median(rows) == np.median(_squared(rows))
    independent = np.median(cdist(rows.astype(float), rows.astype(float), "sqeuclidean"))
    assert _median(rows) == pytest.approx(independent, rel=1e-12, abs=0)


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize("copies", [(2, 2), (5, 5), (13, *[1] * 7), (3, 3, 3), (9, *[1] * 5)])
def test_median_where_rows_repeat(rng: np.random.Generator, copies: tuple[int, ...]) -> None:
    """Up to half of the pairs of rows are the same, in whatever tile: they have no distance."""
    rows = rng.normal(size=(len(copies), 384)).repeat(copies, axis=0) + 100
    rows = rows[rng.permutation(len(rows))]
    squared = _squared(rows)
    assert ((squared == 0) == (cdist(rows, rows) == 0)).all()
    assert _median(rows) == np.median(squared)
    one_more = np.concatenate([rows, np.repeat(rows[:1], 40, axis=0)])
    with pytest.raises(ValueError, match="over half of the pairs of rows are the same"):
        _median(one_more)


def test_tiles_of_any_size_make_one_value(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    """Kernel, error and null are the same to 1e-10, and where null tiles are made anew."""
    groups = Groups.of(np.repeat(np.arange(20), np.resize([1, 2, 9], 20)))
    x = rng.normal(size=(len(groups.codes), 4)).astype(np.float32)
    y = x[:, :3] + rng.normal(size=(len(x), 3))
    left, right = ([Source("rows", len(each.T), partial(np.asarray, each))] for each in (x, y))
    found = []
    for size, held in [(512, kernels.HELD), (512, 0), (7, 0)]:
        monkeypatch.setattr(rbf, "_ROWS", size)
        monkeypatch.setattr(kernels, "HELD", held)
        found.append(compare_layers(left, right, groups, kernel="rbf", permutations=4))
    for other in found[1:]:
        np.testing.assert_allclose(other.estimate, found[0].estimate, rtol=1e-10)
        np.testing.assert_allclose(other.interval.low, found[0].interval.low, rtol=1e-10)
        np.testing.assert_allclose(other.null, found[0].null, rtol=1e-10)


def test_memory_does_not_grow_with_pairs(rng: np.random.Generator) -> None:
    """The bandwidth and means of 7000 rows take less than a quarter of their distances."""
    rows = rng.normal(size=(7000, 4))
    tracemalloc.start()
    rbf.gaussian(rows, np.arange(7000), name="")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 7000**2 * 8 / 4
