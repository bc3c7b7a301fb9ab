"""Tiny checkpoints, recordings and token tables for the encoders' tests."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from groundscope.checkpoints import Checkpoint, file_digest
from groundscope.encoders.base import Request
from groundscope.encoders.execution import Execution
from groundscope.encoders.extraction import Extraction, extract, family_options
from groundscope.token_table import read_tokens, write_tokens

NEUTRAL = {"speaker": None, "audio": None, "start_s": None, "end_s": None, "phones": None}


@pytest.fixture(scope="session")
def as_checkpoint() -> Callable[[Path], Checkpoint]:
    """Describe a folder as a checkpoint."""

    def describe(folder: Path) -> Checkpoint:
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        names = {path.relative_to(folder).as_posix(): file_digest(path) for path in files}
        return Checkpoint(folder, "transformers", names, str(folder), {})

    return describe


@pytest.fixture(scope="session")
def make_tokens(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pa.Table]:
    """Make a token table; columns that a test does not name have neutral values."""

    def make(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
        path = tmp_path_factory.mktemp("tokens") / "tokens.parquet"
        full = []
        for number, row in enumerate(rows):
            word = row.get("word", "word")
            text = row.get("text", word)
            span = {"char_start": 0, "char_end": len(text)}
            full.append(
                {**NEUTRAL, "token_id": f"t{number}", "word": word, "text": text, **span, **row}
            )
        write_tokens(path, full)
        return read_tokens(path)

    return make


@pytest.fixture(scope="session")
def make_request() -> Callable[..., Request]:
    """Make a request for the CPU."""

    def make(
        checkpoint: Checkpoint | None,
        given: Mapping[str, Any],
        layers: Sequence[str],
        words: Sequence[str] = (),
    ) -> Request:
        _, options = family_options("tiny", given)
        device = torch.device("cpu")
        return Request("tiny", checkpoint, options, tuple(layers), device, frozenset(words))

    return make


@pytest.fixture(scope="session")
def run_extraction(make_request: Callable[..., Request]) -> Callable[..., Extraction]:
    """Extract layers for a token table."""

    def run(
        tokens: pa.Table,
        checkpoint: Checkpoint | None,
        given: Mapping[str, Any],
        layers: Sequence[str],
        **execution: Any,
    ) -> Extraction:
        module, _ = family_options("tiny", given)
        words = tokens.column("word").to_pylist()
        request = make_request(checkpoint, given, layers, words)
        (piece,) = extract(tokens, module, request, Execution(**execution))
        return piece

    return run


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, NDArray[np.float32]]]:
    """Noise of nine lengths, the shortest just one frame of a wav2vec 2.0 front end, at 16 kHz."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(5)
    made = []
    for number, length in enumerate((400, 719, 720, 1100, 2000, 2001, 3333, 4800, 6400)):
        envelope = np.linspace(0.02, 0.3 + 0.1 * number, length)
        samples = (0.05 * number + rng.standard_normal(length) * envelope).astype(np.float32)
        path = folder / f"noise-{number}.wav"
        soundfile.write(path, samples, 16_000, subtype="FLOAT")
        made.append((path, samples))
    return made
