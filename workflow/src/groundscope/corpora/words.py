"""Words and the templates that they are put into; the span is known by construction."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundscope.errors import UserError
from groundscope.records import as_text, read_lines, read_records, suffix_of

_SLOT = "{word}"
_TABLES = frozenset({".csv", ".tsv", ".parquet"})


def read_words(source: Sequence[str] | Mapping[str, Any]) -> dict[str, list[str | None]]:
    """Distinct words in the order of their first appearance, each with its groups.

    Parameters
    ----------
    source
        A list of words, or ``{file, column, group}``: a table, its word column, and optionally
        the column that chooses the words' templates. A ``.txt`` file without `column` has one
        word a line.

    Raises
    ------
    UserError
        No words, an empty one, one that is no text, or a table without `column`; the file and row
        are named.
    """
    if isinstance(source, Mapping):
        where = f"words.file {source['file']}"
        pairs = _file_words(source)
    else:
        where = "words"
        pairs = [(word, None) for word in source]
    words: dict[str, list[str | None]] = {}
    for row, (word, group) in enumerate(pairs, start=1):
        if word is not None and not isinstance(word, str):
            message = f"{where}: word {row} is {word!r}, expected text"
            raise UserError(message)
        if not word or not word.strip():
            message = f"{where}: word {row} is empty"
            raise UserError(message)
        groups = words.setdefault(word.strip(), [])
        if group not in groups:
            groups.append(group)
    if not words:
        message = f"{where}: no words"
        raise UserError(message)
    return words


def _file_words(source: Mapping[str, Any]) -> list[tuple[Any, str | None]]:
    column, group = source.get("column"), source.get("group")
    if column is None:
        if suffix_of(source["file"]) in _TABLES:
            message = (
                f"words.file {source['file']}: set words.column to the table's column of words "
                "(only a .txt without it has a word a line)"
            )
            raise UserError(message)
        return [(line, None) for line in read_lines(source["file"]) if line]
    rows = read_records(source["file"], [column] if group is None else [column, group])
    groups = [None if group is None else row[group] for row in rows]
    return [
        (row[column], None if each is None else as_text(each))
        for row, each in zip(rows, groups, strict=True)
    ]


def contexts(
    words: Mapping[str, Sequence[str | None]],
    templates: Sequence[str] | Mapping[str, Sequence[str]],
) -> list[tuple[str, str, int]]:
    """Put words into templates.

    Parameters
    ----------
    words
        Words and their groups, as `read_words` returns them; a word of two groups is put into the
        templates of both, once into one that both have.
    templates
        Texts with ``{word}`` once each, for all words or for each group.

    Returns
    -------
    list of (word, text, char_start)
        Each word in each of its templates, in order.

    Raises
    ------
    UserError
        A template has not exactly one slot, or a word's group has no templates.
    """
    placed = []
    for word, groups in words.items():
        for template in _of_groups(word, groups, templates):
            before, slot, after = template.partition(_SLOT)
            if not slot or _SLOT in after:
                message = f"templates: {template!r} must contain {_SLOT} exactly once"
                raise UserError(message)
            placed.append((word, before + word + after, len(before)))
    return placed


def _of_groups(
    word: str,
    groups: Sequence[str | None],
    templates: Sequence[str] | Mapping[str, Sequence[str]],
) -> Sequence[str]:
    if not isinstance(templates, Mapping):
        return templates
    chosen: list[str] = []
    for group in groups:
        if group is None or group not in templates:
            message = (
                f"templates: word {word!r} is in group {group!r}, which has none; "
                f"there are templates for {', '.join(templates)}"
            )
            raise UserError(message)
        chosen += [template for template in templates[group] if template not in chosen]
    return chosen
