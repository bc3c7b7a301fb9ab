"""Ratings and counts of words, from published tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.records import as_number, read_records
from groundscope.spelling import WordTable

Norms = WordTable[dict[str, float]]


def read_norms(options: Mapping[str, Any]) -> Norms:
    """Read numbers of words.

    Parameters
    ----------
    options
        ``file``; ``word``: its word column; ``columns``: new name -> column of the file.

    Returns
    -------
    WordTable
        New name -> value, of each word. Values that are missing in the file are left out.

    Raises
    ------
    UserError
        A column is missing, or a value is not a number; file, word and column are named.
    """
    file, key = Path(options["file"]), str(options["word"])
    columns: Mapping[str, str] = options["columns"]
    found: list[tuple[str, dict[str, float]]] = []
    for row in read_records(file, [key, *columns.values()]):
        word = row[key]
        if word is None:
            continue
        values: dict[str, float] = {}
        for name, column in columns.items():
            if row[column] is None or row[column] in ("NA", "n/a"):
                continue
            number = as_number(row[column])
            if number is None:
                message = f"{file}: {column} of {word!r} is {row[column]!r}, expected a number"
                raise UserError(message)
            values[name] = number
        found.append((str(word), values))
    return WordTable(found)
