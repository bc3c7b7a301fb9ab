"""Grounded checkpoints with random weights, laid out and pickled as their authors' code does.

Names and shapes follow the public training code (models/fast_vgs.py, models/w2v2_model.py,
models/dual_encoder.py, models/FullModels.py), not the readers under test.
"""

import argparse
import pickle
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]
KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)


@dataclass(frozen=True)
class Sizes:
    """Sizes of a model; the defaults are those of the releases."""

    width: int = 768
    inner: int = 3072
    heads: int = 12
    conv: int = 512
    blocks: int = 12
    taps: int = 128
    stages: tuple[int, ...] = (128, 128, 256, 512, 768)
    vocabulary: int = 30522
    positions: int = 512
    image: int = 768


FULL = Sizes()
TINY = Sizes(
    width=32,
    inner=48,
    heads=4,
    conv=16,
    taps=128,
    stages=(8, 8, 12, 16, 32),
    vocabulary=40,
    positions=24,
    image=8,
)


def _affine(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _batch_norm(name: str, size: int) -> Shapes:
    shapes = _affine(name, size)
    shapes |= {f"{name}.running_mean": (size,), f"{name}.running_var": (size,)}
    return shapes | {f"{name}.num_batches_tracked": ()}


def speech(sizes: Sizes, prefix: str, positions: str, *, large: bool = False) -> Shapes:
    """Tensors of fairseq's wav2vec 2.0 / HuBERT, base or large, with the CLS token."""
    width = sizes.width
    shapes: Shapes = {"cls_token": (1, 1, width)}
    for index, kernel in enumerate(KERNELS):
        entering = sizes.conv if index else 1
        name = f"feature_extractor.conv_layers.{index}.0.weight"
        shapes[name] = (sizes.conv, entering, kernel)
        if large:
            shapes |= _affine(f"feature_extractor.conv_layers.{index}.2.1", sizes.conv)
    if not large:
        shapes |= _affine("feature_extractor.conv_layers.0.2", sizes.conv)
    shapes |= _affine("layer_norm", sizes.conv)
    shapes |= _affine("post_extract_proj", width, sizes.conv)
    shapes[f"{positions}.0.bias"] = (width,)
    shapes[f"{positions}.0.weight_g"] = (1, 1, sizes.taps)
    shapes[f"{positions}.0.weight_v"] = (width, width // 16, sizes.taps)
    shapes |= _affine("encoder.layer_norm", width)
    for block in range(sizes.blocks):
        here = f"encoder.layers.{block}"
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            shapes |= _affine(f"{here}.self_attn.{name}", width, width)
        shapes |= _affine(f"{here}.self_attn_layer_norm", width)
        shapes |= _affine(f"{here}.fc1", sizes.inner, width)
        shapes |= _affine(f"{here}.fc2", width, sizes.inner)
        shapes |= _affine(f"{here}.final_layer_norm", width)
    return {prefix + name: shape for name, shape in shapes.items()}


def _bert_attention(name: str, width: int) -> Shapes:
    shapes: Shapes = {}
    for part in ("query", "key", "value"):
        shapes |= _affine(f"{name}.{part}", width, width)
    return shapes


def _bert_layer(name: str, width: int, inner: int) -> Shapes:
    shapes = _bert_attention(f"{name}.attention.self", width)
    shapes |= _affine(f"{name}.attention.output.dense", width, width)
    shapes |= _affine(f"{name}.attention.output.LayerNorm", width)
    shapes |= _affine(f"{name}.intermediate.dense", inner, width)
    shapes |= _affine(f"{name}.output.dense", width, inner)
    return shapes | _affine(f"{name}.output.LayerNorm", width)


def fast_vgs(sizes: Sizes) -> Shapes:
    """Tensors of ``dual_encoder`` of FaST-VGS+: 481 with 12 blocks."""
    width = sizes.width
    audio = "conv1_trm1_trm3."
    shapes = speech(sizes, audio, "encoder.pos_conv")
    shapes[f"{audio}mask_emb"] = (width,)
    shapes[f"{audio}quantizer.vars"] = (1, 640, 128)
    shapes |= _affine(f"{audio}quantizer.weight_proj", 640, sizes.conv)
    shapes |= _affine(f"{audio}project_q", 256, 256)
    shapes |= _affine(f"{audio}final_proj", 256, width)
    shapes |= _affine("conv2.linear", sizes.stages[0], width)
    shapes |= _batch_norm("conv2.bn1", sizes.stages[0])
    for stage in range(1, 5):
        before, after = sizes.stages[stage - 1], sizes.stages[stage]
        for index, entering in ((0, before), (1, after)):
            here = f"conv2.layer{stage}.{index}"
            shapes[f"{here}.conv1.weight"] = (after, entering, 1, 9)
            shapes |= _batch_norm(f"{here}.bn1", after)
            shapes[f"{here}.conv2.weight"] = (after, after, 1, 9)
            shapes |= _batch_norm(f"{here}.bn2", after)
        shapes[f"conv2.layer{stage}.0.downsample.0.weight"] = (after, before, 1, 1)
        shapes |= _batch_norm(f"conv2.layer{stage}.0.downsample.1", after)
    for name in ("audio_cls_token_proj_coarse", "audio_cls_token_proj_pre"):
        shapes |= _affine(f"{name}.0", 2 * width, width) | _affine(f"{name}.2", width, 2 * width)
    shapes |= _bert_layer("trm2", width, sizes.inner) | _affine("trm2_proj", width, width)
    name = "visual_cls_token_proj_coarse"
    shapes |= _affine(f"{name}.0", 2 * width, width) | _affine(f"{name}.2", width, 2 * width)
    shapes["visual_cls_token"] = (1, 1, width)
    shapes |= _affine("visn_fc.visn_fc", width, 2048) | _affine("visn_fc.visn_layer_norm", width)
    shapes |= _affine("visn_fc.box_fc", width, 4) | _affine("visn_fc.box_layer_norm", width)
    for block in range(6):
        shapes |= _bert_layer(f"trm.{block}", width, sizes.inner)
    return shapes


def cross_encoder(sizes: Sizes) -> Shapes:
    """Tensors of ``cross_encoder`` of FaST-VGS+: 72."""
    width, shapes = sizes.width, Shapes()
    for layer in range(2):
        here = f"xtrm.{layer}"
        shapes |= _bert_attention(f"{here}.visual_attention.att", width)
        shapes |= _affine(f"{here}.visual_attention.output.dense", width, width)
        shapes |= _affine(f"{here}.visual_attention.output.LayerNorm", width)
        for side in ("audio", "visn"):
            shapes |= _bert_attention(f"{here}.{side}_self_att", width)
            shapes |= _affine(f"{here}.{side}_inter.dense", sizes.inner, width)
            shapes |= _affine(f"{here}.{side}_output.dense", width, sizes.inner)
            shapes |= _affine(f"{here}.{side}_output.LayerNorm", width)
    return shapes | _affine("fc.0", width, 2 * width) | _affine("fc.2", 1, width)


def vg_hubert(sizes: Sizes) -> Shapes:
    """Tensors of ``dual_encoder`` of VG-HuBERT."""
    width, image = sizes.width, sizes.image
    shapes = speech(sizes, "audio_encoder.", "pos_conv")
    shapes |= {"trm.cls_token": (1, 1, image), "trm.pos_embed": (1, 785, image)}
    shapes |= _affine("trm.patch_embed.proj", image, 3, 8, 8) | _affine("trm.norm", image)
    for block in range(12):
        here = f"trm.blocks.{block}"
        shapes |= _affine(f"{here}.norm1", image) | _affine(f"{here}.norm2", image)
        shapes |= _affine(f"{here}.attn.qkv", 3 * image, image)
        shapes |= _affine(f"{here}.attn.proj", image, image)
        shapes |= _affine(f"{here}.mlp.fc1", 4 * image, image)
        shapes |= _affine(f"{here}.mlp.fc2", image, 4 * image)
    for name, entering in (("audio", width), ("visual", image)):
        shapes |= _affine(f"{name}_cls_token_proj.0", 2 * width, entering)
        shapes |= _affine(f"{name}_cls_token_proj.2", 56, 2 * width)
    return shapes


def speech_clip(sizes: Sizes, *, large: bool = False, cascaded: bool = False) -> Shapes:
    """Tensors of SpeechCLIP with one branch; of CLIP's image side only one."""
    width, text, keywords = sizes.width, 24, 3
    hubert = speech(sizes, "audio_encoder.encoder.", "encoder.pos_conv", large=large)
    shapes = {name: shape for name, shape in hubert.items() if not name.endswith("cls_token")}
    shapes["audio_encoder.encoder.mask_emb"] = (width,)
    shapes["audio_encoder.encoder.label_embs_concat"] = (504, 256)
    shapes |= _affine("audio_encoder.encoder.final_proj", 256, width)
    shapes["audio_encoder.weightedsum_layer.weights"] = (sizes.blocks + 1,)
    clip = _clip_text(50, text, 2)
    shapes |= {f"clip.model.{name}": shape for name, shape in clip.items()}
    shapes["clip.model.visual.conv1.weight"] = (8, 3, 2, 2)
    shapes["clip.model.logit_scale"] = ()
    shapes["criterion.eye_mat"] = (4, 4)
    if cascaded:
        branch = "cascaded_branch."
        shapes |= {f"{branch}clip.model.{name}": shape for name, shape in clip.items()}
        shapes[f"{branch}cls"] = (1, keywords, width)
        shapes |= _torch_attention(f"{branch}self_att.multihead_attn_layer", width)
        shapes |= _affine(f"{branch}self_att.attentionBlock_Norm", width)
        shapes |= _affine(f"{branch}linear_proj", text, width)
        shapes[f"{branch}vector_quantizer.curr_temp"] = (1,)
        return shapes | _batch_norm(f"{branch}bn_layer.bn_layer", keywords * text)
    branch = "parallel_branch."
    shapes[f"{branch}cls"] = (1, 1, width)
    block = f"{branch}self_att.model.layers.0."
    shapes |= _torch_attention(f"{block}self_attn", width)
    shapes |= _affine(f"{block}linear1", sizes.inner, width)
    shapes |= _affine(f"{block}linear2", width, sizes.inner)
    shapes |= _affine(f"{block}norm1", width) | _affine(f"{block}norm2", width)
    shapes |= _affine(f"{branch}self_att.model.norm", width)
    return shapes | _affine(f"{branch}linear_proj", text, width)


def _torch_attention(name: str, width: int) -> Shapes:
    shapes: Shapes = {f"{name}.in_proj_weight": (3 * width, width)}
    shapes[f"{name}.in_proj_bias"] = (3 * width,)
    return shapes | _affine(f"{name}.out_proj", width, width)


def _clip_text(words: int, width: int, blocks: int) -> Shapes:
    """Tensors of the text tower of OpenAI's CLIP."""
    shapes: Shapes = {"token_embedding.weight": (words, width)}
    shapes |= {"positional_embedding": (77, width), "text_projection": (width, 20)}
    for block in range(blocks):
        here = f"transformer.resblocks.{block}"
        shapes |= _torch_attention(f"{here}.attn", width)
        shapes |= _affine(f"{here}.ln_1", width) | _affine(f"{here}.ln_2", width)
        shapes |= _affine(f"{here}.mlp.c_fc", 4 * width, width)
        shapes |= _affine(f"{here}.mlp.c_proj", width, 4 * width)
    return shapes | _affine("ln_final", width)


def vg_bert(sizes: Sizes) -> Shapes:
    """Tensors of VG-BERT after the retrieval stage: 259 with 12 blocks, and a buffer."""
    width = sizes.width
    bert = "language_model.language_model."
    shapes: Shapes = {f"{bert}embeddings.position_ids": (1, sizes.positions)}
    for name, rows in (
        ("word", sizes.vocabulary),
        ("position", sizes.positions),
        ("token_type", 2),
    ):
        shapes[f"{bert}embeddings.{name}_embeddings.weight"] = (rows, width)
    shapes |= _affine(f"{bert}embeddings.LayerNorm", width)
    for block in range(sizes.blocks):
        shapes |= _bert_layer(f"{bert}encoder.layer.{block}", width, sizes.inner)
    shapes |= _affine(f"{bert}pooler.dense", width, width)
    image, channels = "image_model.", 3
    convs = zip(
        (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
        (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
        strict=True,
    )
    for index, size in convs:
        scaled = max(1, size * width // 768)
        shapes |= _affine(f"{image}image_model.{index}", scaled, channels, 3, 3)
        channels = scaled
    shapes |= _affine(f"{image}embedder", width, channels, 1, 1)
    shapes[f"{image}attention.position_embeddings.weight"] = (196, width)
    for name in ("query", "key", "value", "dense"):
        shapes |= _affine(f"{image}attention.{name}", width, width)
    shapes |= _affine(f"{image}attention.LayerNorm", width)
    shapes |= _affine(f"{image}attention.ffn", sizes.inner, width)
    shapes |= _affine(f"{image}attention.ffn_output", width, sizes.inner)
    shapes |= _affine(f"{image}attention.full_layernorm", width)
    cross = "cross_attention_model."
    shapes[f"{cross}relational_matrix"] = (115, 32, 32)
    shapes[f"{cross}key_visual.weight"] = shapes[f"{cross}query_language.weight"] = (width, width)
    shapes |= _affine(f"{cross}value_visual", width, width)
    shapes |= _affine(f"{cross}object_transform", 32, width)
    for index in (0, 3):
        shapes |= _affine(f"image_projection_head.{index}", width, width, 1, 1)
        shapes |= _affine(f"language_projection_head.{index}", width, width)
    return {f"module.{name}": shape for name, shape in shapes.items()}


def random_state(shapes: Shapes, seed: int) -> dict[str, Tensor]:
    """Weights that keep activations near 1, so that an error anywhere shows in every layer."""
    numbers = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1000)
        elif name.endswith("position_ids"):
            state[name] = torch.arange(shape[1])[None]
        elif name.endswith("running_var"):
            state[name] = torch.rand(shape, generator=numbers) + 0.5
        else:
            fan_in = max(1, int(np.prod(shape[1:])))
            state[name] = torch.randn(shape, generator=numbers) / fan_in**0.5
            if len(shape) == 1:
                # larger ones would make all inputs equal within twelve blocks
                state[name] *= 0.1
                state[name] += name.endswith(".weight")
    return state


def cheap_state(shapes: Shapes) -> dict[str, Tensor]:
    """Full-sized tensors that share one number of storage each: shapes without the gigabytes."""
    return {
        name: torch.tensor(1)
        if name.endswith("num_batches_tracked")
        else torch.full((1,), 0.01, dtype=torch.float16).expand(shape)
        for name, shape in shapes.items()
    }


def arguments(sizes: Sizes, **changes: Any) -> argparse.Namespace:
    """Make the namespace that training saves; ``...`` leaves an attribute out."""
    given: dict[str, Any] = {
        "encoder_layers": sizes.blocks,
        "encoder_embed_dim": sizes.width,
        "encoder_ffn_embed_dim": sizes.inner,
        "encoder_attention_heads": sizes.heads,
        "hidden_size": sizes.width,
        "intermediate_size": sizes.inner,
        "num_attention_heads": sizes.heads,
        "conv_feature_layers": f"[({sizes.conv}, 10, 5)] + [({sizes.conv}, 3, 2)] * 4 + "
        f"[({sizes.conv},2,2)] + [({sizes.conv},2,2)]",
        "conv_pos": sizes.taps,
        "conv_pos_groups": 16,
        "extractor_mode": "default",
        "layer_use": 7,
        "caption_w2v2_weight": 1.0,
        "libri_w2v2_weight": 1.0,
        "normalize": True,
        "trim_mask": True,
        "exp_dir": "/somewhere/exp",
        "lr": 1e-4,
        "places": False,
    }
    given |= changes
    return argparse.Namespace(**{name: each for name, each in given.items() if each is not ...})


def save_bundle(path: Path, content: Mapping[str, Any], *, numpy_1: bool = False) -> None:
    """Write a dictionary as training does: with the optimizer's state and numpy indices.

    With `numpy_1` the arrays carry the module names of the numpy of that time.
    """
    weights = next(iter(content.values()))
    first = next(iter(weights))
    optimizer = {
        "state": {0: {"step": 12, "next_m": torch.ones(3), "next_v": torch.ones(3)}},
        "param_groups": [{"lr": 1e-4, "schedule": "warmup_linear", "params": [0], "b1": 0.9}],
    }
    assert first in weights
    extra = {"optimizer": optimizer, "indices": np.arange(7), "libri_indices": None}
    extra["step"] = np.float64(3.5)
    torch.save({**content, **extra}, path)
    if numpy_1:
        renamed = path.with_suffix(".old")
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(renamed, "w") as target:
            for entry in source.infolist():
                data = source.read(entry)
                if entry.filename.endswith("data.pkl"):
                    assert b"numpy._core.multiarray" in data
                    data = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
                target.writestr(entry.filename, data)
        shutil.move(renamed, path)


def save_arguments(path: Path, namespace: argparse.Namespace) -> None:
    """Write ``args.pkl``."""
    with path.open("wb") as stream:
        pickle.dump(namespace, stream)
