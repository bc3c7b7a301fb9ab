"""Batches: grouping, memory that runs out, work ahead of the device, progress."""

import gc
import io
from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers import Wav2Vec2Config, Wav2Vec2Model

from groundscope.encoders.batching import MemoryGuard, ahead, batches_by_length
from groundscope.encoders.progress import Progress
from groundscope.encoders.waveforms import (
    ExactPadding,
    frame_count,
    pad_batch,
    receptive_field,
)
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


@pytest.mark.parametrize(
    ("said", "halved"),
    [
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        ("CUDA error: out of memory", True),
        ("mat1 and mat2 shapes cannot be multiplied", False),
    ],
)
def test_libraries_of_cuda_run_out_of_memory_too(said: str, *, halved: bool) -> None:
    """Their errors have no class of their own; any other error is not taken for one."""
    done: list[int] = []

    def run(batch: Sequence[int]) -> None:
        if len(batch) > 1:
            raise RuntimeError(said)
        done.extend(batch)

    guard = MemoryGuard(run, str, lambda item: item)
    with nullcontext() if halved else pytest.raises(RuntimeError, match="cannot be multiplied"):
        guard([1, 2])
    assert done == ([1, 2] if halved else [])


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


def test_a_clip_in_half_precision_does_not_depend_on_its_neighbours() -> None:
    """The group norm of wav2vec 2.0's front end has float32 statistics alone as in a batch."""
    torch.manual_seed(2)
    model = Wav2Vec2Model(
        Wav2Vec2Config(
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            conv_dim=(16,) * 7,
        )
    ).eval()
    config = model.config
    padding = ExactPadding(model, config.conv_kernel, config.conv_stride)
    clips = [torch.randn(4000), torch.randn(2000)]

    def front_end(batch: Sequence[Tensor]) -> Tensor:
        values, lengths = pad_batch(batch)
        count = padding.set_lengths(lengths, values.device)[0]
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            features: Tensor = model.feature_extractor(values)
        return features[0, :, :count].float()

    # one rounding to bfloat16 of a sum in another order
    torch.testing.assert_close(front_end(clips[:1]), front_end(clips), rtol=2**-8, atol=1e-4)


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
