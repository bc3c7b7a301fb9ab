"""Tables that people bring, and the numbers of words in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundscope.analysis.inputs import Selection
from groundscope.analysis.labels import read_word_labels, token_labels
from groundscope.commands.build_word_map import related
from groundscope.corpora.filters import apply_filters
from groundscope.corpora.manifests import read_manifest
from groundscope.corpora.tokens import Corpus, Token
from groundscope.corpora.words import read_words
from groundscope.errors import UserError
from groundscope.lexicon.group_sources import read_candidates
from groundscope.lexicon.norms import read_norms
from groundscope.lexicon.pronunciations import Spoken
from groundscope.records import lost_words, numbers_where_possible, read_records


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
    "words": lambda file: {
        word: group
        for word, (group,) in read_words({"file": file, "column": "word", "group": "label"}).items()
    },
}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "CSV", "PARQUET"])
@pytest.mark.parametrize("reader", READERS)
def test_blanks_are_no_part_of_a_value(tmp_path: Path, reader: str, suffix: str) -> None:
    """Every reader of a user's table finds one group of three words, whatever stands around."""
    file = tmp_path / f"w.{suffix}"
    words, labels = ["cat", " dog", "horse\u00a0"], ["animal", " animal", "animal "]
    if suffix.lower() == "parquet":
        pq.write_table(pa.table({"word": words, "label": labels}), file)
    else:
        mark = "," if suffix.lower() == "csv" else "\t"
        pairs = zip(["word", *words], [" label", *labels], strict=True)
        file.write_text("\n".join(mark.join(pair) for pair in pairs), encoding="utf-8")
    assert READERS[reader](file) == dict.fromkeys(("cat", "dog", "horse"), "animal")


def test_candidates_have_no_blanks_and_no_empty_words(tmp_path: Path) -> None:
    """Hand-written categories are read in the same way."""
    file = tmp_path / "c.csv"
    file.write_text("word,label\ncat, animal\nhorse ,animal\n", encoding="utf-8")
    assert read_candidates(file, ["horse", "cat"]) == {"animal": ["cat", "horse"]}
    file.write_text("word,label\ncat,animal\n ,animal\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"c\.csv, line 3: word or label is empty"):
        read_candidates(file, ["cat"])


LISTED = {"Paris": "city", "hund": "animal", "Essen": "meal", "essen": "verb", "Rat": "advice"}
# words of a corpus -> what the list says of each
SAID = {
    "paris": "city",
    "PARIS": "city",
    "Hund": "animal",
    "Essen": "meal",
    "essen": "verb",
    "ESSEN": None,
    "rad": None,
}


def _by_words(path: Path) -> dict[str, str | None]:
    norms = {label: float(number) for number, label in enumerate(LISTED.values())}
    rows = [f"{word},{label},{norms[label]}\n" for word, label in LISTED.items()]
    path.write_text("word,label,r\n" + "".join(rows), encoding="utf-8")
    told = read_norms({"file": path, "word": "word", "columns": {"r": "r"}})
    names = {number: label for label, number in norms.items()}
    return {word: names.get((told.get(word) or {}).get("r", -1.0)) for word in SAID}


def _by_labelling(path: Path) -> dict[str, str | None]:
    tokens = pa.table({"word": list(SAID)})
    return dict(zip(SAID, token_labels(Selection(tokens, 0), {"words": path}), strict=True))


def _by_candidates(path: Path) -> dict[str, str | None]:
    found = read_candidates(path, list(SAID))
    label = {word: label for label, words in found.items() for word in words}
    return {word: label.get(word) for word in SAID}


def _by_filter(path: Path) -> dict[str, str | None]:
    tokens = [Token(word, word, word, 0, len(word)) for word in SAID]
    lists = [{"file": path, "column": "word"}]
    kept = {token.word for token in apply_filters(Corpus(tokens), {"words": lists}).tokens}
    # a list of words says one thing of all spellings
    assert kept == SAID.keys() - {"rad"}
    return SAID


def _by_categories(path: Path) -> dict[str, str | None]:
    spoken = Spoken({word: [tuple(f"{word}!")] for word in SAID}, [])
    pairs = related(spoken, {"categories": str(path), "near": 0.01}, 1)
    assert {(pair.word_a, pair.word_b) for pair in pairs if pair.relation == "same-category"} == {
        ("PARIS", "paris"),
        ("paris", "PARIS"),
    }
    return SAID


@pytest.mark.parametrize(
    "reader", [_by_words, _by_labelling, _by_candidates, _by_filter, _by_categories]
)
def test_capitals_matter_where_spellings_differ_in_what_they_mean(
    tmp_path: Path, reader: Callable[[Path], dict[str, str | None]]
) -> None:
    """Every list of words is read by one rule: as written first, then whatever the capitals."""
    _by_words(tmp_path / "l.csv")
    assert reader(tmp_path / "l.csv") == SAID


def test_lost_words_are_those_that_no_word_is_looked_up_by(tmp_path: Path) -> None:
    """Capitals apart; of spellings that differ in their labels, a third is neither."""
    listed = [*LISTED.items(), ("Rat", "animal")]
    assert lost_words(listed, ["PARIS", "Hund", "essen", "Essen", "RAT"]) == ""
    told = lost_words(listed, ["paris", "ESSEN", "RAT"])
    assert told == (
        "2 of 5 listed words have tokens, not 'hund', 'Essen', 'essen'; no word of meal, verb"
    )


def test_whole_numbers_are_labels_without_a_point(tmp_path: Path) -> None:
    """Columns of numbers label tokens as the same columns without missing values do."""
    tokens = pa.table({"word": ["a", "b", "c"], "take": [84.0, None, 0.5]})
    labels = token_labels(Selection(tokens, 0), {"column": "take"})
    assert labels == ["84", None, "0.5"]
    pq.write_table(pa.table({"word": ["a", "b"], "label": [84.0, 2.0]}), tmp_path / "l.parquet")
    assert read_word_labels(tmp_path / "l.parquet") == {"a": "84", "b": "2"}


def test_nan_is_a_missing_value(tmp_path: Path) -> None:
    """It is no class of its own, in no table that people bring; norms leave it out."""
    file = tmp_path / "l.parquet"
    pq.write_table(pa.table({"word": ["a", "b"], "label": [1.0, float("nan")]}), file)
    with pytest.raises(UserError, match=r"l\.parquet, row 2: word or label is empty"):
        read_word_labels(file)
    norms = read_norms({"file": file, "word": "word", "columns": {"r": "label"}})
    assert (norms.get("a"), norms.get("b")) == ({"r": 1}, {})


def test_a_first_phone_is_without_stress_and_nothing_else() -> None:
    """Digits are names of vowels in SAMPA (German oe is 9, a is 6), and of tones."""
    first = {"9 f n @ n": "9", "2: l": "2:", "6": "6", "9~": "9~", "i1 n": "i1", "": None}
    first |= {"AH0 B": "AH", "B AH1": "B", "\u02c8a b": "a", "\u02cc\u025b": "\u025b"}
    tokens = pa.table({"word": [*map(str, range(len(first)))], "phones": list(first)})
    labels = token_labels(Selection(tokens, 0), {"column": "first-phone"})
    assert dict(zip(first, labels, strict=True)) == first


def test_a_value_beyond_the_reader_s_limit_is_one_line(tmp_path: Path) -> None:
    """A quote that is never closed makes one value of the rest of a long file."""
    file = tmp_path / "c.csv"
    file.write_text('word,label\n"cat,animal\n' + "dog,animal\n" * 20_000, encoding="utf-8")
    with pytest.raises(UserError, match=r"c\.csv, line \d+: not readable \(field larger"):
        read_word_labels(file)


@pytest.mark.parametrize("value", ["1_0", "nan", "inf", "ten", "1,5"])
def test_what_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    """By norms and by manifests, in one line; Python takes the first for 10."""
    file = tmp_path / "n.csv"
    file.write_text(f'audio,word,start,r\na.wav,cat,"{value}","{value}"\n', encoding="utf-8")
    with pytest.raises(UserError, match=rf"r of 'cat' is '{value}', expected a number"):
        read_norms({"file": file, "word": "word", "columns": {"r": "r"}})
    (row,) = read_manifest({"manifest": file}, ["word"], ["word"])
    with pytest.raises(UserError, match=rf"row 1: column 'start': '{value}', expected a number"):
        row.number("start")


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
