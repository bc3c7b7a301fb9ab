"""A newcomer's path: clone, `make study`, open the report, add an own word list, run again."""

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from checkout import ROOT, Checkout, leave_labellings_out, make
from pages import blocks

from groundscope.plan import figures, targets
from groundscope.plan.config import resolve_study

README = ROOT / "README.md"
OWN_WORDS = {
    "fruit": ["apple", "pear", "plum", "cherry", "grape"],
    "tool": ["hammer", "saw", "drill", "axe", "wrench"],
    "bird": ["owl", "crow", "finch", "heron", "swan"],
}

pytestmark = pytest.mark.weights


def _study(checkout: Checkout) -> dict[str, Any]:
    return resolve_study(checkout.config())


def test_everything_that_readme_names_is_there(default_study: Checkout) -> None:
    """Every planned table and figure, and every file of README's list of outputs, exists."""
    results = default_study.folder / "results"
    study = _study(default_study)
    for name in targets.tables(study):
        assert (results / f"tables/{name}.parquet").is_file(), name
    for file in figures.files(study):
        assert (default_study.folder / file).is_file(), file
    rows = re.findall(
        r"^\| (`[^|]*`) \|", README.read_text().split("file below `results/`")[1], re.M
    )
    named = [
        path for row in rows if "/" in row or "." in row for path in re.findall("`(.*?)`", row)
    ]
    assert len(named) >= 8
    for path in named:
        if path == "datasets/":
            continue  # this study has none
        pattern = re.sub("CORPUS|MODEL|LAYER", "*", path).rstrip("/")
        assert list(results.glob(pattern)), path


def test_the_report_holds_the_study(default_study: Checkout) -> None:
    """One file under 20 MB has title, question, every section and every figure.

    The summary is in it with its figures, small enough to open there.
    """
    report = default_study.folder / "results/report.html"
    assert report.stat().st_size < 20e6
    summary = (default_study.folder / "results/tables/summary.html").read_bytes()
    assert b'<figure id="figure-0">' in summary
    # in base64 it is an address, of which browsers take 2 MiB
    assert len(base64.b64encode(summary)) < 0.9 * 2**21
    text = report.read_text(encoding="utf-8")
    study = _study(default_study)
    assert study["study"]["title"] in text
    for kind in figures.kinds(study):
        assert kind.category in text
        assert kind.title in text
    for file in figures.files(study):
        if file.endswith(".svg"):
            assert Path(file).name in text, file


@pytest.fixture(scope="module")
def extended(
    default_study: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """Add an own word list to a copy of the finished study, as README says; do not run it yet."""
    copy = tmp_path_factory.mktemp("own") / "project"
    shutil.copytree(default_study.folder, copy, symlinks=True)
    checkout = Checkout(copy)
    lines = [f"{word},{label}" for label, words in OWN_WORDS.items() for word in words]
    (copy / "my-words.csv").write_text("\n".join(["word,label", *lines]) + "\n", encoding="utf-8")
    config = checkout.config()
    (added,) = [block for block in blocks(README, "yaml") if "my-words.csv" in block]
    for section, entries in yaml.safe_load(added).items():
        for name, entry in entries.items():
            config[section][name] = config[section].get(name, {}) | entry
    leave_labellings_out(config)
    checkout.configure(config)
    yield checkout
    shutil.rmtree(copy)


def test_own_words_run_their_own_jobs_only(extended: Checkout) -> None:
    """Of the default corpus nothing is computed again, and own words are in every table."""
    results = extended.folder / "results"
    before = {file: file.stat().st_mtime_ns for file in results.rglob("*") if file.is_file()}
    planned = extended.planned()
    text_models = ("minilm", "glove")
    assert planned["prepare_corpus"] == 1
    assert planned["compare_cka"] == 1
    # a rule has the layers in its name where they share a job
    extractions = [n for rule, n in planned.items() if rule.startswith("extract_embeddings")]
    assert sum(extractions) == len(text_models)
    assert planned["score_silhouette"] == planned["score_lda"] == len(text_models)
    others = {"fetch_checkpoint", "convert_checkpoint"}
    others |= {"contrast_alignments", "contrast_models", "correlate_changes"}
    assert not others & planned.keys()
    make(extended, "study")
    after = {file: file.stat().st_mtime_ns for file in results.rglob("*") if file.is_file()}
    touched = {
        file.relative_to(results).as_posix()
        for file, date in after.items()
        if before.get(file) != date
    }
    shared = ("tables/", "figures/", "logs/", "benchmarks/", "report.html")
    assert {
        file for file in touched if "my-words" not in file and not file.startswith(shared)
    } == set()
    for name in ("cka", "silhouette", "lda", "coverage"):
        table = pq.read_table(results / f"tables/{name}.parquet")
        assert set(table["corpus"].to_pylist()) == {"spoken-groups", "my-words"}, name
    assert extended.planned() == {}
