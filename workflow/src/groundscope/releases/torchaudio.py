"""Weights of torchaudio's pipelines (``WAV2VEC2_BASE``, ``WAVLM_LARGE``, ``MMS_FA``, ...).

One file each, at the addresses in torchaudio/pipelines/_wav2vec2/impl.py; layout as in
torchaudio/models/wav2vec2/components.py and wavlm_attention.py. torchaudio itself is not needed.
What the weights do not show follows from those files: strides and heads are the same in all bundles
of one size, and models with layer norms in their convolutions are those that normalise first,
waveforms included.
"""

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError
from groundscope.releases import pickles
from groundscope.releases.families import check_family
from groundscope.releases.release import Release, Weight, affine, size_of, take

if TYPE_CHECKING:
    from torch import Tensor

_KERNELS, _STRIDES = [10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2]
_CONV = "feature_extractor.conv_layers."
_STACK = "encoder.transformer."
_PROJECTION = "encoder.feature_projection."
_POSITIONS = f"{_STACK}pos_conv_embed.conv."
_HEADS_OF_BASE, _HEADS = (768, 12), 16
_BIAS_REACH = 800  # frames, of WavLM's relative positions
_HEAD = "aux."
# Labels of fine-tuned models by their number, in the order of pipelines/_wav2vec2/utils.py: blank
# and letters of the LibriSpeech models, and of MMS_FA. Files have three rows more, which nothing
# uses, behind the blank. The five VoxPopuli models have other labels, and the same numbers of them.
_LABELS = {len(labels): labels for labels in ("-|ETAONIHSRDLUMWCFGYPBVK'XJQZ",
                                              "-aienoutsrmkldghybpwcvjzf'qx")}  # fmt: skip
_UNUSED_ROWS = 3
_OTHER_LABELS = "voxpopuli"


def read(checkpoint: Checkpoint, options: Mapping[str, Any], parent: Checkpoint | None) -> Release:
    """Read a wav2vec 2.0, HuBERT or WavLM as a Hugging Face folder.

    Parameters
    ----------
    checkpoint
        With one file ``*.pth`` or ``*.pt`` (or ``options["bundle"]``).
    options
        Entry of the configuration.
    parent
        None: nothing is compared.

    Raises
    ------
    UserError
        Another family, or missing, unexpected or non-finite tensors.
    """
    if parent is not None:
        message = f"parent: {parent.source} cannot be compared with a torchaudio pipeline"
        raise UserError(message)
    found = [name for name in sorted(checkpoint.files) if name.endswith((".pth", ".pt"))]
    name = options.get("bundle", found[0] if found else "*.pth")
    bundle = pickles.read_bundle(checkpoint.path(name))
    what = f"the torchaudio pipeline of {checkpoint.source}"
    check_family(bundle, "torchaudio", what)
    state = _modern(pickles.tensors(bundle, what))
    config = _config(state)
    weights = _weights(config)
    files: dict[str, bytes] = {}
    lettered = _OTHER_LABELS not in name and config["model_type"] == "wav2vec2"
    labels = _labels(state) if lettered else ""
    if labels:
        weights = _with_head(weights, config, labels)
        vocabulary = {label: column for column, label in enumerate(labels)}
        files["vocab.json"] = (json.dumps(vocabulary, indent=1) + "\n").encode()
    tensors = take(what, state, weights, () if labels else (_HEAD,))
    notes = {
        "complete": f"all {len(weights)} tensors found, "
        f"{len(state) - len(weights)} of an output of unknown labels left out, nothing unexpected",
        "finite": "every weight",
    }
    settings = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "do_normalize": config["do_stable_layer_norm"],
        "variance_floor": 1e-5,  # torchaudio normalises with PyTorch's layer norm
        "sampling_rate": 16_000,
        "feature_size": 1,
    }
    files["preprocessor_config.json"] = (json.dumps(settings, indent=1) + "\n").encode()
    blocks = config["num_hidden_layers"]
    return Release("huggingface", tensors, config, blocks, notes, files)


def _labels(state: "dict[str, Tensor]") -> str:
    """Find the labels of a fine-tuned model by their number; drop the rows of no use."""
    import torch

    weight = f"{_HEAD}weight"
    rows = len(state[weight]) if weight in state else 0
    if rows in _LABELS:
        return _LABELS[rows]
    labels = _LABELS.get(rows - _UNUSED_ROWS, "")
    for name in (weight, f"{_HEAD}bias") if labels else ():
        if name in state:
            state[name] = torch.cat([state[name][:1], state[name][1 + _UNUSED_ROWS :]])
    return labels


def _with_head(weights: list[Weight], config: dict[str, Any], labels: str) -> list[Weight]:
    """Make it transformers' Wav2Vec2ForCTC: names below a prefix, and the output."""
    config |= {
        "architectures": ["Wav2Vec2ForCTC"],
        "vocab_size": len(labels),
        "pad_token_id": 0,
    }
    shape = (len(labels), config["hidden_size"])
    return [
        *(Weight(each.released, f"wav2vec2.{each.name}", each.shape) for each in weights),
        Weight(f"{_HEAD}weight", "lm_head.weight", shape),
        Weight(f"{_HEAD}bias", "lm_head.bias", shape[:1]),
    ]


def _modern(state: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """Name the positional weight norm as PyTorch does now, and part WavLM's stacked projections."""
    named: dict[str, Tensor] = {}
    for name, tensor in state.items():
        name = re.sub(r"conv\.weight_g$", "conv.parametrizations.weight.original0", name)
        name = re.sub(r"conv\.weight_v$", "conv.parametrizations.weight.original1", name)
        name = name.replace(".attention.attention.", ".attention.")
        block, stacked, kind = name.partition(".in_proj_")
        if stacked and tensor.ndim and len(tensor) % 3 == 0:
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                named[f"{block}.{part}_proj.{kind}"] = rows
        else:
            named[name] = tensor
    return named


def _config(state: "Mapping[str, Tensor]") -> dict[str, Any]:
    """Put sizes as transformers' settings; a size of a missing tensor is 1, reported later."""
    size = partial(size_of, state)
    width = size(f"{_PROJECTION}projection.bias")
    first_norms = f"{_CONV}1.layer_norm.weight" in state
    kernel = f"{_POSITIONS}parametrizations.weight.original1"
    base_width, base_heads = _HEADS_OF_BASE
    bias = f"{_STACK}layers.0.attention.rel_attn_embed.weight"
    wavlm = {"num_buckets": size(bias), "max_bucket_distance": _BIAS_REACH} if bias in state else {}
    return {
        "model_type": "wavlm" if wavlm else "wav2vec2",
        **wavlm,
        "hidden_size": width,
        "num_hidden_layers": sum(name.endswith(".attention.q_proj.weight") for name in state),
        "num_attention_heads": base_heads if width == base_width else _HEADS,
        "intermediate_size": size(f"{_STACK}layers.0.feed_forward.intermediate_dense.bias"),
        "conv_dim": [size(f"{_CONV}{index}.conv.weight") for index in range(len(_KERNELS))],
        "conv_kernel": _KERNELS,
        "conv_stride": _STRIDES,
        "conv_bias": f"{_CONV}0.conv.bias" in state,
        "feat_extract_norm": "layer" if first_norms else "group",
        "do_stable_layer_norm": first_norms,
        "num_conv_pos_embeddings": size(kernel, 2),
        "num_conv_pos_embedding_groups": width // size(kernel, 1),
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "mask_time_prob": 0.0,
        "mask_feature_prob": 0.0,
    }


def _weights(config: Mapping[str, Any]) -> list[Weight]:
    """Every tensor of the encoder; below their prefixes the names are transformers' own."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    dims, taps = config["conv_dim"], config["num_conv_pos_embeddings"]
    rows: list[tuple[str, tuple[int, ...]]] = []
    for index, (size, kernel) in enumerate(zip(dims, _KERNELS, strict=True)):
        shape = (size, dims[index - 1] if index else 1, kernel)
        rows.append((f"{_CONV}{index}.conv.weight", shape))
        if config["conv_bias"]:
            rows.append((f"{_CONV}{index}.conv.bias", (size,)))
        if index == 0 or config["feat_extract_norm"] == "layer":
            rows += affine(f"{_CONV}{index}.layer_norm", size)
    rows += affine(f"{_PROJECTION}layer_norm", dims[-1])
    rows += affine(f"{_PROJECTION}projection", width, dims[-1])
    grouped = (width, width // config["num_conv_pos_embedding_groups"], taps)
    rows.append((f"{_POSITIONS}bias", (width,)))
    rows.append((f"{_POSITIONS}parametrizations.weight.original0", (1, 1, taps)))
    rows.append((f"{_POSITIONS}parametrizations.weight.original1", grouped))
    rows += affine(f"{_STACK}layer_norm", width)
    for block in range(config["num_hidden_layers"]):
        here = f"{_STACK}layers.{block}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            rows += affine(f"{here}.attention.{name}", width, width)
        if "num_buckets" in config:
            heads = config["num_attention_heads"]
            rows.append((f"{here}.attention.gru_rel_pos_const", (1, heads, 1, 1)))
            rows += affine(f"{here}.attention.gru_rel_pos_linear", 8, width // heads)
            if block == 0:
                table = f"{here}.attention.rel_attn_embed.weight"
                rows.append((table, (config["num_buckets"], heads)))
        rows += affine(f"{here}.layer_norm", width)
        rows += affine(f"{here}.feed_forward.intermediate_dense", inner, width)
        rows += affine(f"{here}.feed_forward.output_dense", width, inner)
        rows += affine(f"{here}.final_layer_norm", width)
    return [Weight(name, _renamed(name), shape) for name, shape in rows]


def _renamed(name: str) -> str:
    return name.replace(_PROJECTION, "feature_projection.").replace(_STACK, "encoder.")
