"""Recordings in windows: decoded and resampled as a stream, cut where frames begin."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from groundscope.errors import UserError

SAMPLE_RATE = 16_000
_BLOCK_S = 10

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """Frames ``[first, end)`` that a model is given, of which ``[keep, keep_end)`` are kept."""

    first: int
    end: int
    keep: int
    keep_end: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A recording, or a part of it.

    Attributes
    ----------
    path
        Of the file.
    start_s, end_s
        The part; None for the whole.
    """

    path: Path
    start_s: float | None = None
    end_s: float | None = None

    def blocks(self) -> Iterator[Samples]:
        """Decode to 16 kHz mono, some seconds at a time.

        Raises
        ------
        UserError
            The file is damaged, or ends before it should.
        """
        try:
            with soundfile.SoundFile(self.path) as file:
                yield from self._blocks(file)
        except soundfile.LibsndfileError as error:
            message = f"{self.path} is not readable audio ({error.error_string})"
            raise UserError(message) from error

    def _blocks(self, file: soundfile.SoundFile) -> Iterator[Samples]:
        rate = file.samplerate
        first = round((self.start_s or 0.0) * rate)
        rest = file.frames if self.end_s is None else min(round(self.end_s * rate), file.frames)
        rest -= first
        file.seek(first)
        resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        while rest > 0:
            block = file.read(min(_BLOCK_S * rate, rest), dtype="float32", always_2d=True)
            if not len(block):
                message = f"{self.path} is truncated: {rest} of the samples announced are missing"
                raise UserError(message)
            rest -= len(block)
            mono = block.mean(axis=1)
            yield mono if rate == SAMPLE_RATE else resampler.resample_chunk(mono, last=rest <= 0)


@dataclass(frozen=True, slots=True)
class Level:
    """Length, mean and standard deviation of a whole recording."""

    samples: int
    mean: float
    deviation: float


def measure(excerpt: Excerpt, variance_floor: float) -> Level:
    """Read a recording once, so that no window's level depends on where it is cut.

    The floor is added to the variance.
    """
    count, total, square = 0, 0.0, 0.0
    for block in excerpt.blocks():
        count += len(block)
        total += float(block.sum(dtype=np.float64))
        square += float(np.square(block, dtype=np.float64).sum())
    mean = total / max(count, 1)
    variance = max(square / max(count, 1) - mean * mean, 0.0)
    return Level(count, mean, math.sqrt(variance + variance_floor))


def plan_windows(frames: int, size: int) -> list[Window]:
    """Cover `frames` with windows of at most `size`; a sixth on each side is context only."""
    if frames <= size:
        return [Window(0, frames, 0, frames)]
    margin = size // 6
    step = size - 2 * margin
    return [
        Window(max(keep - margin, 0), min(keep + step + margin, frames), keep,
               min(keep + step, frames))
        for keep in range(0, frames, step)
    ]  # fmt: skip


def cut(
    excerpt: Excerpt, windows: Sequence[Window], *, stride: int, receptive_field: int
) -> Iterator[Samples]:
    """Give the samples of each window: those that its frames are computed from."""
    blocks = excerpt.blocks()
    held: Samples = np.zeros(0, np.float32)
    begin = 0  # of `held`
    for window in windows:
        first = window.first * stride
        last = (window.end - 1) * stride + receptive_field
        while begin + len(held) < last and (block := next(blocks, None)) is not None:
            held = np.concatenate([held, block])
        held = held[first - begin :]
        begin = first
        yield held[: last - first]
