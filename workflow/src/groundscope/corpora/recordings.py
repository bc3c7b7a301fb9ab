"""Corpora that a manifest describes: one row a word token."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from groundscope.corpora.audio import inspect_all, require_span
from groundscope.corpora.tokens import Corpus, Token, require_unique
from groundscope.errors import UserError
from groundscope.lexicon.records import numbers_where_possible, read_records

_SPAN = ("start", "end")
_CONTEXT = ("text", "char_start", "char_end")
_KNOWN = ("token_id", "word", "speaker", "audio", "phones", *_SPAN, *_CONTEXT)


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
    manifest = Path(options["manifest"])
    folder = Path(options.get("audio_folder") or manifest.parent)
    rows = read_records(manifest, ["audio", "word"])
    if not rows:
        message = f"{manifest}: no rows below the header"
        raise UserError(message)
    further = [name for name in rows[0] if name not in _KNOWN]
    metadata = numbers_where_possible(rows, further)
    tokens = []
    for number, (row, extra) in enumerate(zip(rows, metadata, strict=True), start=1):
        try:
            tokens.append(_token(row, folder, extra))
        except UserError as error:
            raise _located(manifest, number, error) from error
    _check_audio(manifest, tokens, workers)
    require_unique(tokens, str(manifest))
    return Corpus(tokens)


def _located(manifest: Path, number: int, error: UserError) -> UserError:
    return UserError(f"{manifest}, row {number}: {error}")


def _check_audio(manifest: Path, tokens: Sequence[Token], workers: int) -> None:
    files: dict[Path, str] = {}
    for number, token in enumerate(tokens, start=1):
        files.setdefault(Path(str(token.audio)), f"{manifest}, row {number}")
    recordings = inspect_all(files, workers=workers)
    for number, token in enumerate(tokens, start=1):
        try:
            require_span(recordings[Path(str(token.audio))], token.start_s, token.end_s)
        except UserError as error:
            raise _located(manifest, number, error) from error


def _token(row: Mapping[str, Any], folder: Path, metadata: Mapping[str, Any]) -> Token:
    word, audio = row["word"], row["audio"]
    for name, value in (("word", word), ("audio", audio)):
        if not isinstance(value, str) or not value.strip():
            message = f"column {name!r}: {value!r}, expected text"
            raise UserError(message)
    relative = PurePosixPath(audio)
    if relative.is_absolute() or ".." in relative.parts:
        message = f"column 'audio': {audio!r} leaves {folder}: set audio_folder"
        raise UserError(message)
    start, end = (_number(row, name) for name in _SPAN)
    text, char_start, char_end = _context(row, word)
    span = "" if start is None else f"/{start:.4f}"
    return Token(
        token_id=row.get("token_id") or f"{audio}{span}/{word}",
        word=word,
        text=text,
        char_start=char_start,
        char_end=char_end,
        speaker=_text(row.get("speaker")),
        audio=str(folder / relative),
        start_s=start,
        end_s=end,
        phones=_text(row.get("phones")),
        metadata=metadata,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        message = f"column {name!r}: {value!r}, expected a number"
        raise UserError(message)
    return number


def _context(row: Mapping[str, Any], word: str) -> tuple[str, int, int]:
    """Text and character span; the span is never searched for, since words can occur twice."""
    text = row.get("text")
    if text is None:
        return word, 0, len(word)
    start, end = _number(row, "char_start"), _number(row, "char_end")
    if start is None or end is None:
        if text == word:
            return word, 0, len(word)
        message = "column 'text' needs char_start and char_end, unless it is the word alone"
        raise UserError(message)
    if not 0 <= start < end <= len(text):
        message = f"characters {start:g} to {end:g} are not inside the text ({len(text)} long)"
        raise UserError(message)
    return str(text), int(start), int(end)
