"""FaST-VGS and FaST-VGS+ (``best_bundle.pth`` and ``args.pkl``).

Layout: https://github.com/jasonppy/FaST-VGS-Family at a1f6aee (models/fast_vgs.py,
models/w2v2_model.py, steps/trainer.py).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError
from groundscope.releases import pickles, wav2vec2
from groundscope.releases.families import check_family
from groundscope.releases.parents import conv_front_end
from groundscope.releases.release import Release, Weight, affine, take

if TYPE_CHECKING:
    from torch import Tensor

_AUDIO = "conv1_trm1_trm3."
# The image side, the losses, and a projection of which the forward pass discards the result.
_DROPPED = (
    f"{_AUDIO}mask_emb",
    f"{_AUDIO}quantizer.",
    f"{_AUDIO}project_q.",
    f"{_AUDIO}final_proj.",
    "audio_cls_token_proj_coarse.",
    "visual_cls_token",
    "visn_fc.",
    "trm.",
)
_STAGES = 4


def read(checkpoint: Checkpoint, options: Mapping[str, Any], parent: Checkpoint | None) -> Release:
    """Read the audio branch: Trm1 and Trm3, the convolution stages after Trm1, and Trm2.

    Parameters
    ----------
    checkpoint
        With the files ``args.pkl`` and ``best_bundle.pth`` (or ``options["bundle"]``).
    options
        Entry of the configuration.
    parent
        wav2vec 2.0 base in Hugging Face's format: its convolutions were frozen in training.

    Raises
    ------
    UserError
        Another family, or a release with missing, unexpected or non-finite tensors.
    """
    args = pickles.read_namespace(checkpoint.path("args.pkl"))
    bundle = pickles.read_bundle(checkpoint.path(options.get("bundle", "best_bundle.pth")))
    what = f"the FaST-VGS bundle of {checkpoint.source}"
    check_family(bundle, "fast-vgs", what)
    state = pickles.tensors(bundle.get("dual_encoder"), f"{what}: dual_encoder")
    layer_use = int(args.get("layer_use", 7))
    masked = [args.get(f"{name}_w2v2_weight") for name in ("caption", "libri")]
    blocks = layer_use + 1 if masked == [None, None] else int(args.get("encoder_layers", 12))
    if not 0 <= layer_use < blocks:
        message = f"{what}: args.pkl taps block {layer_use} of {blocks} (counted from 0)"
        raise UserError(message)
    speech = wav2vec2.settings(args, blocks)
    grounding = {
        "tapped_block": layer_use + 1,
        "conv_widths": _widths(state),
        "intermediate_size": int(args.get("intermediate_size", 3072)),
        "num_attention_heads": int(args.get("num_attention_heads", 12)),
        "layer_norm_eps": 1e-12,
    }
    weights = wav2vec2.weights(speech, _AUDIO, "encoder.pos_conv")
    weights += _grounding_weights(speech["hidden_size"], grounding)
    tensors = take(what, state, weights, _DROPPED)
    for name, tensor in tensors.items():
        if name.startswith("conv2.") and tensor.dim() == 4:
            tensors[name] = tensor.squeeze(2)
    notes = {
        "complete": f"all {len(weights)} tensors of the audio branch found, "
        f"{len(state) - len(weights)} of image side and losses left out, nothing unexpected",
        "finite": "every weight",
        "front_end": conv_front_end(tensors, parent),
    }
    config = {
        "model_type": "fast-vgs",
        "normalizes": bool(args.get("normalize", True)),
        "speech": speech,
        "grounding": grounding,
    }
    return Release("safetensors", tensors, config, blocks, notes)


def _widths(state: "Mapping[str, Tensor]") -> list[int]:
    """Channels that enter the convolution stages and leave each of them."""
    names = ["conv2.linear.weight"]
    names += [f"conv2.layer{stage}.0.conv1.weight" for stage in range(1, _STAGES + 1)]
    return [int(state[name].shape[0]) if name in state else 0 for name in names]


def _grounding_weights(width: int, grounding: Mapping[str, Any]) -> list[Weight]:
    """Tensors between the tapped block and the retrieval vector."""
    widths, inner = grounding["conv_widths"], grounding["intermediate_size"]
    rows: list[tuple[str, tuple[int, ...]]] = [("cls_token", (1, 1, width))]

    def norm(name: str, size: int) -> None:
        rows.extend(affine(name, size))
        rows.extend([(f"{name}.running_mean", (size,)), (f"{name}.running_var", (size,))])
        rows.append((f"{name}.num_batches_tracked", ()))

    rows += affine("conv2.linear", widths[0], width)
    norm("conv2.bn1", widths[0])
    for stage in range(1, _STAGES + 1):
        before, after = widths[stage - 1], widths[stage]
        for index, entering in enumerate((before, after)):
            here = f"conv2.layer{stage}.{index}"
            rows.append((f"{here}.conv1.weight", (after, entering, 1, 9)))
            rows.append((f"{here}.conv2.weight", (after, after, 1, 9)))
            norm(f"{here}.bn1", after)
            norm(f"{here}.bn2", after)
        rows.append((f"conv2.layer{stage}.0.downsample.0.weight", (after, before, 1, 1)))
        norm(f"conv2.layer{stage}.0.downsample.1", after)
    rows += affine("audio_cls_token_proj_pre.0", 2 * width, width)
    rows += affine("audio_cls_token_proj_pre.2", width, 2 * width)
    for name in ("self.query", "self.key", "self.value", "output.dense"):
        rows += affine(f"trm2.attention.{name}", width, width)
    rows += affine("trm2.attention.output.LayerNorm", width)
    rows += affine("trm2.intermediate.dense", inner, width)
    rows += affine("trm2.output.dense", width, inner)
    rows += affine("trm2.output.LayerNorm", width)
    rows += affine("trm2_proj", width, width)
    return [
        Weight(f"{_AUDIO}{name}" if name == "cls_token" else name, name, shape)
        for name, shape in rows
    ]
