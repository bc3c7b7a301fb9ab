"""torchaudio for the tests, beside the other packages, and recordings."""

import ctypes
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from aligner import Aligner
from spoken_letters import save, trained

_ROOT = Path(__file__).parents[2]


def _folder() -> Path:
    return Path(os.environ.get("GROUNDSCOPE_TORCHAUDIO", _ROOT / ".venv" / "alignment"))


@pytest.fixture(scope="session")
def environment() -> Mapping[str, str]:
    """Give the variables with which a process can import torchaudio."""
    folder = _folder()
    if not (folder / "torchaudio").is_dir():
        pytest.skip(f"no torchaudio in {folder}: `make test` puts it there")
    path = os.pathsep.join([str(_ROOT / "workflow/src"), str(folder)])
    libraries = os.environ.get("LD_LIBRARY_PATH")
    found = os.pathsep.join(filter(None, [str(folder / "stubs"), libraries]))
    return {**os.environ, "PYTHONPATH": path, "LD_LIBRARY_PATH": found}


@pytest.fixture(scope="module")
def torchaudio(environment: Mapping[str, str]) -> Iterator[None]:
    """Make torchaudio importable in this process; other modules start processes with `sys.path`."""
    if "torchaudio" not in sys.modules:
        for library in sorted((_folder() / "stubs").glob("*.so*")):
            # a library that is loaded already is found by its name
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    sys.path.append(str(_folder()))
    importlib.import_module("torchaudio.functional")
    yield
    sys.path.remove(str(_folder()))


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the small CTC model; give its Hugging Face folder."""
    return save(trained(), tmp_path_factory.mktemp("model") / "letters")


@pytest.fixture
def aligner(tmp_path: Path, torchaudio: None, monkeypatch: pytest.MonkeyPatch) -> Aligner:
    """Give an aligner in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Aligner(tmp_path, monkeypatch)
