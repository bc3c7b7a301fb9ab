"""Every release that resources/studies/encoders.yaml names, narrow and with random weights.

Depths, tensor names, files and pickles are those of the releases; only widths are small. What a
grounded model left frozen has its parent's values.
"""

import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import released_layouts as released
import torch
import transformers
from released_layouts import TINY, Sizes
from tiny_study import ALL_WORDS
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor

HF: Any = transformers  # largely untyped
State = dict[str, Tensor]
# heads of 64 values, as BERT and HuBERT have them: a narrow model has one
ONE_HEAD = replace(TINY, heads=1)
CONVOLUTIONS = "feature_extractor."
# fairseq's names and those of transformers, in the order of replacing
_RENAMED = (
    ("self_attn_layer_norm.", "\0norm."),
    ("final_layer_norm.", "\0final."),
    ("conv_layers.0.2.", "conv_layers.0.\0norm."),
    ("encoder.layer_norm.", "encoder.\0norm."),
    ("layer_norm.", "feature_projection.\0norm."),
    ("\0norm.", "layer_norm."),
    ("\0final.", "final_layer_norm."),
    (".0.weight", ".conv.weight"),
    ("post_extract_proj.", "feature_projection.projection."),
    ("encoder.pos_conv.0.bias", "encoder.pos_conv_embed.conv.bias"),
    ("encoder.pos_conv.conv.weight_g", "encoder.pos_conv_embed.conv.weight_g"),
    ("encoder.pos_conv.conv.weight_v", "encoder.pos_conv_embed.conv.weight_v"),
    (".self_attn.", ".attention."),
    (".fc1.", ".feed_forward.intermediate_dense."),
    (".fc2.", ".feed_forward.output_dense."),
    ("mask_emb", "masked_spec_embed"),
)
_WEIGHT_NORM = (("weight_g", "original0"), ("weight_v", "original1"))
BERT = "module.language_model.language_model."


def write_releases(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write what the study's `checkpoints` name below `folder`."""
    torch.manual_seed(0)
    fast_vgs = released.random_state(released.fast_vgs(TINY), 1)
    speech_clip = released.random_state(released.speech_clip(ONE_HEAD), 2)
    vg_hubert = released.random_state(released.vg_hubert(TINY), 3)
    vg_bert = released.random_state(released.vg_bert(ONE_HEAD), 4)
    hubert = _below(speech_clip, "audio_encoder.encoder.")
    for name in filter(lambda name: name.startswith(CONVOLUTIONS), hubert):
        vg_hubert[f"audio_encoder.{name}"] = hubert[name].clone()

    size = speech_size()
    wav = write_wav2vec2(folder / "wav2vec2", fast_vgs)
    torch.save(torchaudio_names(wav.state_dict()), folder / "wav2vec2_fairseq_base_ls960.pth")
    hub = HF.HubertModel(HF.HubertConfig(**size, num_attention_heads=1))
    _fill_speech(hub, hubert)
    save_speech(folder / "hubert", hub, normalizes=True)
    wavlm = HF.WavLMModel(HF.WavLMConfig(**size, num_attention_heads=4))
    save_speech(folder / "wavlm", wavlm, normalizes=False)
    data2vec = HF.Data2VecAudioModel(HF.Data2VecAudioConfig(**size, num_attention_heads=4))
    save_speech(folder / "data2vec", data2vec, normalizes=True)
    _write_whisper(folder / "whisper")

    write_fast_vgs(folder / "fast-vgs-plus", TINY, fast_vgs, numpy_1=True)
    (folder / "vg-hubert").mkdir()
    released.save_bundle(folder / "vg-hubert/best_bundle.pth", {"dual_encoder": vg_hubert})
    namespace = released.arguments(TINY, layer_use=11, normalize=False, use_audio_cls_token=True)
    released.save_arguments(folder / "vg-hubert/args.pkl", namespace)
    write_speech_clip(folder / "speech-clip", speech_clip, monkeypatch)

    (folder / "vg-bert").mkdir()
    torch.save(vg_bert, folder / "vg-bert/best_model.pth")
    write_bert(folder / "bert", vg_bert)
    _write_text_models(folder)
    _write_vectors(folder)


def write_wav2vec2(folder: Path, fast_vgs: State) -> Any:
    """Write the parent of a FaST-VGS+: its convolutions, and blocks of its own."""
    model = HF.Wav2Vec2Model(HF.Wav2Vec2Config(**speech_size(), num_attention_heads=16))
    _fill_speech(model, _wav2vec2(fast_vgs))
    save_speech(folder, model, normalizes=True)
    return model


def write_fast_vgs(folder: Path, sizes: Sizes, state: State, *, numpy_1: bool = False) -> None:
    """Write a FaST-VGS+: both encoders, the optimizer's state, the arguments."""
    folder.mkdir(exist_ok=True)
    cross = released.random_state(released.cross_encoder(sizes), 7)
    content = {"dual_encoder": state, "cross_encoder": cross}
    released.save_bundle(folder / "best_bundle.pth", content, numpy_1=numpy_1)
    released.save_arguments(folder / "args.pkl", released.arguments(sizes))


def write_speech_clip(folder: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a checkpoint with settings of a class that only the authors' code has."""
    module = ModuleType("avssl.base.ordered_namespace")
    kind: Any = type("OrderedNamespace", (), {"__module__": module.__name__})
    monkeypatch.setattr(module, "OrderedNamespace", kind, raising=False)
    for name in ("avssl", "avssl.base"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    settings = kind()
    settings._odict = OrderedDict(parallel_objective_weight=1.0)
    folder.mkdir()
    content = {
        "epoch": 131,
        "pytorch-lightning_version": "1.5.10",
        "state_dict": OrderedDict(state),
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []}],
        "hparams_name": "config",
        "hyper_parameters": {"config": settings},
    }
    torch.save(content, folder / "epoch_131-step_15443.ckpt")
    monkeypatch.delitem(sys.modules, module.__name__)
    return folder


def torchaudio_names(state: Mapping[str, Tensor]) -> State:
    """Rename to what torchaudio/models/wav2vec2 calls its parts; WavLM's projections are stacked.

    The letter output of fine-tuned models is added.
    """
    renamed = {}
    for name, tensor in state.items():
        if name.startswith("encoder."):
            name = name.replace("encoder.", "encoder.transformer.", 1)
        name = name.replace("feature_projection.", "encoder.feature_projection.")
        for older, newer in _WEIGHT_NORM:
            name = name.replace(f"conv.parametrizations.weight.{newer}", f"conv.{older}")
        if name != "masked_spec_embed":
            renamed[name] = tensor
    if any("gru_rel_pos" in name for name in renamed):
        for name in [name for name in renamed if ".attention.q_proj." in name]:
            parts = [renamed.pop(name.replace("q_proj", f"{part}_proj")) for part in "qkv"]
            stacked = name.replace("attention.q_proj.", "attention.attention.in_proj_")
            renamed[stacked] = torch.cat(parts)
        for name in [name for name in renamed if ".attention.out_proj." in name]:
            renamed[name.replace("attention.", "attention.attention.")] = renamed.pop(name)
    width = len(renamed["encoder.feature_projection.projection.bias"])
    return {**renamed, "aux.weight": torch.ones(29, width), "aux.bias": torch.ones(29)}


def _wav2vec2(fast_vgs: State) -> State:
    """Another wav2vec 2.0 with the convolutions of a FaST-VGS+."""
    state = released.random_state(released.speech(TINY, "", "encoder.pos_conv"), 5)
    frozen = _below(fast_vgs, f"conv1_trm1_trm3.{CONVOLUTIONS}")
    state |= {CONVOLUTIONS + name: tensor.clone() for name, tensor in frozen.items()}
    return {**state, "mask_emb": torch.ones(TINY.width)}


def _below(state: State, prefix: str) -> State:
    """Tensors below a prefix, under the rest of their names."""
    return {name[len(prefix) :]: each for name, each in state.items() if name.startswith(prefix)}


def speech_size() -> dict[str, Any]:
    """Give the sizes of a narrow speech model of transformers."""
    return {
        "hidden_size": TINY.width,
        "num_hidden_layers": TINY.blocks,
        "intermediate_size": TINY.inner,
        "conv_dim": (TINY.conv,) * 7,
    }


def _fill_speech(model: Any, fairseq: State) -> None:
    """Give a model of transformers fairseq's weights, all of them."""
    renamed = {}
    for name, tensor in fairseq.items():
        if name == "cls_token" or name.startswith(("final_proj.", "label_embs_concat")):
            continue
        for old, new in _RENAMED:
            name = name.replace(old, new)
        for older, newer in _WEIGHT_NORM:
            name = name.replace(f"conv.{older}", f"conv.parametrizations.weight.{newer}")
        renamed[name] = tensor
    model.load_state_dict(renamed)


def save_speech(folder: Path, model: Any, *, normalizes: bool) -> None:
    """Write a speech model of transformers as the hub has it."""
    model.save_pretrained(folder)
    HF.Wav2Vec2FeatureExtractor(do_normalize=normalizes).save_pretrained(folder)


def _write_whisper(folder: Path) -> None:
    """Write an encoder and decoder with the window of the release."""
    config = HF.WhisperConfig(
        d_model=16,
        encoder_layers=4,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        vocab_size=20,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    HF.WhisperModel(config).save_pretrained(folder)


def write_bert(folder: Path, vg_bert: State, pieces: Sequence[str] = ALL_WORDS) -> None:
    """Write the parent of a VG-BERT: other values in block 5, which training changed.

    `pieces` are the entries of its vocabulary beside the special ones.
    """
    state = {name: each.clone() for name, each in _below(vg_bert, BERT).items()}
    vocabulary = len(state["embeddings.word_embeddings.weight"])
    config = HF.BertConfig(
        vocab_size=vocabulary,
        hidden_size=TINY.width,
        num_hidden_layers=TINY.blocks,
        num_attention_heads=1,
        intermediate_size=TINY.inner,
        max_position_embeddings=TINY.positions,
    )
    del state["embeddings.position_ids"]
    state["encoder.layer.4.attention.self.value.weight"] += 0.5
    model = HF.BertModel(config)
    model.load_state_dict(state)
    model.save_pretrained(folder)
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
    entries += [f"[unused{index}]" for index in range(vocabulary - len(entries))]
    (folder / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")


def _write_text_models(folder: Path) -> None:
    """Write RoBERTa, GPT-2, all of CLIP, and a Llama."""
    letters = len(pre_tokenizers.ByteLevel.alphabet())
    size = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24}
    layers = {**size, "num_hidden_layers": 12}
    config = HF.RobertaConfig(
        **layers, vocab_size=letters + 3, type_vocab_size=1, max_position_embeddings=40
    )
    HF.RobertaModel(config).save_pretrained(folder / "roberta")
    _write_tokenizer(folder / "roberta", ("<s>", "</s>", "<pad>"), wrapped=True)
    config = HF.GPT2Config(
        n_embd=16,
        n_layer=12,
        n_head=2,
        vocab_size=letters + 1,
        bos_token_id=letters,
        eos_token_id=letters,
    )
    HF.GPT2Model(config).save_pretrained(folder / "gpt2")
    _write_tokenizer(folder / "gpt2", ("<|endoftext|>",), wrapped=False)
    config = HF.CLIPConfig(
        # as released: the text's vector is taken at the highest id, which ends the text
        text_config={
            **layers,
            "vocab_size": letters + 2,
            "bos_token_id": 0,
            "eos_token_id": 2,
        },
        vision_config={**size, "num_hidden_layers": 1, "image_size": 8, "patch_size": 4},
        projection_dim=8,
    )
    HF.CLIPModel(config).save_pretrained(folder / "clip")
    _write_tokenizer(folder / "clip", ("<|startoftext|>", "<|endoftext|>"), wrapped=True)
    config = HF.LlamaConfig(
        **size, num_hidden_layers=30, num_key_value_heads=1, vocab_size=letters + 1
    )
    HF.LlamaModel(config).save_pretrained(folder / "llama")
    _write_tokenizer(folder / "llama", ("<|endoftext|>",), wrapped=False)


def _write_tokenizer(folder: Path, special: tuple[str, ...], *, wrapped: bool) -> None:
    """Write a byte-level tokenizer of single letters; the first two special tokens wrap a text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(list(special))
    if wrapped:
        begin, end = special[:2]
        ids = [(token, tokenizer.token_to_id(token)) for token in (begin, end)]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A {end}", special_tokens=ids
        )
    HF.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=special[0], eos_token=special[:2][-1]
    ).save_pretrained(folder)


def _write_vectors(folder: Path) -> None:
    """Write GloVe's text, word2vec's binary and fastText's text with a header."""
    vectors = np.random.default_rng(0).standard_normal((len(ALL_WORDS), 5)).astype(np.float32)
    rows = list(zip(ALL_WORDS, vectors, strict=True))
    lines = "".join(f"{word} {' '.join(f'{x:.5f}' for x in row)}\n" for word, row in rows)
    header = f"{len(rows)} 5\n"
    (folder / "glove.txt").write_text(lines, encoding="utf-8")
    (folder / "fasttext.vec").write_text(header + lines, encoding="utf-8")
    records = b"".join(word.encode() + b" " + row.tobytes() for word, row in rows)
    (folder / "vge.bin").write_bytes(header.encode() + records)
