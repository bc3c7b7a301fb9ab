"""What `make unlock` and the end of a run do where SLURM answers, and where it does not."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from checkout import ROOT

from groundscope.errors import UserError
from groundscope.plan import running

DOWN = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
FAILS = f"echo 'squeue: retrying' >&2; echo '{DOWN}' >&2; exit 1"
# two jobs of this folder, one of which Snakemake did not submit, and one of another
LISTS = r"""test -e cancelled || printf '%s\n' "7|rule_a|$PWD" "8|(null)|$PWD" "9|rule_a|/" """


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a run that is dead; give the folder of commands that stand in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    _write(folder / "squeue", LISTS)
    _write(folder / "scancel", 'echo "$@" > cancelled')
    _write(folder / "python", 'echo "$@" > unlocked')
    running.begin()
    (note,) = Path(".snakemake/runs").iterdir()
    # no process has this number
    note.write_text(note.read_text().replace(f": {os.getpid()}", ": 99999999"))
    return folder


def _write(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _held() -> bool:
    """Say whether the lock was left alone, and so the note of the run."""
    return not Path("unlocked").exists() and any(Path(".snakemake/runs").iterdir())


def test_unlock_cancels_jobs_of_this_folder_first(
    commands: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that Snakemake submitted here, and then the lock and the note are gone."""
    monkeypatch.setattr(sys, "executable", str(commands / "python"))
    running.release()
    assert Path("cancelled").read_text() == "7\n"
    assert "--unlock" in Path("unlocked").read_text()
    assert not any(Path(".snakemake/runs").iterdir())
    assert "cancelled 1 SLURM jobs" in capsys.readouterr().out


def test_unlock_leaves_the_lock_where_jobs_cannot_be_seen(commands: Path) -> None:
    """One line has squeue's reason and how to go on; jobs of the run may still be writing."""
    _write(commands / "squeue", FAILS)
    done = subprocess.run(
        [sys.executable, "-m", "groundscope.plan.running"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: squeue fails ({DOWN}): jobs may be left running")
    assert "repeat `make unlock` when SLURM answers" in done.stderr
    assert "`snakemake --unlock --cores 1`" in done.stderr
    assert done.stderr.count("\n") == 1
    assert _held()


def test_unlock_leaves_the_lock_to_other_users_with_jobs(
    commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One's own jobs are cancelled, and only those; others' would write beside the next run."""
    monkeypatch.setattr(sys, "executable", str(commands / "python"))
    other = r"""case "$*" in *--me*) ;; *) printf '%s\n' "5|rule_a|$PWD" "6|rule_a|/";; esac"""
    _write(commands / "squeue", f"{LISTS}; {other}")
    with pytest.raises(UserError, match=r"^SLURM jobs of other users .* \(5\), so the lock stays"):
        running.release()
    assert Path("cancelled").read_text() == "7\n"
    assert _held()


def test_unlock_leaves_the_lock_where_jobs_stay(
    commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that cannot be cancelled keep it, and a command that says nothing has its exit code."""
    monkeypatch.setattr(sys, "executable", str(commands / "python"))
    _write(commands / "scancel", "exit 3")
    with pytest.raises(UserError, match=r"^scancel fails \(exit code 3\): .* the lock stays"):
        running.release()
    assert _held()


@pytest.mark.parametrize("content", ["", "[]", '{"host": "here"}'])
def test_unlock_names_a_note_that_says_nothing(commands: Path, content: str) -> None:
    """A disk that was full left it; whoever knows that nothing runs can delete it and go on."""
    (note,) = Path(".snakemake/runs").iterdir()
    note.write_text(content)
    with pytest.raises(UserError, match=f"^{note} does not say which Snakemake ran: .* delete it"):
        running.release()
    assert _held()


def test_unlock_says_how_to_go_on_after_a_host_that_is_gone(commands: Path) -> None:
    """Its run cannot be looked at any more: the note can be deleted."""
    (note,) = Path(".snakemake/runs").iterdir()
    note.write_text(note.read_text().replace(socket.gethostname(), "elsewhere"))
    with pytest.raises(UserError, match=f"ran on elsewhere: .* gone for good, delete {note}"):
        running.release()
    assert _held()


def test_a_note_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up while a run begins leaves none."""

    def fill(path: Path, text: str, **_: object) -> None:
        path.write_bytes(text.encode()[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_text", fill)
    with pytest.raises(OSError, match="No space left"):
        running.begin()
    assert list(tmp_path.rglob("*.json")) == []


def test_unlock_says_that_snakemake_refuses(
    commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A default study that is not legal is no traceback."""
    monkeypatch.setattr(sys, "executable", str(commands / "python"))
    _write(commands / "python", "exit 2")
    with pytest.raises(UserError, match=r"^snakemake --unlock fails: .* --configfile$"):
        running.release()
    assert _held()


@pytest.mark.parametrize(
    ("squeue", "said"),
    [
        (LISTS, "cancelled 1 SLURM jobs that Snakemake had lost sight of"),
        (FAILS, f"squeue fails ({DOWN}): jobs may be left running"),
        ("true", ""),
    ],
)
def test_the_end_of_a_run_says_what_becomes_of_its_jobs(
    commands: Path, capsys: pytest.CaptureFixture[str], squeue: str, said: str
) -> None:
    """A run that ends goes on to its end, whatever SLURM answers."""
    _write(commands / "squeue", squeue)
    running.cancel_overlooked(SimpleNamespace(local_exec=False))
    assert capsys.readouterr().err.strip() == said
    assert Path("cancelled").exists() == (squeue == LISTS)
