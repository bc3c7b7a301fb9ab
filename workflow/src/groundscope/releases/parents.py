"""Comparing a release with the model that its training started from.

Parts that training left frozen must be equal, bit for bit: a check of the conversion that needs no
reference output.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from groundscope.checkpoints import Checkpoint
from groundscope.releases import pickles
from groundscope.releases.release import some

if TYPE_CHECKING:
    from torch import Tensor

# What releases of the parents call what transformers has renamed since.
_OLDER_NAMES = (
    ("LayerNorm.gamma", "LayerNorm.weight"),
    ("LayerNorm.beta", "LayerNorm.bias"),
    ("pos_conv_embed.conv.weight_g", "pos_conv_embed.conv.parametrizations.weight.original0"),
    ("pos_conv_embed.conv.weight_v", "pos_conv_embed.conv.parametrizations.weight.original1"),
)


def compare(
    tensors: "Mapping[str, Tensor]", parent: "Mapping[str, Tensor]", names: Mapping[str, str]
) -> str:
    """How many of the tensors `names` (ours -> the parent's) are equal, bit for bit, in words."""
    import torch

    absent = [theirs for theirs in names.values() if theirs not in parent]
    if absent:
        return f"not compared: the parent lacks {some(absent)}"
    different = [
        ours
        for ours, theirs in names.items()
        if tensors[ours].shape != parent[theirs].shape
        or not torch.equal(tensors[ours], parent[theirs].float())
    ]
    if different:
        return f"{len(different)} of {len(names)} tensors differ from the parent: {some(different)}"
    return f"all {len(names)} tensors equal the parent's"


def conv_front_end(tensors: "Mapping[str, Tensor]", parent: Checkpoint | None) -> str:
    """Compare the convolutions, frozen in training, with those of the model it started from."""
    if parent is None:
        return "not compared: no parent configured"
    names = [name for name in tensors if name.startswith("speech.feature_extractor.")]
    theirs = parent_tensors(parent, "wav2vec2.", "hubert.")
    return compare(tensors, theirs, {name: name.removeprefix("speech.") for name in names})


def parent_tensors(parent: Checkpoint, *prefixes: str) -> "dict[str, Tensor]":
    """Tensors of a model in Hugging Face's format, under their names in the bare model."""
    from safetensors.torch import load_file

    if "model.safetensors" in parent.files:
        state = load_file(parent.path("model.safetensors"))
    else:
        path = parent.path("pytorch_model.bin")
        state = pickles.tensors(pickles.read_bundle(path), str(path))
    renamed = {}
    for name, tensor in state.items():
        bare = name
        for prefix in prefixes:
            bare = bare.removeprefix(prefix)
        for older, newer in _OLDER_NAMES:
            bare = bare.replace(older, newer)
        renamed[bare] = tensor
    return renamed
