"""Corpora that a manifest describes: one row a word token."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

from groundscope.corpora.manifests import Part, Row, check_recordings, read_manifest
from groundscope.corpora.tokens import Corpus, Token, require_unique
from groundscope.spelling import same_word

_CONTEXT = ("text", "char_start", "char_end")
_KNOWN = ("token_id", "word", "speaker", "audio", "phones", "start", "end", *_CONTEXT)


def load(options: Mapping[str, Any], *, workers: int = 1) -> Corpus:
    """Read a manifest and check every recording that it names.

    Parameters
    ----------
    options
        ``manifest``: a CSV, tab-separated or Parquet table with the columns ``audio`` and
        ``word`` and optionally ``start``, ``end`` (seconds), ``speaker``, ``text``,
        ``char_start``, ``char_end``, ``phones``, ``token_id``; all others become metadata.
        ``audio_folder``: what audio paths are relative to; the manifest's folder if absent.
    workers
        Threads that decode.

    Raises
    ------
    UserError
        Names the manifest and its row (the first row below the header is row 1).
    """
    rows = read_manifest(options, ("audio", "word"), _KNOWN, as_given=("text",))
    tokens = _named_apart([_token(row) for row in rows], rows)
    parts = [
        Part(row.where, row.audio(), token.start_s, token.end_s)
        for row, token in zip(rows, tokens, strict=True)
    ]
    check_recordings(parts, workers=workers)
    require_unique(tokens, str(options["manifest"]))
    return Corpus(tokens)


def _named_apart(tokens: Sequence[Token], rows: Sequence[Row]) -> list[Token]:
    """Name tokens without an id by their end, too, where one that ends earlier has their name.

    The earliest keeps it, so that rows which are added later seldom change an id.
    """
    unnamed = [row.text("token_id") is None for row in rows]
    first: dict[str, tuple[float, float]] = {}
    for token in compress(tokens, unnamed):
        first[token.token_id] = min(_span(token), first.get(token.token_id, _span(token)))
    return [
        replace(token, token_id=f"{row.recording()}/{token.start_s}-{token.end_s}/{token.word}")
        if own and _span(token) != first[token.token_id]
        else token
        for token, row, own in zip(tokens, rows, unnamed, strict=True)
    ]


def _span(token: Token) -> tuple[float, float]:
    return token.start_s or 0.0, token.end_s or 0.0


def _token(row: Row) -> Token:
    word, audio = row.required("word"), row.audio()
    start, end = row.number("start"), row.number("end")
    text, char_start, char_end = _context(row, word)
    span = "" if start is None else f"/{start:.4f}"
    return Token(
        token_id=row.text("token_id") or f"{row.recording()}{span}/{word}",
        word=word,
        text=text,
        char_start=char_start,
        char_end=char_end,
        speaker=row.text("speaker"),
        audio=str(audio),
        start_s=start,
        end_s=end,
        phones=row.text("phones"),
        metadata=row.metadata,
    )


def _context(row: Row, word: str) -> tuple[str, int, int]:
    """Text and character span; the span is never searched for, since words can occur twice.

    Characters are counted in the text as it is given, with the blanks around it.
    """
    text = row.text("text")
    if text is None:
        return word, 0, len(word)
    start, end = row.whole_number("char_start"), row.whole_number("char_end")
    if start is None or end is None:
        if text.strip() == word:
            return word, 0, len(word)
        message = "column 'text' needs char_start and char_end, unless it is the word alone"
        raise row.wrong(message)
    if not 0 <= start < end <= len(text):
        message = f"characters {start} to {end} are not inside the text ({len(text)} long)"
        raise row.wrong(message)
    if not same_word(text[start:end], word):
        message = (
            f"characters {start} to {end} of the text are {text[start:end]!r}, expected the word "
            f"{word!r} (the first character is 0, and char_end is behind the last)"
        )
        raise row.wrong(message)
    return text, start, end
