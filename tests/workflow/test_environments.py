"""With `--sdm conda`, the pins of an environment count, for the rules that name it."""

import os
import shutil
from collections.abc import Iterator

import pytest
from checkout import Checkout, copy_project
from tiny_study import tiny_study, write_recordings, write_tiny_models

# What Snakemake asks of conda. Environments are empty folders and change no PATH: the packages are
# those of the tests. What is tested is Snakemake's own decision of what is stale, not a solver.
CONDA = """#!/bin/bash
case "$*" in
    "info --json") echo '{{"conda_prefix": "{prefix}", "platform": "linux-64"}}' ;;
    "--version") echo "conda 26.1.0" ;;
    "config --get channel_priority --json") echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
    "env create"*) eval "mkdir -p ${{@: -1}}" ;;
    "clean"*) ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, dict[str, str]]]:
    """Run a small study with `--sdm conda`; give it and the environment variables for more."""
    folder = tmp_path_factory.mktemp("managed")
    prefix = folder / "conda"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/conda").write_text(CONDA.format(prefix=prefix), encoding="utf-8")
    (prefix / "bin/conda").chmod(0o755)
    (prefix / "bin/activate").touch()
    checkout = copy_project(folder / "project")
    write_recordings(checkout.folder / "data/clips")
    write_tiny_models(checkout.folder / "data/models")
    study = tiny_study()
    study["models"] = {"glove": study["models"]["glove"]}
    study["checkpoints"] = {"glove": study["checkpoints"]["glove"]}
    study["analyses"] = {"silhouette": {"labellings": ["meaning"]}}
    checkout.configure(study)
    variables = {**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}"}
    done = checkout.snakemake("--sdm", "conda", environment=variables)
    assert done.returncode == 0, done.stdout[-5000:]
    yield checkout, variables
    shutil.rmtree(folder)


def planned(managed: tuple[Checkout, dict[str, str]], environment: str) -> set[str]:
    """Rules that run after another pin in one environment's file, which is put back."""
    checkout, variables = managed
    file = checkout.folder / f"envs/{environment}.yaml"
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace("==", ">="), encoding="utf-8")
    try:
        return set(checkout.planned("--sdm", "conda", environment=variables))
    finally:
        file.write_text(before, encoding="utf-8")


def test_nothing_is_stale_right_after_a_run(managed: tuple[Checkout, dict[str, str]]) -> None:
    """The environments alone make nothing stale."""
    checkout, variables = managed
    assert checkout.planned("--sdm", "conda", environment=variables) == {}


def test_other_pins_of_the_analyses_keep_the_embeddings(
    managed: tuple[Checkout, dict[str, str]],
) -> None:
    """The rules on CPUs run again and the figures that show them; no GPU job does."""
    rules = planned(managed, "analysis")
    assert "score_silhouette" in rules
    assert "extract_embeddings" not in rules


def test_other_pins_of_extraction_count(managed: tuple[Checkout, dict[str, str]]) -> None:
    """Another torch is another result."""
    assert "extract_embeddings" in planned(managed, "extraction")
