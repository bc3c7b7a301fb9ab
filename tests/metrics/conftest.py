"""Independent implementations, imported where their import warnings can be let through."""

import importlib
import warnings
from types import ModuleType

import pytest


def _quiet(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@pytest.fixture(scope="session")
def ckatorch() -> ModuleType:
    """Functions of ckatorch."""
    return _quiet("ckatorch.core")


@pytest.fixture(scope="session")
def rsatoolbox() -> ModuleType:
    """Functions of rsatoolbox."""
    return _quiet("rsatoolbox")
