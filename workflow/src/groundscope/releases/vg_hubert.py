"""VG-HuBERT (``args.pkl`` and ``best_bundle.pth``, ``snapshot_20.pth`` or ``bundle.pth``).

Layout: https://github.com/jasonppy/word-discovery at 809937b and
https://github.com/jasonppy/syllable-discovery (models/audio_encoder.py, models/dual_encoder.py).
"""

from collections.abc import Mapping
from typing import Any

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError
from groundscope.releases import pickles, wav2vec2
from groundscope.releases.families import check_family
from groundscope.releases.parents import conv_front_end
from groundscope.releases.release import Release, Weight, take

_ENTRIES = ("dual_encoder", "audio_encoder", "model")
# The image side, the heads of an unused loss, and the losses of the models that it started from.
_DROPPED = ("trm.", "visual_", "audio_feats_proj.", "mask_emb", "final_proj.", "label_embs_concat")
_PREFIXES = ("conv1_trm1_conv2_trm2.", "audio_encoder.")


def read(checkpoint: Checkpoint, options: Mapping[str, Any], parent: Checkpoint | None) -> Release:
    """Read the audio branch and, where there is one, its projection into the joint space.

    Parameters
    ----------
    checkpoint
        With the files ``args.pkl`` and ``best_bundle.pth`` (or ``options["bundle"]``).
    options
        Entry of the configuration.
    parent
        HuBERT base in Hugging Face's format: its convolutions were frozen in training.

    Raises
    ------
    UserError
        Another family, or a release with missing, unexpected or non-finite tensors.
    """
    args = pickles.read_namespace(checkpoint.path("args.pkl"))
    bundle = pickles.read_bundle(checkpoint.path(options.get("bundle", "best_bundle.pth")))
    what = f"the VG-HuBERT bundle of {checkpoint.source}"
    check_family(bundle, "vg-hubert", what)
    entry = next((name for name in _ENTRIES if name in bundle), _ENTRIES[0])
    named = pickles.tensors(bundle.get(entry), f"{what}: {entry}")
    state = {_plain(name): tensor for name, tensor in named.items()}
    if len(state) < len(named):
        message = f"{what}: some tensors occur twice under different prefixes"
        raise UserError(message)
    blocks = int(args.get("layer_use", 11)) + 1
    speech = wav2vec2.settings(args, blocks)
    width = speech["hidden_size"]
    weights = [*wav2vec2.weights(speech, "", "pos_conv")]
    weights.append(Weight("cls_token", "cls_token", (1, 1, width)))
    joint = state.get("audio_cls_token_proj.2.bias")
    if joint is not None:
        size = len(joint)
        for name, shape in (("0", (2 * width, width)), ("2", (size, 2 * width))):
            here = f"audio_cls_token_proj.{name}"
            weights.append(Weight(f"{here}.weight", f"{here}.weight", shape))
            weights.append(Weight(f"{here}.bias", f"{here}.bias", shape[:1]))
    tensors = take(what, state, weights, _DROPPED)
    notes = {
        "complete": f"all {len(weights)} tensors of the audio branch found, "
        f"{len(state) - len(weights)} of image side and losses left out, nothing unexpected",
        "finite": "every weight",
        "front_end": conv_front_end(tensors, parent),
    }
    config = {
        "model_type": "vg-hubert",
        "normalizes": bool(args.get("normalize", False)),
        "speech": speech,
        "projection_size": None if joint is None else len(joint),
    }
    return Release("safetensors", tensors, config, blocks, notes)


def _plain(name: str) -> str:
    """Give the tensor's name without what different versions of the authors' code put before it."""
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name.removeprefix("encoder.") if name.startswith("encoder.pos_conv.") else name
