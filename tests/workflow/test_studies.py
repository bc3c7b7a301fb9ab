"""The study files that come with the project: planned whole, from nothing but the configuration."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkout import ROOT, Checkout, copy_project

from groundscope.plan.config import missing_paths, resolve_study

# Jobs with one layer a job. Curious case: 4 models of 12 layers and GloVe, on 2 corpora; 6 pairs of
# speech and text and 2 of grounded and not; 2 labellings of 5 models; 2 contrasts, of speech with 3
# third models, of text with 2. Choi: 6 corpora
# (all speakers, and 5 by themselves); 2 models of 12 blocks and 4 of 24, and what enters them.
JOBS = {
    "choi-2024": {
        "prepare_corpus": 6,
        "build_word_map": 6,
        "fetch_checkpoint": 6,
        "extract_embeddings": 6 * (2 * 13 + 4 * 25),
        "compare_pairs": 6 * 6,
        "fetch_dataset": 1,
    },
    "curious-case": {
        "prepare_corpus": 2,
        "build_word_map": 2,
        "fetch_checkpoint": 5,
        "convert_checkpoint": 2,
        "extract_embeddings": 2 * (4 * 12 + 1),
        "compare_cka": 2 * (6 + 2),
        "compare_pairs": 2 * 5,
        "score_silhouette": 2 * 5,
        "contrast_alignments": 2 * (3 + 2),
        "contrast_models": 2 * 2,
        "correlate_changes": 2 * 2,
        "compare_published": 1,
        "fetch_dataset": 1,
    },
    "encoders": {"fetch_checkpoint": 18, "convert_checkpoint": 5, "compare_cka": 2},
}
ANALYSES = {
    "compare_cka",
    "compare_pairs",
    "score_silhouette",
    "score_lda",
    "contrast_alignments",
    "contrast_models",
    "correlate_changes",
}


def _study(name: str) -> dict[str, Any]:
    file = ROOT / f"resources/studies/{name}.yaml"
    return resolve_study(yaml.safe_load(file.read_text(encoding="utf-8")))


def _stand_ins(study: dict[str, Any]) -> None:
    """Make an empty file for every local path that the study names and the project lacks."""
    for _, path in missing_paths(study):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Copy the project once; a dry run leaves no trace."""
    return copy_project(tmp_path_factory.mktemp("studies") / "project")


def test_every_study_file_is_tested() -> None:
    """A study that is added has its jobs counted."""
    assert {file.stem for file in (ROOT / "resources/studies").glob("*.yaml")} == JOBS.keys()


@pytest.mark.parametrize("name", sorted(JOBS))
def test_the_jobs_of_a_study_follow_from_its_paper(
    checkout: Checkout, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run looks at no content, and plans what the paper compares, and no more."""
    monkeypatch.chdir(checkout.folder)
    _stand_ins(_study(name))
    file = f"resources/studies/{name}.yaml"
    planned = checkout.planned("--configfile", file, "--config", "layers_per_job=1")
    assert {rule: planned.get(rule) for rule in JOBS[name]} == JOBS[name]
    if name != "encoders":
        optional = ANALYSES | {"compare_published", "convert_checkpoint"}
        assert planned.keys() & optional <= JOBS[name].keys()


@pytest.mark.parametrize("name", sorted(JOBS))
def test_downloads_are_pinned(name: str) -> None:
    """A revision of the hub is a commit, not a branch that moves."""
    for checkpoint in _study(name)["checkpoints"].values():
        if checkpoint["source"] == "hub":
            assert re.fullmatch("[0-9a-f]{40}", checkpoint["revision"]), checkpoint["repo"]


def test_subsets_are_the_concrete_and_abstract_groups() -> None:
    """The subsets of the study name each group once, by the class in the lists of words."""
    subsets = _study("curious-case")["analyses"]["silhouette"]["subsets"]
    for grouping, prefix in (("semantic", ""), ("phonetic", "sound-")):
        lines = (ROOT / f"resources/word-groups/curious-case-{grouping}.csv").read_text()
        rows = [line.split(",") for line in lines.splitlines()[1:]]
        for kind in ("concrete", "abstract"):
            groups = {label for _, label, declared in rows if declared == kind}
            assert set(subsets[f"{prefix}{kind}"]) == groups
