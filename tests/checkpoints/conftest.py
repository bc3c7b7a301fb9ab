"""Fixtures of the tests of checkpoints."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def reference_data() -> Path:
    """Folder of reference data; the test skips where there is none."""
    default = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("GROUNDSCOPE_REFERENCE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder}; set GROUNDSCOPE_REFERENCE_DATA")
    return folder
