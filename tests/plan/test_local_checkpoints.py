"""What planning reads of models that lie on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from groundscope.encoders import speech
from groundscope.errors import UserError
from groundscope.plan.config import resolve_study
from groundscope.plan.local_checkpoints import SPEECH_KINDS

Json = Any

W2V = {"model_type": "wav2vec2"}
WHISPER = {"model_type": "whisper"}
BERT = {"model_type": "bert", "architectures": ["BertModel"]}
CLIP = {"model_type": "clip", "architectures": ["CLIPModel"]}
TEXT_OF_CLIP = {"model_type": "clip_text_model"}
PROJECTED = {**TEXT_OF_CLIP, "architectures": ["CLIPTextModelWithProjection"]}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _write(name: str, content: Json) -> None:
    Path(name).mkdir()
    text = content if isinstance(content, str) else json.dumps(content)
    (Path(name) / "config.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("content", [CLIP, PROJECTED, "{", "[]"])
def test_a_projection_is_legal_where_there_is_one(config: dict[str, Json], content: Json) -> None:
    """CLIP has it; what is unreadable is left to the jobs, as what is not there."""
    config["models"]["bert"]["layers"] = ["all", "projection"]
    resolve_study(config)
    _write("bert", content)
    resolve_study(config)


@pytest.mark.parametrize("content", [BERT, TEXT_OF_CLIP])
def test_a_projection_of_another_model_is_refused(config: dict[str, Json], content: Json) -> None:
    """BERT has none, nor has CLIP's text model without it."""
    config["models"]["bert"]["layers"] = ["all", "projection"]
    _write("bert", content)
    kind = content["model_type"]
    wanted = rf"a '{kind}' model has no layer 'projection'; expected one of 0, 1, 2, 3$"
    with pytest.raises(UserError, match=rf"^models\.bert\.layers: {wanted}"):
        resolve_study(config)


@pytest.mark.parametrize(
    ("content", "model", "message"),
    [
        (
            W2V,
            {"family": "text"},
            "family: 'bert' is a 'wav2vec2' model, which reads speech; expected family 'speech'",
        ),
        (
            BERT,
            {"family": "speech"},
            "checkpoint: 'bert' is a 'bert' model, which family 'speech' does not read; expected "
            "one of wav2vec2, .*, whisper$",
        ),
        (
            W2V,
            {"family": "speech", "window_s": 2},
            "window_s: 2 is for Whisper only; 'bert' is a 'wav2vec2' model, expected null",
        ),
    ],
)
def test_a_model_of_another_kind_is_refused(
    config: dict[str, Json], content: Json, model: Json, message: str
) -> None:
    """What the family reads, or the option is for, is held against the local files."""
    del config["analyses"]
    config["models"]["bert"] = {**model, "checkpoint": "bert"}
    resolve_study(config)
    _write("bert", content)
    with pytest.raises(UserError, match=rf"^models\.bert\.{message}"):
        resolve_study(config)


def test_whisper_has_a_window(config: dict[str, Json]) -> None:
    """The option is legal where its architecture is."""
    del config["analyses"]
    config["models"]["bert"] = {"family": "speech", "checkpoint": "bert", "window_s": 2}
    _write("bert", WHISPER)
    resolve_study(config)


def test_planning_knows_what_speech_encoders_read() -> None:
    """It cannot import them: they load torch."""
    assert SPEECH_KINDS == speech.KINDS
