"""Which Snakemake runs in this folder, and how to go on after one that was killed.

A killed Snakemake leaves its lock and its SLURM jobs behind. ``python -m groundscope.plan.running``
(``make unlock``) cancels the jobs and removes the lock, but never those of a run that is alive.
"""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.files import atomic

# beside Snakemake's own locks, one file a run
_RUNS = Path(".snakemake/runs")


def begin() -> None:
    """Note that this process runs a study in the working folder."""
    _RUNS.mkdir(parents=True, exist_ok=True)
    started = time.strftime("%Y-%m-%d %H:%M")
    about = {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "user": getpass.getuser(),
        "started": started,
    }
    with atomic(_own()) as beside:
        beside.write_text(json.dumps(about), encoding="utf-8")


def end() -> None:
    """Note that it has ended."""
    _own().unlink(missing_ok=True)


def redo_unrecorded(jobs: Iterable[Any], persistence: Any) -> None:
    """Have jobs run again that wrote their files in this run, but that Snakemake has no record of.

    A job on a node may finish when Snakemake no longer looks, as after Ctrl-C. Its files are whole,
    but nothing says what made them, so that no change of an option could make them stale.

    Parameters
    ----------
    jobs, persistence
        Snakemake's own, of a run that has begun.
    """
    begun = _own().stat().st_mtime
    for job in jobs:
        files = [Path(file) for file in job.output]
        new = files and all(file.exists() and file.stat().st_mtime >= begun for file in files)
        if new and not persistence.has_metadata(job):
            # an output that is marked as begun is incomplete
            persistence.started(job)


def warn_of_unrecorded(workflow: Any) -> None:
    """Say which results Snakemake has no record of: no change of an option makes them stale.

    It keeps what made them in `.snakemake`, by their paths, and says nothing where that is lost or
    the results were moved.

    Parameters
    ----------
    workflow
        Snakemake's own, at its end.
    """
    if workflow.dag is None:
        return
    jobs = [
        job
        for job in workflow.dag.jobs
        if workflow.dag.reason(job).no_metadata
        and not workflow.dag.needrun(job)
        and not workflow.persistence.has_metadata(job)
    ]
    if jobs:
        sys.stderr.write(
            f"warning: Snakemake has no record of what made the results of {len(jobs)} jobs, such "
            f"as {jobs[0].output[0]}, so no change of an option makes them stale: where they "
            "are of this study as it stands, add `--touch --forceall` to the same command once; if "
            "not, delete them\n"
        )


def cancel_overlooked(workflow: Any) -> None:
    """Cancel the SLURM jobs that Snakemake left running though it has ended.

    It loses sight of its jobs for as long as it asks SLURM how they are, and Ctrl-C cancels only
    those that it sees.

    Parameters
    ----------
    workflow
        Snakemake's own, of a run that has begun.
    """
    if workflow.local_exec:
        return
    try:
        jobs = _jobs("--me", "--states=PENDING,CONFIGURING,RUNNING,SUSPENDED")
        if not jobs:
            return
        _slurm("scancel", "--quiet", *jobs)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
    else:
        sys.stderr.write(f"cancelled {len(jobs)} SLURM jobs that Snakemake had lost sight of\n")


def _own() -> Path:
    return _RUNS / f"{socket.gethostname()}-{os.getpid()}.json"


def release() -> None:
    """Cancel the SLURM jobs and remove the lock that killed runs left in the working folder.

    Raises
    ------
    UserError
        A run is alive, it, its note or its jobs cannot be looked at from here, or there are jobs of
        other users: the lock stays.
    """
    runs = sorted(_RUNS.glob("*.json"))
    for run in runs:
        _require_dead(run)
    try:
        jobs = _jobs("--me")
        if jobs:
            _slurm("scancel", *jobs)
            while set(jobs) & set(_jobs("--me")):
                time.sleep(1)
        left = _jobs()
    except UserError as error:
        # jobs that nobody sees would write beside those of the next run
        message = (
            f"{error}, so the lock stays: repeat `make unlock` when SLURM answers; if none of its "
            "jobs are of this folder, `snakemake --unlock --cores 1` removes the lock"
        )
        raise UserError(message) from error
    sys.stdout.write(f"cancelled {len(jobs)} SLURM jobs that had lost their Snakemake\n")
    if left:
        message = (
            f"SLURM jobs of other users write in this folder ({', '.join(left)}), so the lock "
            "stays: they cancel theirs with `make unlock`"
        )
        raise UserError(message)
    unlock = [sys.executable, "-m", "snakemake", "--unlock", "--cores", "1", "--quiet"]
    if subprocess.run(unlock, check=False).returncode:
        message = "snakemake --unlock fails: the lock stays; give it your study with --configfile"
        raise UserError(message)
    for run in runs:
        run.unlink(missing_ok=True)
    sys.stdout.write("the lock is gone: start the same command again to go on\n")


def _require_dead(note: Path) -> None:
    try:
        run = json.loads(note.read_text(encoding="utf-8"))
        host, process = run["host"], run["process"]
        who = f"{run['user']}'s Snakemake of {run['started']} (process {process})"
    except (ValueError, KeyError, TypeError) as error:
        message = (
            f"{note} does not say which Snakemake ran: make sure that none is running in this "
            "folder, on any host, delete it, and repeat `make unlock`"
        )
        raise UserError(message) from error
    if host != socket.gethostname():
        message = (
            f"{who} ran on {host}: make sure there that it has ended (make unlock); if that host "
            f"is gone for good, delete {note} and repeat"
        )
        raise UserError(message)
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return
    if b"snakemake" in command:
        message = f"{who} is running here: wait for it, or end it with Ctrl-C"
        raise UserError(message)


def _jobs(*options: str) -> list[str]:
    """List the SLURM jobs that a Snakemake in the working folder submitted, of any user."""
    if shutil.which("squeue") is None:
        return []
    asked = ["squeue", "--noheader", "--format=%A|%k|%Z", *options]
    found = []
    for line in _slurm(*asked).splitlines():
        job, comment, folder = line.split("|", 2)
        if comment.startswith("rule_") and os.path.realpath(folder) == os.path.realpath("."):
            found.append(job)
    return found


def _slurm(*command: str) -> str:
    """Run a command of SLURM and return what it prints; a failure has the command's own reason."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1]
        message = f"{command[0]} fails ({why}): jobs may be left running"
        raise UserError(message)
    return done.stdout


if __name__ == "__main__":
    try:
        release()
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
