"""The study with one model of each kind, from releases on disk to gathered tables."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from checkout import Checkout, copy_project
from encoder_releases import write_releases
from numpy.typing import NDArray
from tiny_study import ALL_WORDS, SPEAKERS, write_recordings
from transformers import GPT2Model, PreTrainedTokenizerFast

from groundscope.checkpoints import read_manifest
from groundscope.embeddings import Embeddings, read_embeddings
from groundscope.plan import targets
from groundscope.plan.config import resolve_study

STUDY_FILE = "resources/studies/encoders.yaml"
RESULTS = Path("results/encoders")
# Python runs this first in every job: it lists the job, and forbids sockets to it.
GUARD = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise RuntimeError(f"opened: {event}")

with open("guarded.txt", "a") as jobs:
    jobs.write(" ".join(sys.orig_argv) + "\\n")
sys.addaudithook(refuse)
"""


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    """Read the study, defaults filled in."""
    text = (Path(__file__).parents[2] / STUDY_FILE).read_text(encoding="utf-8")
    return resolve_study(yaml.safe_load(text))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Put narrow random releases where the study expects the real ones; run it to its tables."""
    checkout = copy_project(tmp_path_factory.mktemp("encoders") / "project")
    folder = checkout.folder / "data/encoders"
    write_recordings(folder / "clips")
    (folder / "clips/manifest.csv").rename(folder / "clips/words.csv")
    with pytest.MonkeyPatch.context() as patch:
        write_releases(folder, patch)
    (checkout.folder / "workflow/src/sitecustomize.py").write_text(GUARD, encoding="utf-8")
    _without_kmeans(checkout.folder / STUDY_FILE)
    # one thread a job, and as many jobs at once as there are cores
    frugal = ("--max-threads", "1", "--resources", "gpu=4")
    done = checkout.snakemake("embeddings", "tables", "--configfile", STUDY_FILE, *frugal)
    assert done.returncode == 0, done.stdout[-5000:]
    return checkout


def _without_kmeans(file: Path) -> None:
    """Leave out what takes most of the time of the analyses and is tested elsewhere."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["analyses"]["silhouette"]["kmeans_seeds"] = 0
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def layer(checkout: Checkout, model: str, name: str) -> Embeddings:
    """Read one layer."""
    return read_embeddings(
        checkout.folder / RESULTS / "embeddings/clips" / model / f"layer-{name}.parquet"
    )


def difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Give the size of the difference of two layers, relative to the first."""
    return float(np.linalg.norm(one - other) / np.linalg.norm(one))


def test_every_layer_of_every_model_is_there(checkout: Checkout, study: dict[str, Any]) -> None:
    """Each has a finite vector for every token, and says its family and its weights' digest."""
    clips = {f"{word}-{speaker}" for word in ALL_WORDS for speaker in SPEAKERS}
    for model, options in study["models"].items():
        manifest = targets.checkpoint_manifest(study, model)
        digest = "none"
        if manifest is not None:
            digest = read_manifest(checkout.folder / RESULTS / manifest).digest
        for name in targets.layers(study, model):
            found = layer(checkout, model, name)
            assert len(found.token_ids) == len(clips), (model, name)
            assert np.isfinite(found.vectors).all(), (model, name)
            # a collapsed layer would give all words one vector
            assert len(np.unique(found.vectors.round(6), axis=0)) >= len(ALL_WORDS), (model, name)
            assert found.metadata["model"] == model
            assert found.metadata["layer"] == name
            assert found.metadata["family"] == options["family"]
            assert found.metadata["checkpoint_sha256"] == digest, model


@pytest.mark.parametrize(
    ("model", "name", "width"),
    [
        ("fast-vgs-plus", "trm2", 32),
        ("fast-vgs-plus", "cls", 32),
        ("fast-vgs-plus", "projection", 32),
        ("vg-hubert", "cls", 32),
        ("vg-hubert", "projection", 56),
        ("speech-clip", "branch", 32),
        ("speech-clip", "cls", 32),
        ("speech-clip", "projection", 24),
        ("clip", "projection", 8),
        ("vg-bert", "projection", 32),
    ],
)
def test_named_layers_are_not_the_last_block(
    checkout: Checkout, study: dict[str, Any], model: str, name: str, width: int
) -> None:
    """Each has the width of its own space, and no block's values."""
    vectors = layer(checkout, model, name).vectors
    assert vectors.shape[1] == width
    for block in filter(str.isdecimal, targets.layers(study, model)):
        other = layer(checkout, model, block).vectors
        assert other.shape != vectors.shape or difference(vectors, other) > 1e-3, block


def test_the_random_control_is_another_model(checkout: Checkout) -> None:
    """In each layer it differs from the released weights of the same checkpoint."""
    for block in map(str, range(13)):
        control = layer(checkout, "wav2vec2-random", block)
        twin = layer(checkout, "wav2vec2", block)
        assert control.metadata["checkpoint_sha256"] == twin.metadata["checkpoint_sha256"]
        assert control.metadata["option.weights"] == "random"
        assert difference(twin.vectors, control.vectors) > 0.5, block


def test_one_set_of_weights_by_two_ways_is_one_model(checkout: Checkout) -> None:
    """The file of torchaudio gives the vectors of Hugging Face's, and CKA between them is 1."""
    for block in map(str, range(13)):
        one = layer(checkout, "wav2vec2", block).vectors
        other = layer(checkout, "wav2vec2-torchaudio", block).vectors
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5, err_msg=block)
    rows = pq.read_table(checkout.folder / RESULTS / "tables/cka.parquet").to_pylist()
    same = [
        row["estimate"]
        for row in rows
        if row["model_b"] == "wav2vec2-torchaudio" and row["layer_a"] == row["layer_b"]
    ]
    assert len(same) >= 13
    np.testing.assert_allclose(same, 1.0, rtol=0, atol=1e-5)


def test_gpt2_reads_a_word_behind_its_begin_token(checkout: Checkout) -> None:
    """Its tokenizer adds none; `bos: true` does, and the word's vector is of its own pieces."""
    folder = checkout.folder / "data/encoders/gpt2"
    model: Any = GPT2Model.from_pretrained(folder)
    letters = PreTrainedTokenizerFast.from_pretrained(folder)("cat")["input_ids"]
    assert len(letters) == 3
    model.eval()
    with torch.inference_mode():
        ids = torch.tensor([[model.config.bos_token_id, *letters]])
        states = model(input_ids=ids, output_hidden_states=True).hidden_states
    for name in ("0", "5", "12"):
        found = layer(checkout, "gpt2", name)
        wanted = states[int(name)][0, 1:].mean(dim=0).numpy()
        row = found.vectors[np.flatnonzero(found.token_ids == "cat-ann.wav/cat")[0]]
        np.testing.assert_allclose(row, wanted, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    ("model", "check", "finding"),
    [
        ("fast-vgs-plus", "front_end", "all 9 tensors equal the parent's"),
        ("vg-hubert", "front_end", "all 9 tensors equal the parent's"),
        ("speech-clip", "frozen", "all 210 tensors equal the parent's"),
        ("vg-bert", "frozen", "all 69 tensors equal the parent's"),
        ("vg-bert", "frozen_queries_and_keys", "all 48 tensors equal the parent's"),
    ],
)
def test_the_comparison_with_the_parent_is_in_the_result(
    checkout: Checkout, model: str, check: str, finding: str
) -> None:
    """What training left frozen was found equal to the configured parent."""
    assert layer(checkout, model, "1").metadata[f"fact.check_{check}"] == finding


def test_no_job_opened_a_socket(checkout: Checkout, study: dict[str, Any]) -> None:
    """Every job ran with sockets forbidden by the interpreter itself, and did its work."""
    jobs = (checkout.folder / "guarded.txt").read_text(encoding="utf-8").splitlines()
    commands = Counter(job.split("groundscope.commands.")[1].split()[0] for job in jobs)
    assert commands["extract_embeddings"] == len(study["models"])
    assert commands["fetch_checkpoint"] == len(study["checkpoints"])
    assert commands["convert_checkpoint"] == 5
    guarded = {"PYTHONPATH": str(checkout.folder / "workflow/src")}
    opening = [sys.executable, "-c", "import socket; socket.socket()"]
    refused = subprocess.run(
        opening, env=guarded, cwd=checkout.folder, capture_output=True, check=False
    )
    assert b"opened: socket.__new__" in refused.stderr


def test_tables_hold_every_model(checkout: Checkout, study: dict[str, Any]) -> None:
    """The gathered scores have each layer of each model, all on the same words."""
    scores = pq.read_table(checkout.folder / RESULTS / "tables/silhouette.parquet").to_pylist()
    assert {row["n_tokens"] for row in scores if row["level"] == "overall"} == {24}
    assert {(row["model"], row["layer"]) for row in scores} == {
        (model, name) for model in study["models"] for name in targets.layers(study, model)
    }
