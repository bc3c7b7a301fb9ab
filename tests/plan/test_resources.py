"""What jobs ask for, from the files that they read."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from groundscope.encoders import extraction
from groundscope.plan import resources


def _extraction(folder: Path, *, tokens: int, weights_mb: float) -> SimpleNamespace:
    """Give the inputs of an extraction; files are holes, so they take no space."""
    table, manifest = folder / "tokens.parquet", folder / "fetched/manifest.json"
    manifest.parent.mkdir()
    manifest.touch()
    for file, size in ((table, tokens * 10), (manifest.parent / "model", int(weights_mb * 1e6))):
        with file.open("wb") as stream:
            stream.truncate(size)
    return SimpleNamespace(tokens=str(table), checkpoint=str(manifest))


def test_extraction_grows_with_model_tokens_layers_and_attempts(tmp_path: Path) -> None:
    """One layer of wav2vec2-base for a million tokens: 3 + 1.1 + 0.9 + 0.5 GB, doubled on retry."""
    files = _extraction(tmp_path, tokens=1_000_000, weights_mb=380)
    one = resources.extraction_memory(lambda _: "12")
    all_layers = resources.extraction_memory(lambda _: ",".join(map(str, range(13))))
    assert one(None, files, 1) == 3000 + 3 * 380 + 500 + int(65.536 * 14)
    assert all_layers(None, files, 1) == 3000 + 3 * 380 + 500 + int(65.536 * 62)
    assert one(None, files, 3) // 4 == one(None, files, 1)
    assert resources.extraction_time(lambda _: 1)(None, files, 1) == 60 + 380
    assert resources.extraction_time(lambda _: 10)(None, files, 1) == 60 + 38
    assert resources.PIECE_TOKENS == extraction.PIECE_TOKENS


@pytest.mark.parametrize(("weights_mb", "percent"), [(90, 100), (2400, 50), (12_000, 25)])
def test_batches_shrink_with_the_model_and_attempts(
    tmp_path: Path, weights_mb: float, percent: int
) -> None:
    """A large model starts with less; from the third attempt on with half, never with nothing."""
    files = _extraction(tmp_path, tokens=10, weights_mb=weights_mb)
    found = [resources.batch_percent(None, files, attempt) for attempt in (1, 2, 3, 9)]
    assert found == [percent, percent, percent // 2, 1]


def test_a_plan_without_files_has_the_smallest_numbers() -> None:
    """Before anything exists a plan can be made; models without weights have no checkpoint."""
    files = SimpleNamespace(tokens="gone.parquet", checkpoint=[])
    assert resources.extraction_memory(lambda _: "0")(None, files, 1) == 3000
    assert resources.extraction_time(lambda _: 1)(None, files, 1) == 60
    assert resources.batch_percent(None, files, 1) == 100
    assert resources.analysis_memory(None, ["results/embeddings/c/m/layer-0.parquet"], 2) == 2000


def test_analyses_follow_their_largest_layer(tmp_path: Path) -> None:
    """Memory follows the largest embedding file, time and alignments all; other inputs do not."""
    sizes = {"layer-0.parquet": 10, "layer-1.parquet": 100, "tokens.parquet": 1000}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(size * 1_000_000)
    files = [str(tmp_path / name) for name in sizes]
    assert resources.analysis_memory(None, files, 1) == 1000 + 14 * 100
    assert resources.alignment_memory(None, files, 1) == 1000 + 14 * 100 + 2 * 110
    assert resources.analysis_time(None, files, 1) == 60 + 22


def test_constants_double() -> None:
    """Rules with a number of their own ask for twice as much at every attempt."""
    assert [resources.grow(2000)(None, attempt) for attempt in (1, 2, 3)] == [2000, 4000, 8000]
