"""Blocks: several jobs share a corpus, and the files are those that one job writes."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from embedding_files import write_embeddings
from tiny_study import ALL_WORDS, write_tiny_models

from groundscope.blocks import Tally
from groundscope.checkpoints import Checkpoint, file_digest, write_manifest
from groundscope.commands import extract_embeddings, join_blocks
from groundscope.embeddings import read_embeddings
from groundscope.encoders import extraction
from groundscope.errors import UserError
from groundscope.token_table import read_tokens, write_tokens

Extract = Callable[..., list[Path]]

MODELS: dict[str, tuple[dict[str, Any], str]] = {
    "clips": ({"family": "speech", "slicing": "audio"}, "2,0"),
    "frames": ({"family": "speech", "slicing": "features", "normalize": "utterance"}, "1"),
    "texts": ({"family": "text", "context": "text"}, "1,2"),
    "words": ({"family": "text", "context": "word"}, "1"),
    "static": ({"family": "static"}, "0"),
}
WEIGHTS = {"speech": "w2v", "text": "bert", "static": "glove"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make tiny models and 40 tokens of 13 recordings and texts of one to five words.

    Two recordings are in stereo, two tokens are shorter than a frame, one word has no vector.
    """
    folder = tmp_path_factory.mktemp("blocks")
    write_tiny_models(folder)
    for name, path in (("w2v", folder / "w2v"), ("bert", folder / "bert"), ("glove", folder)):
        own = [folder / "glove.txt"] if name == "glove" else list(path.iterdir())
        files = {file.name: file_digest(file) for file in own}
        checkpoint = Checkpoint(path, "transformers", files, f"tests/{name}@1", {})
        write_manifest(folder / f"{name}.json", checkpoint)
    rng = np.random.default_rng(4)
    rows: list[dict[str, Any]] = []
    for number, size in enumerate([1, 2, 3, 4, 5, 3, 4, 1, 5, 2, 4, 3, 3]):
        words = [str(word) for word in rng.choice(ALL_WORDS, size)]
        text = " ".join(words)
        shape = (4000 * size, 2) if number in {2, 9} else (4000 * size,)
        audio = folder / f"{number}.wav"
        soundfile.write(audio, rng.normal(scale=0.1, size=shape), 16_000, subtype="FLOAT")
        for place, word in enumerate(words):
            begin = len(" ".join(words[:place])) + (place > 0)
            length = 0.01 if (number, place) in {(1, 1), (8, 0)} else rng.uniform(0.1, 0.25)
            rows.append(
                {
                    **{"token_id": f"{number}-{place}", "word": word, "speaker": None},
                    **{"audio": str(audio), "start_s": 0.25 * place, "phones": None},
                    **{"end_s": 0.25 * place + length, "text": text},
                    **{"char_start": begin, "char_end": begin + len(word)},
                }
            )
    write_tokens(folder / "tokens.parquet", rows)
    return folder


@pytest.fixture
def extract(study: Path, monkeypatch: pytest.MonkeyPatch) -> Extract:
    """Run the extraction of one model, or of a block of it."""

    def run(model: str, folder: Path, *flags: str) -> list[Path]:
        options, layers = MODELS[model]
        more = {"short_clips": "drop"} if model == "clips" else {}
        outputs = [folder / f"layer-{layer}.parquet" for layer in layers.split(",")]
        arguments = [
            *("--tokens", study / "tokens.parquet", "--model", model, "--corpus", "c"),
            *("--checkpoint", study / f"{WEIGHTS[options['family']]}.json"),
            *("--options", json.dumps({**options, **more}), "--layers", layers),
            *("--output", *outputs, *flags),
        ]
        monkeypatch.setattr(sys, "argv", ["extract_embeddings", *map(str, arguments)])
        extract_embeddings.main()
        return outputs

    return run


def join(monkeypatch: pytest.MonkeyPatch, blocks: Sequence[Path], output: Path) -> bytes:
    """Run the joining of one layer; give the bytes of the file."""
    arguments = ["--blocks", *map(str, blocks), "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["join_blocks", *arguments])
    join_blocks.main()
    return output.read_bytes()


@pytest.mark.parametrize("model", MODELS)
def test_any_number_of_blocks_gives_the_same_bytes(
    tmp_path: Path, extract: Extract, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    """One job, or 1, 2, 3 or more jobs than there are pieces, write the same files."""
    monkeypatch.setattr(extraction, "PIECE_TOKENS", 8)
    monkeypatch.setattr("groundscope.embeddings._ROW_GROUP", 5)
    wanted = [file.read_bytes() for file in extract(model, tmp_path / "whole")]
    for of in (2, 3, 9):
        folders = [tmp_path / f"{block}-of-{of}" for block in range(1, of + 1)]
        blocks = [extract(model, f, "--block", f"{n}/{of}") for n, f in enumerate(folders, 1)]
        joined = [
            join(monkeypatch, layer, tmp_path / "joined.parquet")
            for layer in zip(*blocks, strict=True)
        ]
        assert joined == wanted, of


@pytest.mark.parametrize("model", MODELS)
def test_pieces_add_up_to_the_corpus(
    tmp_path: Path, extract: Extract, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    """Pieces change last digits alone: same tokens, same counts as in one piece."""
    (one, *_) = map(read_embeddings, extract(model, tmp_path / "one"))
    monkeypatch.setattr(extraction, "PIECE_TOKENS", 8)
    (several, *_) = map(read_embeddings, extract(model, tmp_path / "several"))
    assert several.token_ids.tolist() == one.token_ids.tolist()
    np.testing.assert_allclose(several.vectors, one.vectors, atol=1e-5)
    # a word or text that occurs in several pieces is an input of each
    repeated = {"fact.inputs"} if model == "words" else set()
    for name in one.metadata.keys() | several.metadata.keys():
        assert name in repeated or several.metadata[name] == one.metadata[name], name
    dropped = {"clips": {"shorter than the receptive field": 2}}.get(model)
    if dropped is not None:
        assert json.loads(one.metadata["tokens_dropped"]) == dropped
    if MODELS[model][0]["family"] == "speech":
        assert one.metadata["fact.files_not_mono"] == "2"


def test_pieces_end_between_recordings(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No recording is cut, none is lost; a piece is no longer than it must be."""
    tokens = read_tokens(study / "tokens.parquet")
    monkeypatch.setattr(extraction, "PIECE_TOKENS", 8)
    # recordings end behind 1, 3, 6, 10, 15, 18, 22, 23, 28, 30, 34, 37, 40 tokens
    expected = [(0, 10), (10, 18), (18, 28), (28, 37), (37, 40)]
    assert extraction.pieces_of(tokens, "audio") == expected
    assert extraction.pieces_of(tokens.slice(0, 0), "audio") == [(0, 0)]


def test_blocks_that_do_not_belong_together_are_refused(
    tmp_path: Path, extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block of another version is named, with what differs; no file appears."""
    monkeypatch.setattr(extraction, "PIECE_TOKENS", 8)
    ((first,), (second,)) = (extract("static", tmp_path / n, "--block", f"{n}/2") for n in "12")
    found = read_embeddings(second)
    write_embeddings(second, found.token_ids, found.vectors, {**found.metadata, "device": "cuda"})
    joined = tmp_path / "joined.parquet"
    join(monkeypatch, [first, second], joined)
    assert read_embeddings(joined).metadata["device"] == "cpu, cuda"
    joined.unlink()
    other = {**found.metadata, "version.torch": "9.9"}
    write_embeddings(second, found.token_ids, found.vectors, other)
    said = rf"{second} was not made as {first} was \(version.torch differ"
    with pytest.raises(UserError, match=said):
        join(monkeypatch, [first, second], joined)
    assert not list(tmp_path.glob("*.parquet"))


def test_a_corpus_without_a_vector_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks may be empty, as long as one is not; in one job it is the same."""
    empty = tmp_path / "empty"
    made = {"model": "m", "device": "cpu", **Tally().of_block()}
    write_embeddings(empty, [], np.zeros((0, 0), np.float32), made)
    with pytest.raises(UserError, match=r"models\.m: no token of the corpus is left"):
        join(monkeypatch, [empty, empty], tmp_path / "joined")
    with pytest.raises(UserError, match="no token of the corpus is left"):
        Tally().of_corpus("m")
    assert list(tmp_path.iterdir()) == [empty]
