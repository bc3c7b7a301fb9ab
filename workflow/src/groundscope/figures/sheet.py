"""A table of the summary, and how its rows and numbers are made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from groundscope.figures.selection import Row, written


@dataclass(frozen=True)
class Sheet:
    """One table of the summary.

    Attributes
    ----------
    title
        Above it.
    note
        How to read it.
    columns
        Their heads.
    rows
        Cells: text, or numbers, which sort as numbers.
    sentences
        The rows in words.
    """

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    sentences: Sequence[str] = ()


def groups_of(rows: Sequence[Row], *keys: str) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """Rows of each combination of `keys`, sorted."""

    def key(row: Row) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in keys)

    for values, part in groupby(sorted(rows, key=key), key):
        yield values, list(part)


def interval(row: Row) -> str:
    """Write the ends of the 95% interval."""
    if row["ci_low"] is None or row["ci_high"] is None:
        return "none"
    return f"{written(row['ci_low'])} to {written(row['ci_high'])}"
