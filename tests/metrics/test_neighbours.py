"""Nearest neighbours from some rows at a time are those of the whole matrix."""

import tracemalloc
from itertools import product

import numpy as np
import pytest

from groundscope.metrics import neighbours
from groundscope.metrics.groups import Floats
from groundscope.metrics.neighbours import Neighbours


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(3)


def _rows(rng: np.random.Generator, kind: str) -> Floats:
    if kind == "random":
        return rng.normal(size=(40, 6))
    # of length 1; cosines are multiples of a half, and so exact
    halves = np.array(list(product([-0.5, 0.5], repeat=4)))
    rows = rng.permutation(np.concatenate([halves, np.eye(4), -np.eye(4)]))
    return rows.repeat(3, axis=0) if kind == "copies" else rows


@pytest.mark.parametrize("size", [1, 7, 128])
@pytest.mark.parametrize("count", [3, 10])
@pytest.mark.parametrize("kind", ["random", "ties", "copies"])
def test_nearest_are_those_of_a_stable_sort(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, kind: str, count: int, size: int
) -> None:
    """Ties fall by row order, also where they are cut off, whatever is sorted at a time."""
    monkeypatch.setattr(neighbours, "_ROWS", size)
    rows = _rows(rng, kind)
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    wanted = np.argsort(-similarity, axis=1, kind="stable").T
    found = Neighbours.of(rows, count)
    np.testing.assert_array_equal(found.nearest, wanted[:count])
    np.testing.assert_array_equal(found.following, wanted[count : count + {3: 1, 10: 3}[count]])
    other = Neighbours.of(rng.normal(size=rows.shape), count)
    shared = [len({*a} & {*b}) for a, b in zip(found.nearest.T, other.nearest.T, strict=True)]
    assert found.alignment(other) == np.sum(shared) / (count * len(rows))


def test_a_new_order(rng: np.random.Generator) -> None:
    """Neighbours move with their words."""
    rows, order = rng.normal(size=(30, 4)), rng.permutation(30)
    moved, wanted = Neighbours.of(rows, 5).reordered(order), Neighbours.of(rows[order], 5)
    np.testing.assert_array_equal(moved.nearest, wanted.nearest)
    np.testing.assert_array_equal(moved.following, wanted.following)


def test_neighbours_by_order(rng: np.random.Generator) -> None:
    """As many as row order can change: taken words or words left over, whichever are fewer."""
    rows = _rows(rng, "ties")
    for count in (3, 10):
        first, last = (Neighbours.of(rows[order], count) for order in (np.s_[:], np.s_[::-1]))
        taken = [
            len({*a} - {len(rows) - 1 - b for b in near})
            for a, near in zip(first.nearest.T, last.nearest.T[::-1], strict=True)
        ]
        np.testing.assert_array_equal(first.by_order, taken)
        order = rng.permutation(len(rows))
        np.testing.assert_array_equal(
            first.reordered(order).by_order, Neighbours.of(rows[order], count).by_order
        )
    assert not Neighbours.of(rng.normal(size=(60, 5)), 10).by_order.any()


@pytest.mark.parametrize("kind", ["orthogonal", "repeated"])
def test_neighbours_that_row_order_chose_in_both_layers(
    rng: np.random.Generator, kind: str
) -> None:
    """They are no agreement of layers; where cosines of one layer differ, order is as chance."""
    if kind == "orthogonal":
        x, y = np.eye(60), np.eye(60) * rng.uniform(1, 9, (60, 1))
    else:
        x, y = (rng.normal(size=(30, 9)).repeat(2, axis=0) for _ in range(2))
    first, second = Neighbours.of(x, 10), Neighbours.of(y, 10)
    with pytest.raises(ValueError, match="other words are as near in both layers"):
        first.without(second)
    other = Neighbours.of(rng.normal(size=(60, 9)), 10)
    assert first.without(other).mean() == pytest.approx(first.alignment(other), abs=1e-9)
    few = (np.vstack([rows, rows[:2]]) for rows in rng.normal(size=(2, 60, 9)))
    first, second = (Neighbours.of(rows, 10) for rows in few)
    assert np.isfinite(first.without(second)).all()


def test_words_without_an_order(rng: np.random.Generator) -> None:
    """What each word does is its own, whatever its row and whichever layer is the first."""
    order = rng.permutation(30)
    x, y = (Neighbours.of(rng.normal(size=(30, 4)), 5) for _ in range(2))
    found = x.without(y)
    np.testing.assert_allclose(y.without(x), found, rtol=1e-12)
    np.testing.assert_allclose(x.reordered(order).without(y.reordered(order)), found[order])


def test_memory_does_not_grow_with_pairs(rng: np.random.Generator) -> None:
    """Neighbours of 3000 words, and their jackknife, take less than a quarter of the cosines."""
    x, y = rng.normal(size=(2, 3000, 4))
    tracemalloc.start()
    Neighbours.of(x, 10).without(Neighbours.of(y, 10))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000**2 * 8 / 4
