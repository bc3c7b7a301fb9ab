"""prepare_corpus: files in, token table and report out, or one line and exit code 2."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

from groundscope import tables

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
    tokens = tables.read_table(tmp_path / "out/tokens.parquet", "tokens").to_pylist()
    assert [(row["word"], row["audio"], row["end_s"]) for row in tokens] == [
        ("x", "a.wav", 0.5),
        ("y", "a.wav", 1.0),
    ]
    (last,) = tables.read_table(tmp_path / "out/report.parquet", "corpus_report").to_pylist()
    assert (last["after"], last["types_after"]) == (2, 2)
    assert (tmp_path / "out/audio").is_dir()


def test_bad_audio_is_one_line(tmp_path: Path) -> None:
    """A bad row ends with exit code 2, one line, and no table."""
    (tmp_path / "m.csv").write_text("audio,word\ngone.wav,x\n")
    done = prepare(tmp_path, {"kind": "recordings", "manifest": "m.csv"})
    assert done.returncode == 2
    assert done.stderr == "error: m.csv, row 1: gone.wav does not exist or is no file\n"
    assert not (tmp_path / "out/tokens.parquet").exists()
