"""Which files of a folder a model is read from."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import save_file

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.weights import read_tensors
from groundscope.errors import UserError
from groundscope.sources.hub import _choose

AsCheckpoint = Callable[[Path], Checkpoint]

PROBE = "embeddings.word_embeddings.weight"
SHARDS = [f"-0000{number}-of-00002" for number in (1, 2)]
SAFE = [f"model{shard}.safetensors" for shard in SHARDS]
PICKLED = [f"pytorch_model{shard}.bin" for shard in SHARDS]
INDEX = {"model.safetensors.index.json": SAFE, "pytorch_model.bin.index.json": PICKLED}
SAFE_INDEX, PICKLED_INDEX = INDEX


def _save(folder: Path, names: Sequence[str]) -> dict[float, str]:
    """Save a tiny BERT under each name, shards in halves; give value of the probe -> name."""
    config = transformers.BertConfig(
        vocab_size=5, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4
    )
    config.save_pretrained(folder)
    state = transformers.BertModel(config).state_dict()
    values = {}
    for value, name in enumerate(names):
        values[float(value)] = name
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if name in INDEX:
            parts = [list(state)[::2], list(state)[1::2]]
            shard_of = {key: INDEX[name][n] for n, keys in enumerate(parts) for key in keys}
            path.write_text(json.dumps({"metadata": {}, "weight_map": shard_of}))
            continue
        tensors = {**state, PROBE: torch.full_like(state[PROBE], value)}
        shard = next((n for n, part in enumerate(SHARDS) if part in name), None)
        if shard is not None:
            tensors = {key: tensors[key] for key in list(state)[shard::2]}
        if path.suffix == ".safetensors":
            save_file(tensors, path, metadata={"format": "pt"})
        else:
            torch.save(tensors, path)
    return values


@pytest.mark.parametrize(
    "names",
    [
        ["model.safetensors", "old/model.safetensors"],
        ["model.safetensors", "checkpoint-500/model.safetensors", "pytorch_model.bin"],
        ["model.safetensors", "model_fp16.safetensors", "model.fp16.safetensors"],
        ["model.safetensors", *SAFE, SAFE_INDEX],
        [*SAFE, SAFE_INDEX, "model_fp16.safetensors", "pytorch_model.bin"],
        ["pytorch_model.bin", "pytorch_model_old.bin", "old/model.safetensors"],
        ["pytorch_model.bin", "model_fp16.safetensors"],
        [*PICKLED, PICKLED_INDEX, "old/pytorch_model.bin"],
    ],
    ids=", ".join,
)
def test_the_weights_are_those_that_transformers_takes(
    tmp_path: Path, as_checkpoint: AsCheckpoint, names: list[str]
) -> None:
    """Not older saves in folders below, nor other precisions beside; nor are they downloaded."""
    values = _save(tmp_path, names)
    model = transformers.BertModel.from_pretrained(tmp_path)
    theirs = values[model.state_dict()[PROBE][0, 0].item()]
    tensors = read_tensors(as_checkpoint(tmp_path))
    assert values[tensors[PROBE][0, 0].item()] == theirs
    assert set(tensors) == set(model.state_dict())
    sharded = any(shard in theirs for shard in SHARDS)
    taken = next(each for each in (SAFE, PICKLED) if theirs in each) if sharded else [theirs]
    chosen = _choose("checkpoints.x", names, None)
    assert [name for name in chosen if not name.endswith(".json")] == taken


def test_weights_under_other_names_are_read_once(
    tmp_path: Path, as_checkpoint: AsCheckpoint
) -> None:
    """Shards without an index, and one file below; a tensor in two files is refused."""
    for folder, names in (("shards", SAFE), ("below", ["weights/model.safetensors"])):
        values = _save(tmp_path / folder, names)
        found = read_tensors(as_checkpoint(tmp_path / folder))
        assert found[PROBE][0, 0].item() in values
    _save(tmp_path / "two", ["a/model.safetensors", "model_fp16.safetensors"])
    said = r"a/model\.safetensors and model_fp16\.safetensors both hold the tensor \S+: leave one"
    with pytest.raises(UserError, match=said) as caught:
        read_tensors(as_checkpoint(tmp_path / "two"))
    assert "\n" not in str(caught.value)


def test_an_index_without_its_shards_is_passed_over(
    tmp_path: Path, as_checkpoint: AsCheckpoint
) -> None:
    """Files that were chosen by name (``*.json``, ``pytorch_model.bin``) can bring one along."""
    values = _save(tmp_path, [SAFE_INDEX, "pytorch_model.bin"])
    found = read_tensors(as_checkpoint(tmp_path))
    assert values[found[PROBE][0, 0].item()] == "pytorch_model.bin"


def test_a_broken_index_is_named(tmp_path: Path, as_checkpoint: AsCheckpoint) -> None:
    """One that is no index, and one that names a shard that is not there."""
    index = tmp_path / SAFE_INDEX
    for content in ("{", "[]", '{"weight_map": 1}'):
        index.write_text(content)
        with pytest.raises(UserError, match=rf"{SAFE_INDEX} is not a readable index of shards"):
            read_tensors(as_checkpoint(tmp_path))
    index.write_text(json.dumps({"weight_map": {PROBE: SAFE[0]}}))
    with pytest.raises(UserError, match=f"has no file '{SAFE[0]}'; it has {SAFE_INDEX}"):
        read_tensors(as_checkpoint(tmp_path))
