"""Batches: grouping, memory that runs out, work ahead of the device, progress."""

import gc
import io
from collections.abc import Iterator, Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundscope.encoders.batching import MemoryGuard, ahead, batches_by_length
from groundscope.encoders.progress import Progress
from groundscope.encoders.waveforms import frame_count, receptive_field
from groundscope.errors import UserError

LENGTHS = st.lists(st.integers(1, 200), max_size=60)


@given(lengths=LENGTHS, budget=st.integers(1, 1000), equal=st.booleans())
def test_batches_hold_the_budget(lengths: list[int], budget: int, *, equal: bool) -> None:
    """Every input once; padded area within the budget, or alone; equal lengths where asked."""
    batches = batches_by_length(lengths, budget, equal=equal)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        sizes = [lengths[index] for index in batch]
        assert len(batch) * max(sizes) <= budget or len(batch) == 1
        assert not equal or len(set(sizes)) == 1


def _guard(capacity: int, done: list[list[int]], tried: list[int]) -> MemoryGuard[int]:
    """Make a guard over a device that holds `capacity`, padding included."""

    def run(batch: Sequence[int]) -> None:
        tried.append(len(batch))
        if len(batch) * max(batch) > capacity:
            raise torch.OutOfMemoryError
        done.append(list(batch))

    return MemoryGuard(run, lambda item: f"clip {item}", lambda item: item)


def test_out_of_memory_halves_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """All inputs are run, in order, once each; later batches start small enough."""
    done: list[list[int]] = []
    tried: list[int] = []
    guard = _guard(40, done, tried)
    guard([10] * 16)
    assert done == [[10] * 4] * 4
    first = len(tried)
    guard([10] * 16)
    assert done == [[10] * 4] * 8
    assert tried[first:] == [4, 4, 4, 4]
    assert "out of memory with 16 inputs" in caplog.text


def test_an_input_that_never_fits_is_named() -> None:
    """One clip beyond the memory is an error that names it."""
    with pytest.raises(UserError, match="clip 50 alone does not fit"):
        _guard(40, [], [])([10, 50])


def test_ahead_keeps_order_and_passes_errors_on() -> None:
    """Items come in order, then the error of the source, then nothing."""

    def source() -> Iterator[int]:
        yield from range(5)
        message = "bad file"
        raise UserError(message)

    stream = ahead(source())
    assert [next(stream) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(UserError, match="bad file"):
        next(stream)


def test_ahead_can_be_left_early() -> None:
    """Leaving the loop stops the source instead of hanging on a full queue."""
    closed = []

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    stream = ahead(source())
    assert next(stream) == 0
    stream.close()
    gc.collect()
    assert closed


@pytest.mark.parametrize("samples", [400, 401, 719, 720, 1039, 1040, 16_000])
def test_frames_of_the_front_end(samples: int) -> None:
    """wav2vec 2.0's front end: 400 samples give the first frame, 320 more each further one."""
    kernels, strides = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
    assert receptive_field(kernels, strides) == 400
    assert frame_count(samples, kernels, strides) == (samples - 400) // 320 + 1


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_progress_in_a_log_is_plain_and_rare() -> None:
    """A thousand steps within 30 s leave one line, without carriage returns."""
    stream = io.StringIO()
    progress = Progress(1000, "clips", stream)
    for _ in range(1000):
        progress.add(1)
    progress.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("1000/1000 clips, ")
    assert lines[0].endswith("/s, 0:00 left")
    assert "\r" not in stream.getvalue()


def test_progress_on_a_terminal_redraws_one_line() -> None:
    """The bar is redrawn in place."""
    stream = _Terminal()
    progress = Progress(10, "clips", stream)
    progress.add(5)
    progress.close()
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.startswith("\r[###############...............] 5/10 clips")
