"""Recordings with transcripts whose words an aligner has found (`align_words`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from groundscope.columns import read_rows
from groundscope.corpora.audio import inspect_all, require_span
from groundscope.corpora.tokens import Corpus, Step, Token
from groundscope.errors import UserError
from groundscope.lexicon.records import numbers_where_possible, read_records
from groundscope.token_table import CORPUS_REPORT, TOKENS, read_tokens

_KNOWN = ("audio", "text", "speaker", "start", "end", "utterance")


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording, or a part of it, and what is said in it.

    Attributes
    ----------
    name
        Of the utterance, unique.
    where
        Manifest and row, for messages.
    audio
        Path of the recording.
    text
        What is said.
    speaker
        Who speaks, if known.
    start_s, end_s
        The part in seconds; both None for the whole recording.
    metadata
        Columns for each of its tokens.
    """

    name: str
    where: str
    audio: Path
    text: str
    speaker: str | None
    start_s: float | None
    end_s: float | None
    metadata: Mapping[str, Any]


def read_utterances(options: Mapping[str, Any], *, workers: int = 1) -> list[Utterance]:
    """Read a manifest and check every recording that it names.

    Parameters
    ----------
    options
        ``manifest``: a CSV, tab-separated or Parquet table with the columns ``audio`` and
        ``text`` and optionally ``speaker``, ``start``, ``end`` (seconds) and ``utterance`` (a
        name); all others become metadata. ``audio_folder``: what audio paths are relative to;
        the manifest's folder if absent.
    workers
        Threads that decode.

    Raises
    ------
    UserError
        Names the manifest and its row (the first row below the header is row 1).
    """
    manifest = Path(options["manifest"])
    folder = Path(options.get("audio_folder") or manifest.parent)
    rows = read_records(manifest, ["audio", "text"])
    if not rows:
        message = f"{manifest}: no rows below the header"
        raise UserError(message)
    further = [name for name in rows[0] if name not in _KNOWN]
    metadata = numbers_where_possible(rows, further)
    spans = numbers_where_possible(rows, [name for name in ("start", "end") if name in rows[0]])
    utterances = [
        _utterance(f"{manifest}, row {number}", row, folder, span, extra)
        for number, (row, span, extra) in enumerate(zip(rows, spans, metadata, strict=True), 1)
    ]
    files: dict[Path, str] = {}
    names: dict[str, str] = {}
    for each in utterances:
        files.setdefault(each.audio, each.where)
        if each.name in names:
            message = (
                f"{each.where}: utterance {each.name!r} is that of {names[each.name]} too: name "
                "each in a column 'utterance'"
            )
            raise UserError(message)
        names[each.name] = each.where
    recordings = inspect_all(files, workers=workers)
    for each in utterances:
        try:
            require_span(recordings[each.audio], each.start_s, each.end_s)
        except UserError as error:
            message = f"{each.where}: {error}"
            raise UserError(message) from error
    return utterances


def _utterance(
    where: str,
    row: Mapping[str, Any],
    folder: Path,
    span: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> Utterance:
    for name in ("audio", "text"):
        if not isinstance(row[name], str) or not row[name].strip():
            message = f"{where}: column {name!r}: {row[name]!r}, expected text"
            raise UserError(message)
    relative = PurePosixPath(row["audio"])
    if relative.is_absolute() or ".." in relative.parts:
        message = f"{where}: column 'audio': {row['audio']!r} leaves {folder}: set audio_folder"
        raise UserError(message)
    for name, value in span.items():
        if isinstance(value, str):
            message = f"{where}: column {name!r}: {value!r}, expected a number"
            raise UserError(message)
    start, end = span.get("start"), span.get("end")
    part = "" if start is None else f"/{start:.4f}"
    speaker = row.get("speaker")
    return Utterance(
        name=str(row.get("utterance") or f"{relative.with_suffix('')}{part}"),
        where=where,
        audio=folder / relative,
        text=row["text"],
        speaker=None if speaker is None else str(speaker),
        start_s=start,
        end_s=end,
        metadata=metadata,
    )


def load(words: Path, report: Path) -> Corpus:
    """Read what `align_words` wrote: its tokens, and its rows of the corpus report."""
    declared = [column.name for column in TOKENS]
    tokens = [
        Token(
            **{name: row[name] for name in declared},
            metadata={name: value for name, value in row.items() if name not in declared},
        )
        for row in read_tokens(words).to_pylist()
    ]
    return Corpus(tokens, _steps(read_rows(report, CORPUS_REPORT, "corpus report").to_pylist()))


def _steps(rows: Sequence[Mapping[str, Any]]) -> list[Step]:
    return [
        Step(**{name: value for name, value in row.items() if name not in ("corpus", "step")})
        for row in rows
    ]
