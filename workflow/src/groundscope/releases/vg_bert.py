"""VG-BERT (``best_model.pth``): the language stream and its way into the joint space.

Layout: https://github.com/yizhen-zhang/VG-Bert at f90f87b (models/FullModels.py,
models/LanguageModels.py, models/CrossModalityModels.py, transfer_cross_modal_retrieval.py).
"""

from collections.abc import Mapping
from typing import Any

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError
from groundscope.releases import pickles
from groundscope.releases.families import check_family
from groundscope.releases.parents import compare, parent_tensors
from groundscope.releases.release import Release, Weight, take

_BERT = "language_model.language_model."
_DROPPED = (
    f"{_BERT}embeddings.position_ids",
    f"{_BERT}pooler.",
    "image_model.",
    "image_projection_head.",
    "cross_attention_model.relational_matrix",
    "cross_attention_model.key_visual.",
    "cross_attention_model.value_visual.",
    "cross_attention_model.object_transform.",
)
_VOCABULARY = ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_FROZEN_BLOCKS = 4
_HEAD = 64


def read(checkpoint: Checkpoint, options: Mapping[str, Any], parent: Checkpoint | None) -> Release:
    """Read the BERT of the language stream, the cross-attention query and the projection head.

    Parameters
    ----------
    checkpoint
        With the file ``best_model.pth`` (or ``options["bundle"]``), and the vocabulary of
        bert-base-uncased beside it unless the parent has it.
    options
        Entry of the configuration.
    parent
        BERT base uncased in Hugging Face's format: embeddings, the first four blocks, and queries
        and keys of all blocks were frozen in training.

    Raises
    ------
    UserError
        Another family, no vocabulary, or missing, unexpected or non-finite tensors.
    """
    bundle = pickles.read_bundle(checkpoint.path(options.get("bundle", "best_model.pth")))
    what = f"the VG-BERT checkpoint of {checkpoint.source}"
    check_family(bundle, "vg-bert", what)
    state = pickles.tensors(bundle, what)
    table = f"{_BERT}embeddings.word_embeddings.weight"
    inner = f"{_BERT}encoder.layer.0.intermediate.dense.bias"
    if table not in state or inner not in state:
        message = f"{what}: {table} or {inner} is missing"
        raise UserError(message)
    vocabulary, width = state[table].shape
    blocks = 1 + max(
        int(name.removeprefix(_BERT).split(".")[2])
        for name in state
        if name.startswith(f"{_BERT}encoder.layer.")
    )
    bert = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": blocks,
        "num_attention_heads": max(1, width // _HEAD),
        "intermediate_size": len(state[inner]),
        "max_position_embeddings": len(
            state.get(f"{_BERT}embeddings.position_embeddings.weight", ())
        ),
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
    }
    weights = _weights(bert)
    tensors = take(what, state, weights, _DROPPED)
    notes = {
        "complete": f"all {len(weights)} tensors of the language stream found, "
        f"{len(state) - len(weights)} of image stream and pooler left out, nothing unexpected",
        "finite": "every weight",
        **_frozen(tensors, parent),
    }
    config = {"model_type": "vg-bert", "bert": bert}
    files = _tokenizer(what, checkpoint, parent)
    return Release("safetensors", tensors, config, blocks, notes, files)


def _weights(bert: Mapping[str, Any]) -> list[Weight]:
    """Every tensor that is kept; BERT's names are transformers' own."""
    width, inner = bert["hidden_size"], bert["intermediate_size"]
    rows: list[tuple[str, tuple[int, ...]]] = [
        ("embeddings.word_embeddings.weight", (bert["vocab_size"], width)),
        ("embeddings.position_embeddings.weight", (bert["max_position_embeddings"], width)),
        ("embeddings.token_type_embeddings.weight", (bert["type_vocab_size"], width)),
    ]
    affine: list[tuple[str, tuple[int, ...]]] = [("embeddings.LayerNorm", (width,))]
    for block in range(bert["num_hidden_layers"]):
        here = f"encoder.layer.{block}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            affine.append((f"{here}.attention.{name}", (width, width)))
        affine.append((f"{here}.attention.output.LayerNorm", (width,)))
        affine.append((f"{here}.intermediate.dense", (inner, width)))
        affine.append((f"{here}.output.dense", (width, inner)))
        affine.append((f"{here}.output.LayerNorm", (width,)))
    for name, shape in affine:
        rows += [(f"{name}.weight", shape), (f"{name}.bias", shape[:1])]
    weights = [Weight(_BERT + name, f"bert.{name}", shape) for name, shape in rows]
    query = "query_language.weight"
    weights.append(Weight(f"cross_attention_model.{query}", query, (width, width)))
    for index in ("0", "3"):
        here = f"language_projection_head.{index}"
        weights.append(Weight(f"{here}.weight", f"{here}.weight", (width, width)))
        weights.append(Weight(f"{here}.bias", f"{here}.bias", (width,)))
    return weights


def _frozen(tensors: Mapping[str, Any], parent: Checkpoint | None) -> dict[str, str]:
    """Compare what was frozen in training with the BERT that training started from."""
    if parent is None:
        return {"frozen": "not compared: no parent configured"}
    theirs = parent_tensors(parent, "bert.")
    ours = [name.removeprefix("bert.") for name in tensors if name.startswith("bert.")]
    early = tuple(f"encoder.layer.{block}." for block in range(_FROZEN_BLOCKS))
    below = [name for name in ours if name.startswith(("embeddings.", *early))]
    attention = [name for name in ours if ".self.query." in name or ".self.key." in name]
    return {
        "frozen": compare(tensors, theirs, {f"bert.{name}": name for name in below}),
        "frozen_queries_and_keys": compare(
            tensors, theirs, {f"bert.{name}": name for name in attention}
        ),
    }


def _tokenizer(what: str, checkpoint: Checkpoint, parent: Checkpoint | None) -> dict[str, bytes]:
    """Files of the uncased word piece tokenizer, which the release leaves out."""
    for source in (checkpoint, parent):
        if source is not None and {"vocab.txt", "tokenizer.json"} & source.files.keys():
            names = [name for name in _VOCABULARY if name in source.files]
            return {name: source.path(name).read_bytes() for name in names}
    message = (
        f"{what}: no vocabulary; put vocab.txt of bert-base-uncased beside the checkpoint, "
        "or configure that model as its parent"
    )
    raise UserError(message)
