"""Columns of a Parquet table: names, types, units and meanings, written and read in one way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from groundscope.errors import UserError
from groundscope.files import atomic, damaged

Rows: TypeAlias = "pa.Table | Sequence[Mapping[str, Any]] | Mapping[str, Any]"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name
        As in the file.
    type
        ``string``, ``int64``, ``float64``, ``bool``, or ``list of float64``.
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


_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "list of float64": pa.list_(pa.float64()),
}


def schema(columns: Sequence[Column]) -> pa.Schema:
    """Arrow schema of `columns`; units and meanings are the fields' metadata."""
    return pa.schema(
        [
            pa.field(
                column.name,
                _TYPES[column.type],
                nullable=column.nullable,
                metadata={"unit": column.unit, "meaning": column.meaning},
            )
            for column in columns
        ]
    )


def write_rows(
    path: str | Path,
    columns: Sequence[Column],
    rows: Rows,
    *,
    further: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a table, whole or not at all.

    Parameters
    ----------
    path
        The Parquet file to make.
    columns
        What it must have.
    rows
        An Arrow table, a mapping of columns, or a sequence of mappings.
    further
        Keep columns beyond those declared, behind them.
    metadata
        Of the whole table.

    Raises
    ------
    ValueError
        A declared column is missing, undeclared, of another type, or null where it may not be.
    """
    wanted = schema(columns)
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
    if missing or (extra and not further):
        message = f"{path}: missing columns {missing}, undeclared columns {extra}"
        raise ValueError(message)
    fields = [*wanted, *(data.schema.field(name) for name in extra)]
    data = data.select([field.name for field in fields]).cast(pa.schema(fields, metadata))
    for field in wanted:
        if not field.nullable and data.column(field.name).null_count:
            message = f"{path}: column {field.name!r} has missing values"
            raise ValueError(message)
    with atomic(path) as beside:
        pq.write_table(data, beside, compression="zstd", write_page_checksum=True)


def read_rows(path: str | Path, columns: Sequence[Column], what: str) -> pa.Table:
    """Read a table that `write_rows` wrote; `what` it is goes into the message.

    Raises
    ------
    UserError
        The file is not readable, or has not these columns.
    """
    try:
        # not read_table, which imports a dataset layer, and pandas where it is installed
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            data = file.read()
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, "Parquet file", error) from error
    missing = [column.name for column in columns if column.name not in data.column_names]
    if missing:
        message = f"{path} is no {what}: columns {', '.join(missing)} are missing"
        raise UserError(message)
    return data
