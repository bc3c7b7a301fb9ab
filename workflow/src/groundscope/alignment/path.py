"""The most likely path through a CTC model's output, window by window.

torchaudio's `forced_align` finds it. A recording that does not fit into one window is aligned from
left to right. In a window, the labels to come are more than are spoken in it; it is followed by
frames in which every label is free, where those that are left over end up at no cost. So the path
through the window is the best one for any number of its labels. Its first half is kept, up to
a place where a label ends; the second half is looked at again from there, with what follows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundscope.errors import UserError

Scores = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Spans:
    """Where each label is.

    Attributes
    ----------
    first, end
        Its frames ``[first, end)``, int64 ``[labels]``.
    scores
        Sum of its log probabilities over these frames, float64 ``[labels]``.
    """

    first: Indices
    end: Indices
    scores: NDArray[np.float64]


def load_torchaudio() -> Any:
    """Import `torchaudio.functional`.

    Raises
    ------
    UserError
        It is not installed, or does not fit the PyTorch beside it.
    """
    try:
        import torchaudio.functional
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        message = (
            f"torchaudio cannot be loaded ({reason}): install envs/alignment.requirements.txt; "
            "its wheels for Linux need a PyTorch built for CUDA, which runs without a GPU too"
        )
        raise UserError(message) from error
    return torchaudio.functional


def frames_needed(labels: Indices) -> int:
    """Count the fewest frames of a path: one a label, and a blank between equal neighbours."""
    return len(labels) + int(np.count_nonzero(labels[1:] == labels[:-1]))


def with_wildcard(scores: Scores, blank: int) -> Scores:
    """Add a column that is as likely as the likeliest label, but the blank, in each frame."""
    best = np.delete(scores, blank, axis=1).max(axis=1, keepdims=True)
    return np.concatenate([scores, best], axis=1)


def align(
    blocks: Iterable[Scores], frames: int, labels: Indices, *, blank: int, window: int
) -> Spans:
    """Find every label.

    Parameters
    ----------
    blocks
        Log probabilities, float32 ``[frames, columns]``, in pieces of any length.
    frames
        Of all pieces together.
    labels
        Columns, none of them `blank`.
    blank
        Column of the blank.
    window
        Frames that are looked at together. Memory grows with its square; a recording that fits
        is aligned in one piece.

    Raises
    ------
    UserError
        There are fewer frames than the labels need.
    """
    needed = frames_needed(labels)
    if frames < needed:
        message = f"{len(labels)} labels need {needed} frames, but the audio has {frames}"
        raise UserError(message)
    count = len(labels)
    found = Spans(np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count))
    waiting = iter(blocks)
    buffer: Scores | None = None
    seen = done = 0
    size = window
    while done < len(labels):
        while (buffer is None or len(buffer) < size) and (block := next(waiting, None)) is not None:
            buffer = block if buffer is None else np.concatenate([buffer, block])
        assert buffer is not None
        inside = buffer[:size]
        behind = frames - seen - len(inside)
        path = _window_path(inside, behind, labels[done:], blank)
        cut = _cut(path, blank, len(inside) // 2) if behind else len(inside)
        if cut == 0:
            size *= 2  # one label fills half the window
            continue
        count = _keep(found, done, seen, path[:cut], inside, blank)
        buffer, seen, done, size = buffer[cut:], seen + cut, done + count, window
    return found


def _window_path(inside: Scores, behind: int, labels: Indices, blank: int) -> Indices:
    """Find the column of each frame; `labels` need not end in this window."""
    import torch

    offered = labels[: len(inside)]
    needed = frames_needed(offered)
    # what is not offered must fit behind the window too
    free = min(needed, behind - (frames_needed(labels) - needed))
    columns = np.unique([blank, *offered])
    scores = np.zeros((len(inside) + free, len(columns)), np.float32)
    scores[: len(inside)] = inside[:, columns]
    path, _ = load_torchaudio().forced_align(
        torch.from_numpy(scores)[None],
        torch.from_numpy(np.searchsorted(columns, offered))[None],
        blank=int(np.searchsorted(columns, blank)),
    )
    frames: Indices = columns[path[0, : len(inside)].numpy()].astype(np.int64)
    return frames


def _begins(path: Indices, blank: int) -> NDArray[np.bool_]:
    """Tell in which frames a label begins; equal neighbours have a blank between them."""
    before = np.concatenate([[blank], path[:-1]])
    changes: NDArray[np.bool_] = (path != blank) & (path != before)
    return changes


def _cut(path: Indices, blank: int, most: int) -> int:
    """Choose where to go on, at most at frame `most`: behind a blank or between two labels."""
    legal = _begins(path, blank)
    legal[1:] |= path[:-1] == blank
    legal[0] = False
    places = np.flatnonzero(legal[: most + 1])
    return int(places[-1]) if len(places) else 0


def _keep(found: Spans, done: int, seen: int, path: Indices, scores: Scores, blank: int) -> int:
    """Write down the labels of a finished piece of the path; return how many there are."""
    begins = _begins(path, blank)
    frames = np.flatnonzero(path != blank)
    owners = done + np.cumsum(begins)[frames] - 1
    count = int(begins.sum())
    found.first[done : done + count] = seen + np.flatnonzero(begins)
    np.maximum.at(found.end, owners, seen + frames + 1)
    np.add.at(found.scores, owners, scores[frames, path[frames]].astype(np.float64))
    return count
