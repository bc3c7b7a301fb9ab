"""What may be asked for, before GPU hours are spent."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conversion import fetch
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPTextConfig,
    PretrainedConfig,
    Wav2Vec2Config,
    Wav2Vec2Model,
)

from groundscope.commands import list_layers

STUDY: dict[str, Any] = {
    "models": {
        "speech-model": {"family": "speech", "checkpoint": "w2v"},
        "text-model": {"family": "text", "checkpoint": "bert"},
        "grounded": {"family": "fast-vgs", "checkpoint": "vgs"},
        "mel": {"family": "log-mel"},
    },
    "checkpoints": {
        "w2v": {"source": "folder", "path": "w2v", "blocks": 2},
        "bert": {"source": "folder", "path": "bert", "blocks": 3},
        "vgs": {"source": "folder", "path": "vgs", "blocks": 12},
    },
}


def table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path
) -> dict[str, list[str]]:
    """Run the command; give the cells of each model, split at runs of spaces."""
    arguments = ["list_layers", "--options", json.dumps(STUDY), "--results", str(results)]
    monkeypatch.setattr(sys, "argv", arguments)
    list_layers.main()
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    return {cells[0]: [cell.strip() for cell in cells if cell] for cells in lines}


def test_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The configuration alone gives layers; a grounded release is known by its family."""
    rows = table(monkeypatch, capsys, tmp_path)
    assert rows["speech-model"] == ["speech-model", "speech", "0-2"]
    assert rows["text-model"] == ["text-model", "text", "0-3, projection (CLIP only)"]
    assert rows["grounded"][2:] == ["0-12, cls, trm2, projection", "768", "50", "25 ms"]
    assert rows["mel"] == ["mel", "log-mel", "0", "80", "100", "25 ms"]


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        (BertConfig(), "0-3"),
        (CLIPConfig(), "0-3, projection"),
        (CLIPTextConfig(architectures=["CLIPTextModelWithProjection"]), "0-3, projection"),
        (CLIPTextConfig(architectures=["CLIPTextModel"]), "0-3"),
    ],
    ids=["bert", "whole-clip", "clip-text-projection", "clip-text"],
)
def test_a_local_model_is_known_before_it_is_fetched(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config: PretrainedConfig,
    layers: str,
) -> None:
    """Only text towers of CLIP that are projected have a projection, and planning knows it."""
    monkeypatch.chdir(tmp_path)
    config.save_pretrained(tmp_path / "bert")
    local = {"source": "folder", "path": "bert", "format": "huggingface", "blocks": 3}
    monkeypatch.setitem(STUDY["checkpoints"], "bert", local)
    rows = table(monkeypatch, capsys, tmp_path / "results")
    assert rows["text-model"] == ["text-model", "text", layers]


def test_after_fetching_the_files_say_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Width, parameters, frame rate and receptive field agree with the models themselves."""
    speech = Wav2Vec2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
        conv_dim=(8, 8),
        conv_kernel=(10, 4),
        conv_stride=(5, 2),
    )
    text = BertConfig(
        hidden_size=12,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=8,
        vocab_size=30,
    )
    models: dict[str, Any] = {"w2v": Wav2Vec2Model(speech), "bert": BertModel(text)}
    for name, model in models.items():
        model.save_pretrained(tmp_path / name)
        options = {"source": "folder", "path": str(tmp_path / name), "format": "huggingface"}
        fetch(monkeypatch, options, tmp_path / "results" / "checkpoints" / name / "fetched")
    capsys.readouterr()
    rows = table(monkeypatch, capsys, tmp_path / "results")
    counts = {
        name: f"{sum(each.numel() for each in model.parameters()) / 1e6:.1f} M"
        for name, model in models.items()
    }
    seen = models["w2v"].feature_extractor(torch.zeros(1, 25)).shape[2]
    assert (seen, models["w2v"].feature_extractor(torch.zeros(1, 35)).shape[2]) == (1, 2)
    # 25 samples give one frame, 10 more the next
    assert rows["speech-model"][2:] == ["0-2", "32", counts["w2v"], "1600", "1.5625 ms"]
    assert rows["text-model"][2:] == ["0-3", "12", counts["bert"]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.txt", b"cat 1 2 3\ndog 4 5 6\n"),
        ("v.vec", b"2 3\ncat 1 2 3\ndog 4 5 6\n"),
        ("v.npy", b""),
    ],
)
def test_static_vectors_have_a_width_in_each_format(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes,
) -> None:
    """Three numbers a word are found in GloVe text, behind a header, and in a matrix."""
    folder = tmp_path / "vectors"
    folder.mkdir()
    if content:
        (folder / name).write_bytes(content)
    else:
        np.save(folder / name, np.zeros((2, 3), np.float32))
        (folder / "words.txt").write_text("cat\ndog\n", encoding="utf-8")
    options = {"source": "folder", "path": str(folder), "format": "vectors"}
    fetch(monkeypatch, options, tmp_path / "results" / "checkpoints" / "glove" / "fetched")
    study = {
        "models": {"glove": {"family": "static", "checkpoint": "glove"}},
        "checkpoints": {"glove": options},
    }
    capsys.readouterr()
    results = str(tmp_path / "results")
    monkeypatch.setattr(
        sys, "argv", ["list_layers", "--options", json.dumps(study), "--results", results]
    )
    list_layers.main()
    assert capsys.readouterr().out.splitlines()[1].split() == ["glove", "static", "0", "3"]
