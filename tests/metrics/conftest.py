"""Independent implementations, imported where their import warnings can be let through."""

import warnings
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def ckatorch() -> ModuleType:
    """Functions of ckatorch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ckatorch.core
    return ckatorch.core


@pytest.fixture(scope="session")
def rsatoolbox() -> ModuleType:
    """Functions of rsatoolbox."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import rsatoolbox
    return rsatoolbox
