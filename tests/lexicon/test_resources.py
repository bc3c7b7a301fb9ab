"""The shipped word groups are the published ones."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "resources" / "word-groups"


def rows(name: str) -> list[dict[str, str]]:
    """Read one of the files."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_published_counts() -> None:
    """109 words in 9 categories (6 concrete), 117 in 9, 81 in 14 groups (7 concrete)."""
    for name, words, labels, concrete in (
        ("curious-case-semantic", 109, 9, 6),
        ("curious-case-semantic-readme", 117, 9, 6),
        ("curious-case-phonetic", 81, 14, 7),
    ):
        table = rows(name)
        assert len({row["word"] for row in table}) == len(table) == words
        classes = {row["label"]: row["class"] for row in table}
        assert len(classes) == labels
        assert Counter(classes.values()) == {"concrete": concrete, "abstract": labels - concrete}


def test_combined_file_is_both_groupings() -> None:
    """What the default study speaks is the JSON version, meaning first; one word is in both."""
    both = rows("curious-case")
    for grouping in ("semantic", "phonetic"):
        part = [
            {key: row[key] for key in ("word", "label", "class")}
            for row in both
            if row["grouping"] == grouping
        ]
        assert part == rows(f"curious-case-{grouping}")
    words = Counter(row["word"] for row in both)
    assert [word for word, count in words.items() if count > 1] == ["affection"]


def test_checksums() -> None:
    """Nobody has edited the facts."""
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split() for line in lines)}
    assert listed == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.csv")
    }
