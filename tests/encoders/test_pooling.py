"""Frames to words: which frames, and how they become one vector."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundscope.encoders.pooling import WordPooler, frame_range


@pytest.mark.parametrize(
    ("span", "rate", "count", "wanted"),
    [
        ((10.0, 10.2), 50.0, 1000, (500, 510)),
        ((10.0, 10.2), 50.0, 505, (500, 505)),
        ((0.0, 0.02), 50.0, 10, (0, 1)),
        ((0.019, 0.021), 50.0, 10, (0, 2)),
        ((0.06, 0.06), 50.0, 10, (3, 4)),
        ((0.29, 0.3), 50.0, 10, (9, 10)),
        ((0.14, 0.28), 50.0, 100, (7, 14)),
        ((3, 5), 1.0, 9, (3, 5)),
        (None, 50.0, 7, (0, 7)),
    ],
)
def test_frame_ranges(
    span: tuple[float, float] | None, rate: float, count: int, wanted: tuple[int, int]
) -> None:
    """From the frame that holds the start to the one that holds the end, within the valid ones."""
    assert frame_range(span, rate, count) == wanted


@given(
    start=st.floats(0, 100),
    length=st.floats(0, 5),
    count=st.integers(1, 3000),
    rate=st.sampled_from([50.0, 100.0, 3.125]),
)
def test_frame_ranges_are_never_empty(start: float, length: float, count: int, rate: float) -> None:
    """Whatever the span, at least one valid frame; never a frame that the span does not touch."""
    first, last = frame_range((start, start + length), rate, count)
    assert 0 <= first < last <= count
    if start * rate < count - 1:
        assert first >= math.floor(start * rate - 1e-5)
        assert last <= max(math.ceil((start + length) * rate + 1e-5), first + 1)


HIDDEN = np.random.default_rng(3).standard_normal((3, 9, 4)).astype(np.float32)
COUNTS = (9, 4, 6)
SPANS: list[list[tuple[float, float] | None]] = [
    [(0.0, 3.0), (2.0, 9.0)],
    [None],
    [(1.0, 2.0), (5.0, 6.0), (0.0, 6.0)],
]
RANGES = [(0, 0, 3), (0, 2, 9), (1, 0, 4), (2, 1, 2), (2, 5, 6), (2, 0, 6)]


def _centroid(frames: np.ndarray) -> np.ndarray:
    """Nearest frame to the mean after scaling, by scikit-learn's scaler (Choi et al. 2024)."""
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(frames.astype(np.float64))
    nearest: np.ndarray = frames[np.linalg.norm(scaled - scaled.mean(axis=0), axis=1).argmin()]
    return nearest


PICK: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda frames: frames.mean(axis=0),
    "centre": lambda frames: frames[(len(frames) - 1) // 2],
    "centroid": _centroid,
    "first": lambda frames: frames[0],
    "last": lambda frames: frames[-1],
}


@pytest.mark.parametrize("pooling", ["mean", "centre", "centroid", "first", "last"])
def test_pooling_of_words(pooling: str) -> None:
    """Each word of each item, by plain indexing; garbage in padded frames is never seen."""
    hidden = torch.from_numpy(HIDDEN).clone()
    hidden[1, 4:] = 1e30
    hidden[2, 6:] = -1e30
    pooler = WordPooler(SPANS, pooling, whole_inputs=False)
    pooler.frames("5", hidden, counts=COUNTS, rate=1.0)
    wanted = np.stack([PICK[pooling](HIDDEN[item, first:last]) for item, first, last in RANGES])
    np.testing.assert_allclose(pooler.pooled["5"].numpy(), wanted, rtol=0, atol=1e-6)


def _picked(frames: np.ndarray) -> int:
    """Tell which frame of one word ``centroid`` takes."""
    pooler = WordPooler([[None]], "centroid", whole_inputs=True)
    pooler.frames("1", torch.from_numpy(frames)[None])
    (place,) = np.flatnonzero((frames == pooler.pooled["1"].numpy()).all(axis=1))
    return int(place)


@pytest.mark.parametrize("dimensions", [16, 768])
def test_of_equally_near_frames_the_centroid_is_the_earliest(dimensions: int) -> None:
    """Whatever rounding says: two frames, and a near pair between a far one on each side.

    The last digits are as another batch would have them (1e-6, relative); dimensions have means
    and deviations of very different sizes, as those of encoders do.
    """
    rng = np.random.default_rng(7)
    for _ in range(200):
        sizes = 10 ** rng.uniform(-2, 2, (2, dimensions))
        mean, near = sizes * rng.standard_normal((2, dimensions))
        far = near * rng.uniform(2, 3, dimensions)
        for offsets, wanted in (((near, -near), 0), ((far, near, -near, -far), 1)):
            frames = mean + np.stack(offsets)
            frames *= 1 + 1e-6 * rng.standard_normal(frames.shape)
            assert _picked(frames.astype(np.float32)) == wanted


def test_a_frame_that_is_nearer_by_more_than_rounding_is_the_centroid() -> None:
    """Nearer by a hundredth, and later."""
    rng = np.random.default_rng(8)
    for _ in range(200):
        mean, near = rng.standard_normal((2, 768)) * 10 ** rng.uniform(-2, 2, 768)
        offsets = np.stack([3 * near, near, -0.99 * near, -3.01 * near])
        assert _picked((mean + offsets).astype(np.float32)) == 2


def test_half_precision_frames_are_summed_in_float32() -> None:
    """Two thousand equal half-precision frames keep their value."""
    hidden = torch.full((1, 2000, 1), 100.0, dtype=torch.float16)
    pooler = WordPooler([[None]], "mean", whole_inputs=True)
    pooler.frames("1", hidden)
    assert pooler.pooled["1"].dtype == torch.float32
    assert pooler.pooled["1"].item() == pytest.approx(100.0, rel=1e-5)


def test_a_layer_comes_once() -> None:
    """A family that delivers a layer twice has a defect."""
    pooler = WordPooler([[None]], "mean", whole_inputs=True)
    pooler.frames("1", torch.zeros(1, 2, 3))
    with pytest.raises(ValueError, match="layer '1' came twice"):
        pooler.frames("1", torch.zeros(1, 2, 3))
