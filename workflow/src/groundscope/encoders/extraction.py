"""From a token table and a model to one vector a token and layer.

A corpus is computed in pieces, and each distinct input of a piece once: a text with its words, a
word of a static file, a clip, an utterance with its words. One forward pass serves all layers.
"""

import gc
import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundscope.encoders.base import FAMILIES, Request, WordVectors
from groundscope.encoders.execution import Execution
from groundscope.encoders.from_audio import extract_audio, normalization
from groundscope.encoders.from_text import extract_text
from groundscope.encoders.options import resolve_options
from groundscope.errors import UserError

_LOG = logging.getLogger(__name__)


# Tokens that are computed together, about: a piece decides the batches, and so the last digits,
# whatever job computes it. What a job holds follows from it.
PIECE_TOKENS = 65_536


@dataclass(frozen=True)
class Extraction:
    """Vectors of all layers of one piece of a corpus, and what happened on the way.

    Attributes
    ----------
    token_ids
        Of the tokens of the piece, strings ``[tokens]``.
    rows
        For each token its row in the vectors, or -1 if it was dropped; int64 ``[tokens]``.
    vectors
        Layer -> float32 ``[rows, d]``; empty if all tokens were dropped.
    dropped
        Reason -> number of tokens, where there are any.
    counts
        Facts that are counts, which add up over pieces.
    facts
        For the metadata, counts left out; the same for all pieces.
    """

    token_ids: NDArray[np.str_]
    rows: NDArray[np.int64]
    vectors: Mapping[str, NDArray[np.float32]]
    dropped: Mapping[str, int]
    counts: Mapping[str, int]
    facts: Mapping[str, str]

    def layer(self, name: str) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
        """Token ids and vectors of one layer; tokens that were dropped are left out."""
        kept = self.rows >= 0
        return self.token_ids[kept], self.vectors[name][self.rows[kept]]


def pieces_of(tokens: pa.Table, reads: str) -> list[tuple[int, int]]:
    """Cut a token table into pieces of about `PIECE_TOKENS`, between recordings or texts.

    Parameters
    ----------
    tokens
        A token table.
    reads
        What the family reads: ``audio``, ``text`` or ``word``.

    Returns
    -------
    list of tuple
        Rows ``[first, last)`` of each piece; at least one.
    """
    column = tokens.column("audio" if reads == "audio" else "text").combine_chunks()
    codes = column.dictionary_encode().indices.fill_null(-1).to_numpy()
    changes = np.flatnonzero(np.diff(codes)) + 1
    starts = [0]
    while (place := int(np.searchsorted(changes, starts[-1] + PIECE_TOKENS))) < len(changes):
        starts.append(int(changes[place]))
    return list(zip(starts, [*starts[1:], tokens.num_rows], strict=True))


def family_options(model: str, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Import a model's family; check and complete its options.

    Parameters
    ----------
    model
        Name in the configuration, for messages.
    given
        Its section.

    Returns
    -------
    tuple
        The family's module and one value for every option.
    """
    family = str(given.get("family"))
    if family not in FAMILIES:
        message = f"models.{model}.family: {family!r} is not one of {', '.join(FAMILIES)}"
        raise UserError(message)
    with loading():
        module = importlib.import_module(FAMILIES[family])
    return module, resolve_options(model, family, module.OPTIONS, given)


def extract(
    tokens: pa.Table,
    family: Any,
    request: Request,
    execution: Execution,
    *,
    block: tuple[int, int] = (1, 1),
) -> Iterator[Extraction]:
    """Compute the vectors of all tokens, piece by piece.

    Parameters
    ----------
    tokens
        A token table.
    family
        A family's module.
    request
        What to load.
    execution
        How to compute; changes nothing in the result.
    block
        Which share of the pieces, from 1, of how many; a share may be empty.

    Raises
    ------
    UserError
        Bad weights, options, audio or texts.
    """
    number, of = block
    pieces = pieces_of(tokens, family.READS)
    mine = pieces[len(pieces) * (number - 1) // of : len(pieces) * number // of]
    if not mine:
        return
    with loading():
        encoder = family.load(request)
    if family.READS == "word":
        encoder = _Spread(encoder, request)
    for first, last in mine:
        if len(pieces) > 1:
            _LOG.info("tokens %d to %d of %d", first + 1, last, tokens.num_rows)
        yield _piece(tokens.slice(first, last - first), family.READS, encoder, request, execution)


@contextmanager
def loading() -> Iterator[None]:
    """Load without looking for garbage: what is loaded stays, and every look goes through it all.

    With transformers, that is a third of the time until the first batch.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _piece(
    tokens: pa.Table, reads: str, encoder: Any, request: Request, execution: Execution
) -> Extraction:
    token_ids = np.asarray(tokens.column("token_id").to_pylist(), dtype=np.str_)
    if reads == "word":
        rows, vectors, dropped = encoder.look_up(tokens.column("word").to_pylist())
        return Extraction(token_ids, rows, vectors, dropped, {}, encoder.facts)
    facts, dropped = dict(encoder.facts), {}
    if reads == "audio":
        rows, store, dropped, counts = extract_audio(tokens, encoder, request, execution)
        facts["normalization"] = normalization(encoder, request)
    else:
        rows, store, counts = extract_text(tokens, encoder, request, execution)
    dropped = {reason: number for reason, number in dropped.items() if number}
    return Extraction(token_ids, rows, store.vectors, dropped, counts, facts)


class _Spread:
    """Spreads static vectors over tokens; words without one are counted and listed."""

    def __init__(self, found: WordVectors, request: Request) -> None:
        self._found = found
        self._place = {word: row for row, word in enumerate(found.words)}
        missing = sorted(request.words - self._place.keys())
        if not self._place:
            message = f"none of the corpus's {len(missing)} words has a vector"
            raise UserError(message)
        if missing:
            more = ", ..." if len(missing) > 10 else ""
            some = ", ".join(missing[:10])
            _LOG.warning("%d words have no vector: %s%s", len(missing), some, more)
        self.facts = {**found.facts, "words_without_vector": str(len(missing))}

    def look_up(
        self, words: Sequence[str]
    ) -> tuple[NDArray[np.int64], Mapping[str, NDArray[np.float32]], dict[str, int]]:
        """Find the row of each word, the vectors, and dropped tokens by reason."""
        rows = np.array([self._place.get(word, -1) for word in words], dtype=np.int64)
        absent = int((rows < 0).sum())
        return rows, {"0": self._found.vectors}, {"no vector": absent} if absent else {}
