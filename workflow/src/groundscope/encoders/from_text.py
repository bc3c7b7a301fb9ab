"""Word vectors from text encoders: each distinct text once, in batches of equal length."""

import logging
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from groundscope.encoders.base import Pieces, Request, TextEncoder
from groundscope.encoders.batching import MemoryGuard, batches_by_length
from groundscope.encoders.execution import Execution, LayerStore
from groundscope.encoders.pooling import Span, WordPooler
from groundscope.encoders.progress import Progress
from groundscope.errors import UserError

_LOG = logging.getLogger(__name__)
_TOKENIZED_TOGETHER = 4096
_NAMED = 10

Words = dict[Span | None, tuple[int, str]]


def plan_text(tokens: pa.Table, context: str) -> tuple[dict[str, Words], NDArray[np.int64]]:
    """Find the distinct texts and words of a token table.

    Parameters
    ----------
    tokens
        A token table.
    context
        ``word``: the word alone; ``text``: the word in its text.

    Returns
    -------
    tuple
        Text -> its words (characters, or None for a word alone) -> row and a token, and for each
        token the row of its word; int64 ``[tokens]``.

    Raises
    ------
    UserError
        A span is not within its text.
    """
    texts: dict[str, Words] = {}
    rows = []
    count = 0
    names = ("token_id", "word", "text", "char_start", "char_end")
    for token_id, word, text, begin, end in zip(
        *(tokens.column(name).to_pylist() for name in names), strict=True
    ):
        alone = context == "word"
        if not alone and not 0 <= begin < end <= len(text):
            message = (
                f"token {token_id!r}: characters {begin} to {end} are not within its text of "
                f"{len(text)} characters"
            )
            raise UserError(message)
        words = texts.setdefault(word if alone else text, {})
        span = None if alone else (begin, end)
        if span not in words:
            words[span] = (count, token_id)
            count += 1
        rows.append(words[span][0])
    return texts, np.array(rows, dtype=np.int64)


def piece_range(
    text: str,
    pieces: Pieces,
    span: Span | None,
    token_id: str,
    blanks: Collection[int] = frozenset(),
) -> tuple[int, int]:
    """Pieces ``[first, last)`` that overlap a word, from which a blank at an end is left out.

    The blank before a word can be a piece of its own, which has the word's first character too.
    A word that is nothing else keeps it.

    Parameters
    ----------
    text
        The text, for messages and for the extent of a word alone.
    pieces
        Its pieces.
    span
        Characters of the word; None: all of the text.
    token_id
        For messages.
    blanks
        Ids of blanks (see `encoders.base`).

    Raises
    ------
    UserError
        The word has no piece.
    """
    begin, end = span or (0, len(text))
    inside = [
        index
        for index, (first, last) in enumerate(pieces.offsets)
        if first < last and first < end and last > begin
    ]
    if not inside:
        word = text[int(begin) : int(end)]
        message = f"token {token_id!r}: the tokenizer makes no piece of {word!r}"
        raise UserError(message)
    named = [index for index in inside if pieces.ids[index] not in blanks] or inside
    return named[0], named[-1] + 1


def extract_text(
    tokens: pa.Table, encoder: TextEncoder, request: Request, execution: Execution
) -> tuple[NDArray[np.int64], LayerStore, dict[str, int]]:
    """Run a text encoder over all tokens.

    Returns
    -------
    tuple
        For each token its row, the vectors, counts for the metadata.

    Raises
    ------
    UserError
        Words of which the tokenizer knows no piece, which are all the same to the model; or a text
        that it cannot take.
    """
    texts, rows = plan_text(tokens, request.options["context"])
    pieces = _tokenize(encoder, list(texts), texts)
    ranges = {
        text: [
            piece_range(text, pieces[text], span, token_id, encoder.blanks)
            for span, (_, token_id) in words.items()
        ]
        for text, words in texts.items()
    }
    partly = _partly_unknown(encoder, request.model, texts, pieces, ranges)
    shared = _shared(pieces, texts, ranges)
    store = LayerStore(request, int(rows.max(initial=-1)) + 1)
    progress = Progress(len(texts), "texts")

    def run(batch: Sequence[str]) -> None:
        pooler = WordPooler(
            [ranges[text] for text in batch],
            request.options["pieces"],
            whole_inputs=request.options["context"] == "word",
        )
        places = [row for text in batch for row, _ in texts[text].values()]
        ids = torch.tensor([pieces[text].ids for text in batch], device=request.device)
        store.run(pooler, places, lambda: encoder.forward(ids, pooler))
        progress.add(len(batch))

    guarded = MemoryGuard(run, lambda text: f"the text {text[:40]!r}", lambda t: len(pieces[t].ids))
    order = list(texts)
    lengths = [len(pieces[text].ids) for text in order]
    for batch in batches_by_length(lengths, execution.batch_pieces, equal=True):
        guarded([order[index] for index in batch])
    progress.close()
    several = sum(last - first > 1 for words in ranges.values() for first, last in words)
    counts = {
        "words_of_several_pieces": several,
        "words_with_unknown_pieces": partly,
        "words_with_shared_pieces": shared,
        "inputs": len(texts),
    }
    return rows, store, counts


def _partly_unknown(
    encoder: TextEncoder,
    model: str,
    texts: Mapping[str, Words],
    pieces: Mapping[str, Pieces],
    ranges: Mapping[str, Sequence[tuple[int, int]]],
) -> int:
    """Count the words of which some pieces are unknown; refuse those of which all are."""
    names, partly = set(), 0
    for text, words in texts.items():
        for span, (first, last) in zip(words, ranges[text], strict=True):
            ids = pieces[text].ids[first:last]
            if encoder.unknown not in ids:
                continue
            partly += 1
            if {encoder.unknown, *encoder.blanks}.issuperset(ids):
                begin, end = span or (0, len(text))
                names.add(text[int(begin) : int(end)])
    if names:
        message = (
            f"models.{model}: its tokenizer knows no piece of {len(names)} words, which would all "
            f"have the vector of an unknown one: {_some(names)}; expected a corpus without them"
        )
        raise UserError(message)
    return partly


def _shared(
    pieces: Mapping[str, Pieces],
    texts: Mapping[str, Words],
    ranges: Mapping[str, Sequence[tuple[int, int]]],
) -> int:
    """Count the words with a piece that has letters or digits of another word, and name some."""
    names, shared = set(), 0
    for text, words in texts.items():
        for span, (first, last) in zip(words, ranges[text], strict=True):
            begin, end = map(int, span or (0, len(text)))
            offsets = pieces[text].offsets
            around = text[offsets[first][0] : begin] + text[end : offsets[last - 1][1]]
            if any(map(str.isalnum, around)):
                shared += 1
                names.add(text[begin:end])
    if shared:
        _LOG.warning("%d words share a piece with another word: %s", shared, _some(names))
    return shared


def _some(names: Collection[str]) -> str:
    """List the first of some words."""
    some = ", ".join(map(repr, sorted(names)[:_NAMED]))
    return some + (", ..." if len(names) > _NAMED else "")


def _tokenize(
    encoder: TextEncoder, order: Sequence[str], texts: Mapping[str, Words]
) -> dict[str, Pieces]:
    """Pieces of each text, all short enough for the model."""
    pieces: dict[str, Pieces] = {}
    for start in range(0, len(order), _TOKENIZED_TOGETHER):
        some = order[start : start + _TOKENIZED_TOGETHER]
        pieces.update(zip(some, encoder.tokenize(some), strict=True))
    for text, found in pieces.items():
        if len(found.ids) > encoder.longest:
            token_id = next(iter(texts[text].values()))[1]
            message = (
                f"token {token_id!r}: its text has {len(found.ids)} pieces, the model takes "
                f"{encoder.longest}"
            )
            raise UserError(message)
    return pieces
