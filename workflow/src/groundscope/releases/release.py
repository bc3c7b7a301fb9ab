"""What a reader of a released format gives, and the checks that every reader ends with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError
from groundscope.releases import pickles

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Weight:
    """One tensor that inference needs.

    Attributes
    ----------
    released
        Its name in the release.
    name
        Its name in the converted file.
    shape
        What it must have.
    """

    released: str
    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Release:
    """A release, reduced to what inference needs.

    Attributes
    ----------
    format
        The format of the converted checkpoint.
    tensors
        Converted name -> tensor.
    config
        Content of ``config.json``.
    blocks
        Number of transformer blocks.
    notes
        Findings of the self-checks, for people.
    files
        Further small files: name -> content.
    """

    format: str
    tensors: "Mapping[str, Tensor]"
    config: Mapping[str, Any]
    blocks: int
    notes: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)


def take(
    what: str,
    state: "Mapping[str, Tensor]",
    weights: Sequence[Weight],
    dropped: Sequence[str],
) -> "dict[str, Tensor]":
    """Take `weights` out of a state dict, as float32 (counts as they are), under their new names.

    Parameters
    ----------
    what
        The release, for messages.
    state
        Released name -> tensor.
    weights
        All that inference needs.
    dropped
        Beginnings of names that are known and not needed.

    Raises
    ------
    UserError
        A tensor is missing, has another shape, is not finite, or is known to nobody.
    """
    import torch

    wanted = {weight.released: weight for weight in weights}
    missing = [name for name in wanted if name not in state]
    unknown = [name for name in state if name not in wanted and not name.startswith(tuple(dropped))]
    if missing or unknown:
        message = (
            f"{what}: {len(missing)} tensors are missing ({_some(missing)}) "
            f"and {len(unknown)} are unexpected ({_some(unknown)})"
        )
        raise UserError(message)
    taken = {}
    for name, weight in wanted.items():
        tensor = state[name]
        if tuple(tensor.shape) != weight.shape:
            message = f"{what}: {name} has shape {tuple(tensor.shape)}, expected {weight.shape}"
            raise UserError(message)
        if not torch.isfinite(tensor).all():
            half = " (half precision that overflowed)" if tensor.dtype == torch.float16 else ""
            message = f"{what}: {name} has values that are not finite{half}"
            raise UserError(message)
        kept = tensor.float() if tensor.is_floating_point() else tensor
        taken[weight.name] = kept.contiguous()
    return taken


def compare(
    tensors: "Mapping[str, Tensor]", parent: "Mapping[str, Tensor]", names: Mapping[str, str]
) -> str:
    """How many of the tensors `names` (ours -> the parent's) are equal, bit for bit, in words."""
    import torch

    absent = [theirs for theirs in names.values() if theirs not in parent]
    if absent:
        return f"not compared: the parent lacks {_some(absent)}"
    different = [
        ours
        for ours, theirs in names.items()
        if tensors[ours].shape != parent[theirs].shape
        or not torch.equal(tensors[ours], parent[theirs].float())
    ]
    if different:
        return (
            f"{len(different)} of {len(names)} tensors differ from the parent: {_some(different)}"
        )
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
        # the names of layer norms in the oldest releases of BERT
        bare = bare.replace("LayerNorm.gamma", "LayerNorm.weight")
        renamed[bare.replace("LayerNorm.beta", "LayerNorm.bias")] = tensor
    return renamed


# Patterns of tensor names that only one kind of file has.
_SIGNS = (
    (r"conv1_trm1_trm3\.", "fast-vgs", "a FaST-VGS bundle"),
    (r"parallel_branch\.|cascaded_branch\.", "speech-clip", "a SpeechCLIP checkpoint"),
    (
        r"audio_encoder\.|conv1_trm1_conv2_trm2\.|^(module\.)?pos_conv\.",
        "vg-hubert",
        "a VG-HuBERT bundle",
    ),
    (r"language_model\.language_model\.", "vg-bert", "a VG-BERT checkpoint"),
    (r"post_extract_proj\.", "", "an ungrounded fairseq wav2vec 2.0 or HuBERT checkpoint"),
    (r"feature_projection\.", "", "a Hugging Face wav2vec 2.0 or HuBERT checkpoint"),
    (r"encoder\.layer\.0\.attention\.self\.", "", "a Hugging Face BERT checkpoint"),
)


def check_family(bundle: Mapping[str, Any], family: str, what: str) -> None:
    """Refuse a bundle that is of another family, and say of which.

    Parameters
    ----------
    bundle
        Content of the released file: a state dict, or a dictionary of state dicts.
    family
        The configured format.
    what
        The release, for messages.
    """
    states = [value for value in bundle.values() if isinstance(value, dict)] + [bundle]
    names = [name for state in states for name in state if isinstance(name, str)]
    for sign, kind, description in _SIGNS:
        if any(re.search(sign, name) for name in names):
            if kind == family:
                return
            message = f"{what}: this is {description}, expected format {family}"
            raise UserError(message)
    message = f"{what}: no known model ({_some(names)}), expected format {family}"
    raise UserError(message)


def _some(names: Sequence[str]) -> str:
    return ", ".join(list(names)[:3]) + (", ..." if len(names) > 3 else "") if names else "none"
