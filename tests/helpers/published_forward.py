"""Forward passes written out, straight line, from the published architectures.

One item at a time, on the released state dicts, with nothing of transformers or of the encoders
under test.
"""

import math

import released_layouts as released
import torch
from released_layouts import Sizes
from torch import Tensor
from torch.nn import functional

State = dict[str, Tensor]


def linear(state: State, name: str, entering: Tensor) -> Tensor:
    """Affine map under the release's names."""
    return entering @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def layer_norm(state: State, name: str, entering: Tensor, eps: float) -> Tensor:
    """Normalise the last axis, written out."""
    centred = entering - entering.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def attention(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Softmax attention of one item, ``[time, d]``, head by head."""
    size = q.shape[1] // heads
    parts = []
    for head in range(heads):
        here = slice(head * size, (head + 1) * size)
        scores = q[:, here] @ k[:, here].T / math.sqrt(size)
        parts.append(scores.softmax(-1) @ v[:, here])
    return torch.cat(parts, 1)


def convolutions(state: State, prefix: str, wave: Tensor) -> Tensor:
    """Run the seven convolutions and the projection on one waveform: ``[time, d]``."""
    hidden = wave[None, None]
    for index, stride in enumerate(released.STRIDES):
        here = f"{prefix}feature_extractor.conv_layers.{index}"
        hidden = functional.conv1d(hidden, state[f"{here}.0.weight"], stride=stride)
        if f"{here}.2.1.weight" in state:  # large models: over the channels of each frame
            hidden = layer_norm(state, f"{here}.2.1", hidden[0].T, 1e-5).T[None]
        elif index == 0:
            centred = hidden - hidden.mean(2, keepdim=True)
            hidden = centred / (centred.square().mean(2, keepdim=True) + 1e-5).sqrt()
            hidden = hidden * state[f"{here}.2.weight"][:, None] + state[f"{here}.2.bias"][:, None]
        hidden = functional.gelu(hidden)
    normed = layer_norm(state, f"{prefix}layer_norm", hidden[0].T, 1e-5)
    return linear(state, f"{prefix}post_extract_proj", normed)


def positional(state: State, name: str, frames: Tensor) -> Tensor:
    """Run the positional convolution; its weight norm is over all but the taps."""
    v = state[f"{name}.0.weight_v"]
    weight = state[f"{name}.0.weight_g"] * v / v.square().sum((0, 1), keepdim=True).sqrt()
    taps = weight.shape[2]
    moved = functional.conv1d(
        frames.T[None], weight, state[f"{name}.0.bias"], padding=taps // 2, groups=16
    )
    return functional.gelu(moved[0, :, :-1]).T


def transformer(
    state: State, prefix: str, blocks: int, heads: int, entering: Tensor
) -> list[Tensor]:
    """Input and outputs of post-norm blocks."""
    outputs = [entering]
    for block in range(blocks):
        here, x = f"{prefix}encoder.layers.{block}", outputs[-1]
        q, k, v = (linear(state, f"{here}.self_attn.{part}_proj", x) for part in "qkv")
        x = x + linear(state, f"{here}.self_attn.out_proj", attention(q, k, v, heads))
        x = layer_norm(state, f"{here}.self_attn_layer_norm", x, 1e-5)
        inner = functional.gelu(linear(state, f"{here}.fc1", x))
        x = x + linear(state, f"{here}.fc2", inner)
        x = layer_norm(state, f"{here}.final_layer_norm", x, 1e-5)
        outputs.append(x)
    return outputs


def batch_norm(state: State, name: str, hidden: Tensor) -> Tensor:
    """Batch norm by its running statistics, of ``[channels, 1, time]``."""
    mean, variance, weight, bias = (
        state[f"{name}.{part}"][:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (hidden - mean) / (variance + 1e-5).sqrt() * weight + bias


def residual(state: State, name: str, entering: Tensor, stride: int) -> Tensor:
    """One block of the ResDAVEnet, in two dimensions as released."""
    hidden = functional.conv2d(
        entering[None], state[f"{name}.conv1.weight"], stride=stride, padding=(0, 4)
    )[0]
    hidden = batch_norm(state, f"{name}.bn1", hidden).relu()
    hidden = functional.conv2d(hidden[None], state[f"{name}.conv2.weight"], padding=(0, 4))[0]
    hidden = batch_norm(state, f"{name}.bn2", hidden)
    if stride == 2:
        shortcut = functional.conv2d(
            entering[None], state[f"{name}.downsample.0.weight"], stride=stride
        )[0]
        entering = batch_norm(state, f"{name}.downsample.1", shortcut)
    return (hidden + entering).relu()


def bert_layer(state: State, name: str, heads: int, x: Tensor) -> Tensor:
    """One block of BERT."""
    here = f"{name}.attention"
    q, k, v = (linear(state, f"{here}.self.{part}", x) for part in ("query", "key", "value"))
    mixed = linear(state, f"{here}.output.dense", attention(q, k, v, heads))
    x = layer_norm(state, f"{here}.output.LayerNorm", x + mixed, 1e-12)
    inner = functional.gelu(linear(state, f"{name}.intermediate.dense", x))
    return layer_norm(
        state, f"{name}.output.LayerNorm", x + linear(state, f"{name}.output.dense", inner), 1e-12
    )


def grounding(state: State, block_8: Tensor, heads: int) -> dict[str, Tensor]:
    """Convolution stages, Trm2 and the projection of its CLS vector."""
    hidden = linear(state, "conv2.linear", block_8[1:]).T[:, None]
    hidden = batch_norm(state, "conv2.bn1", hidden).relu()
    for stage in range(1, 5):
        hidden = residual(state, f"conv2.layer{stage}.0", hidden, 2)
        hidden = residual(state, f"conv2.layer{stage}.1", hidden, 1)
    cls = functional.gelu(linear(state, "audio_cls_token_proj_pre.0", block_8[:1]))
    x = torch.cat([linear(state, "audio_cls_token_proj_pre.2", cls), hidden[:, 0].T])
    x = bert_layer(state, "trm2", heads, x)
    return {"trm2": x[1:], "cls": x[0], "projection": linear(state, "trm2_proj", x[0])}


def fast_vgs(state: State, sizes: Sizes, wave: Tensor) -> dict[str, Tensor]:
    """Every layer of FaST-VGS(+) for one normalised waveform; frames without CLS."""
    prefix = "conv1_trm1_trm3."
    frames = convolutions(state, prefix, wave)
    frames = torch.cat([state[f"{prefix}cls_token"][0], frames])
    frames = frames + positional(state, f"{prefix}encoder.pos_conv", frames)
    entering = layer_norm(state, f"{prefix}encoder.layer_norm", frames, 1e-5)
    outputs = transformer(state, prefix, sizes.blocks, sizes.heads, entering)
    layers = {str(index): output[1:] for index, output in enumerate(outputs)}
    return layers | grounding(state, outputs[8], sizes.heads)


def vg_hubert(state: State, sizes: Sizes, wave: Tensor) -> dict[str, Tensor]:
    """Every layer of VG-HuBERT for one waveform; frames without CLS."""
    prefix = "audio_encoder."
    frames = convolutions(state, prefix, wave)
    frames = frames + positional(state, f"{prefix}pos_conv", frames)
    frames = torch.cat([state[f"{prefix}cls_token"][0], frames])
    entering = layer_norm(state, f"{prefix}encoder.layer_norm", frames, 1e-5)
    outputs = transformer(state, prefix, sizes.blocks, sizes.heads, entering)
    layers = {str(index): output[1:] for index, output in enumerate(outputs)}
    layers["cls"] = outputs[-1][0]
    inner = functional.gelu(linear(state, "audio_cls_token_proj.0", layers["cls"]))
    return layers | {"projection": linear(state, "audio_cls_token_proj.2", inner)}


def pre_norm_transformer(
    state: State, prefix: str, blocks: int, heads: int, entering: Tensor
) -> list[Tensor]:
    """Input and outputs of pre-norm blocks, without the norm behind the last one."""
    outputs = [entering]
    for block in range(blocks):
        here, x = f"{prefix}encoder.layers.{block}", outputs[-1]
        normed = layer_norm(state, f"{here}.self_attn_layer_norm", x, 1e-5)
        q, k, v = (linear(state, f"{here}.self_attn.{part}_proj", normed) for part in "qkv")
        x = x + linear(state, f"{here}.self_attn.out_proj", attention(q, k, v, heads))
        normed = layer_norm(state, f"{here}.final_layer_norm", x, 1e-5)
        inner = functional.gelu(linear(state, f"{here}.fc1", normed))
        outputs.append(x + linear(state, f"{here}.fc2", inner))
    return outputs


def torch_attention(
    state: State, name: str, x: Tensor, heads: int, *, causal: bool = False
) -> Tensor:
    """Self-attention under the names of PyTorch's module, position by position if causal."""
    stacked = x @ state[f"{name}.in_proj_weight"].T + state[f"{name}.in_proj_bias"]
    q, k, v = stacked.chunk(3, 1)
    if causal:
        ends = range(1, len(x) + 1)
        mixed = torch.cat([attention(q[end - 1 : end], k[:end], v[:end], heads) for end in ends])
    else:
        mixed = attention(q, k, v, heads)
    return linear(state, f"{name}.out_proj", mixed)


def speech_clip(state: State, sizes: Sizes, wave: Tensor, *, large: bool) -> dict[str, Tensor]:
    """Every layer of SpeechCLIP for one waveform."""
    prefix = "audio_encoder.encoder."
    frames = convolutions(state, prefix, wave)
    frames = frames + positional(state, f"{prefix}encoder.pos_conv", frames)
    if large:
        outputs = pre_norm_transformer(state, prefix, sizes.blocks, sizes.heads, frames)
    else:
        frames = layer_norm(state, f"{prefix}encoder.layer_norm", frames, 1e-5)
        outputs = transformer(state, prefix, sizes.blocks, sizes.heads, frames)
    layers = {str(index): output for index, output in enumerate(outputs)}
    if large:
        ones = {"none.weight": torch.ones(sizes.width), "none.bias": torch.zeros(sizes.width)}
        outputs = [layer_norm(ones, "none", output, 1e-5) for output in outputs]
    shares = state["audio_encoder.weightedsum_layer.weights"].exp()
    summed = sum(
        (share * each for share, each in zip(shares / shares.sum(), outputs, strict=True)),
        torch.zeros(1),
    )
    branch = cascaded_branch if "cascaded_branch.cls" in state else parallel_branch
    return layers | branch(state, summed)


def parallel_branch(state: State, frames: Tensor) -> dict[str, Tensor]:
    """One transformer block behind a CLS frame."""
    here = "parallel_branch.self_att.model.layers.0"
    x = torch.cat([state["parallel_branch.cls"][0], frames])
    x = x + torch_attention(state, f"{here}.self_attn", x, 8)
    x = layer_norm(state, f"{here}.norm1", x, 1e-5)
    inner = functional.gelu(linear(state, f"{here}.linear1", x))
    x = layer_norm(state, f"{here}.norm2", x + linear(state, f"{here}.linear2", inner), 1e-5)
    cls = layer_norm(state, "parallel_branch.self_att.model.norm", x[0], 1e-5)
    projection = linear(state, "parallel_branch.linear_proj", cls)
    return {"branch": x[1:], "cls": cls, "projection": projection}


def cascaded_branch(state: State, frames: Tensor) -> dict[str, Tensor]:
    """Keywords by attention; CLIP's text tower reads the word of CLIP nearest to each."""
    prefix, clip = "cascaded_branch.", "clip.model."
    x = torch.cat([state[f"{prefix}cls"][0], frames])
    mixed = torch_attention(state, f"{prefix}self_att.multihead_attn_layer", x, 1)
    x = layer_norm(state, f"{prefix}self_att.attentionBlock_Norm", mixed + x, 1e-5)
    count = state[f"{prefix}cls"].shape[1]
    keywords = linear(state, f"{prefix}linear_proj", x[:count])
    norm = f"{prefix}bn_layer.bn_layer"
    for keyword in range(count):
        for dimension in range(keywords.shape[1]):
            at = dimension * count + keyword
            deviation = (state[f"{norm}.running_var"][at] + 1e-5).sqrt()
            centred = keywords[keyword, dimension] - state[f"{norm}.running_mean"][at]
            scaled = centred / deviation * state[f"{norm}.weight"][at]
            keywords[keyword, dimension] = scaled + state[f"{norm}.bias"][at]
    words = state[f"{clip}token_embedding.weight"]
    chosen = []
    for keyword in keywords:
        likeness = functional.cosine_similarity(keyword, words, dim=1).tolist()
        allowed = [word for word in range(len(words)) if word not in (0, 2, 3)]
        chosen.append(max(allowed, key=likeness.__getitem__))
    read = words[[2, *chosen, 3]] + state[f"{clip}positional_embedding"][: count + 2]
    block = 0
    while f"{clip}transformer.resblocks.{block}.ln_1.weight" in state:
        here = f"{clip}transformer.resblocks.{block}"
        normed = layer_norm(state, f"{here}.ln_1", read, 1e-5)
        read = read + torch_attention(state, f"{here}.attn", normed, 1, causal=True)
        inner = linear(state, f"{here}.mlp.c_fc", layer_norm(state, f"{here}.ln_2", read, 1e-5))
        read = read + linear(state, f"{here}.mlp.c_proj", inner * (1.702 * inner).sigmoid())
        block += 1
    last = layer_norm(state, f"{clip}ln_final", read[-1], 1e-5)
    projection = last @ state[f"{clip}text_projection"]
    return {"branch": x[count:], "keywords": keywords.flatten(), "projection": projection}


def vg_bert(state: State, sizes: Sizes, ids: Tensor, segment: int) -> dict[str, Tensor]:
    """Every layer of VG-BERT for one sequence of ids, special tokens included."""
    bert = "module.language_model.language_model."
    tables = f"{bert}embeddings."
    x = state[f"{tables}word_embeddings.weight"][ids]
    x = x + state[f"{tables}position_embeddings.weight"][: len(ids)]
    x = x + state[f"{tables}token_type_embeddings.weight"][segment]
    layers = {"0": layer_norm(state, f"{tables}LayerNorm", x, 1e-12)}
    for block in range(sizes.blocks):
        x = bert_layer(state, f"{bert}encoder.layer.{block}", sizes.heads, layers[str(block)])
        layers[str(block + 1)] = x
    query = x @ state["module.cross_attention_model.query_language.weight"].T
    inner = linear(state, "module.language_projection_head.0", query).relu()
    return layers | {"projection": linear(state, "module.language_projection_head.3", inner)}
