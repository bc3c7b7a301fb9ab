"""SpeechCLIP, base, parallel branch (a checkpoint of PyTorch Lightning).

Layout: https://github.com/atosystem/SpeechCLIP at 839cd2b (avssl/model/kwClip.py,
avssl/module/speech_encoder_plus.py, config/speechCLIP/model_base/spchclp_p.yaml). Its HuBERT was
frozen in training; what was trained is the weighted sum of its layers and the branch behind it.
"""

from collections.abc import Mapping
from typing import Any

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError
from groundscope.releases import pickles, wav2vec2
from groundscope.releases.families import check_family
from groundscope.releases.parents import compare, parent_tensors
from groundscope.releases.release import Release, Weight, take

_HUBERT = "audio_encoder.encoder."
_BRANCH = "parallel_branch."
_BLOCK = "self_att.model.layers.0."
_SETTINGS = "avssl.base.ordered_namespace.OrderedNamespace"
# The image and text side, the loss, and what only HuBERT's own training needs.
_DROPPED = (
    "clip.",
    "criterion.",
    f"{_HUBERT}mask_emb",
    f"{_HUBERT}final_proj.",
    f"{_HUBERT}label_embs_concat",
)
_HEADS = 8


def read(checkpoint: Checkpoint, options: Mapping[str, Any], parent: Checkpoint | None) -> Release:
    """Read HuBERT, the weights of its layers, and the parallel branch.

    Parameters
    ----------
    checkpoint
        With the one file ``*.ckpt`` (or ``options["bundle"]``).
    options
        Entry of the configuration.
    parent
        HuBERT base in Hugging Face's format, which was frozen in training.

    Raises
    ------
    UserError
        Another family, a model without the parallel branch, or missing, unexpected or non-finite
        tensors (a large model has others).
    """
    found = [name for name in sorted(checkpoint.files) if name.endswith(".ckpt")]
    bundle = pickles.read_bundle(
        checkpoint.path(options.get("bundle", found[0] if found else "*.ckpt")), (_SETTINGS,)
    )
    what = f"the SpeechCLIP checkpoint of {checkpoint.source}"
    check_family(bundle, "speech-clip", what)
    state = pickles.tensors(bundle.get("state_dict"), what)
    if f"{_BRANCH}cls" not in state:
        message = f"{what}: only models with the parallel branch can be read, not cascaded ones"
        raise UserError(message)
    blocks = sum(name.endswith(".self_attn_layer_norm.bias") for name in state)
    speech = wav2vec2.settings(_sizes(state), blocks)
    weights = wav2vec2.weights(speech, _HUBERT, "encoder.pos_conv")
    branch = _branch(state, speech["hidden_size"], blocks)
    weights += branch
    tensors = take(what, state, weights, _DROPPED)
    notes = {
        "complete": f"all {len(weights)} tensors of HuBERT and the parallel branch found, "
        f"{len(state) - len(weights)} of CLIP and losses left out, nothing unexpected",
        "finite": "every weight",
        "frozen": "not compared: no parent configured",
    }
    if parent is not None:
        names = {name: name.removeprefix("speech.") for name in tensors if "speech." in name}
        notes["frozen"] = compare(tensors, parent_tensors(parent, "hubert."), names)
    sizes = {weight.name: weight.shape for weight in branch}
    config = {
        "model_type": "speech-clip",
        "normalizes": False,
        "speech": speech,
        "branch": {
            "heads": _HEADS,
            "inner": sizes["branch.linear1.bias"][0],
            "joint": sizes["linear_proj.bias"][0],
        },
    }
    return Release("safetensors", tensors, config, blocks, notes)


def _sizes(state: Mapping[str, Any]) -> dict[str, Any]:
    """Give the sizes of HuBERT in the words of fairseq; heads have 64 values."""
    width = _rows(state, f"{_HUBERT}post_extract_proj.bias")
    conv = _rows(state, f"{_HUBERT}layer_norm.bias")
    return {
        "encoder_embed_dim": width,
        "encoder_ffn_embed_dim": _rows(state, f"{_HUBERT}encoder.layers.0.fc1.bias"),
        "encoder_attention_heads": max(1, width // 64),
        "conv_feature_layers": f"[({conv}, 10, 5)] + [({conv}, 3, 2)] * 4 + [({conv}, 2, 2)] * 2",
    }


def _rows(state: Mapping[str, Any], name: str) -> int:
    """Length of a tensor; 1 where it is missing, which the strict check then reports."""
    return len(state[name]) if name in state else 1


def _branch(state: Mapping[str, Any], width: int, blocks: int) -> list[Weight]:
    """Tensors of the weighted sum and of the branch: one block of PyTorch's own transformer."""
    inner = _rows(state, f"{_BRANCH}{_BLOCK}linear1.bias")
    joint = _rows(state, f"{_BRANCH}linear_proj.bias")
    layers = "audio_encoder.weightedsum_layer.weights"
    weights = [
        Weight(layers, "layer_weights", (blocks + 1,)),
        Weight(f"{_BRANCH}cls", "cls", (1, 1, width)),
        Weight(
            f"{_BRANCH}{_BLOCK}self_attn.in_proj_weight",
            "branch.self_attn.in_proj_weight",
            (3 * width, width),
        ),
        Weight(
            f"{_BRANCH}{_BLOCK}self_attn.in_proj_bias",
            "branch.self_attn.in_proj_bias",
            (3 * width,),
        ),
    ]
    for released, name, shape in (
        (f"{_BLOCK}self_attn.out_proj", "branch.self_attn.out_proj", (width, width)),
        (f"{_BLOCK}linear1", "branch.linear1", (inner, width)),
        (f"{_BLOCK}linear2", "branch.linear2", (width, inner)),
        (f"{_BLOCK}norm1", "branch.norm1", (width,)),
        (f"{_BLOCK}norm2", "branch.norm2", (width,)),
        ("self_att.model.norm", "norm", (width,)),
        ("linear_proj", "linear_proj", (joint, width)),
    ):
        weights.append(Weight(f"{_BRANCH}{released}.weight", f"{name}.weight", shape))
        weights.append(Weight(f"{_BRANCH}{released}.bias", f"{name}.bias", shape[:1]))
    return weights
