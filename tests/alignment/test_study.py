"""Transcripts through the whole workflow: fetch, align, prepare, extract; what runs again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from checkout import copy_project
from spoken_letters import SAMPLE_RATE, sentences

from groundscope.embeddings import read_embeddings
from groundscope.errors import UserError
from groundscope.plan.config import resolve_study

Json = Any


def study() -> dict[str, Json]:
    """Give a study of one aligned corpus and a baseline without weights."""
    return {
        "study": {"title": "Aligned"},
        "corpora": {
            "said": {
                "kind": "transcripts",
                "manifest": "data/said.csv",
                "align": {"checkpoint": "letters"},
                "filters": {"bands": [{"column": "confidence", "min": 0.3}]},
            }
        },
        "checkpoints": {"letters": {"source": "folder", "path": "data/letters"}},
        "models": {"mel": {"family": "log-mel"}},
    }


def test_a_corpus_without_alignment(
    letters: Path, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """Words have times, and vectors; doubtful ones go; a filter does not align again."""
    checkout = copy_project(tmp_path / "project")
    data = checkout.folder / "data"
    data.mkdir()
    (data / "letters").symlink_to(letters)
    heard = sentences(3, 4, seed=11)
    texts = [each.text for each in heard]
    texts[2] = "summer summer summer summer"  # not what is said
    rows = ["audio,text,speaker"]
    for number, (each, text) in enumerate(zip(heard, texts, strict=True)):
        soundfile.write(data / f"{number}.wav", each.samples, SAMPLE_RATE)
        rows.append(f"{number}.wav,{text},ann")
    (data / "said.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    # commands get no PYTHONPATH but the workflow's
    folder = environment["PYTHONPATH"].rpartition(":")[2]
    site = checkout.folder / "workflow/src/sitecustomize.py"
    site.write_text(f"import sys\n\nsys.path.append({folder!r})\n", encoding="utf-8")
    checkout.configure(study())
    variables = dict(environment)
    done = checkout.snakemake("embeddings", environment=variables)
    assert done.returncode == 0, done.stdout[-5000:]
    tokens = pq.read_table(checkout.folder / "results/corpora/said/tokens.parquet").to_pylist()
    assert [row["word"] for row in tokens] == " ".join(texts[:2]).split()
    known = np.concatenate([each.times for each in heard[:2]])
    found = np.array([(row["start_s"], row["end_s"]) for row in tokens])
    assert np.median(np.abs(found - known)) < 0.02
    report = pq.read_table(checkout.folder / "results/corpora/said/report.parquet").to_pylist()
    assert [(row["rule"], row["before"], row["after"]) for row in report][-2:] == [
        ("band", 12, 8),
        ("corpus", 8, 8),
    ]
    embeddings = checkout.folder / "results/embeddings/said/mel/layer-0.parquet"
    assert len(read_embeddings(embeddings).token_ids) == 8
    config = checkout.config()
    config["corpora"]["said"]["filters"]["bands"][0]["min"] = 0.4
    checkout.configure(config)
    assert set(checkout.planned("embeddings")) == {"prepare_corpus", "extract_embeddings"}
    config["corpora"]["said"]["align"]["window_s"] = 20
    checkout.configure(config)
    assert "align_words" in checkout.planned("embeddings")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"checkpoint": "other"}, "corpora.said.align.checkpoint: 'other' is not known; expected"),
        ({"checkpoint": "glove"}, "'glove' has format 'vectors'; expected a CTC speech model of"),
        ({"window_s": 1}, "corpora.said.align.window_s: 1 is not legal"),
        ({"beam": 3}, "corpora.said.align: unknown key 'beam'; legal keys: case, checkpoint, "),
    ],
)
def test_settings_that_cannot_be(change: Mapping[str, Json], message: str) -> None:
    """The key is named."""
    config = study()
    glove = {"source": "folder", "path": "glove.txt", "format": "vectors"}
    config["checkpoints"]["glove"] = glove
    config["corpora"]["said"]["align"].update(change)
    with pytest.raises(UserError) as caught:
        resolve_study(config)
    assert message in str(caught.value)
