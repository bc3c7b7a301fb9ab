"""Whatever happens to jobs, nodes, disks and Snakemake: a rerun completes, with the same bits."""

from concurrent.futures import Future

import cluster
import fault_table
import pytest
from fault_bench import Bench, Outcome
from storm import storm

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(bool(cluster.missing()), reason=cluster.missing() or "SLURM is here"),
]
FAULTS = [*fault_table.OF_JOBS, *fault_table.OF_THE_CLUSTER]


@pytest.mark.parametrize("fault", FAULTS)
def test_results_are_those_of_the_undisturbed_run(
    fault: str, outcomes: dict[str, Future[Outcome]], table: list[str]
) -> None:
    """Nothing that was finished is lost, and every file has the same bytes."""
    outcome = outcomes[fault].result()
    table.append(outcome.line())
    assert not outcome.different
    assert not outcome.lost


def test_a_storm_of_a_minute_changes_nothing(
    bench: Bench, outcomes: dict[str, Future[Outcome]], table: list[str]
) -> None:
    """A study from nothing, under seeded kills of jobs, nodes, controller and Snakemake."""
    for other in outcomes.values():
        other.exception()
    blows = storm(bench, seconds=60, seed=1)
    assert blows
    table.append(f"storm: {', '.join(f'{n} x {blow}' for blow, n in sorted(blows.items()))}")
