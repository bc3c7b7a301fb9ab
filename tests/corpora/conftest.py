"""What the tests of corpora share."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

Writer = Callable[..., Path]


@pytest.fixture
def tone(tmp_path: Path) -> Writer:
    """Write a sine of some seconds to a file below the test's folder."""

    def write(
        name: str, seconds: float = 1.0, rate: int = 16_000, channels: int = 1, subtype: str = ""
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        wave = 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)
        samples = np.repeat(wave[:, None], channels, axis=1)
        soundfile.write(path, samples, rate, subtype=subtype or None)
        return path

    return write


@pytest.fixture
def manifest(tmp_path: Path) -> Writer:
    """Write a CSV manifest into the test's folder."""

    def write(header: Sequence[str], *rows: Sequence[object], name: str = "words.csv") -> Path:
        path = tmp_path / name
        lines = [",".join(map(str, row)) for row in (header, *rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def audio_samples() -> Mapping[str, Path]:
    """Folders of real recordings by name; skips where they are not there."""
    default = Path(__file__).parents[3] / "shared" / "data"
    root = Path(os.environ.get("GROUNDSCOPE_REFERENCE_DATA", default)) / "audio_samples"
    if not root.is_dir():
        pytest.skip(f"no reference recordings in {root}")
    return {folder.name: folder for folder in root.iterdir()}
