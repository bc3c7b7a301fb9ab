"""The tiny study, run once."""

import fcntl
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
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Checkout:
    """Run the tiny study once; tests that change something work on a copy."""
    own = tmp_path_factory.getbasetemp()
    # processes that test beside each other share the folder above their own
    folder = (own if worker_id == "master" else own.parent) / "finished"
    folder.mkdir(exist_ok=True)
    checkout = Checkout(folder / "project")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _run_tiny_study(checkout)
            (folder / "done").touch()
    return checkout


def _run_tiny_study(checkout: Checkout) -> None:
    copy_project(checkout.folder)
    write_recordings(checkout.folder / "data/clips")
    write_tiny_models(checkout.folder / "data/models")
    contrast = {"treated": "w2v", "control": "glove"}
    checkout.configure({**tiny_study(), "contrasts": {"change": contrast}})
    done = checkout.snakemake(environment={**os.environ, "HF_TOKEN": SECRET})
    assert done.returncode == 0, done.stdout[-5000:]
    assert SECRET not in done.stdout


@pytest.fixture(scope="session")
def report(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of the tiny study once, in a copy."""
    copy = Checkout(tmp_path_factory.mktemp("report") / "project")
    shutil.copytree(finished.folder, copy.folder, symlinks=True)
    done = copy.snakemake("--report", "results/report.html")
    assert done.returncode == 0, done.stdout
    return copy.folder / "results/report.html"


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
