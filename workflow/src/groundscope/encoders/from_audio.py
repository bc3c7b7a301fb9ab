"""Word vectors from speech encoders: each clip or utterance once, in batches of similar length."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundscope.encoders.audio import (
    AudioInput,
    Clip,
    Preparation,
    Samples,
    prepare_recordings,
)
from groundscope.encoders.base import SAMPLE_RATE, AudioEncoder, Request
from groundscope.encoders.batching import MemoryGuard, ahead, batches_by_length
from groundscope.encoders.execution import Execution, LayerStore
from groundscope.encoders.pooling import Span, WordPooler
from groundscope.encoders.progress import Progress
from groundscope.errors import UserError

_LOG = logging.getLogger(__name__)
# so many batches of audio are read ahead and sorted by length together
_BATCHES_AHEAD = 16

Files = list[tuple[str, list[AudioInput]]]
Ready = tuple[AudioInput, Samples]


def plan_audio(tokens: pa.Table, slicing: str) -> tuple[Files, NDArray[np.int64]]:
    """Find the distinct inputs and words of a token table.

    Parameters
    ----------
    tokens
        A token table.
    slicing
        ``audio``: a word's samples are an input; ``features``: a whole file is one, and words are
        pooled from its frames.

    Returns
    -------
    tuple
        Each file with its inputs, and for each token the row of its word; int64 ``[tokens]``.

    Raises
    ------
    UserError
        A token has no audio, or only one of the two times.
    """
    places: dict[str, dict[Span | None, tuple[int, str]]] = {}
    keys = []
    columns = [tokens.column(name).to_pylist() for name in ("token_id", "audio")]
    times = [tokens.column(name).to_pylist() for name in ("start_s", "end_s")]
    for token_id, audio, begin, end in zip(*columns, *times, strict=True):
        if audio is None or (begin is None) is not (end is None):
            what = "no audio" if audio is None else "only one of start_s and end_s"
            message = f"token {token_id!r} has {what}"
            raise UserError(message)
        span = None if begin is None else (begin, end)
        words = places.setdefault(audio, {})
        words.setdefault(span, (len(words), token_id))
        keys.append((audio, span))
    files: Files = []
    base: dict[str, int] = {}
    row = 0
    for audio, words in places.items():
        base[audio] = row
        files.append((audio, _inputs(words, row, slicing)))
        row += len(words)
    rows = [base[audio] + places[audio][span][0] for audio, span in keys]
    return files, np.array(rows, dtype=np.int64)


def _inputs(words: dict[Span | None, tuple[int, str]], row: int, slicing: str) -> list[AudioInput]:
    """List the inputs of one file whose first word has index `row`."""
    if slicing == "features":
        token_ids = tuple(token_id for _, token_id in words.values())
        return [AudioInput(None, None, tuple(words), row, token_ids)]
    return [
        AudioInput(
            span[0] if span else None, span[1] if span else None, (None,), row + place, (token_id,)
        )
        for span, (place, token_id) in words.items()
    ]


def extract_audio(
    tokens: pa.Table, encoder: AudioEncoder, request: Request, execution: Execution
) -> tuple[NDArray[np.int64], LayerStore, dict[str, int], dict[str, int]]:
    """Run a speech encoder over all tokens.

    Returns
    -------
    tuple
        For each token its row or -1, the vectors, dropped tokens by reason, counts for the
        metadata.
    """
    options = request.options
    files, rows = plan_audio(tokens, options["slicing"])
    store = LayerStore(request, int(rows.max(initial=-1)) + 1)
    reader = _Reader(files, _preparation(encoder, request), execution)
    progress = Progress(sum(len(inputs) for _, inputs in files), "clips")

    def run(batch: Sequence[Ready]) -> None:
        pooler = WordPooler(
            [source.spans for source, _ in batch],
            options["pooling"],
            whole_inputs=options["slicing"] == "audio",
        )
        places = [source.row + word for source, _ in batch for word in range(len(source.spans))]
        waves = _on_device([samples for _, samples in batch], request.device)
        store.run(pooler, places, lambda: encoder.forward(waves, pooler))
        progress.add(len(batch))

    def computed(ready: Ready) -> int:
        return encoder.window or len(ready[1])

    guarded = MemoryGuard(run, _describe, computed)
    budget = int(execution.batch_seconds * SAMPLE_RATE)
    for shard in ahead(reader.shards(_BATCHES_AHEAD * budget)):
        for batch in batches_by_length([*map(computed, shard)], budget):
            guarded([shard[index] for index in batch])
    progress.close()
    gone = np.isin(rows, reader.dropped)
    rows[gone] = -1
    return rows, store, reader.report(int(gone.sum())), reader.counts()


class _Reader:
    """Reads audio ahead of the device and counts what is special about it."""

    def __init__(self, files: Files, preparation: Preparation, execution: Execution) -> None:
        self._files = files
        self._preparation = preparation
        self._workers = execution.workers
        self._counts: Counter[str] = Counter()
        self.dropped: list[int] = []

    def shards(self, size: int) -> Iterator[list[Ready]]:
        """Ready clips, about `size` samples at a time."""
        shard: list[Ready] = []
        total = 0
        for recording in prepare_recordings(self._files, self._preparation, workers=self._workers):
            self._counts["stereo"] += recording.stereo
            for clip in recording.clips:
                self._count(clip)
                if clip.samples is not None:
                    shard.append((clip.source, clip.samples))
                    total += len(clip.samples)
            if total >= size:
                yield shard
                shard, total = [], 0
        if shard:
            yield shard

    def _count(self, clip: Clip) -> None:
        self._counts["short"] += clip.short
        if clip.samples is None:
            words = range(len(clip.source.spans))
            self.dropped.extend(clip.source.row + word for word in words)

    def report(self, tokens: int) -> dict[str, int]:
        """Tokens dropped, by reason; logs what was counted."""
        if self._counts["stereo"]:
            _LOG.info("%d files were not mono: channels averaged", self._counts["stereo"])
        if self._counts["short"]:
            _LOG.info(
                "%d clips shorter than %d samples: %s",
                self._counts["short"],
                self._preparation.shortest,
                self._preparation.short_clips,
            )
        return {"shorter than the receptive field": tokens}

    def counts(self) -> dict[str, int]:
        """Return counts for the metadata."""
        return {
            "files_not_mono": self._counts["stereo"],
            "short_clips_found": self._counts["short"],
        }


def normalization(encoder: AudioEncoder, request: Request) -> str:
    """Resolve how waveforms are normalised from the option and the release.

    Raises
    ------
    UserError
        Neither says it.
    """
    normalize = str(request.options["normalize"])
    if normalize == "default":
        if encoder.normalizes is None:
            message = (
                f"models.{request.model}.normalize: the checkpoint does not say whether it expects "
                "normalised audio (no preprocessor_config.json): set clip, utterance or none"
            )
            raise UserError(message)
        normalize = "clip" if encoder.normalizes else "none"
    return normalize


def _preparation(encoder: AudioEncoder, request: Request) -> Preparation:
    return Preparation(
        normalization(encoder, request),
        encoder.variance_floor,
        request.options["short_clips"],
        encoder.receptive_field,
        encoder.window,
    )


def _on_device(clips: Sequence[Samples], device: torch.device) -> list[Tensor]:
    """Move a batch in one transfer."""
    flat = torch.from_numpy(np.concatenate(clips))
    if device.type == "cuda":
        flat = flat.pin_memory()
    moved = flat.to(device, non_blocking=True)
    return list(torch.split(moved, [len(clip) for clip in clips]))


def _describe(ready: Ready) -> str:
    source, samples = ready
    return f"the clip of token {source.token_ids[0]!r} ({len(samples) / SAMPLE_RATE:.1f} s)"
