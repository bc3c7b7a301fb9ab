"""Checkpoints whose small files are damaged, hostile or of another model: one line each."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tiny_study import write_tiny_models

from groundscope.checkpoints import Checkpoint
from groundscope.encoders import speech, text
from groundscope.encoders.base import Request
from groundscope.errors import UserError

Json = Any
Edit = Callable[[Json], object]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny BERT and a tiny wav2vec 2.0."""
    folder = tmp_path_factory.mktemp("released")
    write_tiny_models(folder)
    return folder


@pytest.fixture
def load(
    released: Path,
    tmp_path: Path,
    make_request: Callable[..., Request],
    as_checkpoint: Callable[[Path], Checkpoint],
) -> Callable[..., Any]:
    """Load a copy of one of them with another file in it."""

    def run(name: str, file: str, content: str | Mapping[str, Json] | Edit) -> Any:
        folder = tmp_path / name
        shutil.copytree(released / name, folder, dirs_exist_ok=True)
        path = folder / file
        if not isinstance(content, str):
            given = json.loads(path.read_text(encoding="utf-8"))
            if callable(content):
                content(given)
            else:
                given |= content
            content = json.dumps(given)
        path.write_text(content, encoding="utf-8")
        family: ModuleType = {"bert": text, "w2v": speech}[name]
        given = {"family": family.__name__.rpartition(".")[2], "blocks": 2}
        return family.load(make_request(as_checkpoint(folder), given, ["1"]))

    return run


def _number(piece: str, number: int) -> Edit:
    """Give a piece of the tokenizer another id."""
    return lambda content: content["model"]["vocab"].update({piece: number})


@pytest.mark.parametrize(
    ("name", "file", "content", "said"),
    [
        ("bert", "config.json", {"hidden_size": -5}, "models.tiny, a 'bert' model: RuntimeError"),
        ("bert", "config.json", {"hidden_size": "16"}, "config.json: .*'hidden_size' expected int"),
        ("bert", "config.json", {"hidden_size": 10**13}, "overflow"),
        ("bert", "config.json", {"num_attention_heads": 0}, "a 'bert' model: ZeroDivisionError"),
        ("bert", "config.json", {"num_attention_heads": 3}, r"hidden size \(16\) is not a mult"),
        ("bert", "config.json", {"num_hidden_layers": None}, "expected int, got NoneType"),
        # building so many does not end
        ("bert", "config.json", {"num_hidden_layers": 10**6}, "is 2, but it has 1000000"),
        ("w2v", "config.json", {"num_hidden_layers": 10**6}, "is 2, but it has 1000000"),
        ("bert", "config.json", {"hidden_act": "system"}, "KeyError: 'system'"),
        ("bert", "config.json", {"id2label": [1]}, "config.json: AttributeError"),
        ("bert", "config.json", {"quantization_config": {"quant_method": "gptq"}}, "'bert' model"),
        ("bert", "config.json", "[" * 100_000, "config.json: RecursionError"),
        ("w2v", "config.json", {"conv_stride": [0] * 7}, "expected positive numbers"),
        ("w2v", "preprocessor_config.json", "[]", "config.json is not a readable JSON object"),
        ("w2v", "preprocessor_config.json", "{", "config.json is not a readable JSON object"),
        ("bert", "tokenizer_config.json", "[]", "no usable tokenizer: AttributeError"),
        ("bert", "tokenizer_config.json", {"model_max_length": "x"}, "is 'x', expected a number"),
        ("bert", "tokenizer.json", "[" * 100_000, "no usable tokenizer: RecursionError"),
        ("bert", "tokenizer.json", _number("cat", -1), "no usable tokenizer: .*integer `-1`"),
    ],
)
def test_what_transformers_raises_is_one_line(
    load: Callable[..., Any], name: str, file: str, content: Json, said: str
) -> None:
    """It names the checkpoint or its file, and the reason."""
    with pytest.raises(UserError, match=said) as refused:
        load(name, file, content)
    assert "\n" not in str(refused.value)


def test_a_tokenizer_of_another_model_is_refused(load: Callable[..., Any]) -> None:
    """It gives a piece that the model has no vector of; texts without that piece are read."""
    model = load("bert", "tokenizer.json", _number("cat", 1000))
    assert len(model.tokenize(["dog"])) == 1
    with pytest.raises(UserError, match="gives piece 1000, but the model has 11 pieces"):
        model.tokenize(["dog", "cat"])


@pytest.mark.parametrize("name", ["bert", "w2v"])
@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_a_kernel_that_a_release_asks_for_is_not_used(
    load: Callable[..., Any], name: str, key: str
) -> None:
    """It would be fetched from the hub and run; the model computes as without that key."""
    plain = load(name, "config.json", {}).tower.model
    model = load(name, "config.json", {key: "kernels-community/flash-attn"}).tower.model
    used = model.config._attn_implementation
    assert used == plain.config._attn_implementation
    assert used in ("sdpa", "eager")
