"""A study small enough to run it whole: tiny random models, noise for words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

Json = Any

WORDS = {"animal": ["cat", "dog", "horse"], "colour": ["red", "green", "blue"]}
ALL_WORDS = [word for words in WORDS.values() for word in words]
SPEAKERS = ("ann", "bob", "cid", "dee")


def write_tiny_models(folder: Path) -> None:
    """Save a wav2vec2 and a BERT with two small random blocks, and a few static vectors."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import (
        BertConfig,
        BertModel,
        Wav2Vec2Config,
        Wav2Vec2Model,
    )

    torch.manual_seed(0)
    speech = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    Wav2Vec2Model(speech).save_pretrained(folder / "w2v")
    settings = {"do_normalize": True, "sampling_rate": 16_000}
    (folder / "w2v/preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *ALL_WORDS]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    (folder / "bert").mkdir()
    tokenizer.save(str(folder / "bert/tokenizer.json"))
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "sep_token": "[SEP]", **special}
    (folder / "bert/tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")
    text = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    BertModel(text).save_pretrained(folder / "bert")
    rng = np.random.default_rng(0)
    # "blue" has no vector: every model must then do without it
    lines = [
        f"{word} {' '.join(f'{x:.4f}' for x in rng.normal(size=5))}"
        for word in ALL_WORDS
        if word != "blue"
    ]
    (folder / "glove.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_recordings(folder: Path) -> None:
    """Write one clip a word and speaker, and the manifest that lists them."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = ["audio,word,speaker"]
    for word in ALL_WORDS:
        for speaker in SPEAKERS:
            clip = rng.normal(scale=0.1, size=int(rng.integers(4800, 9600)))
            soundfile.write(folder / f"{word}-{speaker}.wav", clip, 16_000)
            rows.append(f"{word}-{speaker}.wav,{word},{speaker}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    labels = [f"{word},{label}" for label, words in WORDS.items() for word in words]
    (folder / "meaning.csv").write_text("\n".join(["word,label", *labels]) + "\n", encoding="utf-8")


def tiny_study() -> dict[str, Json]:
    """Give a study of four models' layers on 24 clips, all four analyses."""
    folder = {"source": "folder"}
    return {
        "study": {"title": "A tiny study"},
        "corpora": {"clips": {"kind": "recordings", "manifest": "data/clips/manifest.csv"}},
        "checkpoints": {
            "w2v": {**folder, "path": "data/models/w2v", "blocks": 2},
            "bert": {**folder, "path": "data/models/bert", "blocks": 2},
            "glove": {**folder, "path": "data/models/glove.txt", "format": "vectors"},
        },
        "models": {
            "w2v": {"family": "speech", "checkpoint": "w2v", "layers": [0, 2]},
            "bert": {"family": "text", "checkpoint": "bert", "layers": [1]},
            "glove": {"family": "static", "checkpoint": "glove"},
        },
        "labellings": {
            "meaning": {"words": "data/clips/meaning.csv"},
            "speaker": {"column": "speaker"},
        },
        "analyses": {
            "cka": {"pairs": "all"},
            "pairs": {"groups": "meaning"},
            "silhouette": {"labellings": ["meaning"]},
            "lda": {"labellings": ["speaker"]},
            "planes": {"labellings": ["meaning"]},
        },
    }
