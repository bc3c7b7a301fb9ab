"""Settings of all tests: a skip is a failure where the environment says so."""

import os
from collections.abc import Generator

import hypothesis
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# A test that is right does not fail because the machine is busy.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn skips into failures under GROUNDSCOPE_NO_SKIP=1, so that nothing is left out unseen."""
    report = yield
    if report.skipped and os.environ.get("GROUNDSCOPE_NO_SKIP") == "1":
        report.outcome = "failed"
    return report
