"""Text corpora and the templates of contexts."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundscope.corpora.word_list import load
from groundscope.errors import UserError

ROOT = Path(__file__).parents[2]


def test_words_of_a_file_once_each() -> None:
    """190 published rows are 189 words, since one is in both groupings; order is kept."""
    words = {"file": ROOT / "resources/word-groups/curious-case.csv", "column": "word"}
    tokens = load({"words": words}).tokens
    assert len(tokens) == 189
    assert [token.word for token in tokens[:2]] == ["piano", "guitar"]
    assert all(token.token_id == token.text == token.word for token in tokens)


def test_span_is_by_construction() -> None:
    """The span is the slot, also where the template holds the word elsewhere."""
    templates = ["the the {word}", "{word} the"]
    first, second = load({"words": ["the"], "templates": templates}).tokens
    assert (first.text, first.char_start, first.char_end) == ("the the the", 8, 11)
    assert (second.text, second.char_start, second.char_end) == ("the the", 0, 3)
    assert first.token_id != second.token_id


def test_templates_by_group(tmp_path: Path) -> None:
    """A column of the word file chooses the templates; a group without any is named."""
    file = tmp_path / "w.csv"
    file.write_text("word,label\nlion,animal\noak,tree\n", encoding="utf-8")
    words = {"file": file, "column": "word", "group": "label"}
    templates = {"animal": ["a wild {word}", "the {word}"], "tree": ["a tall {word}"]}
    texts = [token.text for token in load({"words": words, "templates": templates}).tokens]
    assert texts == ["a wild lion", "the lion", "a tall oak"]
    with pytest.raises(UserError, match="'oak' is in group 'tree', which has none"):
        load({"words": words, "templates": {"animal": ["the {word}"]}})


def test_a_word_of_two_groups_is_in_the_templates_of_both(tmp_path: Path) -> None:
    """Nothing is lost, and a template that both groups have is used once."""
    file = tmp_path / "w.csv"
    rows = "word,label\norange,fruit\nred,colour\norange,colour\norange,fruit\n"
    file.write_text(rows, encoding="utf-8")
    words = {"file": file, "column": "word", "group": "label"}
    templates = {
        "fruit": ["eat the {word}", "the {word}"],
        "colour": ["the {word}", "paint it {word}"],
    }
    tokens = load({"words": words, "templates": templates}).tokens
    assert [token.text for token in tokens] == [
        *("eat the orange", "the orange", "paint it orange"),
        *("the red", "paint it red"),
    ]
    assert [t.text for t in load({"words": words}).tokens] == ["orange", "red"]


@pytest.mark.parametrize("template", ["the word", "{word} and {word}"])
def test_template_needs_one_slot(template: str) -> None:
    """No slot or two slots are refused."""
    with pytest.raises(UserError, match="exactly once"):
        load({"words": ["a"], "templates": [template]})


def test_empty_words_are_refused(tmp_path: Path) -> None:
    """An empty word and an empty list are named with their place."""
    with pytest.raises(UserError, match="word 2 is empty"):
        load({"words": ["a", " "]})
    (tmp_path / "none.txt").touch()
    with pytest.raises(UserError, match="no words"):
        load({"words": {"file": tmp_path / "none.txt"}})


def test_words_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """Numbers, and words beside missing values, in a table that keeps kinds apart."""
    file = tmp_path / "w.parquet"
    for words, message in (([84, 7], "word 1 is 84, expected text"), (["a", None], "2 is empty")):
        pq.write_table(pa.table({"word": words}), file)
        with pytest.raises(UserError, match=rf"w\.parquet: .*{message}"):
            load({"words": {"file": file, "column": "word"}})


@pytest.mark.parametrize("groups", [[1, 2], [1.0, 2.0], ["1", "2"]])
def test_groups_of_whole_numbers_choose_templates(
    tmp_path: Path, groups: list[float | str]
) -> None:
    """Keys of templates are text; a table that keeps kinds apart has numbers."""
    file = tmp_path / "w.parquet"
    pq.write_table(pa.table({"word": ["cat", "oak"], "group": groups}), file)
    words = {"file": file, "column": "word", "group": "group"}
    tokens = load({"words": words, "templates": {"1": ["a {word}"], "2": ["an {word}"]}}).tokens
    assert [token.text for token in tokens] == ["a cat", "an oak"]


@pytest.mark.parametrize("suffix", ["csv", "CSV", "tsv", "parquet", "Parquet"])
def test_a_table_needs_the_name_of_its_column(tmp_path: Path, suffix: str) -> None:
    """Its lines are no words: the header and the other columns would be in them."""
    (tmp_path / f"w.{suffix}").write_text("word,group\ncat,animal\n", encoding="utf-8")
    with pytest.raises(UserError, match=rf"w\.{suffix}: set words\.column"):
        load({"words": {"file": tmp_path / f"w.{suffix}"}})
    (tmp_path / "w.txt").write_text("cat\nice cream\n", encoding="utf-8")
    assert [t.word for t in load({"words": {"file": tmp_path / "w.txt"}}).tokens] == [
        "cat",
        "ice cream",
    ]
