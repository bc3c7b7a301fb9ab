"""Tables that people bring, and the numbers of words in them."""

from pathlib import Path

import pytest

from groundscope.errors import UserError
from groundscope.lexicon.norms import read_norms
from groundscope.lexicon.records import numbers_where_possible, read_records


def test_norms(tmp_path: Path) -> None:
    """Words in any case, the first row of a word, missing values left out."""
    file = tmp_path / "n.txt"
    file.write_text("Word\tConc.M\nDog\t4.85\ndog\t1\nhope\tNA\njoy\t\n", encoding="utf-8")
    options = {"file": file, "word": "Word", "columns": {"concreteness": "Conc.M"}}
    assert read_norms(options) == {"dog": {"concreteness": 4.85}, "hope": {}, "joy": {}}
    file.write_text("Word\tConc.M\ndog\thigh\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"Conc\.M of 'dog' is 'high', expected a number"):
        read_norms(options)
    file.write_text("Word\tM\ndog\t1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"no column 'Conc\.M'; its columns are Word, M"):
        read_norms(options)


def test_line_ends_and_quotes(tmp_path: Path) -> None:
    """Bare carriage returns, a byte order mark, and a quoted line end inside a value."""
    file = tmp_path / "n.csv"
    file.write_bytes(b'\xef\xbb\xbfword,x\ra,1\r"b, c","2\n3"\r')
    assert read_records(file) == [{"word": "a", "x": "1"}, {"word": "b, c", "x": "2\n3"}]


def test_a_column_is_numbers_as_a_whole() -> None:
    """One value that is no number keeps the column text; missing values stay missing."""
    rows: list[dict[str, str | None]] = [{"a": "1", "b": "2"}, {"a": None, "b": "x"}]
    assert numbers_where_possible(rows, ["a", "b"]) == [
        {"a": 1.0, "b": "2"},
        {"a": None, "b": "x"},
    ]
    assert numbers_where_possible(rows, []) == [{}, {}]
