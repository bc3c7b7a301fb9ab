"""The wav2vec 2.0 / HuBERT audio branch under its fairseq names, as grounded releases store it."""

import ast
from collections.abc import Mapping
from typing import Any

from groundscope.errors import UserError
from groundscope.releases.release import Weight

# The command line defaults of the authors' code, for what an old args.pkl does not hold.
_DEFAULTS: Mapping[str, Any] = {
    "encoder_embed_dim": 768,
    "encoder_ffn_embed_dim": 3072,
    "encoder_attention_heads": 12,
    "encoder_layers": 12,
    "layer_use": 7,
    "conv_feature_layers": "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]",
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "extractor_mode": "default",
    "conv_bias": False,
    "layer_norm_first": False,
    "activation_fn": "gelu",
}


def settings(args: Mapping[str, Any], blocks: int) -> dict[str, Any]:
    """Put the authors' arguments as settings of transformers' ``Wav2Vec2Config``.

    Parameters
    ----------
    args
        Attributes of the released namespace.
    blocks
        Number of transformer blocks.

    Raises
    ------
    UserError
        An architecture that was never released.
    """
    given = {name: args.get(name, default) for name, default in _DEFAULTS.items()}
    for name in ("extractor_mode", "conv_bias", "layer_norm_first", "activation_fn"):
        if given[name] != _DEFAULTS[name]:
            message = f"args.pkl: {name} is {given[name]!r}, released models have {_DEFAULTS[name]}"
            raise UserError(message)
    dims, kernels, strides = zip(*_layers(given["conv_feature_layers"]), strict=True)
    return {
        "hidden_size": given["encoder_embed_dim"],
        "num_hidden_layers": blocks,
        "num_attention_heads": given["encoder_attention_heads"],
        "intermediate_size": given["encoder_ffn_embed_dim"],
        "conv_dim": list(dims),
        "conv_kernel": list(kernels),
        "conv_stride": list(strides),
        "conv_bias": False,
        "feat_extract_norm": "group",
        "do_stable_layer_norm": False,
        "num_conv_pos_embeddings": given["conv_pos"],
        "num_conv_pos_embedding_groups": given["conv_pos_groups"],
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        # no masking in inference, so no mask vector either
        "mask_time_prob": 0.0,
        "mask_feature_prob": 0.0,
    }


def weights(settings: Mapping[str, Any], prefix: str, positions: str) -> list[Weight]:
    """Every tensor of the branch: fairseq name -> name in transformers, below ``speech.``.

    Parameters
    ----------
    settings
        From `settings`.
    prefix
        What stands before the fairseq names in the release.
    positions
        Where the positional convolution is, below `prefix`.
    """
    width, dims = settings["hidden_size"], settings["conv_dim"]
    inner, taps = settings["intermediate_size"], settings["num_conv_pos_embeddings"]
    rows: list[tuple[str, str, tuple[int, ...]]] = []

    def affine(released: str, name: str, *shape: int) -> None:
        rows.append((f"{released}.weight", f"{name}.weight", shape))
        rows.append((f"{released}.bias", f"{name}.bias", shape[:1]))

    for index, (size, kernel) in enumerate(zip(dims, settings["conv_kernel"], strict=True)):
        here = f"feature_extractor.conv_layers.{index}"
        shape = (size, dims[index - 1] if index else 1, kernel)
        rows.append((f"{here}.0.weight", f"{here}.conv.weight", shape))
        if settings["feat_extract_norm"] == "layer":
            affine(f"{here}.2.1", f"{here}.layer_norm", size)
        elif index == 0:
            affine(f"{here}.2", f"{here}.layer_norm", size)
    affine("layer_norm", "feature_projection.layer_norm", dims[-1])
    affine("post_extract_proj", "feature_projection.projection", width, dims[-1])
    conv = "encoder.pos_conv_embed.conv"
    grouped = (width, width // settings["num_conv_pos_embedding_groups"], taps)
    rows.append((f"{positions}.0.bias", f"{conv}.bias", (width,)))
    rows.append(
        (f"{positions}.0.weight_g", f"{conv}.parametrizations.weight.original0", (1, 1, taps))
    )
    rows.append((f"{positions}.0.weight_v", f"{conv}.parametrizations.weight.original1", grouped))
    affine("encoder.layer_norm", "encoder.layer_norm", width)
    for block in range(settings["num_hidden_layers"]):
        here = f"encoder.layers.{block}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            affine(f"{here}.self_attn.{name}", f"{here}.attention.{name}", width, width)
        affine(f"{here}.self_attn_layer_norm", f"{here}.layer_norm", width)
        affine(f"{here}.final_layer_norm", f"{here}.final_layer_norm", width)
        affine(f"{here}.fc1", f"{here}.feed_forward.intermediate_dense", inner, width)
        affine(f"{here}.fc2", f"{here}.feed_forward.output_dense", width, inner)
    return [Weight(prefix + released, f"speech.{name}", shape) for released, name, shape in rows]


def _layers(text: str) -> list[tuple[int, int, int]]:
    """Read ``[(512, 10, 5)] + [(512, 3, 2)] * 4``; the authors' code calls `eval` on it."""
    try:
        layers = _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, TypeError, ValueError, RecursionError):
        layers = None
    if isinstance(layers, list) and 0 < len(layers) < 64:
        triples = [layer for layer in layers if isinstance(layer, tuple) and len(layer) == 3]
        if len(triples) == len(layers):
            return triples
    message = (
        f"args.pkl: conv_feature_layers is {text[:80]!r}, expected a list of three numbers each"
    )
    raise UserError(message)


def _value(node: ast.expr) -> Any:
    """Value of lists, tuples and small whole numbers, joined by ``+`` and repeated by ``*``."""
    if isinstance(node, ast.Constant) and type(node.value) is int and 0 < node.value < 10_000:
        return node.value
    if isinstance(node, ast.Tuple):
        return tuple(_value(each) for each in node.elts)
    if isinstance(node, ast.List):
        return [_value(each) for each in node.elts]
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Add) and isinstance(left, list) and isinstance(right, list):
            return left + right
        if isinstance(node.op, ast.Mult) and isinstance(left, list) and type(right) is int:
            return left * min(right, 64)
    raise ValueError(ast.dump(node))
