"""The tutorial, done as it says, by a reader who records six words with a synthesizer."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, copy_project
from pages import blocks

from groundscope.commands.prepare_corpus import load
from groundscope.tables import read_table

PAGE = ROOT / "resources/tutorial.md"
VOICES = {"ann": "en-us", "ben": "en-gb"}


def _record(words: list[str], folder: Path, scratch: Path) -> None:
    """Put recordings where the page says: a folder a word, a file a speaker."""
    options = {"kind": "synthesized", "words": words, "voices": list(VOICES.values())}
    speakers = {voice: name for name, voice in VOICES.items()}
    for token in load(options, audio=scratch, aligned=(), workers=1).tokens:
        target = folder / token.word / f"{speakers[str(token.speaker)]}.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(token.audio), target)


@pytest.mark.weights
def test_the_tutorial_leads_to_its_figure(tmp_path: Path) -> None:
    """Its commands, on its files, end with the figure, the table and the report that it names."""
    wheels = os.environ.get("GROUNDSCOPE_WHEELS")
    if wheels is None:
        pytest.skip("GROUNDSCOPE_WHEELS names no folder with the study's wheels")
    folder = copy_project(tmp_path / "project").folder
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (groups,) = blocks(PAGE, "csv")
    (study,) = blocks(PAGE, "yaml")
    (folder / "my-groups.csv").write_text(groups, encoding="utf-8")
    (folder / "my-study.yaml").write_text(study, encoding="utf-8")
    words = [line.split(",")[0] for line in groups.splitlines()[1:]]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    _record(words, folder / "my-recordings", scratch)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    script = "set -e\n" + "".join(blocks(PAGE, "bash"))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        # the wheel is at hand: nothing is downloaded
        env={**environment, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    results = folder / yaml.safe_load(study)["results"]
    named = "results/my-study/figures/mine/silhouette.svg"
    assert named in PAGE.read_text(encoding="utf-8")
    assert (folder / named).is_file()
    assert "Do my words group" in (results / "report.html").read_text(encoding="utf-8")
    rows = read_table(results / "tables/silhouette.parquet", "silhouette").to_pylist()
    assert {(row["model"], row["layer"]) for row in rows} == {
        (model, str(layer)) for model in ("whisper", "whisper-random") for layer in range(5)
    }
    assert {row["n_types"] for row in rows if row["level"] == "overall"} == {len(words)}
