"""build_word_map and build_word_groups: tables and files in, tables and files out."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from embedding_files import write_embeddings

from groundscope import tables
from groundscope.commands.build_word_map import related
from groundscope.lexicon.pronunciations import Spoken
from groundscope.token_table import write_tokens

SOURCES = Path(__file__).parents[2] / "workflow" / "src"


def run(
    command: str, folder: Path, options: Mapping[str, object], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of the package in `folder`."""
    line = [sys.executable, "-m", f"groundscope.commands.{command}", *arguments]
    return subprocess.run(
        [*line, "--options", json.dumps(options)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )


def write_corpus(path: Path, words: Sequence[str], phones: Mapping[str, str]) -> None:
    """Write a text corpus with two tokens of each word."""
    write_tokens(
        path,
        [
            {
                "token_id": f"{word}/{number}",
                "word": word,
                "speaker": None,
                "audio": None,
                "start_s": None,
                "end_s": None,
                "text": word,
                "char_start": 0,
                "char_end": len(word),
                "phones": phones.get(word),
            }
            for word in words
            for number in range(2)
        ],
    )


def test_map_of_a_german_corpus(tmp_path: Path) -> None:
    """Phones of the corpus itself (as espeak-ng gives them) and a German wordnet."""
    phones = {"Hund": "h U n t", "bunt": "b U n t", "Rad": "R a: t", "Rat": "R a: t"}
    write_corpus(tmp_path / "t.parquet", [*phones, "stumm"], phones)
    wordnet = [f"1-n\tdeu:lemma\t{word}\n" for word in ("Hund", "Rad")]
    (tmp_path / "wn-data-deu.tab").write_text("".join(wordnet), encoding="utf-8")
    listed = "word,label\nRad,thing\nbunt,thing\nhunde,animal\n"
    (tmp_path / "labels.csv").write_text(listed, encoding="utf-8")
    options = {
        "pronunciations": {"source": "tokens"},
        "wordnet": "wn-data-deu.tab",
        "categories": "labels.csv",
    }
    arguments = ["--corpus", "c", "--tokens", "t.parquet", "--output", "m.parquet"]
    done = run("build_word_map", tmp_path, options, *arguments, "--report", "r.parquet")
    assert done.returncode == 0, done.stderr
    rows = tables.read_table(tmp_path / "m.parquet", "word_map").to_pylist()
    assert [(row["relation"], row["word_a"], row["word_b"], row["distance"]) for row in rows] == [
        ("near-homophone", "Hund", "bunt", 0.25),
        ("near-homophone", "bunt", "Hund", 0.25),
        ("same-category", "Rad", "bunt", 0.75),
        ("same-category", "bunt", "Rad", 0.75),
        ("synonym", "Hund", "Rad", 0.75),
        ("synonym", "Rad", "Hund", 0.75),
        ("true-homophone", "Rad", "Rat", 0.0),
        ("true-homophone", "Rat", "Rad", 0.0),
    ]
    (step,) = tables.read_table(tmp_path / "r.parquet", "corpus_report").to_pylist()
    assert (step["before"], step["after"], step["detail"]) == (5, 4, "stumm")
    assert "2 of 3 listed words have tokens, not 'hunde'; no word of animal" in done.stderr


def test_a_word_of_two_categories_is_related_to_those_of_both(tmp_path: Path) -> None:
    """And once to a word with which it shares both."""
    words = ["ball", "bat", "dog", "fox"]
    spoken = Spoken({word: [tuple(word)] for word in words}, [])
    of_two = [("bat", "animal"), ("dog", "animal"), ("bat", "sport"), ("ball", "sport")]
    lines = [f"{word},{label}\n" for word, label in (*of_two, ("dog", "sport"))]
    (tmp_path / "c.csv").write_text("word,label\n" + "".join(lines), encoding="utf-8")
    found = related(spoken, {"categories": str(tmp_path / "c.csv"), "near": 0.1}, 1)
    pairs = [("ball", "bat"), ("ball", "dog"), ("bat", "dog")]
    both = sorted([*pairs, *((b, a) for a, b in pairs)])
    assert [(each.word_a, each.word_b) for each in found] == both


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Two rated families of six words that differ in one phone, vectors at random."""
    words = {f"{family}{member}": family for family in "kv" for member in range(6)}
    phones = {w: f"{f}1 {f}2 {w} {f}4 {f}5" for w, f in words.items()}
    write_corpus(tmp_path / "t.parquet", list(words), phones)
    lines = [f"{word},{'4.9' if family == 'k' else '1.1'}" for word, family in words.items()]
    scale = [f"filler{number},{1 + number / 25}" for number in range(101)]
    (tmp_path / "n.csv").write_text("\n".join(["w,r", *lines, *scale]), encoding="utf-8")
    rows = [f"{word},{each}" for word, each in phones.items()]
    (tmp_path / "p.csv").write_text("\n".join(["word,phones", *rows]), encoding="utf-8")
    ids = [f"{word}/{number}" for word in words for number in range(2)]
    vectors = np.random.default_rng(0).normal(size=(24, 400)).astype(np.float32)
    write_embeddings(tmp_path / "e.parquet", ids, vectors, {"model": "static", "layer": "0"})
    return tmp_path


RULES = {"similarity_percentile": 60, "max_cosine": 0.3}
GROUPS: Mapping[str, object] = {
    "kind": "phonetic",
    "unit": "phones",
    "pronunciations": {"source": "file", "file": "p.csv"},
    "concreteness": {"file": "n.csv", "word": "w", "column": "r"},
    "rules": RULES,
}
FILES = ["--tokens", "t.parquet", "--vectors", "e.parquet", "--output", "g.csv"]


def test_groups_are_a_labelling(sounds: Path) -> None:
    """The CSV has the published files' form; statistics are beside it; a second run is the same."""
    outputs = []
    for _ in range(2):
        done = run("build_word_groups", sounds, GROUPS, *FILES, "--statistics", "s.parquet")
        assert done.returncode == 0, done.stderr
        outputs.append((sounds / "g.csv").read_bytes())
    assert outputs[0] == outputs[1]
    with (sounds / "g.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["word"][0] + row["label"] + row["class"] for row in rows} == {
        "kconcrete_1concrete",
        "vabstract_1abstract",
    }
    statistics = tables.read_table(sounds / "s.parquet", "word_group_statistics").to_pylist()
    assert [row["n_words"] for row in statistics] == [6, 6]
    assert statistics[0]["distance_mean"] == pytest.approx(0.2, abs=1e-12)
    assert statistics[0]["concreteness_mean"] == pytest.approx(4.9, abs=1e-12)


def test_groups_that_cannot_be_built(sounds: Path) -> None:
    """One line, exit code 2, nothing written."""
    options = {**GROUPS, "rules": {**RULES, "min_words": 7}}
    done = run("build_word_groups", sounds, options, *FILES, "--statistics", "s.parquet")
    assert done.returncode == 2
    assert "error: no phonetic group of min_words 7: the largest among 12" in done.stderr
    assert "set min_words to 6" in done.stderr
    assert not (sounds / "g.csv").exists()
    assert not (sounds / "s.parquet").exists()
