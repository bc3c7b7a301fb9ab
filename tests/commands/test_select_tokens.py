"""Selecting the tokens that all compared models have."""

from pathlib import Path

import numpy as np
import pytest
from embedding_files import write_embeddings
from labelled_study import Study, call

from groundscope import tables
from groundscope.commands import select_tokens
from groundscope.errors import UserError


def _select(study: Study, monkeypatch: pytest.MonkeyPatch, layers: list[Path]) -> None:
    call(
        monkeypatch,
        select_tokens.main,
        corpus="tiny",
        tokens=study.tokens,
        embeddings=layers,
        output=study.folder / "shared.parquet",
        coverage=study.folder / "coverage.parquet",
    )


def _lacking(study: Study, model: str, without: list[str]) -> Path:
    kept = ~np.isin(study.ids, without)
    path = study.folder / f"{model}.parquet"
    metadata = {"model": model, "corpus": "tiny", "layer": "0"}
    vectors = np.ones((int(kept.sum()), 2), np.float32)
    write_embeddings(path, study.ids[kept], vectors, metadata)
    return path


def test_shared_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that any model lacks is dropped for all; what each lacks is counted."""
    study = Study(tmp_path)
    glove = _lacking(study, "glove", ["w03-ann", "w03-ben", "w03-cat"])
    speech = _lacking(study, "speech", ["w05-ann"])
    _select(study, monkeypatch, [glove, speech])
    shared = tables.read_table(tmp_path / "shared.parquet", "selection").column("token_id")
    gone = {"w03-ann", "w03-ben", "w03-cat", "w05-ann"}
    assert set(study.ids) - set(shared.to_pylist()) == gone
    rows = tables.read_table(tmp_path / "coverage.parquet", "coverage").to_pylist()
    assert [(row["model"], row["missing_tokens"], row["missing_types"]) for row in rows] == [
        ("glove", 3, 1),
        ("speech", 1, 0),
    ]
    assert [row["examples"] for row in rows] == ["w03", "w05"]
    assert {(row["shared_tokens"], row["shared_types"]) for row in rows} == {(68, 23)}


def test_no_model_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without models that may lack tokens, all are selected and nothing is counted."""
    study = Study(tmp_path)
    _select(study, monkeypatch, [])
    assert len(tables.read_table(tmp_path / "shared.parquet", "selection")) == len(study.ids)
    assert len(tables.read_table(tmp_path / "coverage.parquet", "coverage")) == 0


def test_nothing_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models without a token in common are refused with what each has."""
    study = Study(tmp_path)
    half = len(study.ids) // 2
    layers = [
        _lacking(study, "first", list(study.ids[:half])),
        _lacking(study, "second", list(study.ids[half:])),
    ]
    with pytest.raises(UserError, match=r"in every model .* first: 36, second: 36"):
        _select(study, monkeypatch, layers)
