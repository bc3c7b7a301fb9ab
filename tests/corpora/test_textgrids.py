"""TextGrids: both text formats, cut or wrong in any place."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from groundscope.corpora.textgrids import TextGrid
from groundscope.errors import UserError

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = -0
xmax = 2.5 ! seconds, "all of them"
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "TextTier"
        name = "words"
        xmin = 0
        xmax = 2.5
        points: size = 1
        points [1]:
            number = 1e-05
            mark = "click"
    item [2]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 2.5
        intervals: size = 3
        intervals [1]:
            xmin = -0
            xmax = 6.25e-05
            text = "item [2]: xmin=7"
        intervals [2]:
            xmin = 6.25E-05
            xmax = +1.5
            text = ""
        intervals [3]:
            xmin = 1.5
            xmax = 2.5
            text = " ""IntervalTier"" "
    item [3]:
        class = "IntervalTier"
        name = "none"
        xmin = 0
        xmax = 2.5
        intervals: size = 0
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

-0
2.5
<exists>
3
"TextTier"
"words"
0
2.5
1
1e-05
"click"
"IntervalTier"
"words"
0
2.5
3
-0
6.25e-05
"item [2]: xmin=7"
6.25E-05
+1.5
""
1.5
2.5
" ""IntervalTier"" "
"IntervalTier"
"none"
0
2.5
0
"""


def write(folder: Path, text: str) -> Path:
    """Write a TextGrid into a test's folder."""
    path = folder / "a.TextGrid"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", [LONG, SHORT, LONG.replace(" = ", "="), SHORT.replace("\n", " ")])
def test_formats_of_praat(tmp_path: Path, text: str) -> None:
    """Exponents, signs, comments, doubled quotes, and labels that look like the format itself."""
    grid = TextGrid(write(tmp_path, text))
    found = [(one.start_s, one.end_s, one.label) for one in grid.intervals("words")]
    assert found == [(0.0, 6.25e-05, "item [2]: xmin=7"), (1.5, 2.5, '"IntervalTier"')]
    assert str(found[0][0]) == "0.0"
    assert grid.intervals("none") == []


@pytest.mark.parametrize("text", [LONG, SHORT])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, text: str) -> None:
    """Wherever it was cut: no word is left out in silence."""
    whole = text.rstrip()
    for length in range(len(whole)):
        with pytest.raises(UserError, match="is no complete TextGrid") as caught:
            TextGrid(write(tmp_path, whole[:length]))
        assert "\n" not in str(caught.value)
    TextGrid(write(tmp_path, whole))


@pytest.mark.parametrize(
    ("written", "instead", "words"),
    [
        ("intervals: size = 3", "intervals: size = 2", "3 tiers are announced, 2 found"),
        ("intervals: size = 3", "intervals: size = 4", "tier 'words': 4 .* announced, 3 found"),
        ("\nsize = 3", "\nsize = 2", "has more than it announces"),
        ("\nsize = 3", "\nsize = 4", "4 tiers are announced, 3 found"),
        ("TextTier", "SomeTier", "3 tiers are announced, 0 found"),
        ('"TextGrid"', '"Sound"', "does not begin as one"),
        ("xmax = +1.5", 'xmax = "1.5"', "tier 'words': 3 .* announced, 1 found"),
        ('text = ""', 'text = "a"b"', "tier 'words': 3 .* announced, 2 found"),
    ],
)
def test_what_differs_from_the_announced_is_refused(
    tmp_path: Path, written: str, instead: str, words: str
) -> None:
    """Sizes, classes and kinds of values are as announced, or the tier is named."""
    assert LONG.count(written) == 1
    with pytest.raises(UserError, match=words):
        TextGrid(write(tmp_path, LONG.replace(written, instead)))


def test_two_tiers_of_one_name_are_refused(tmp_path: Path) -> None:
    """Only where they are asked for; a point tier of that name is no rival."""
    grid = TextGrid(write(tmp_path, LONG.replace('"none"', '"words"')))
    with pytest.raises(UserError, match="has 2 interval tiers 'words'; it has 'words', 'words'"):
        grid.intervals("words")


def test_a_start_before_the_recording_is_refused(builders: SimpleNamespace, tmp_path: Path) -> None:
    """The sign is not lost: a word at -0.5 s is not one at 0.5 s."""
    path = builders.textgrid(tmp_path / "a.TextGrid", {"words": [(-0.5, 1, "a"), (1, 2, "b")]})
    with pytest.raises(UserError, match=r"'a' at -0\.5 s: the interval begins before its record"):
        TextGrid(path).intervals("words")
