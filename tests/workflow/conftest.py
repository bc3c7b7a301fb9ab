"""The tiny study, run once."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Checkout, copy_project
from tiny_study import tiny_study, write_recordings, write_tiny_models

# Stands in the environment of the run, and must stand nowhere in what it writes.
SECRET = "hf_ThisIsNobodysToken"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Run the tiny study once; tests that change something work on a copy."""
    checkout = copy_project(tmp_path_factory.mktemp("finished") / "project")
    write_recordings(checkout.folder / "data/clips")
    write_tiny_models(checkout.folder / "data/models")
    checkout.configure(tiny_study())
    done = checkout.snakemake(environment={**os.environ, "HF_TOKEN": SECRET})
    assert done.returncode == 0, done.stdout[-5000:]
    assert SECRET not in done.stdout
    return checkout


@pytest.fixture(scope="session")
def report(finished: Checkout) -> Path:
    """Write the report of the tiny study once."""
    done = finished.snakemake("--report", "results/report.html")
    assert done.returncode == 0, done.stdout
    return finished.folder / "results/report.html"


@pytest.fixture
def secret() -> str:
    """Give what no file may hold."""
    return SECRET


@pytest.fixture
def study(finished: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """Give a copy of the finished tiny study, dates of files included."""
    copy = tmp_path / "project"
    shutil.copytree(finished.folder, copy, symlinks=True)
    yield Checkout(copy)
    shutil.rmtree(copy)
