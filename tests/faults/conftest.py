"""One cluster and one undisturbed study; faults run beside each other where they can."""

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import cluster
import fault_table
import pytest
from fault_bench import Bench, Outcome, make_study, results

LINES: list[str] = []


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Start two CPU and two GPU nodes; run the study once, on this machine, without SLURM."""
    # where a shell started the tests in the background, all that they start would ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    scratch = tmp_path_factory.mktemp("faults")
    study = make_study(scratch / "undisturbed")
    done = study.snakemake("tables")
    assert done.returncode == 0, done.stdout[-5000:]
    with cluster.running_cluster(
        cpu_nodes=("c1", "c2"), gpu_nodes=("g1", "g2"), node_cpus=16, node_mb=64_000
    ) as running:
        yield Bench(running, study, scratch, results(study.folder))


@pytest.fixture(scope="module")
def outcomes(bench: Bench, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Outcome]]]:
    """Start all faults that tests ask for: those of a job together, those of the cluster after."""
    asked = {
        item.callspec.params.get("fault")
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    }
    with ThreadPoolExecutor(fault_table.TOGETHER) as pool, ThreadPoolExecutor(1) as alone:
        started = {
            name: pool.submit(run, bench)
            for name, run in fault_table.OF_JOBS.items()
            if name in asked
        }
        before = list(started.values())

        def after(run: fault_table.Fault) -> Outcome:
            for other in before:
                other.exception()
            return run(bench)

        for name, run in fault_table.OF_THE_CLUSTER.items():
            if name in asked:
                started[name] = alone.submit(after, run)
        yield started


@pytest.fixture(scope="module")
def table() -> list[str]:
    """Collect the lines of the fault table."""
    return LINES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the fault table."""
    if LINES:
        terminalreporter.section("faults")
        for line in LINES:
            terminalreporter.write_line(line)
