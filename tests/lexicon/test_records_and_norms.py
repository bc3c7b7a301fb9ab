"""Tables that people bring, and the numbers of words in them."""

from pathlib import Path

import pytest

from groundscope.errors import UserError
from groundscope.lexicon.norms import read_norms
from groundscope.records import numbers_where_possible, read_records


def test_norms(tmp_path: Path) -> None:
    """Words as written, else in any case; the first row of a word; missing values left out."""
    file = tmp_path / "n.txt"
    rows = "Dog\t4.85\nDog\t1\nhope\tNA\njoy\t\nEssen\t4\nessen\t3\n\u0130stanbul\t5\n"
    file.write_text("Word\tConc.M\n" + rows, encoding="utf-8")
    options = {"file": file, "word": "Word", "columns": {"concreteness": "Conc.M"}}
    norms = read_norms(options)
    expected = {"dog": 4.85, "DOG": 4.85, "Essen": 4, "essen": 3, "\u0130stanbul": 5}
    assert {word: (norms.get(word) or {})["concreteness"] for word in expected} == expected
    # capital I with its dot as a character of its own
    assert norms.get("I\u0307stanbul") == {"concreteness": 5}
    assert (norms.get("hope"), norms.get("joy"), norms.get("cat")) == ({}, {}, None)
    assert len(norms.values()) == 6
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
