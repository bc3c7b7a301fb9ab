"""Labels of tokens: of their words, from a table, or from a column of the token table."""

import logging
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from groundscope.analysis.inputs import Selection
from groundscope.errors import UserError
from groundscope.records import as_text, lost_words, read_labelled_words
from groundscope.spelling import WordTable, unstressed


def read_word_labels(path: Path, column: str = "label") -> dict[str, str]:
    """Read a labelling: a table with columns word and label (or another that has the labels).

    Raises
    ------
    UserError
        Missing columns, an empty cell, or a word with two labels; the line is named.
    """
    labels: dict[str, str] = {}
    for place, word, label in read_labelled_words(path, column):
        if labels.setdefault(word, label) != label:
            message = f"{place}: {word!r} has two labels"
            raise UserError(message)
    return labels


def tell_lost(path: Path, listed: Mapping[str, str], words: Collection[str]) -> None:
    """Log what of a list of labelled words none of the analysed `words` is."""
    if lost := lost_words(listed.items(), set(words)):
        logging.warning("%s: %s", path, lost)


def token_labels(selection: Selection, options: Mapping[str, Any]) -> list[str | None]:
    """Label of each token, from a labelling of words or a column of the token table.

    Parameters
    ----------
    selection
        Selected rows of the token table.
    options
        ``words``, the file of words and labels, and ``label``, its column of labels; or ``column``
        of the token table, or ``first-phone``; ``min_words`` that a label must have.

    Raises
    ------
    UserError
        The column does not exist, or no token has a label.
    """
    tokens = selection.tokens
    words = tokens.column("word").to_pylist()
    column = options.get("column", "")
    if "words" in options:
        by_word = read_word_labels(Path(options["words"]), options.get("label", "label"))
        tell_lost(Path(options["words"]), by_word, words)
        table = WordTable(by_word.items())
        labels = [table.get(word) for word in words]
    elif column == "first-phone":
        spoken = tokens.column("phones").to_pylist()
        labels = [_first_phone(phones) for phones in spoken]
    elif column in tokens.column_names:
        values = tokens.column(column).to_pylist()
        labels = [None if _is_missing(value) else as_text(value) for value in values]
    else:
        message = (
            f"labellings: the token table has no column {column!r}; it has "
            f"{', '.join(tokens.column_names)}"
        )
        raise UserError(message)
    members: dict[str | None, set[str]] = {}
    for word, label in zip(words, labels, strict=True):
        members.setdefault(label, set()).add(word)
    fewest = options.get("min_words", 1)
    labels = [label if len(members[label]) >= fewest else None for label in labels]
    if all(label is None for label in labels):
        of_enough = f" of at least {fewest} words" if fewest > 1 else ""
        message = f"no analysed token has a label{of_enough} in {options.get('words', column)}"
        raise UserError(message)
    return labels


def _is_missing(value: Any) -> bool:
    """Whether a cell is empty; many programs write NaN into columns of numbers then."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _first_phone(phones: str | None) -> str | None:
    """First phone without its stress."""
    listed = (phones or "").split()
    return unstressed(listed[0]) if listed else None
