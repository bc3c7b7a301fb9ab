"""Every result table: its columns, their types, units and meanings; one writer, one reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundscope.errors import UserError
from groundscope.files import atomic


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name
        As in the file.
    type
        ``string``, ``int64``, ``float64`` or ``bool``.
    meaning
        For people; ends up in the column reference.
    unit
        Of the values; empty for names, counts and plain scores.
    nullable
        Whether the value may be missing; `meaning` says when it is.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    nullable: bool = False


_KEYS = (
    Column("corpus", "string", "corpus, as named in the configuration"),
    Column("model", "string", "model, as named in the configuration"),
    Column("layer", "string", "layer: 0 enters the first block, k leaves block k; or its name"),
)
_SIZES = (
    Column("n_tokens", "int64", "word tokens that entered the number"),
    Column("n_types", "int64", "distinct words among them"),
)
_INTERVAL = (
    Column("estimate", "float64", "the number"),
    Column("standard_error", "float64", "its standard error", nullable=True),
    Column("ci_low", "float64", "lower end of the 95% interval", nullable=True),
    Column("ci_high", "float64", "upper end of the 95% interval", nullable=True),
)
_NULL = (
    Column("null_mean", "float64", "mean of the estimate when labels are permuted", nullable=True),
    Column("null_high", "float64", "95th percentile of the same", nullable=True),
    Column("p_value", "float64", "one-sided permutation p", nullable=True),
)

TABLES: Mapping[str, tuple[Column, ...]] = {
    "tokens": (
        Column("token_id", "string", "stable name of the word token, unique in the corpus"),
        Column("word", "string", "the word type, as compared between models"),
        Column("speaker", "string", "who speaks", nullable=True),
        Column("audio", "string", "path of the recording; missing in text corpora", nullable=True),
        Column("start_s", "float64", "begin of the word in the recording", "s", nullable=True),
        Column("end_s", "float64", "end of the word in the recording", "s", nullable=True),
        Column("text", "string", "text that the word stands in (the word alone if no context)"),
        Column("char_start", "int64", "begin of the word in `text`", "characters"),
        Column("char_end", "int64", "end of the word in `text` (exclusive)", "characters"),
        Column("phones", "string", "phones, separated by spaces, where known", nullable=True),
    ),
}

_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
}


def schema(table: str) -> pa.Schema:
    """Arrow schema of a table; units and meanings are the fields' metadata."""
    return pa.schema(
        [
            pa.field(
                column.name,
                _TYPES[column.type],
                nullable=column.nullable,
                metadata={"unit": column.unit, "meaning": column.meaning},
            )
            for column in TABLES[table]
        ]
    )


def write_table(
    path: str | Path, table: str, rows: pa.Table | Sequence[Mapping[str, Any]] | Mapping[str, Any]
) -> None:
    """Write a table, whole or not at all.

    Parameters
    ----------
    path
        The Parquet file to make.
    table
        A key of `TABLES`.
    rows
        An Arrow table, a mapping of columns, or a sequence of mappings. Columns beyond those
        declared are kept for ``tokens`` (free metadata) and refused for every other table.

    Raises
    ------
    ValueError
        A declared column is missing, undeclared, of another type, or null where it may not be.
    """
    wanted = schema(table)
    if isinstance(rows, pa.Table):
        data = rows
    elif isinstance(rows, Mapping):
        data = pa.table(dict(rows))
    elif rows:
        data = pa.Table.from_pylist([dict(row) for row in rows])
    else:
        data = wanted.empty_table()
    missing = [name for name in wanted.names if name not in data.column_names]
    extra = [name for name in data.column_names if name not in wanted.names]
    if missing or (extra and table != "tokens"):
        message = f"table {table!r}: missing columns {missing}, undeclared columns {extra}"
        raise ValueError(message)
    fields = [*wanted, *(data.schema.field(name) for name in extra)]
    data = data.select([field.name for field in fields]).cast(pa.schema(fields))
    for field in wanted:
        if not field.nullable and data.column(field.name).null_count:
            message = f"table {table!r}: column {field.name!r} has missing values"
            raise ValueError(message)
    with atomic(path) as beside:
        pq.write_table(data, beside, compression="zstd")


def read_table(path: str | Path, table: str) -> pa.Table:
    """Read a table that `write_table` wrote.

    Raises
    ------
    UserError
        The file is not a readable table of that name.
    """
    wanted = schema(table)
    try:
        data = pq.read_table(path)
        missing = [name for name in wanted.names if name not in data.column_names]
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{path} is not a readable Parquet file ({error}): delete it and rerun"
        raise UserError(message) from error
    if missing:
        message = f"{path} is no {table!r} table: columns {missing} are missing"
        raise UserError(message)
    return data
