"""The faults: what is done to a study on a real SLURM, and what must then be true."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from fault_bench import Bench, Case, Outcome, wait_for

Fault = Callable[[Bench], Outcome]
# cases that run beside each other
TOGETHER = 5
_EXTRACT = "extract_embeddings"


def _mount(case: Case, *command: str | Path, node: str = "") -> None:
    """Mount something, in the eyes of one node only if `node` is given."""
    inside = ["nsenter", "--mount", f"--target={case.cluster.daemons[node].pid}"] if node else []
    subprocess.run([*inside, *command], check=True)


def time_limit(bench: Bench) -> Outcome:
    """Let a job run into its limit: it says so, and its second attempt has twice the time."""
    case = bench.case("time limit", "mel/0")
    running = case.start()
    case.freeze(_EXTRACT)
    job = case.wait_for_job(_EXTRACT, "RUNNING")
    # in minutes; 60 as the rule asks for would take too long here
    case.cluster.call("scontrol", "update", f"jobid={job}", "TimeLimit=1")
    output = case.end(running)
    said = re.findall(r"^.*ended by SIGTERM \(SLURM job (\d+) on c\d\) after \d+ min", output, re.M)
    assert job in said, output[-6000:]
    assert "--set-resources extract_embeddings:runtime=MINUTES" in output
    return case.outcome()


def memory_limit(bench: Bench) -> Outcome:
    """Ask for less memory than a job needs: the next attempt asks for more."""
    case = bench.case("memory limit", "mel/0")
    case.run("--set-resources", f"{_EXTRACT}:mem_mb=300*4**(attempt-1)")
    logs = (case.folder / ".snakemake/slurm_logs").rglob("*.log")
    assert any("memory limit" in log.read_text() for log in logs)
    return case.outcome()


def scancel(bench: Bench) -> Outcome:
    """Cancel a running and a pending job of the run."""
    case = bench.case("scancel, running and pending", "bert/0", "mel/0")
    # no node can run the job of bert before this one is over
    blocker = case.cluster.call(
        "sbatch",
        "--parsable",
        "--partition=gpu",
        "--nodes=2",
        "--gpus=2",
        "--output=/dev/null",
        "--wrap=sleep 600",
    ).strip()
    try:
        running = case.start()
        case.freeze(_EXTRACT)
        jobs = [*case.jobs(_EXTRACT, "RUNNING"), *case.jobs(_EXTRACT, "PENDING")]
        assert len(jobs) == 2
        case.cluster.call("scancel", *jobs)
    finally:
        # or it keeps the jobs of other cases waiting
        case.cluster.call("scancel", blocker)
    case.end(running)
    return case.outcome()


def killed_snakemake(bench: Bench) -> Outcome:
    """Kill Snakemake with -9: its job and its lock stay, until `make unlock`."""
    case = bench.case("Snakemake killed with -9", "mel/0")
    running = case.start()
    case.freeze(_EXTRACT)
    # the lock of a living run stays
    assert "is running here" in case.unlock(expected=2)
    running.kill()
    case.end(running, expected=-signal.SIGKILL)
    assert case.jobs(_EXTRACT, "RUNNING")
    assert "cannot be locked" in case.run(expected=1)
    assert "cancelled 1 SLURM jobs" in case.unlock()
    assert not case.jobs("", "RUNNING", "PENDING")
    return case.outcome()


def interrupted_snakemake(bench: Bench) -> Outcome:
    """Press Ctrl-C: jobs are cancelled, the lock is removed, the same command goes on."""
    case = bench.case("Ctrl-C", "mel/0")
    running = case.start()
    case.freeze(_EXTRACT)
    running.send_signal(signal.SIGINT)
    case.end(running, expected=1)
    wait_for(lambda: not case.jobs("", "RUNNING", "PENDING"), "jobs after Ctrl-C", 180)
    return case.outcome()


def interrupted_while_asking(bench: Bench) -> Outcome:
    """Press Ctrl-C while Snakemake asks SLURM how its jobs are, and sees none of them."""
    case = bench.case("Ctrl-C while SLURM is asked", "mel/0")
    asking = case.slow_down("squeue", seconds=5)
    running = case.start()
    case.freeze(_EXTRACT)
    wait_for(asking.exists, "a look at the jobs", pause=0.1)
    running.send_signal(signal.SIGINT)
    assert "cancelled 1 SLURM jobs that Snakemake had lost sight of" in case.end(
        running, expected=1
    )
    wait_for(lambda: not case.jobs("", "RUNNING", "PENDING"), "jobs after Ctrl-C", 180)
    return case.outcome()


def full_disk(bench: Bench) -> Outcome:
    """Fill the disk with the embeddings: said in one line; with room again, it goes on."""
    case = bench.case("full disk", "glove/0")
    folder = case.file("glove/0").parent
    _mount(case, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder)
    try:
        balloon = folder / "balloon"
        balloon.write_bytes(b"\0" * 64 * 1024)
        output = case.run("--retries", "0", expected=1)
        said = r"error: .*No space left on device \(\S+/glove/layer-0.parquet\)"
        assert re.search(said, output), output[-6000:]
        balloon.unlink()
        case.run()
        made = case.file("glove/0").read_bytes()
    finally:
        _mount(case, "umount", folder)
    case.file("glove/0").write_bytes(made)
    return case.outcome()


def read_only(bench: Bench) -> Outcome:
    """Make the folder of the embeddings read-only: said in one line."""
    case = bench.case("read-only results folder", "glove/0")
    folder = case.file("glove/0").parent
    _mount(case, "mount", "--bind", folder, folder)
    _mount(case, "mount", "-o", "remount,bind,ro", folder)
    try:
        output = case.run("--retries", "0", expected=1)
        assert "Read-only file system" in output, output[-6000:]
    finally:
        _mount(case, "umount", folder)
    return case.outcome()


def late_and_skewed(bench: Bench) -> Outcome:
    """Show nodes' new files late, with times of clocks that go ten minutes wrong."""
    case = bench.case("late outputs, clocks 10 min apart", "bert/0", "bert/1")
    folder = case.file("bert/0").parent
    skews = {"g1": -600, "g2": 600}
    for node in skews:
        private = case.folder / f"private-{node}"
        private.mkdir()
        _mount(case, "mount", "--bind", private, folder, node=node)
    try:
        running = case.start()
        shown: set[str] = set()
        while len(shown) < 2:
            assert running.poll() is None, case.end(running)
            for node, skew in skews.items():
                for made in (case.folder / f"private-{node}").glob("layer-*.parquet"):
                    if made.name in shown or case.jobs(_EXTRACT, "RUNNING", "PENDING"):
                        continue
                    time.sleep(6)
                    beside = folder / f".late-{made.name}"
                    beside.write_bytes(made.read_bytes())
                    os.utime(beside, (time.time() + skew,) * 2)
                    beside.rename(folder / made.name)
                    shown.add(made.name)
            time.sleep(0.5)
        case.end(running)
    finally:
        for node in skews:
            _mount(case, "umount", folder, node=node)
    return case.outcome()


def damaged_files(bench: Bench) -> Outcome:
    """Empty, cut and corrupt files: each is named; deleted, it is computed again."""
    case = bench.case("empty, half-written, corrupted files")
    coverage = case.folder / "results/corpora/clips/coverage.parquet"
    # each is the first that a job of its own reads, so that one run names all three
    broken = [case.file("mel/0"), case.file("bert/1"), coverage]
    for file, damage in zip(broken, (_cut, _flip, _empty), strict=True):
        file.write_bytes(damage(file.read_bytes()))
    # what is computed from them, and what is made beside one of them
    case.forget("cka/", "tables/cka", "tables/coverage", "corpora/clips/selected")
    names = [str(file.relative_to(case.folder / "results")) for file in broken]
    case.forget(*names)
    output = case.run("--retries", "0", target="tables", expected=1)
    said = re.findall(r"error: (\S+) is not a readable .*: delete it and rerun", output)
    assert set(said) == {f"results/{name}" for name in names}, output[-6000:]
    for file in broken:
        file.unlink()
    return case.outcome("tables")


def _empty(content: bytes) -> bytes:
    return b""


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip(content: bytes) -> bytes:
    middle = len(content) // 3
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def two_at_once(bench: Bench) -> Outcome:
    """Start the same study twice at the same moment: one runs, the other is told."""
    case = bench.case("two start it at once", "glove/0")
    runs = [case.start(), case.start()]
    outputs = [case.end(run, expected=None) for run in runs]
    codes = sorted(run.returncode for run in runs)
    assert codes == [0, 1], "\n".join(outputs)[-6000:]
    assert "cannot be locked" in "".join(outputs)
    return case.outcome()


def node_killed(bench: Bench) -> Outcome:
    """Cut the power of a node while it computes."""
    case = bench.case("node killed", "mel/0")
    running = case.start()
    case.freeze(_EXTRACT)
    (node,) = case.nodes("RUNNING")
    case.cluster.cut_power(node)
    try:
        case.end(running)
    finally:
        case.cluster.start(node)
    return case.outcome()


def node_drained(bench: Bench) -> Outcome:
    """Drain a node while it computes: its job ends well, later ones go elsewhere."""
    case = bench.case("node drained", "mel/0", "glove/0")
    running = case.start("--jobs", "1")
    process = case.freeze(_EXTRACT)
    (first,) = case.nodes("RUNNING")
    case.cluster.call("scontrol", "update", f"nodename={first}", "state=drain", "reason=test")
    os.kill(process, signal.SIGCONT)
    case.end(running)
    assert len(case.nodes("COMPLETED")) == 2
    case.cluster.call("scontrol", "update", f"nodename={first}", "state=resume")
    return case.outcome()


def controller_restarted(bench: Bench) -> Outcome:
    """Stop the controller for some seconds while a job runs."""
    case = bench.case("slurmctld restarted", "mel/0")
    running = case.start()
    process = case.freeze(_EXTRACT)
    case.cluster.stop("slurmctld")
    os.kill(process, signal.SIGCONT)
    time.sleep(8)
    case.cluster.start("slurmctld")
    case.end(running)
    return case.outcome()


# the longest first
OF_JOBS: dict[str, Fault] = {
    "damaged files": damaged_files,
    "time limit": time_limit,
    "memory limit": memory_limit,
    "scancel": scancel,
    "kill -9": killed_snakemake,
    "Ctrl-C": interrupted_snakemake,
    "Ctrl-C while SLURM is asked": interrupted_while_asking,
    "full disk": full_disk,
    "read-only": read_only,
    "late and skewed": late_and_skewed,
    "two at once": two_at_once,
}
OF_THE_CLUSTER: dict[str, Fault] = {
    "node drained": node_drained,
    "slurmctld restarted": controller_restarted,
    "node killed": node_killed,
}
