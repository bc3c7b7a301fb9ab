"""SpeechCLIP, base and large, parallel and cascaded (checkpoints of PyTorch Lightning).

Layout: https://github.com/atosystem/SpeechCLIP at 839cd2b (avssl/model/kwClip.py,
avssl/module/speech_encoder_plus.py, avssl/module/speechclip_c_modules/kw_bn.py,
config/speechCLIP/*). HuBERT and CLIP were frozen in training; what was trained is the weighted sum
of HuBERT's layers and the branch behind it.
"""

from collections.abc import Mapping
from typing import Any

from groundscope.checkpoints import Checkpoint
from groundscope.releases import pickles, wav2vec2
from groundscope.releases.families import check_family
from groundscope.releases.parents import compare, parent_tensors
from groundscope.releases.release import Release, Weight, size_of, take

_HUBERT = "audio_encoder.encoder."
_PARALLEL, _CASCADED = "parallel_branch.", "cascaded_branch."
_BLOCK = "self_att.model.layers.0."
_CLIP = "clip.model."
_SETTINGS = "avssl.base.ordered_namespace.OrderedNamespace"
# The image side, the loss, what only HuBERT's own training needs, and CLIP a second time.
_DROPPED = (
    "clip.",
    "criterion.",
    f"{_HUBERT}mask_emb",
    f"{_HUBERT}final_proj.",
    f"{_HUBERT}label_embs_concat",
    f"{_CASCADED}clip.",
    f"{_CASCADED}vector_quantizer.curr_temp",
)
_HEADS = {_PARALLEL: 8, _CASCADED: 1}
# CLIP's tokens of a text that begins and ends: in the vocabulary that was cut for SpeechCLIP, which
# its authors sorted by frequency, these are tokens 2 and 3 for Flickr8k and for SpokenCOCO
# (avssl/data/*_stat/text_clip_vocab_usage_byfreq.npy); 0 is CLIP's padding.
_BEGIN, _END = 2, 3


def read(checkpoint: Checkpoint, options: Mapping[str, Any], parent: Checkpoint | None) -> Release:
    """Read HuBERT, the weights of its layers, and the branch.

    Parameters
    ----------
    checkpoint
        With the one file ``*.ckpt`` (or ``options["bundle"]``).
    options
        Entry of the configuration.
    parent
        The HuBERT that was frozen in training, in Hugging Face's format.

    Raises
    ------
    UserError
        Another family, a model with neither branch, or missing, unexpected or non-finite tensors.
    """
    found = [name for name in sorted(checkpoint.files) if name.endswith(".ckpt")]
    bundle = pickles.read_bundle(
        checkpoint.path(options.get("bundle", found[0] if found else "*.ckpt")), (_SETTINGS,)
    )
    what = f"the SpeechCLIP checkpoint of {checkpoint.source}"
    check_family(bundle, "speech-clip", what)
    state = pickles.tensors(bundle.get("state_dict"), what)
    kind = _CASCADED if f"{_CASCADED}cls" in state else _PARALLEL
    blocks = sum(name.endswith(".self_attn_layer_norm.bias") for name in state)
    large = f"{_HUBERT}feature_extractor.conv_layers.1.2.1.weight" in state
    speech = wav2vec2.settings(_sizes(state), blocks)
    if large:
        speech |= {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
    weights = wav2vec2.weights(speech, _HUBERT, "encoder.pos_conv")
    layers = "audio_encoder.weightedsum_layer.weights"
    weights.append(Weight(layers, "layer_weights", (blocks + 1,)))
    branch, sizes = (_cascaded if kind == _CASCADED else _parallel)(state, speech["hidden_size"])
    weights += branch
    tensors = take(what, state, weights, _DROPPED)
    notes = {
        "complete": f"all {len(weights)} tensors of HuBERT and the {kind[:-8]} branch found, "
        f"{len(state) - len(weights)} of CLIP and losses left out, nothing unexpected",
        "finite": "every weight",
        "frozen": "not compared: no parent configured",
    }
    if parent is not None:
        names = {name: name.removeprefix("speech.") for name in tensors if "speech." in name}
        notes["frozen"] = compare(tensors, parent_tensors(parent, "hubert."), names)
    config = {
        "model_type": "speech-clip",
        # large models normalise the waveform, and each hidden state before the weighted sum
        "normalizes": large,
        "speech": speech,
        "branch": {"kind": kind[:-8], "heads": _HEADS[kind], **sizes},
    }
    return Release("safetensors", tensors, config, blocks, notes)


def _sizes(state: Mapping[str, Any]) -> dict[str, Any]:
    """Give the sizes of HuBERT in the words of fairseq; heads have 64 values."""
    width = size_of(state, f"{_HUBERT}post_extract_proj.bias")
    conv = size_of(state, f"{_HUBERT}layer_norm.bias")
    return {
        "encoder_embed_dim": width,
        "encoder_ffn_embed_dim": size_of(state, f"{_HUBERT}encoder.layers.0.fc1.bias"),
        "encoder_attention_heads": max(1, width // 64),
        "conv_feature_layers": f"[({conv}, 10, 5)] + [({conv}, 3, 2)] * 4 + [({conv}, 2, 2)] * 2",
    }


def _parallel(state: Mapping[str, Any], width: int) -> tuple[list[Weight], dict[str, int]]:
    """Tensors and sizes of the parallel branch: one block of PyTorch's own transformer."""
    inner = size_of(state, f"{_PARALLEL}{_BLOCK}linear1.bias")
    joint = size_of(state, f"{_PARALLEL}linear_proj.bias")
    weights = [
        Weight(f"{_PARALLEL}cls", "branch.cls", (1, 1, width)),
        *_attention(f"{_PARALLEL}{_BLOCK}self_attn", "branch.block.self_attn", width),
    ]
    for released, name, shape in (
        (f"{_BLOCK}linear1", "block.linear1", (inner, width)),
        (f"{_BLOCK}linear2", "block.linear2", (width, inner)),
        (f"{_BLOCK}norm1", "block.norm1", (width,)),
        (f"{_BLOCK}norm2", "block.norm2", (width,)),
        ("self_att.model.norm", "norm", (width,)),
        ("linear_proj", "linear_proj", (joint, width)),
    ):
        weights += _affine(_PARALLEL + released, f"branch.{name}", *shape)
    return weights, {"inner": inner, "joint": joint}


def _cascaded(state: Mapping[str, Any], width: int) -> tuple[list[Weight], dict[str, int]]:
    """Tensors and sizes of the cascaded branch, which ends in CLIP's text tower."""
    keywords = size_of(state, f"{_CASCADED}cls", 1)
    words = size_of(state, f"{_CLIP}token_embedding.weight")
    text = size_of(state, f"{_CASCADED}linear_proj.bias")
    positions = size_of(state, f"{_CLIP}positional_embedding")
    inner = size_of(state, f"{_CLIP}transformer.resblocks.0.mlp.c_fc.bias")
    joint = size_of(state, f"{_CLIP}text_projection", 1)
    blocks = sum(
        name.startswith(f"{_CLIP}transformer.") and name.endswith(".ln_1.bias") for name in state
    )
    norm = f"{_CASCADED}bn_layer.bn_layer"
    weights = [
        Weight(f"{_CASCADED}cls", "branch.cls", (1, keywords, width)),
        *_attention(f"{_CASCADED}self_att.multihead_attn_layer", "branch.attention", width),
        *_affine(f"{_CASCADED}self_att.attentionBlock_Norm", "branch.norm", width),
        *_affine(f"{_CASCADED}linear_proj", "branch.linear_proj", text, width),
        *_affine(norm, "branch.batch_norm", keywords * text),
        Weight(f"{norm}.running_mean", "branch.batch_norm.running_mean", (keywords * text,)),
        Weight(f"{norm}.running_var", "branch.batch_norm.running_var", (keywords * text,)),
        Weight(f"{norm}.num_batches_tracked", "branch.batch_norm.num_batches_tracked", ()),
        Weight(f"{_CLIP}token_embedding.weight", "branch.words", (words, text)),
        Weight(f"{_CLIP}positional_embedding", "branch.positions", (positions, text)),
        Weight(f"{_CLIP}text_projection", "branch.text_projection", (text, joint)),
        *_affine(f"{_CLIP}ln_final", "branch.text_norm", text),
    ]
    for block in range(blocks):
        there, here = f"{_CLIP}transformer.resblocks.{block}", f"branch.blocks.{block}"
        weights += _attention(f"{there}.attn", f"{here}.self_attn", text)
        weights += _affine(f"{there}.ln_1", f"{here}.norm1", text)
        weights += _affine(f"{there}.mlp.c_fc", f"{here}.linear1", inner, text)
        weights += _affine(f"{there}.mlp.c_proj", f"{here}.linear2", text, inner)
        weights += _affine(f"{there}.ln_2", f"{here}.norm2", text)
    sizes = {"keywords": keywords, "words": words, "text": text, "text_blocks": blocks}
    sizes |= {"text_heads": max(1, text // 64), "inner": inner, "joint": joint}
    return weights, {**sizes, "positions": positions, "begin": _BEGIN, "end": _END}


def _affine(released: str, name: str, *shape: int) -> list[Weight]:
    return [
        Weight(f"{released}.weight", f"{name}.weight", shape),
        Weight(f"{released}.bias", f"{name}.bias", shape[:1]),
    ]


def _attention(released: str, name: str, width: int) -> list[Weight]:
    """Tensors of PyTorch's own attention."""
    return [
        Weight(f"{released}.in_proj_weight", f"{name}.in_proj_weight", (3 * width, width)),
        Weight(f"{released}.in_proj_bias", f"{name}.in_proj_bias", (3 * width,)),
        *_affine(f"{released}.out_proj", f"{name}.out_proj", width, width),
    ]
