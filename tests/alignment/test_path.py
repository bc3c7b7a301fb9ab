"""Paths and windows: torchaudio's against an independent Viterbi, in one piece and in windows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from groundscope.alignment.path import align, frames_needed, with_wildcard
from groundscope.alignment.recording import plan_windows
from groundscope.errors import UserError

pytestmark = pytest.mark.usefixtures("torchaudio")


def log_softmax(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Normalise rows."""
    shifted = values - values.max(axis=1, keepdims=True)
    result: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result.astype(np.float32)


def viterbi(
    scores: NDArray[np.float32], labels: NDArray[np.int64], blank: int
) -> tuple[float, list[tuple[int, int]]]:
    """Find the best CTC path state by state (Graves et al. 2006, section 4.1, maximum for sum)."""
    states = [blank]
    for label in labels:
        states += [int(label), blank]
    size = len(states)
    best = np.full(size, -np.inf)
    best[:2] = scores[0, states[:2]]
    back = np.zeros((len(scores), size), np.int64)
    for frame in range(1, len(scores)):
        new = np.full(size, -np.inf)
        for state in range(size):
            sources = [state] + ([state - 1] if state else [])
            skips = state > 1 and states[state] not in (blank, states[state - 2])
            sources += [state - 2] if skips else []
            source = max(sources, key=lambda one: float(best[one]))
            back[frame, state] = source
            new[state] = best[source] + scores[frame, states[state]]
        best = new
    state = size - 1 if best[-1] >= best[-2] else size - 2
    total = float(best[state])
    spans: dict[int, tuple[int, int]] = {}
    for frame in range(len(scores) - 1, -1, -1):
        if state % 2:
            spans[state // 2] = (frame, spans.get(state // 2, (0, frame + 1))[1])
        state = int(back[frame, state])
    return total, [spans[index] for index in range(len(labels))]


def spoken(
    rng: np.random.Generator, count: int, columns: int, *, sharp: float
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Make scores of a path with gaps and repeats, drowned in noise unless `sharp`."""
    labels = rng.integers(1, columns, size=count)
    rows: list[int] = []
    for label in labels:
        rows += [0] * int(rng.integers(1, 8)) + [int(label)] * int(rng.integers(1, 5))
    rows += [0] * 5
    values = rng.normal(size=(len(rows), columns))
    values[np.arange(len(rows)), rows] += sharp
    return log_softmax(values), labels


@pytest.mark.parametrize("seed", range(8))
def test_one_window_is_the_best_path(seed: int) -> None:
    """Spans and score equal a Viterbi written out in numpy; labels repeat, the blank varies."""
    rng = np.random.default_rng(seed)
    columns, blank = 5, seed % 3
    labels = rng.choice([c for c in range(columns) if c != blank], size=12)
    scores = log_softmax(rng.normal(size=(40, columns), scale=2))
    found = align([scores], 40, labels, blank=blank, window=40)
    _, spans = viterbi(scores, labels, blank)
    assert list(zip(found.first.tolist(), found.end.tolist(), strict=True)) == spans
    summed = [
        scores[first:end, label].sum(dtype=float)
        for (first, end), label in zip(spans, labels, strict=True)
    ]
    np.testing.assert_allclose(found.scores, summed, rtol=1e-6)


@pytest.mark.parametrize("window", [150, 401, 1000])
def test_windows_are_the_whole(window: int) -> None:
    """1,500 labels in about 10,000 frames, noisy: every label where the whole recording has it."""
    scores, labels = spoken(np.random.default_rng(1), 1500, 12, sharp=3.0)
    whole = align([scores], len(scores), labels, blank=0, window=len(scores))
    blocks = np.array_split(scores, 37)
    parts = align(blocks, len(scores), labels, blank=0, window=window)
    np.testing.assert_array_equal(parts.first, whole.first)
    np.testing.assert_array_equal(parts.end, whole.end)
    np.testing.assert_allclose(parts.scores, whole.scores, rtol=1e-5)


def test_silence_longer_than_a_window_is_crossed() -> None:
    """Nothing for five windows, in front, between and behind: the labels stay where they are."""
    rng = np.random.default_rng(2)
    one, first = spoken(rng, 30, 8, sharp=6.0)
    other, second = spoken(rng, 30, 8, sharp=6.0)
    quiet = log_softmax(rng.normal(size=(500, 8)) + 8.0 * (np.arange(8) == 0))
    scores = np.concatenate([quiet, one, quiet, other, quiet])
    labels = np.concatenate([first, second])
    whole = align([scores], len(scores), labels, blank=0, window=len(scores))
    parts = align([scores], len(scores), labels, blank=0, window=100)
    np.testing.assert_array_equal(parts.first, whole.first)
    assert whole.first[30] > 1000


def test_a_model_that_hears_nothing_still_places_every_label() -> None:
    """With equal scores in all frames, windows leave enough frames for what is to come."""
    scores = log_softmax(np.zeros((300, 4)))
    labels = np.array([1, 1, 2, 3] * 45)
    assert frames_needed(labels) == 225
    found = align([scores], 300, labels, blank=0, window=40)
    assert (found.first < found.end).all()
    assert (found.first[1:] >= found.end[:-1]).all()


def test_one_label_that_fills_windows() -> None:
    """A label that lasts longer than the window is kept in one piece."""
    rows = np.array([0] * 5 + [1] * 90 + [0] * 5 + [2] * 3 + [0] * 5)
    scores = log_softmax(9.0 * np.eye(3)[rows])
    found = align([scores], len(rows), np.array([1, 2]), blank=0, window=20)
    assert (found.first.tolist(), found.end.tolist()) == ([5, 100], [95, 103])


def test_more_labels_than_frames_are_refused() -> None:
    """Equal neighbours need a blank between them: 4 labels, 5 frames."""
    scores = log_softmax(np.zeros((5, 4)))
    labels = np.array([1, 2, 2, 3])
    assert align([scores], 5, labels, blank=0, window=5).end.tolist() == [1, 2, 4, 5]
    with pytest.raises(UserError, match="4 labels need 5 frames, but the audio has 4"):
        align([scores[:4]], 4, labels, blank=0, window=5)


def test_the_wildcard_is_the_best_label() -> None:
    """It is what the likeliest label but the blank is."""
    scores = log_softmax(np.random.default_rng(0).normal(size=(9, 4)))
    wide = with_wildcard(scores, 2)
    np.testing.assert_array_equal(wide[:, :4], scores)
    np.testing.assert_array_equal(wide[:, 4], scores[:, [0, 1, 3]].max(axis=1))


@pytest.mark.parametrize("frames", [1, 60, 61, 139, 1000])
def test_windows_keep_every_frame_once(frames: int) -> None:
    """Kept frames join up; each has a sixth of a window round it, but at the recording's ends."""
    windows = plan_windows(frames, 60)
    kept = [frame for each in windows for frame in range(each.keep, each.keep_end)]
    assert kept == list(range(frames))
    for each in windows:
        assert each.end - each.first <= 60
        assert each.first == 0 or each.keep - each.first == 10
        assert each.end == frames or each.end - each.keep_end == 10
