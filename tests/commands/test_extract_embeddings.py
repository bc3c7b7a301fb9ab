"""The command as a job runs it: files, metadata, errors, no network."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import transformers
from job_log import complaint

from groundscope.checkpoints import Checkpoint, file_digest, read_manifest, write_manifest
from groundscope.commands import _cli, extract_embeddings
from groundscope.embeddings import read_embeddings
from groundscope.token_table import write_tokens

SOURCE = Path(__file__).parents[2] / "workflow/src"
# opening a socket is an error in these jobs
JOB = """
import runpy, socket, sys

def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
sys.argv[0] = "extract_embeddings"
runpy.run_module("groundscope.commands.extract_embeddings", run_name="__main__")
"""
Result = subprocess.CompletedProcess[str]
Job = Callable[..., Result]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make five tokens of four words, a tiny wav2vec 2.0 and a table of static vectors."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(2)
    samples = (rng.standard_normal(16_000) * 0.1).astype(np.float32)
    soundfile.write(folder / "speech.wav", samples, 16_000, subtype="FLOAT")
    words = [("cat", 0.1, 0.3), ("dog", 0.3, 0.7), ("cat", 0.7, 0.9), ("unicorn", 0.2, 0.6)]
    rows: list[dict[str, Any]] = [
        {
            "token_id": f"token-{number}",
            "word": word,
            "speaker": "s",
            "audio": str(folder / "speech.wav"),
            "start_s": begin,
            "end_s": end,
            "text": word,
            "char_start": 0,
            "char_end": len(word),
            "phones": None,
        }
        for number, (word, begin, end) in enumerate(words)
    ]
    rows.append({**rows[1], "token_id": "token-again"})
    write_tokens(folder / "tokens.parquet", rows)
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=[8] * 7,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
    )
    transformers.Wav2Vec2Model(config).save_pretrained(folder / "w2v2")
    (folder / "glove").mkdir()
    (folder / "glove/vectors.txt").write_text("dog 1 2\ncat 3 4\n", encoding="utf-8")
    for name in ("w2v2", "glove"):
        files = {path.name: file_digest(path) for path in (folder / name).iterdir()}
        checkpoint = Checkpoint(folder / name, "transformers", files, f"tests/{name}@1", {})
        write_manifest(folder / f"{name}.json", checkpoint)
    return folder


def _arguments(
    study: Path, options: dict[str, Any], layers: str, outputs: list[Path], checkpoint: str
) -> list[str]:
    return [
        *("--tokens", str(study / "tokens.parquet"), "--model", "m", "--corpus", "c"),
        *("--options", json.dumps(options), "--layers", layers),
        *(("--checkpoint", str(study / checkpoint)) if checkpoint else ()),
        *("--output", *map(str, outputs)),
    ]


@pytest.fixture
def job(study: Path) -> Job:
    """Run the command with the network off."""

    def run(
        options: dict[str, Any], layers: str, outputs: list[Path], *flags: str, checkpoint: str
    ) -> Result:
        arguments = _arguments(study, options, layers, outputs, checkpoint)
        return subprocess.run(
            [sys.executable, "-c", JOB, *flags, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", "PATH": ""},
        )

    return run


SPEECH = {"family": "speech", "checkpoint": "w2v2", "layers": "all", "normalize": "clip"}


def test_layers_become_files_with_all_that_made_them(
    study: Path, tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two layers in one pass equal one layer a pass; the metadata say how they came about."""
    outputs = [tmp_path / "layer-2.parquet", tmp_path / "layer-0.parquet"]
    done = job(SPEECH, "2,0", outputs, "--workers", "1", checkpoint="w2v2.json")
    assert done.returncode == 0, done.stderr
    last, first = map(read_embeddings, outputs)
    assert last.token_ids.tolist() == [*(f"token-{n}" for n in range(4)), "token-again"]
    np.testing.assert_array_equal(last.vectors[1], last.vectors[4])
    assert last.vectors.shape == first.vectors.shape == (5, 16)
    assert last.metadata["layer"] == "2"
    assert first.metadata["layer"] == "0"
    expected = {
        "model": "m",
        "corpus": "c",
        "family": "speech",
        "checkpoint": "tests/w2v2@1",
        "tokens_sha256": file_digest(study / "tokens.parquet"),
        "tokens": "5",
        "tokens_dropped": "{}",
        "option.normalize": "clip",
        "option.slicing": "audio",
        "option.pooling": "mean",
        "option.precision": "float32",
        "option.short_clips": "pad",
        "option.weights": "released",
        "fact.architecture": "Wav2Vec2Model",
        "fact.blocks": "2",
        "version.torch": torch.__version__,
        "version.transformers": transformers.__version__,
    }
    assert {name: last.metadata.get(name) for name in expected} == expected
    assert len(last.metadata["checkpoint_sha256"]) == 64
    alone = tmp_path / "alone.parquet"
    arguments = _arguments(study, SPEECH, "2", [alone], "w2v2.json")
    monkeypatch.setattr(sys, "argv", ["extract_embeddings", "--batch-percent", "1", *arguments])
    _cli.run(extract_embeddings.main)
    np.testing.assert_allclose(read_embeddings(alone).vectors, last.vectors, atol=1e-5)


def test_words_without_vector_are_left_out_of_the_file(tmp_path: Path, job: Job) -> None:
    """The file holds the tokens that were found, and says how many were not."""
    output = tmp_path / "layer-0.parquet"
    done = job({"family": "static"}, "0", [output], checkpoint="glove.json")
    assert done.returncode == 0, done.stderr
    found = read_embeddings(output)
    assert found.token_ids.tolist() == ["token-0", "token-1", "token-2", "token-again"]
    assert found.vectors.tolist() == [[3, 4], [1, 2], [3, 4], [1, 2]]
    assert json.loads(found.metadata["tokens_dropped"]) == {"no vector": 1}
    assert "1 words have no vector: unicorn" in done.stderr


@pytest.mark.parametrize(
    ("options", "layers", "flags", "checkpoint", "message"),
    [
        (SPEECH, "0,7", (), "w2v2.json", "models.m.layers: no layer '7'; this model has 0, 1, 2"),
        ({**SPEECH, "poolng": "mean"}, "0", (), "w2v2.json", "models.m.poolng: the family speech"),
        ({"family": "speach"}, "0", (), "", "models.m.family: 'speach' is not one of speech, text"),
        (SPEECH, "0", (), "", "models.m.checkpoint: missing"),
        (SPEECH, "0", ("--device", "cuda"), "w2v2.json", "--device cuda: no GPU"),
        ({"family": "log-mel"}, "0,0", (), "", "--layers 0,0: expected one --output"),
    ],
)
def test_bad_input_is_one_line(
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, Any],
    layers: str,
    flags: tuple[str, ...],
    checkpoint: str,
    message: str,
) -> None:
    """Exit code 2, one line, and no file."""
    if "cuda" in flags and torch.cuda.is_available():
        pytest.skip("a GPU is here")
    outputs = [tmp_path / f"out-{n}.parquet" for n in range(layers.count(",") + 1)]
    arguments = _arguments(study, options, layers, outputs, checkpoint)
    monkeypatch.setattr(sys, "argv", ["extract_embeddings", *flags, *arguments])
    with pytest.raises(SystemExit) as left:
        _cli.run(extract_embeddings.main)
    assert left.value.code == 2
    stderr = complaint(capsys.readouterr().err)
    assert stderr.startswith(f"error: {message}")
    assert stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "file", "options"),
    [
        ("w2v2", "model.safetensors", SPEECH),
        ("w2v2", "config.json", SPEECH),
        ("glove", "vectors.txt", {"family": "static"}),
    ],
)
def test_files_that_were_replaced_are_refused(
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    file: str,
    options: dict[str, Any],
) -> None:
    """Others with an older date, which make nothing stale, never count as those of the manifest."""
    folder, manifest = tmp_path / name, tmp_path / f"{name}.json"
    shutil.copytree(study / name, folder)
    write_manifest(manifest, replace(read_manifest(study / f"{name}.json"), root=folder))
    former = (folder / file).read_bytes()
    (folder / file).write_bytes(former.replace(b"1", b"2"))
    os.utime(folder / file, (0, 0))
    output = tmp_path / "layer-0.parquet"
    arguments = _arguments(study, options, "0", [output], str(manifest))
    monkeypatch.setattr(sys, "argv", ["extract_embeddings", *arguments])
    with pytest.raises(SystemExit) as left:
        _cli.run(extract_embeddings.main)
    assert left.value.code == 2
    stderr = complaint(capsys.readouterr().err)
    assert stderr.startswith(f"error: {folder / file} has another content than {manifest} says")
    assert stderr.count("\n") == 1
    assert not output.exists()
    (folder / file).write_bytes(former)
    extract_embeddings.main()
    assert output.exists()
