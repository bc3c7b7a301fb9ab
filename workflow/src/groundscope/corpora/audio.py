"""Checks of audio files before a word of them is used."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from groundscope.checkpoints import file_digest
from groundscope.errors import UserError
from groundscope.truncation import cut_short

_BLOCK = 1 << 18  # frames decoded at a time, so that an hour of audio needs no more memory
_HEARD = 16_000  # samples a second that speech encoders are given
_INTEGER = frozenset({"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32"})


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file was found to hold.

    Attributes
    ----------
    frames
        Samples a channel.
    rate
        Samples a second.
    """

    frames: int
    rate: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.rate


def inspect(path: Path) -> Recording:
    """Check a whole file and say how long it is.

    Raises
    ------
    UserError
        The file is missing, no audio, damaged, truncated, empty, or has samples that are not
        finite.
    """
    if not path.is_file():
        message = f"{path} does not exist or is no file"
        raise UserError(message)
    if path.stat().st_size == 0:
        message = f"{path} is empty (0 bytes): expected an audio file"
        raise UserError(message)
    try:
        with soundfile.SoundFile(path) as audio:
            if lacking := cut_short(path):
                message = f"{path} is truncated: {lacking}"
                raise UserError(message)
            declared, rate = audio.frames, audio.samplerate
            known = audio.subtype in _INTEGER and audio.format != "FLAC"
            decoded = _last_frame(audio) if known else _decode(path, audio)
    except soundfile.LibsndfileError as error:
        message = f"{path} is not a readable audio file ({error.error_string})"
        raise UserError(message) from error
    if decoded < declared:
        message = f"{path} is truncated: {declared} samples announced, {decoded} found"
        raise UserError(message)
    if decoded == 0:
        message = f"{path} holds no samples"
        raise UserError(message)
    return Recording(decoded, rate)


def _last_frame(audio: soundfile.SoundFile) -> int:
    """Count the frames that can be reached.

    Integer samples are finite, and none of them can be damaged beyond reading unless they are
    compressed.
    """
    if audio.frames == 0:
        return 0
    audio.seek(audio.frames - 1)
    return int(audio.frames) - 1 + len(audio.read(1, dtype="float32", always_2d=True))


def _decode(path: Path, audio: soundfile.SoundFile) -> int:
    """Count the frames that are there, and check each."""
    decoded = 0
    # not audio.blocks: it hands out uninitialised memory where a file ends too early
    while len(block := audio.read(_BLOCK, dtype="float32", always_2d=True)):
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            first = (decoded + int(np.argmin(finite))) / audio.samplerate
            message = f"{path}: samples that are not finite, the first at {first:.4f} s"
            raise UserError(message)
        decoded += len(block)
    return decoded


def inspect_all(files: Mapping[Path, str], *, workers: int = 1) -> dict[Path, Recording]:
    """Inspect every file; decoding runs in `workers` threads.

    Parameters
    ----------
    files
        Path -> where it is named (manifest and row), for the error.
    workers
        Threads; does not change the result.

    Raises
    ------
    UserError
        As `inspect`, for the first bad file in the order given.
    """
    with ThreadPoolExecutor(max_workers=workers) as pool:
        # futures in flight are few, so that the first bad file stops the work soon
        found: dict[Path, Recording] = {}
        for path, recording in zip(files, _bounded(pool, files, 4 * workers), strict=True):
            try:
                found[path] = recording.result()
            except UserError as error:
                message = f"{files[path]}: {error}"
                raise UserError(message) from error
    return found


def digest(paths: Iterable[Path], *, workers: int = 1) -> str:
    """Give the SHA-256 of the contents of recordings, one after the other.

    Parameters
    ----------
    paths
        The files.
    workers
        Threads that read; does not change the result.
    """
    whole = hashlib.sha256()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for one in pool.map(file_digest, paths):
            whole.update(one.encode())
    return whole.hexdigest()


def _bounded(
    pool: ThreadPoolExecutor, paths: Iterable[Path], ahead: int
) -> Iterator[Future[Recording]]:
    waiting: deque[Future[Recording]] = deque()
    for path in paths:
        waiting.append(pool.submit(inspect, path))
        if len(waiting) > ahead:
            yield waiting.popleft()
    yield from waiting


def has_samples(recording: Recording, start_s: float, end_s: float) -> bool:
    """Tell whether a span of a recording has a sample at 16 kHz, counted as encoders cut it."""
    return int(start_s * _HEARD) < int(min(end_s, recording.seconds) * _HEARD)


def require_span(recording: Recording, start_s: float | None, end_s: float | None) -> None:
    """Refuse a span that is not inside its recording.

    One sample of slack at the end: times in files are rounded.

    Raises
    ------
    UserError
        One end is missing, not a number, negative, reversed, or behind the end of the file; or no
        sample is left of the span at 16 kHz.
    """
    if start_s is None and end_s is None:
        return
    if start_s is None or end_s is None:
        message = "start and end must be given both or neither"
        raise UserError(message)
    if not (0 <= start_s < end_s < float("inf")):
        message = f"span {start_s} to {end_s} s: expected 0 <= start < end"
        raise UserError(message)
    if end_s > recording.seconds + 1 / recording.rate:
        message = f"span {start_s} to {end_s} s ends after the audio ({recording.seconds:.4f} s)"
        raise UserError(message)
    if not has_samples(recording, start_s, end_s):
        message = f"span {start_s} to {end_s} s has no sample at 16 kHz: expected a longer one"
        raise UserError(message)
