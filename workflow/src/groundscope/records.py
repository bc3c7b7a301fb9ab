"""Tables that people bring: CSV, tab-separated text and Parquet, read as rows of named values."""

import csv
import io
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundscope.errors import UserError
from groundscope.spelling import composed, spellings

Row = dict[str, Any]

# a number as people write one; 007 is a name
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")


def read_records(
    path: str | Path, required: Sequence[str] = (), *, as_given: Collection[str] = ()
) -> list[Row]:
    """Read the rows of a table.

    Parameters
    ----------
    path
        ``.csv`` (commas), ``.tsv`` and ``.txt`` (tabs), each UTF-8 with a header line, or
        ``.parquet``; in any capitals.
    required
        Columns that must exist.
    as_given
        Columns whose values keep the blanks around them.

    Returns
    -------
    list of dict
        Strings have no blanks around them and are ``None`` where empty, as numbers are that are
        NaN; text files have strings only.

    Raises
    ------
    UserError
        The file is missing, unreadable, not UTF-8, ragged, has two columns of one name, or lacks a
        required column (the columns that it has are named).
    """
    return [row for _, row in _placed_records(Path(path), required, as_given)]


def read_labelled_words(path: str | Path, column: str = "label") -> list[tuple[str, str, str]]:
    """Read words and their labels, from a table as `read_records` takes it.

    Parameters
    ----------
    path
        Table with the column ``word``.
    column
        Its column of labels.

    Returns
    -------
    list of (place, word, label)
        The file and line, for messages; the word as in token tables (Unicode's form C); its label.

    Raises
    ------
    UserError
        As `read_records`, or a word or label is empty.
    """
    found = []
    for place, row in _placed_records(Path(path), ("word", column)):
        if row["word"] is None or row[column] is None:
            message = f"{place}: word or {column} is empty"
            raise UserError(message)
        found.append((place, composed(as_text(row["word"])), as_text(row[column])))
    return found


def lost_words(listed: Iterable[tuple[str, str]], words: Collection[str]) -> str:
    """Say how many words of a list of labelled words are lost, and which groups none is left of.

    Parameters
    ----------
    listed
        Words and labels; a word may have several.
    words
        Those of the corpus, distinct.

    Returns
    -------
    str
        Empty where the corpus has all.
    """
    labels: dict[str, set[str]] = {}
    pairs = list(listed)
    for word, label in pairs:
        labels.setdefault(word, set()).add(label)
    found = spellings(labels, words)
    lost = [word for word in labels if word not in found]
    if not lost:
        return ""
    left = {label for word in found for label in labels[word]}
    groups = [label for label in dict.fromkeys(label for _, label in pairs) if label not in left]
    return (
        f"{len(labels) - len(lost)} of {len(labels)} listed words have tokens, not "
        f"{', '.join(map(repr, lost[:3]))}{', ...' if len(lost) > 3 else ''}"
        f"{'; no word of ' * bool(groups)}{', '.join(groups)}"
    )


def _placed_records(
    file: Path, required: Sequence[str], as_given: Collection[str] = ()
) -> list[tuple[str, Row]]:
    """Rows, each with its place for messages."""
    names, rows = _parquet(file) if suffix_of(file) == ".parquet" else _text(file)
    for name in names:
        if name and names.count(name) > 1:
            message = f"{file}: column {name!r} occurs {names.count(name)} times; expected once"
            raise UserError(message)
    for column in required:
        if column not in names:
            message = f"{file}: no column {column!r}; its columns are {', '.join(names)}"
            raise UserError(message)
    found: list[tuple[str, Row]] = []
    for place, values in rows:
        given = dict(zip(names, values, strict=True))
        row = {name: _bare(value) for name, value in given.items()}
        row |= {name: given[name] for name in as_given if row.get(name) is not None}
        found.append((place, row))
    return found


def _bare(value: Any) -> Any:
    """Take the blanks around a text away; None if nothing is left, as for NaN.

    Many programs write NaN into columns of numbers where one is missing.
    """
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.strip() or None if isinstance(value, str) else value


def suffix_of(file: str | Path) -> str:
    """Return the suffix of a file's name in lower case, which says how a table is read."""
    return Path(file).suffix.lower()


def as_number(value: Any) -> float | None:
    """Return the finite number that a value is; None if it is none, as digits with underscores."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    joined = isinstance(value, str) and "_" in value  # which Python takes for a number
    return number if math.isfinite(number) and not joined else None


def as_text(value: Any) -> str:
    """Write a value as text; whole numbers without a point.

    Many programs turn a column of whole numbers into floats as soon as one is missing.
    """
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value)


def _parquet(file: Path) -> tuple[list[str], list[tuple[str, Sequence[Any]]]]:
    _require_file(file)
    try:
        table = pq.read_table(file)
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{file} is not a readable Parquet file ({str(error).splitlines()[0]})"
        raise UserError(message) from error
    columns = [
        _values(file, *column) for column in zip(table.column_names, table.columns, strict=True)
    ]
    rows = enumerate(zip(*columns, strict=True), start=1)
    return table.column_names, [(f"{file}, row {number}", values) for number, values in rows]


def _values(file: Path, name: str, column: pa.ChunkedArray) -> list[Any]:
    # Python's times have no nanoseconds
    if pa.types.is_nested(column.type) or getattr(column.type, "unit", "") == "ns":
        message = f"{file}: column {name!r} has values of {column.type}; expected text or numbers"
        raise UserError(message)
    values: list[Any] = column.to_pylist()
    return values


def _text(file: Path) -> tuple[list[str], list[tuple[str, Sequence[Any]]]]:
    # the reader takes line ends of any kind, and leaves those inside quotes as they are
    lines = io.StringIO(_read_text(file), newline="")
    if suffix_of(file) == ".csv":
        reader = csv.reader(lines)
    else:
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    rows: list[tuple[str, Sequence[Any]]] = []
    try:
        header = next(reader, None)
        if not header:
            message = f"{file} is empty: expected a header line with column names"
            raise UserError(message)
        names = [name.strip() for name in header]
        for cells in reader:
            place = f"{file}, line {reader.line_num}"
            if not any(cells):
                continue
            if len(cells) != len(names):
                message = f"{place}: {len(cells)} values, but the header names {len(names)} columns"
                raise UserError(message)
            rows.append((place, cells))
    except csv.Error as error:
        message = f"{file}, line {reader.line_num}: not readable ({error})"
        raise UserError(message) from error
    return names, rows


def read_lines(path: str | Path) -> list[str]:
    """Read the lines of a UTF-8 text, without line ends.

    Raises
    ------
    UserError
        The file is missing or not UTF-8.
    """
    # one kind of line end is made of all: a published list has bare carriage returns
    text = _read_text(Path(path)).replace("\r\n", "\n").replace("\r", "\n")
    return text.rstrip("\n").split("\n")


def _require_file(file: Path) -> None:
    if not file.is_file():
        message = f"{file} does not exist or is no file"
        raise UserError(message)


def _read_text(file: Path) -> str:
    _require_file(file)
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8"
        raise UserError(message) from error


def numbers_where_possible(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Row]:
    """Columns `names` of `rows`, as floats where every value present is a number.

    A column stays text if a single value is not a number, or is a whole one that no float is, so
    that no value changes its meaning.
    """
    columns = {name: [row[name] for row in rows] for name in names}
    for name, values in columns.items():
        parsed = _as_floats({value for value in values if value is not None})
        if parsed is not None:
            columns[name] = [None if value is None else parsed[value] for value in values]
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ] or [{} for _ in rows]


def _as_floats(values: Collection[Any]) -> dict[str, float] | None:
    """Give the number that each text is; None if one is no number that a float can be."""
    if not all(isinstance(value, str) and _NUMBER.fullmatch(value) for value in values):
        return None
    try:
        parsed = {value: float(value) for value in values}
    except ValueError:
        return None
    exact = all(int(text) == number for text, number in parsed.items() if text.isdecimal())
    return parsed if exact else None
