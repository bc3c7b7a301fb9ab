"""What jobs ask for, from the files that they read."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from groundscope.checkpoints import Checkpoint, write_manifest
from groundscope.encoders import extraction
from groundscope.plan import resources
from groundscope.plan.config import resolve_study
from groundscope.plan.jobs import Plan


def _extraction(
    folder: Path, *, tokens: int, weights_mb: float, more_mb: Mapping[str, float] | None = None
) -> SimpleNamespace:
    """Give the inputs of an extraction; files are holes, so they take no space."""
    table, manifest = folder / "tokens.parquet", folder / "fetched/manifest.json"
    root = folder / "elsewhere"  # as of a checkpoint that is a folder on this machine
    manifest.parent.mkdir()
    sizes = {"model.safetensors": weights_mb, **(more_mb or {})}
    files = {root / name: int(size * 1e6) for name, size in sizes.items()}
    for file, size in ((table, tokens * 10), *files.items()):
        file.parent.mkdir(exist_ok=True)
        with file.open("wb") as stream:
            stream.truncate(size)
    names = dict.fromkeys(sizes, "0" * 64)
    write_manifest(manifest, Checkpoint(root, "huggingface", names, "folder elsewhere", {}))
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


def test_weights_are_what_is_read(tmp_path: Path) -> None:
    """Of a folder with other saves beside and below, the one; of a table of vectors, all of it."""
    more = {"old/model.safetensors": 500.0, "optimizer.pt": 900.0, "pytorch_model.bin": 400.0}
    files = _extraction(tmp_path, tokens=0, weights_mb=380, more_mb=more)
    memory = resources.extraction_memory(lambda _: "12")
    assert memory(None, files, 1) == 3000 + 3 * 380
    vectors = Checkpoint(tmp_path / "elsewhere", "vectors", {"optimizer.pt": ""}, "", {})
    write_manifest(Path(files.checkpoint), vectors)
    assert memory(None, files, 1) == 3000 + 3 * 900
    Path(files.checkpoint).write_text("{")
    assert memory(None, files, 1) == 3000


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
    """Memory follows the largest embedding file, and time all; other inputs do not count."""
    sizes = {"layer-0.parquet": 10, "layer-1.parquet": 100, "tokens.parquet": 1000}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(size * 1_000_000)
    files = [str(tmp_path / name) for name in sizes]
    assert resources.analysis_memory(None, files, 1) == 1000 + 14 * 100
    assert resources.analysis_time(None, files, 1) == 60 + 22


class _Alignment(list[str]):
    """Inputs of an alignment, by name and in order, as Snakemake gives them."""

    def __init__(self, folder: Path, tokens: int) -> None:
        self.tokens = str(folder / "tokens.parquet")
        layers = [str(folder / f"layer-{layer}.parquet") for layer in range(3)]
        for name, size in ((self.tokens, 10 * tokens), (layers[0], 100_000_000)):
            with Path(name).open("wb") as stream:
                stream.truncate(size)
        super().__init__([self.tokens, *layers])


def test_alignments_follow_all_layers_and_the_words_that_are_ranked(tmp_path: Path) -> None:
    """Ranks of as many words as there are tokens, but 8 GB at most: retries ask for more."""
    files, vectors = _Alignment(tmp_path, 10_000), 1000 + 14 * 100 + 2 * 100

    def asked(words: float, attempt: int = 1) -> int:
        return resources.alignment_memory(lambda _: words)(None, files, attempt)

    assert asked(0) == vectors
    assert asked(2000) == vectors + 4 * (13 + 2 * 3)
    assert asked(math.inf) == vectors + 100 * (13 + 2 * 3)
    assert asked(math.inf, 2) == 2 * asked(math.inf)
    files = _Alignment(tmp_path, 1_000_000)
    assert asked(math.inf) == vectors + 8_000


def test_words_that_are_ranked_follow_the_configuration(config: dict[str, Any]) -> None:
    """None without RSA, a draw with a sample, and else all."""
    for options, words in (
        ({}, 0),
        ({"measures": ["rsa", "knn"], "sample": 100}, 100),
        ({"measures": ["cka-rbf", "rsa"]}, math.inf),
    ):
        config["analyses"]["cka"] |= options
        assert Plan(resolve_study(config)).ranked_words(None) == words
        config["analyses"]["cka"] = {"pairs": [["w2v", "bert"]]}


def test_constants_double() -> None:
    """Rules with a number of their own ask for twice as much at every attempt."""
    assert [resources.grow(2000)(None, attempt) for attempt in (1, 2, 3)] == [2000, 4000, 8000]
