"""Whatever happens to jobs, nodes, disks and Snakemake: a rerun completes, with the same bits."""

from concurrent.futures import Future

import cluster
import fault_table
import pytest

from faults import Outcome

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
