"""Recordings: decoded, resampled to 16 kHz mono, cut into what a model is given.

Each file is decoded once, by threads that run ahead of the device (decoding and resampling
release the interpreter's lock).
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from groundscope.encoders.base import SAMPLE_RATE
from groundscope.encoders.pooling import Span
from groundscope.errors import UserError
from groundscope.truncation import cut_short

# Published alignments are rounded to 10 ms, so a word may end that much behind its file.
_ROUNDING_S = 0.01

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class AudioInput:
    """One input of a speech model.

    Attributes
    ----------
    begin, end
        What of the file goes in, in seconds; None: all of it.
    spans
        Words in it, relative to its begin; None: the input is the word.
    row
        Index of its first word in the result; its other words follow.
    token_ids
        A token for each word, for messages.
    """

    begin: float | None
    end: float | None
    spans: tuple[Span | None, ...]
    row: int
    token_ids: tuple[str, ...]


@dataclass(frozen=True)
class Preparation:
    """How a clip becomes a model's input.

    Attributes
    ----------
    normalize
        ``clip`` or ``utterance`` (zero mean and unit variance of the clip, or of its whole file
        before it is cut), or ``none``.
    variance_floor
        Added to the variance before the root.
    short_clips
        What happens to clips below `shortest` samples: ``pad`` with zeros (after normalisation),
        ``extend`` on both sides into the file, or ``drop``.
    shortest, longest
        What the model takes, in samples.
    """

    normalize: str
    variance_floor: float
    short_clips: str
    shortest: int
    longest: int | None


@dataclass(frozen=True)
class Clip:
    """A waveform that is ready for the model; `samples` is None for a dropped one."""

    source: AudioInput
    samples: Samples | None
    short: bool


@dataclass(frozen=True)
class Recording:
    """All clips of one file."""

    clips: list[Clip]
    stereo: bool


def read_audio(path: str | Path, token_id: str) -> tuple[Samples, bool]:
    """Decode a file to 16 kHz mono.

    Parameters
    ----------
    path
        Any format that libsndfile reads.
    token_id
        A token of it, for messages.

    Returns
    -------
    tuple
        Samples, and whether there were several channels, which were averaged.

    Raises
    ------
    UserError
        The file is missing, unreadable, empty, truncated, or has samples that are not finite.
    """
    where = f"{path} (token {token_id!r})"
    if not Path(path).is_file():
        message = f"{where}: no such audio file"
        raise UserError(message)
    try:
        with soundfile.SoundFile(path) as file:
            announced, rate = file.frames, file.samplerate
            samples = file.read(dtype="float32", always_2d=True)
            lacking = cut_short(Path(path))
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        message = f"{where}: not readable audio ({error})"
        raise UserError(message) from error
    if lacking:
        message = f"{where}: truncated, {lacking}"
        raise UserError(message)
    if not len(samples):
        message = f"{where}: the audio file is empty"
        raise UserError(message)
    if len(samples) < announced:
        message = f"{where}: truncated, {len(samples)} of {announced} samples are there"
        raise UserError(message)
    finite = np.isfinite(samples).all(axis=1)
    if not finite.all():
        first = int(np.argmin(finite))
        message = f"{where}: sample {first} ({first / rate:.3f} s) is not finite"
        raise UserError(message)
    mono = samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0]
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE)
    return np.ascontiguousarray(mono, dtype=np.float32), samples.shape[1] > 1


def unit_variance(samples: Samples, floor: float, where: str) -> Samples:
    """Shift and scale to zero mean and unit variance.

    Raises
    ------
    UserError
        The samples do not vary and `floor` is 0.
    """
    mean = samples.mean(dtype=np.float64)
    variance = np.square(samples - mean, dtype=np.float64).mean() + floor
    if variance == 0:
        message = f"{where}: silent, so it has no unit variance: use normalize: none"
        raise UserError(message)
    result: Samples = ((samples - mean) / math.sqrt(variance)).astype(np.float32)
    return result


def prepare_recording(
    path: str, inputs: Sequence[AudioInput], preparation: Preparation
) -> Recording:
    """Decode one file and cut it.

    Raises
    ------
    UserError
        As `read_audio`; a span outside the file; a clip without samples or above `longest`.
    """
    samples, stereo = read_audio(path, inputs[0].token_ids[0])
    whole = samples
    if preparation.normalize == "utterance":
        whole = unit_variance(samples, preparation.variance_floor, path)
    return Recording([_cut(path, whole, one, preparation) for one in inputs], stereo)


def _cut(path: str, whole: Samples, source: AudioInput, preparation: Preparation) -> Clip:
    """One input's samples, ``[int(begin * 16000) : int(end * 16000)]``."""
    duration = len(whole) / SAMPLE_RATE
    where = f"{path} ({duration:.3f} s), token {source.token_ids[0]!r}"
    if source.begin is not None and source.end is not None:
        _check_span(where, (source.begin, source.end), duration)
    for span, token_id in zip(source.spans, source.token_ids, strict=True):
        if span is not None:
            _check_span(f"{path} ({duration:.3f} s), token {token_id!r}", span, duration)
    first = int((source.begin or 0.0) * SAMPLE_RATE)
    last = len(whole) if source.end is None else min(int(source.end * SAMPLE_RATE), len(whole))
    short = last - first < preparation.shortest
    if short and preparation.short_clips == "drop":
        return Clip(source, None, short)
    if short and preparation.short_clips == "extend":
        first, last = _extended(where, first, last, len(whole), preparation.shortest)
    clip = whole[first:last]
    if not len(clip):
        message = f"{where}: no sample between {source.begin} and {source.end} s"
        raise UserError(message)
    if preparation.longest is not None and len(clip) > preparation.longest:
        window = preparation.longest / SAMPLE_RATE
        message = f"{where}: {len(clip) / SAMPLE_RATE:.3f} s do not fit the model's window of "
        message += f"{window:g} s"
        if source.begin is None:
            # the whole recording goes in
            message += f": set the corpus's filters.max_recording_s to {window:g}"
            message += "" if source.spans == (None,) else ", or slicing: audio"
        raise UserError(message)
    if preparation.normalize == "clip":
        clip = unit_variance(clip, preparation.variance_floor, where)
    else:
        # clips wait for their batch: a view would keep the whole recording till then
        clip = clip.copy()
    if len(clip) < preparation.shortest:
        clip = np.pad(clip, (0, preparation.shortest - len(clip)))
    return Clip(source, clip, short)


def _check_span(where: str, span: Span, duration: float) -> None:
    """Refuse a span that is not within its file."""
    begin, end = span
    if not 0 <= begin < end or begin >= duration or end > duration + _ROUNDING_S:
        message = f"{where}: {begin:g} to {end:g} s is not a span within the file"
        raise UserError(message)


def _extended(where: str, first: int, last: int, length: int, shortest: int) -> tuple[int, int]:
    """Widen a clip to `shortest` samples, evenly where the file allows it."""
    if length < shortest:
        message = f"{where}: the file is shorter than {shortest} samples: use short_clips: pad"
        raise UserError(message)
    first -= (shortest - (last - first)) // 2
    first = min(max(first, 0), length - shortest)
    return first, first + shortest


def prepare_recordings(
    files: Sequence[tuple[str, Sequence[AudioInput]]], preparation: Preparation, *, workers: int
) -> Iterator[Recording]:
    """Prepare files in order, a few ahead of the consumer.

    Parameters
    ----------
    files
        Path and inputs of each file.
    preparation
        How.
    workers
        Threads.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="audio") as pool:
        rest = iter(files)
        ahead: deque[Future[Recording]] = deque()
        try:
            while True:
                for path, inputs in islice(rest, 4 * workers - len(ahead)):
                    ahead.append(pool.submit(prepare_recording, path, inputs, preparation))
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
