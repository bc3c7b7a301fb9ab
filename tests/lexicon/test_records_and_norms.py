"""Tables that people bring, and the numbers of words in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundscope.analysis.inputs import Selection
from groundscope.analysis.labels import read_word_labels, token_labels
from groundscope.corpora.manifests import read_manifest
from groundscope.corpora.words import read_words
from groundscope.errors import UserError
from groundscope.lexicon.group_sources import read_candidates
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


def _written_in_manifest(file: Path) -> Any:
    rows = read_manifest({"manifest": file}, ["word"], ["word"])
    return {row.required("word"): row.metadata["label"] for row in rows}


READERS: dict[str, Callable[[Path], Any]] = {
    "labelling": read_word_labels,
    "manifest": _written_in_manifest,
    "words": lambda file: read_words({"file": file, "column": "word", "group": "label"}),
}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
@pytest.mark.parametrize("reader", READERS)
def test_blanks_are_no_part_of_a_value(tmp_path: Path, reader: str, suffix: str) -> None:
    """Every reader of a user's table finds one group of three words, whatever stands around."""
    file = tmp_path / f"w.{suffix}"
    words, labels = ["cat", " dog", "horse\u00a0"], ["animal", " animal", "animal "]
    if suffix == "parquet":
        pq.write_table(pa.table({"word": words, "label": labels}), file)
    else:
        mark = "," if suffix == "csv" else "\t"
        pairs = zip(["word", *words], [" label", *labels], strict=True)
        file.write_text("\n".join(mark.join(pair) for pair in pairs), encoding="utf-8")
    assert READERS[reader](file) == dict.fromkeys(("cat", "dog", "horse"), "animal")


def test_candidates_have_no_blanks_and_no_empty_words(tmp_path: Path) -> None:
    """Hand-written categories are read in the same way."""
    file = tmp_path / "c.csv"
    file.write_text("word,label\ncat, animal\nhorse ,animal\n", encoding="utf-8")
    assert read_candidates(file) == {"animal": ["cat", "horse"]}
    file.write_text("word,label\ncat,animal\n ,animal\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"c\.csv, line 3: word or label is empty"):
        read_candidates(file)


def test_whole_numbers_are_labels_without_a_point(tmp_path: Path) -> None:
    """Columns of numbers label tokens as the same columns without missing values do."""
    tokens = pa.table({"word": ["a", "b", "c"], "take": [84.0, None, 0.5]})
    labels = token_labels(Selection(tokens, 0), [], {"column": "take"})
    assert labels == ["84", None, "0.5"]
    pq.write_table(pa.table({"word": ["a", "b"], "label": [84.0, 2.0]}), tmp_path / "l.parquet")
    assert read_word_labels(tmp_path / "l.parquet") == {"a": "84", "b": "2"}


def test_a_value_beyond_the_reader_s_limit_is_one_line(tmp_path: Path) -> None:
    """A quote that is never closed makes one value of the rest of a long file."""
    file = tmp_path / "c.csv"
    file.write_text('word,label\n"cat,animal\n' + "dog,animal\n" * 20_000, encoding="utf-8")
    with pytest.raises(UserError, match=r"c\.csv, line \d+: not readable \(field larger"):
        read_word_labels(file)


@pytest.mark.parametrize(
    "values",
    [pa.array([[1, 2]]), pa.array([{"a": 1}]), pa.array([1], pa.timestamp("ns"))],
    ids=["list", "struct", "nanoseconds"],
)
def test_a_column_of_no_text_or_numbers_is_named(tmp_path: Path, values: pa.Array) -> None:
    """Lists, structures, and times that Python has not."""
    file = tmp_path / "w.parquet"
    pq.write_table(pa.table({"word": ["cat"], "x": values}), file)
    with pytest.raises(UserError, match=r"w\.parquet: column 'x' has values of .*; expected text"):
        read_records(file)


def test_a_column_is_numbers_as_a_whole() -> None:
    """One value that is no number keeps the column text; missing values stay missing."""
    rows: list[dict[str, str | None]] = [{"a": "1", "b": "2"}, {"a": None, "b": "x"}]
    assert numbers_where_possible(rows, ["a", "b"]) == [
        {"a": 1.0, "b": "2"},
        {"a": None, "b": "x"},
    ]
    assert numbers_where_possible(rows, []) == [{}, {}]


@pytest.mark.parametrize("values", [["1", "01"], ["007"], ["9007199254740993"], ["nan"], ["1_0"]])
def test_names_of_digits_stay_text(values: list[str]) -> None:
    """What would be another thing as a float is no number; each of these is one to `float`."""
    rows = [{"a": value} for value in values]
    assert numbers_where_possible(rows, ["a"]) == rows
    numbers = numbers_where_possible([{"a": "-0.50"}, {"a": "1e3"}, {"a": "12"}], ["a"])
    assert numbers == [{"a": -0.5}, {"a": 1000.0}, {"a": 12.0}]


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_two_columns_of_one_name(tmp_path: Path, suffix: str) -> None:
    """Neither is taken for the other; columns without a name, as of a blank margin, may repeat."""
    file = tmp_path / f"w.{suffix}"
    mark = "," if suffix == "csv" else "\t"
    file.write_text(mark.join(["word", "", "", "word "]) + "\n" + mark.join("abcd") + "\n")
    with pytest.raises(UserError, match=rf"w\.{suffix}: column 'word' occurs 2 times"):
        read_records(file)
    file.write_text(mark.join(["word", "", ""]) + "\n" + mark.join("abc") + "\n")
    assert [row["word"] for row in read_records(file)] == ["a"]
