"""Manifests of recordings: rows that name a recording, and what may be wrong with either."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from groundscope.corpora.audio import inspect_all, require_span
from groundscope.errors import UserError
from groundscope.records import as_number, as_text, numbers_where_possible, read_records


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a manifest.

    Attributes
    ----------
    where
        Manifest and row, for messages.
    folder
        What audio paths are relative to.
    values
        Every column; None where it is empty.
    metadata
        The columns whose meaning is not known, with numbers where all rows have numbers.
    """

    where: str
    folder: Path
    values: Mapping[str, Any]
    metadata: Mapping[str, Any]

    def wrong(self, message: str) -> UserError:
        """Say where `message` is about."""
        return UserError(f"{self.where}: {message}")

    def required(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.values[name]
        if not isinstance(value, str) or not value.strip():
            message = f"column {name!r}: {value!r}, expected text"
            raise self.wrong(message)
        return value

    def text(self, name: str) -> str | None:
        """Return a text, if there is one."""
        value = self.values.get(name)
        return None if value is None else as_text(value)

    def number(self, name: str) -> float | None:
        """Return a finite number, if there is one."""
        value = self.values.get(name)
        if value is None:
            return None
        number = as_number(value)
        if number is None:
            message = f"column {name!r}: {value!r}, expected a number"
            raise self.wrong(message)
        return number

    def whole_number(self, name: str) -> int | None:
        """Return a whole number, if there is one."""
        number = self.number(name)
        if number is None or number.is_integer():
            return None if number is None else int(number)
        message = f"column {name!r}: {number:g}, expected a whole number"
        raise self.wrong(message)

    def recording(self) -> str:
        """Return the path of the recording below `folder`, which it may not leave.

        Relative paths are returned as they are written; absolute ones are made relative.
        """
        written = self.required("audio")
        path = PurePosixPath(written)
        if not path.is_absolute() and ".." not in path.parts:
            return written
        root, file = self.folder.resolve(), Path(path).resolve()
        if path.is_absolute() and file.is_relative_to(root):
            return file.relative_to(root).as_posix()
        message = (
            f"column 'audio': {written!r} leaves {root}: set audio_folder to a folder that all "
            "recordings are in, and write their paths relative to it, or absolute"
        )
        raise self.wrong(message)

    def audio(self) -> Path:
        """Return the path of the recording."""
        return self.folder / self.recording()


def read_manifest(
    options: Mapping[str, Any],
    required: Iterable[str],
    known: Iterable[str],
    *,
    as_given: Collection[str] = (),
) -> list[Row]:
    """Read the rows of a manifest.

    Parameters
    ----------
    options
        ``manifest``: a CSV, tab-separated or Parquet table. ``audio_folder``: what audio paths are
        relative to; the manifest's folder if absent.
    required
        Columns that must exist.
    known
        Columns that are not metadata.
    as_given
        Columns whose values keep the blanks around them.

    Raises
    ------
    UserError
        The table is unreadable, lacks a column, or has no rows.
    """
    manifest = Path(options["manifest"])
    folder = Path(options.get("audio_folder") or manifest.parent)
    rows = read_records(manifest, list(required), as_given=as_given)
    if not rows:
        message = f"{manifest}: no rows below the header"
        raise UserError(message)
    meant = set(known)
    metadata = numbers_where_possible(rows, [name for name in rows[0] if name not in meant])
    return [
        Row(f"{manifest}, row {number}", folder, values, extra)
        for number, (values, extra) in enumerate(zip(rows, metadata, strict=True), start=1)
    ]


@dataclass(frozen=True, slots=True)
class Part:
    """A recording, or a part of it in seconds, and the place that names it."""

    where: str
    audio: Path
    start_s: float | None
    end_s: float | None


def check_recordings(parts: Iterable[Part], *, workers: int = 1) -> None:
    """Decode every recording once, in `workers` threads; check that each part is inside its own.

    Raises
    ------
    UserError
        Names the first place whose recording cannot be read or is too short.
    """
    listed = list(parts)
    files: dict[Path, str] = {}
    for part in listed:
        files.setdefault(part.audio, part.where)
    recordings = inspect_all(files, workers=workers)
    for part in listed:
        try:
            require_span(recordings[part.audio], part.start_s, part.end_s)
        except UserError as error:
            message = f"{part.where}: {error}"
            raise UserError(message) from error
