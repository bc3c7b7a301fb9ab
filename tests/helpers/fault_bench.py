"""A bench for faults: a finished study, disturbed copies of it, and what became of each."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from checkout import Checkout, copy_project
from cluster import Cluster
from tiny_study import Json, tiny_study, write_recordings, write_tiny_models

# a job takes seven seconds here: one look is enough, and the next is ten seconds later
SITE = ("--slurm-init-seconds-before-status-checks", "8")
EMBEDDINGS = "results/embeddings/clips"
# not results: they tell of the run
_NOT_COMPARED = ("logs/", "benchmarks/")

Found = TypeVar("Found")


def study_of_faults() -> dict[str, Json]:
    """Give the tiny study with a text model, a filter bank and vectors, cheap analyses."""
    study = tiny_study()
    del study["checkpoints"]["w2v"]
    study["models"] = {
        "bert": {"family": "text", "checkpoint": "bert", "layers": [0, 1]},
        "mel": {"family": "log-mel"},
        "glove": {"family": "static", "checkpoint": "glove"},
    }
    study["analyses"] = {"cka": {"pairs": [["mel", "bert"], ["glove", "bert"]]}}
    return study


def make_study(folder: Path) -> Checkout:
    """Copy the project into `folder` and set up the study, not run."""
    checkout = copy_project(folder)
    write_recordings(checkout.folder / "data/clips")
    # copies of the study share the models: a manifest says where local ones are
    models = folder.parent / "models"
    write_tiny_models(models)
    (checkout.folder / "data/models").symlink_to(models)
    checkout.configure(study_of_faults())
    return checkout


def results(folder: Path) -> dict[str, str]:
    """Digest every result file below `folder`, hidden ones included, by its path."""
    found = {}
    for path in sorted((folder / "results").rglob("*")):
        name = str(path.relative_to(folder / "results"))
        if path.is_file() and not name.startswith(_NOT_COMPARED):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def wait_for(
    ready: Callable[[], Found], what: str, seconds: float = 120, pause: float = 0.5
) -> Found:
    """Wait until `ready` gives something true, and give it; look every `pause` seconds."""
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(pause)
    return found


@dataclass(frozen=True)
class Outcome:
    """What became of a disturbed study, as one line of the fault table.

    Attributes
    ----------
    fault
        What was done to it.
    lost
        Finished results that were gone or made again though nothing was wrong with them.
    again
        Rule -> jobs that were submitted more often than an undisturbed run submits them.
    different
        Result files that are not, bit for bit, those of the undisturbed run.
    output
        What Snakemake printed, of all runs.
    """

    fault: str
    lost: list[str]
    again: Counter[str]
    different: list[str]
    output: str

    def line(self) -> str:
        """Write the outcome as a line of the table."""
        again = ", ".join(f"{rule} x{n}" for rule, n in sorted(self.again.items())) or "nothing"
        lost = ", ".join(self.lost) or "nothing"
        same = f"differs: {', '.join(self.different)}" if self.different else "identical"
        return f"{self.fault:34} lost: {lost:9} recomputed: {again:42} {same}"


@dataclass
class Case:
    """A copy of the finished study that lacks some results, to be disturbed.

    Attributes
    ----------
    fault
        What will be done to it.
    checkout
        The copy.
    cluster
        Where its jobs run.
    reference
        Digests of the undisturbed results.
    """

    fault: str
    checkout: Checkout
    cluster: Cluster
    reference: dict[str, str]
    output: str = ""
    needed: Counter[str] = field(default_factory=Counter)
    _before: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The copy's folder."""
        return self.checkout.folder

    def remove(self, *layers: str) -> None:
        """Remove layers, such as bert/0, so that there is something to be done."""
        for layer in layers:
            self.file(layer).unlink()
        self.needed["extract_embeddings"] = len(layers)
        for name in results(self.folder):
            stat = (self.folder / "results" / name).stat()
            self._before[name] = (stat.st_ino, stat.st_mtime_ns)

    def forget(self, *prefixes: str) -> None:
        """Take results off the list of those that must stay as they are."""
        self._before = {k: v for k, v in self._before.items() if not k.startswith(prefixes)}

    def file(self, layer: str) -> Path:
        """Name the embedding file of a layer, such as bert/0."""
        model, _, name = layer.partition("/")
        return self.folder / EMBEDDINGS / model / f"layer-{name}.parquet"

    def slow_down(self, tool: str, seconds: int) -> Path:
        """Let one of SLURM's commands take longer; give a file that is there as long as it runs."""
        marker, script = self.folder / f"{tool}-runs", self.folder / "slow" / tool
        command = shutil.which(tool, path=self.cluster.environment["PATH"])
        # the marker goes with the shell
        lines = ["#!/bin/sh", f"touch '{marker}'", f"trap \"rm '{marker}'\" EXIT"]
        lines += [f"sleep {seconds}", f'{command} "$@"']
        script.parent.mkdir(exist_ok=True)
        script.write_text("\n".join(lines) + "\n", encoding="utf-8")
        script.chmod(0o755)
        return marker

    def start(self, *arguments: str, target: str = "embeddings") -> subprocess.Popen[str]:
        """Start `snakemake --profile slurm` for a target rule."""
        environment = self.cluster.environment
        environment["PATH"] = f"{self.folder / 'slow'}:{environment['PATH']}"
        return self.checkout.start(
            target, *SITE, *arguments, profile="slurm", environment=environment
        )

    def end(self, running: subprocess.Popen[str], *, expected: int | None = 0) -> str:
        """Wait for a run's end; check its exit code unless None is expected."""
        output, _ = running.communicate(timeout=400)
        self.output += output
        assert expected is None or running.returncode == expected, output[-6000:]
        return output

    def run(self, *arguments: str, target: str = "embeddings", expected: int | None = 0) -> str:
        """Run `snakemake --profile slurm` to its end."""
        return self.end(self.start(*arguments, target=target), expected=expected)

    def jobs(self, rule: str = "", *states: str) -> list[str]:
        """List the ids of this case's SLURM jobs, of a rule and in some states if given."""
        return [
            job["JobId"]
            for job in self.cluster.jobs()
            if job.get("WorkDir") == str(self.folder)
            and job.get("Comment", "").startswith(f"rule_{rule}")
            and (not states or job["JobState"] in states)
        ]

    def nodes(self, state: str) -> set[str]:
        """Name the nodes of this case's jobs in a state."""
        jobs = set(self.jobs("", state))
        return {job["NodeList"] for job in self.cluster.jobs() if job["JobId"] in jobs}

    def unlock(self, *, expected: int = 0) -> str:
        """Run what `make unlock` runs."""
        done = subprocess.run(
            [sys.executable, "-m", "groundscope.plan.running"],
            cwd=self.folder,
            env={**self.cluster.environment, "PYTHONPATH": str(self.folder / "workflow/src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == expected, done.stdout
        return done.stdout

    def wait_for_job(self, rule: str, *states: str, seconds: float = 120) -> str:
        """Wait for a job of `rule` in one of `states`; give its id."""
        what = f"{self.fault}: {rule} {states}"
        return wait_for(lambda: self.jobs(rule, *states), what, seconds)[0]

    def log(self, name: str) -> str:
        """Read a job's log; empty if it does not exist."""
        path = self.folder / "results/logs" / name
        return path.read_text(errors="replace") if path.exists() else ""

    def freeze(self, command: str, seconds: float = 120) -> int:
        """Stop a process of `command` as soon as it listens to signals; give its id.

        Its job then goes on and on, until SLURM wakes the process to end it.
        """
        # its imports take over a second; then it listens for a few tenths
        what = f"{self.fault}: {command}"
        wait_for(lambda: self._processes(command), what, seconds, pause=0.2)
        return wait_for(lambda: self._stop(command), what, seconds, pause=0.02)

    def _processes(self, command: str) -> list[Path]:
        """Folders below /proc of this case's processes of a command."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                named = f"groundscope.commands.{command}".encode() in words
                if named and (folder / "cwd").resolve() == self.folder:
                    found.append(folder)
        return found

    def _stop(self, command: str) -> int:
        """Stop one that listens, and give its id; 0 if there is none, or it has just ended."""
        for folder in self._processes(command):
            with suppress(OSError):
                caught = re.search(r"SigCgt:\s*(\w+)", (folder / "status").read_text())
                if caught and int(caught[1], 16) >> (signal.SIGUSR1 - 1) & 1:
                    os.kill(int(folder.name), signal.SIGSTOP)
                    return int(folder.name)
        return 0

    def outcome(self, target: str = "embeddings") -> Outcome:
        """Run it once more, undisturbed, and compare with the study that never was disturbed."""
        self.run(target=target)
        wait_for(lambda: not self.jobs("", "RUNNING", "PENDING"), f"{self.fault}: orphans", 30)
        made = results(self.folder)
        names = set(made) | set(self.reference)
        submitted: Counter[str] = Counter()
        for job in self.cluster.jobs():
            found = re.match("rule_(.*?)(_wildcards_|$)", job.get("Comment", ""))
            if job.get("WorkDir") == str(self.folder) and found:
                submitted[found[1]] += 1
        lost = []
        for name, before in self._before.items():
            path = self.folder / "results" / name
            now = path.stat() if path.exists() else None
            if now is None or (now.st_ino, now.st_mtime_ns) != before:
                lost.append(name)
        different = sorted(n for n in names if made.get(n) != self.reference.get(n))
        return Outcome(self.fault, lost, submitted - self.needed, different, self.output)


@dataclass
class Bench:
    """A cluster, and a study that ran undisturbed.

    Attributes
    ----------
    cluster
        The cluster.
    finished
        The study.
    scratch
        Folder for copies.
    """

    cluster: Cluster
    finished: Checkout
    scratch: Path
    reference: dict[str, str]

    def case(self, fault: str, *missing: str) -> Case:
        """Copy the finished study without the layers `missing`."""
        name = re.sub("[^a-z0-9]+", "-", fault.lower())
        shutil.copytree(self.finished.folder, self.scratch / name, symlinks=True)
        case = Case(fault, Checkout(self.scratch / name), self.cluster, self.reference)
        case.remove(*missing)
        return case
