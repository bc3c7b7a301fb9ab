"""Settings of all tests: a skip is a failure where the environment says so; the default study."""

import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest
from checkout import Checkout, make_study

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# A test that is right does not fail because the machine is busy.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


# Where files run beside each other the longest begin, so that none is left over in the end. One
# machine has one SLURM: the shorter of the files that need it is over when the other begins.
_FIRST = (
    "workflow/test_slurm.py",
    "documentation/test_newcomer.py",
    "workflow/test_papers.py",
    "faults/test_faults.py",
    "workflow/test_encoders_study.py",
    "workflow/test_browser.py",
    "workflow/test_rerun.py",
    "workflow/test_bad_input.py",
    "workflow/test_run.py",
    "documentation/test_tutorial.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    order = {Path(__file__).parent / file: place for place, file in enumerate(_FIRST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn skips into failures under GROUNDSCOPE_NO_SKIP=1, so that nothing is left out unseen."""
    report = yield
    if report.skipped and os.environ.get("GROUNDSCOPE_NO_SKIP") == "1":
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def default_study(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Run `make study` in a copy of the project, once for all tests; they change nothing in it."""
    if "GROUNDSCOPE_WHEELS" not in os.environ:
        pytest.skip("GROUNDSCOPE_WHEELS names no folder with the study's wheels")
    return make_study(tmp_path_factory.mktemp("default") / "project")
