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


# Files that run one after the other where tests run in parallel, the longest groups first: there is
# one SLURM on a machine, and what a fixture makes for several files is made once.
_TOGETHER = {
    "slurm": ("workflow/test_slurm.py", "faults/test_faults.py"),
    "default study": ("documentation/test_newcomer.py",),
    "tiny study": tuple(
        f"workflow/test_{name}.py"
        for name in ("run", "rerun", "browser", "traces", "other_executors")
    ),
    "letters": tuple(
        f"alignment/test_{name}.py" for name in ("align_words", "recorded", "study", "pipelines")
    ),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of a file, or of files that belong together, into one group."""
    groups = list(_TOGETHER)
    names = {file: group for group, files in _TOGETHER.items() for file in files}
    here = Path(__file__).parent
    found = {item: names.get(str(item.path.relative_to(here)), str(item.path)) for item in items}
    for item, group in found.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: groups.index(found[item]) if found[item] in groups else len(groups))


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
