"""Recordings with transcripts whose words an aligner has found (`align_words`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from groundscope.columns import read_rows
from groundscope.corpora.manifests import Part, Row, check_recordings, read_manifest
from groundscope.corpora.tokens import Corpus, Step, Token
from groundscope.errors import UserError
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
    rows = read_manifest(options, ("audio", "text"), _KNOWN)
    utterances = [_utterance(row) for row in rows]
    names: dict[str, str] = {}
    for each in utterances:
        if each.name in names:
            message = (
                f"{each.where}: utterance {each.name!r} is that of {names[each.name]} too: name "
                "each in a column 'utterance'"
            )
            raise UserError(message)
        names[each.name] = each.where
    parts = [Part(each.where, each.audio, each.start_s, each.end_s) for each in utterances]
    check_recordings(parts, workers=workers)
    return utterances


def _utterance(row: Row) -> Utterance:
    audio, text, start = row.audio(), row.required("text"), row.number("start")
    part = "" if start is None else f"/{start:.4f}"
    unnamed = f"{PurePosixPath(row.recording()).with_suffix('')}{part}"
    return Utterance(
        name=row.text("utterance") or unnamed,
        where=row.where,
        audio=audio,
        text=text,
        speaker=row.text("speaker"),
        start_s=start,
        end_s=row.number("end"),
        metadata=row.metadata,
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
