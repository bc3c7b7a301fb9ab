"""The examples of the page for contributors: applied as they stand, they are a study that runs."""

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from checkout import ROOT, Checkout, copy_project
from pages import blocks
from tiny_study import SPEAKERS, write_recordings

from groundscope.embeddings import read_embeddings

PAGE = ROOT / "CONTRIBUTING.md"
POEM = "Cat and dog\nThe dog ran\n"
STUDY = {
    "study": {"title": "All three examples"},
    "corpora": {
        "clips": {"kind": "recordings", "manifest": "data/clips/manifest.csv"},
        "poem": {"kind": "lines", "manifest": "poem.txt"},
    },
    "models": {"loudness": {"family": "energy"}},
    "analyses": {"lengths": {}},
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Apply the examples to a copy of the project and run a study with all of them."""
    checkout = copy_project(tmp_path_factory.mktemp("contributing") / "project")
    patch = "".join(blocks(PAGE, "diff"))
    # outside of any repository, as `git apply` skips what an enclosing one does not hold
    subprocess.run(["git", "init", "-q"], cwd=checkout.folder, check=True)
    command = ["git", "apply", "-p0", "-C1"]
    subprocess.run(command, cwd=checkout.folder, input=patch, text=True, check=True)
    write_recordings(checkout.folder / "data/clips")
    (checkout.folder / "poem.txt").write_text(POEM, encoding="utf-8")
    checkout.configure(STUDY)
    files = ("results/tables/lengths.parquet", "results/corpora/poem/tokens.parquet")
    done = checkout.snakemake(*files)
    assert done.returncode == 0, done.stdout[-5000:]
    return checkout


def test_each_kind_of_extension_has_one_example() -> None:
    """An encoder, a corpus, an analysis: three patches, each the size of a commit."""
    patches = blocks(PAGE, "diff")
    assert len(patches) == 3
    assert all(patch.count("\n") <= 160 for patch in patches)


def test_the_examples_keep_the_style(checkout: Checkout) -> None:
    """They pass the linter and the formatter."""
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "workflow"]
        done = subprocess.run(
            ruff, cwd=checkout.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_encoder_hears_loudness(checkout: Checkout) -> None:
    """The vector of a clip is the mean of its frames' log power."""
    layer = read_embeddings(checkout.folder / "results/embeddings/clips/loudness/layer-0.parquet")
    clip, _ = soundfile.read(checkout.folder / "data/clips/cat-ann.wav")
    frames = [clip[start : start + 400] for start in range(0, len(clip) - 399, 160)]
    expected = np.mean([np.log(np.mean(frame**2)) for frame in frames])
    row = int(np.flatnonzero(layer.token_ids == "cat-ann.wav/cat")[0])
    assert layer.vectors[row] == pytest.approx([expected], rel=1e-5)
    assert len(layer.token_ids) == 6 * len(SPEAKERS)


def test_the_corpus_has_the_words_of_the_text(checkout: Checkout) -> None:
    """Each word stands in its line, at its characters."""
    tokens = _rows(checkout, "corpora/poem/tokens.parquet")
    assert [token["word"] for token in tokens] == ["cat", "and", "dog", "the", "dog", "ran"]
    last = tokens[-1]
    assert last["text"][last["char_start"] : last["char_end"]] == "ran"


def test_the_analysis_measures_lengths(checkout: Checkout) -> None:
    """The length of a vector of one number is its size, averaged over the words' means."""
    layer = read_embeddings(checkout.folder / "results/embeddings/clips/loudness/layer-0.parquet")
    words = np.array([str(name).partition("-")[0] for name in layer.token_ids])
    means = [layer.vectors[words == word].mean() for word in np.unique(words)]
    (row,) = _rows(checkout, "tables/lengths.parquet")
    assert row["estimate"] == pytest.approx(np.abs(means).mean(), rel=1e-6)
    assert (row["n_types"], row["n_tokens"]) == (6, 24)


def _rows(checkout: Checkout, file: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(checkout.folder / "results" / file).to_pylist()
    return rows
