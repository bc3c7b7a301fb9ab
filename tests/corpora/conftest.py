"""What the tests of corpora share."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from miniature_corpora import write_textgrid

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


@pytest.fixture(scope="session")
def builders() -> SimpleNamespace:
    """Makers of miniature corpora of exactly the published layouts."""
    return SimpleNamespace(sound=_sound, textgrid=write_textgrid, librispeech=_librispeech)


def _sound(path: Path, seconds: float = 1.0, rate: int = 16_000) -> Path:
    """Write a short tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)
    soundfile.write(path, wave, rate)
    return path


def _librispeech(root: Path) -> Path:
    """Two splits, three readers, four utterances, and alignments of three of them."""
    base = root / "LibriSpeech"
    for split, key, words in (
        ("dev-clean", "84-121123-0000", "GO DO"),
        ("dev-clean", "84-121123-0001", "THE CAT THE"),
        ("dev-clean", "174-50561-0000", "FORGOTTEN TOO"),
        ("test-clean", "61-70968-0000", "HE"),
    ):
        reader, chapter, _ = key.split("-")
        folder = base / split / reader / chapter
        _sound(folder / f"{key}.flac")
        with (folder / f"{reader}-{chapter}.trans.txt").open("a", encoding="utf-8") as stream:
            stream.write(f"{key} {words}\n")
    (base / "SPEAKERS.TXT").write_text(
        "; Some pieces of information\n;ID  |SEX| SUBSET           |MINUTES| NAME\n"
        "61   | M | test-clean       |  8.08 | Paul-Gabriel Wiener\n"
        "84   | F | dev-clean        |  8.02 | Christie | Nowak\n",
        encoding="utf-8",
    )
    grids = root / "librispeech_alignments"
    write_textgrid(
        grids / "dev-clean/84/121123/84-121123-0000.TextGrid",
        {
            "words": [(0, 0.1, ""), (0.1, 0.4, "go"), (0.4, 0.5, ""), (0.5, 1.005, "do")],
            "phones": [(0.1, 0.2, "G"), (0.2, 0.4, "OW1"), (0.5, 0.7, "D"), (0.7, 1.0, "UW1")],
        },
    )
    write_textgrid(
        grids / "dev-clean/84/121123/84-121123-0001.TextGrid",
        {
            "words": [(0, 0.3, "the"), (0.3, 0.6, "<unk>"), (0.6, 1.0, "the")],
            "phones": [(0, 0.3, "DH"), (0.3, 0.6, "spn"), (0.6, 0.8, "DH"), (0.8, 1.0, "IY0")],
        },
    )
    write_textgrid(
        grids / "test-clean/61/70968/61-70968-0000.TextGrid",
        {"words": [(0, 0.5, "he"), (0.5, 0.9, "began")], "phones": [(0, 0.5, "HH")]},
    )
    write_textgrid(grids / "test-clean/61/70968/61-70968-0001.TextGrid", {"words": [(0, 1, "x")]})
    return base
