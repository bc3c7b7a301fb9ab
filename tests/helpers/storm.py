"""A storm: random kills of jobs, nodes and the controller while a study runs from nothing.

``python tests/helpers/storm.py --minutes 30 --seed 1`` repeats the study until the time is over;
each time it must end with the results of a run that nothing disturbed.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cluster
from checkout import Checkout
from fault_bench import Bench, Case, make_study, results, wait_for

# how often each happens; a node or the controller is away for some seconds
_BLOWS = {"job": 6, "node": 1, "controller": 1, "drain": 1, "snakemake -9": 1, "Ctrl-C": 1}
_AWAY_S = 4.0
# the shipped two retries are for bad luck, not for somebody who kills every other job
_PATIENCE = ("--retries", "20")


def storm(bench: Bench, seconds: float, seed: int) -> Counter[str]:
    """Run the study under random blows for `seconds`, then undisturbed; count the blows.

    Raises
    ------
    AssertionError
        A result differs from the undisturbed run's, or the study does not end.
    """
    draw = random.Random(seed)
    blows: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        case = _from_nothing(bench, sum(blows.values()))
        running = case.start(*_PATIENCE, target="tables")
        while time.monotonic() < end:
            time.sleep(draw.uniform(1.0, 5.0))
            blow = draw.choices(list(_BLOWS), list(_BLOWS.values()))[0]
            if running.poll() is not None:
                case.end(running, expected=None)
                if running.returncode == 0:
                    break
                case.unlock()
                running = case.start(*_PATIENCE, target="tables")
            elif _strike(case, blow, draw, running.pid):
                blows[blow] += 1
        case.end(running, expected=None)
        case.unlock()
        different = case.outcome("tables").different
        assert not different, f"seed {seed}: after {dict(blows)} differ {different}"
        shutil.rmtree(case.folder)
    return blows


def _from_nothing(bench: Bench, number: int) -> Case:
    case = bench.case(f"storm {number}")
    shutil.rmtree(case.folder / "results")
    shutil.rmtree(case.folder / ".snakemake")
    return case


def _strike(case: Case, blow: str, draw: random.Random, snakemake: int) -> bool:
    """Do one thing to the cluster or the run; False if there was nothing to do it to."""
    hit = case.cluster
    node = draw.choice([name for name in hit.daemons if name[1:].isdigit()])
    if blow == "job":
        jobs = case.jobs("", "RUNNING", "PENDING")
        if jobs:
            hit.call("scancel", draw.choice(jobs))
        return bool(jobs)
    if blow == "node":
        hit.cut_power(node)
        time.sleep(_AWAY_S)
        hit.start(node)
    elif blow == "controller":
        hit.stop("slurmctld")
        time.sleep(_AWAY_S)
        hit.start("slurmctld")
        wait_for(hit.answers, "the controller")
    elif blow == "drain":
        hit.call("scontrol", "update", f"nodename={node}", "state=drain", "reason=storm")
        time.sleep(_AWAY_S)
        hit.call("scontrol", "update", f"nodename={node}", "state=resume")
    else:
        os.kill(snakemake, signal.SIGKILL if blow == "snakemake -9" else signal.SIGINT)
    return True


def main() -> None:
    """Run the study and the storm; say what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    reason = cluster.missing()
    if reason:
        sys.exit(reason)
    scratch = Path(tempfile.mkdtemp(prefix="storm-"))
    study: Checkout = make_study(scratch / "undisturbed")
    done = study.snakemake("tables")
    assert done.returncode == 0, done.stdout
    with cluster.running_cluster(
        cpu_nodes=("c1", "c2"), gpu_nodes=("g1", "g2"), node_cpus=16, node_mb=64_000
    ) as running:
        bench = Bench(running, study, scratch, results(study.folder))
        blows = storm(bench, given.minutes * 60, given.seed)
    shutil.rmtree(scratch)
    sys.stdout.write(f"seed {given.seed}, {given.minutes} min: {dict(blows)}: identical\n")


if __name__ == "__main__":
    main()
