"""Published numbers beside ours: rows of the table replication."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundscope.errors import UserError
from groundscope.tables import QUOTED_SIZES, REPLICATION_KEYS, TABLES

_KEYS = tuple(column.name for column in REPLICATION_KEYS)
_NEEDED = ("table", "published", "reading", "source")
_OTHERS = (*_KEYS, "average", "reading_error")
# Tables whose rows the keys identify, with the columns that name the layer, or layers, of a row.
_LAYERS: Mapping[str, tuple[str, ...]] = {
    "cka": ("layer_a", "layer_b"),
    "pairs": ("layer",),
    "silhouette": ("layer",),
    "change_correlation": (),
}
# Keys of two layers, which are alike in either order.
_OTHER_SIDE = {
    "model_a": "model_b",
    "layer_a": "layer_b",
    "model_b": "model_a",
    "layer_b": "layer_a",
}

Row = Mapping[str, Any]
Published = Mapping[str, Any]


def read_published(path: Path) -> list[Published]:
    """Read published numbers: a CSV whose key columns name rows of our result tables.

    Parameters
    ----------
    path
        Columns ``table``, keys (columns of that table; an empty cell matches anything),
        ``average`` (empty, or ``layers``: the mean over the outputs of blocks, layers 1, 2, ..., of
        two models over those of one name), ``published``, ``reading_error`` (may be empty),
        ``reading`` and ``source``. A column that has only empty cells may be left out.

    Raises
    ------
    UserError
        Missing or unknown columns, a table or key that does not exist, or a cell that is no number
        or has no column; the line is named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = set(reader.fieldnames or ())
            if not set(_NEEDED) <= columns <= {*_NEEDED, *_OTHERS}:
                message = (
                    f"{path}: expected columns {', '.join(_NEEDED)}, and such of "
                    f"{', '.join(_OTHERS)} as are not empty; got {', '.join(sorted(columns))}"
                )
                raise UserError(message)
            return [_checked(row, f"{path}, line {reader.line_num}") for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{path} is not a readable CSV file in UTF-8 ({error})"
        raise UserError(message) from error


def replication_rows(
    published: Sequence[Published], found: Mapping[str, pa.Table]
) -> Iterator[dict[str, Any]]:
    """Make one row a published number.

    Parameters
    ----------
    published
        From `read_published`. Two models are found in either order.
    found
        Our result tables, by name. A number whose table or row is not there is ``not run``.

    Raises
    ------
    UserError
        A published number's keys match several of our rows.
    """
    rows = {name: table.to_pylist() for name, table in found.items()}
    for number in published:
        keys = {key: number[key] for key in _KEYS if number[key] is not None}
        averaged = _LAYERS[number["table"]] if number["average"] else ()
        have = [row for row in rows.get(number["table"], ()) if _enters(row, averaged)]
        turned = {_OTHER_SIDE.get(key, key): value for key, value in keys.items()}
        matches = _matching(have, keys) or _matching(have, turned)
        if len(matches) > len({tuple(row[column] for column in averaged) for row in matches}):
            message = (
                f"published number {number['published']} matches {len(matches)} rows of table "
                f"{number['table']!r}: expected more keys than {keys}"
            )
            raise UserError(message)
        ours = math.fsum(row["estimate"] for row in matches) / len(matches) if matches else None
        first: Row = matches[0] if matches else {}
        yield {
            **number,
            "ours": ours,
            "difference": None if ours is None else ours - number["published"],
            # which may be fewer than the paper has
            "n_layers": first.get("n_layers", len(matches) if averaged and matches else None),
            # an average is over layers of one analysis, which have the same sizes
            **{column.name: first.get(column.name) for column in QUOTED_SIZES},
            "status": "not run" if ours is None else "compared",
        }


def _enters(row: Row, averaged: Sequence[str]) -> bool:
    """Whether an average takes a row: the output of a block, of two models that of one name."""
    layers = {row[column] for column in averaged}
    return len(layers) <= 1 and all(name.isdecimal() and name != "0" for name in layers)


def _matching(rows: Sequence[Row], keys: Row) -> list[Row]:
    return [row for row in rows if all(row[key] == value for key, value in keys.items())]


def _checked(row: Mapping[str | None, str | None], where: str) -> Published:
    """One published number: empty cells are None, numbers are numbers."""
    if None in row:
        message = f"{where}: more cells than columns"
        raise UserError(message)
    number: dict[str, Any] = {name: row.get(name) or None for name in (*_NEEDED, *_OTHERS)}
    table = number["table"]
    if table not in _LAYERS:
        message = f"{where}: table {table!r} is not one of {', '.join(_LAYERS)}"
        raise UserError(message)
    legal = {column.name for column in TABLES[table]}
    for key in _KEYS:
        if number[key] is not None and key not in legal:
            message = f"{where}: table {table!r} has no column {key!r}"
            raise UserError(message)
    if number["average"] not in ({None, "layers"} if _LAYERS[table] else {None}):
        message = f"{where}: average {number['average']!r} is not legal for table {table!r}"
        raise UserError(message)
    for name in ("published", "reading_error"):
        if number[name] is not None or name == "published":
            number[name] = _number(number[name], f"{where}: {name}")
    for name in ("reading", "source"):
        if number[name] is None:
            message = f"{where}: {name} is empty"
            raise UserError(message)
    return number


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = f"{where} is {text!r}, expected a number"
        raise UserError(message)
    return value
