"""The data of the studies of papers, in miniature, and what of a study file has to give way to it.

Layouts of folders and files, depths, tensor names and pickles are those of the releases; widths,
words and recordings are small, and what they hold is made up.
"""

import csv
import string
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import released_layouts as released
import torch
import yaml
from checkout import ROOT
from encoder_releases import (
    HF,
    ONE_HEAD,
    save_speech,
    speech_size,
    write_bert,
    write_fast_vgs,
    write_wav2vec2,
)
from miniature_corpora import wordnet_archive, write_librispeech, write_mald
from released_layouts import TINY

Study = dict[str, Any]

# Speakers of Choi et al., in the splits that they are in.
SPEAKERS = {"dev-clean": ("2412", "6313", "2277"), "test-clean": ("5142", "1580")}
SYNONYMS = (("car", "auto"), ("truck", "lorry"), ("joy", "delight"), ("road", "street"))
# One phone of three differs.
HOMOPHONES = (("hat", "cat"), ("coat", "goat"))
RELATED = [word for pair in (*SYNONYMS, *HOMOPHONES) for word in pair]
# Three words of each semantic category, in no relation.
_THREE_EACH = (
    "piano guitar violin shirt jacket scarf carrot potato onion ambulance minivan wagon",
    "wood steel brick brain heart stomach income revenue budget happiness love hope",
    "freedom justice equality",
)
CATEGORISED = [word for line in _THREE_EACH for word in line.split()]
# What a rule of the study drops: no entry in CMUdict, no synonym in WordNet, shorter than a
# receptive field, no vector in GloVe.
UNSPOKEN, ALONE, SHORT, UNKNOWN = "zzyzx", "the", "tea", "sofa"
# Longer words are several pieces of BERT's vocabulary here.
_WHOLE = 8


def read_study(name: str) -> Study:
    """Read a study file that comes with the project."""
    text = (ROOT / f"resources/studies/{name}.yaml").read_text(encoding="utf-8")
    loaded: Study = yaml.safe_load(text)
    return loaded


def at_hand(study: Study, wordnet: Mapping[str, str]) -> Study:
    """Give the study with what it downloads at hand: checkpoints of the hub as local folders.

    Parameters
    ----------
    study
        As its file has it.
    wordnet
        ``url`` and ``sha256`` of a WordNet archive on this machine.
    """
    local = {
        name: {"source": "folder", "path": f"data/models/{name}", "blocks": options["blocks"]}
        for name, options in study["checkpoints"].items()
        if options["source"] == "hub"
    }
    datasets = study["datasets"]
    archive = {**datasets["wordnet"], "files": {"WordNet-3.0.tar.gz": dict(wordnet)}}
    return {
        **study,
        "checkpoints": {**study["checkpoints"], **local},
        "datasets": {**datasets, "wordnet": archive},
    }


def grouped_words(grouping: str) -> dict[str, str]:
    """Read the paper's groups: word -> label."""
    path = ROOT / f"resources/word-groups/curious-case-{grouping}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["word"]: row["label"] for row in csv.DictReader(file)}


def utterances() -> dict[str, dict[str, list[str]]]:
    """Give what readers say: related words twice, and each other word by two of them."""
    said: dict[str, dict[str, list[str]]] = {split: {} for split in SPEAKERS}
    readers = [(split, reader) for split, all_of in SPEAKERS.items() for reader in all_of]
    for number, (split, reader) in enumerate(readers):
        others = [w for place, w in enumerate(CATEGORISED) if (place - number) % 5 in (0, 1)]
        dropped = [UNSPOKEN, ALONE, SHORT, UNKNOWN]
        said[split][f"{reader}-100-0000"] = [*RELATED, *dropped]
        said[split][f"{reader}-100-0001"] = [*others, *RELATED]
    return said


def wordnet() -> bytes:
    """Pack a WordNet in which all words but one have a synonym."""
    related = {word for pair in SYNONYMS for word in pair}
    others = {*RELATED, *CATEGORISED, UNSPOKEN, SHORT, UNKNOWN} - related
    return wordnet_archive([*SYNONYMS, *((word, f"{word}_proper") for word in sorted(others))])


def write_data(folder: Path) -> None:
    """Write the data that the study files ask for below ``data``."""
    libri = folder / "librispeech"
    write_librispeech(libri / "LibriSpeech", libri / "alignments", utterances(), short=[SHORT])
    groups = [grouped_words(name) for name in ("semantic", "phonetic")]
    words = sorted({word for group in groups for word in group})
    (folder / "mald").mkdir()
    items = folder / "mald/MALD1_ItemData.txt"
    write_mald(items, folder / "mald/MALD1_rw", [*words, "unlisted"], ["spon", "flurp"])
    torch.manual_seed(0)
    models = folder / "models"
    models.mkdir()
    fast_vgs = released.random_state(released.fast_vgs(TINY), 1)
    write_fast_vgs(models / "fast-vgs-plus", TINY, fast_vgs, numpy_1=True)
    write_wav2vec2(models / "wav2vec2-base", fast_vgs)
    _write_berts(models, words)
    _write_glove(models / "glove.6B.300d.txt", [*words, *RELATED, *CATEGORISED, UNSPOKEN, SHORT])
    _write_large(models)


def _write_berts(models: Path, words: list[str]) -> None:
    letters = [mark + letter for mark in ("", "##") for letter in string.ascii_lowercase]
    whole = sorted(w for w in {*words, *RELATED, *CATEGORISED, UNKNOWN} if 1 < len(w) <= _WHOLE)
    sizes = replace(ONE_HEAD, vocabulary=5 + len(letters) + len(whole))
    vg_bert = released.random_state(released.vg_bert(sizes), 4)
    (models / "vg-bert").mkdir()
    torch.save(vg_bert, models / "vg-bert/best_model.pth")
    write_bert(models / "bert-base-uncased", vg_bert, [*letters, *whole])


def _write_glove(path: Path, words: list[str]) -> None:
    """Write vectors in which a semantic category is a direction."""
    rng = np.random.default_rng(0)
    categories = grouped_words("semantic")
    centres = {label: rng.normal(size=24) for label in sorted(set(categories.values()))}
    lines = []
    for word in sorted(set(words)):
        vector = rng.normal(size=24) + centres.get(categories.get(word, ""), 0.0)
        lines.append(f"{word} {' '.join(f'{x:.5f}' for x in vector)}\n")
    path.write_text("".join(lines), encoding="utf-8")


def _write_large(models: Path) -> None:
    """Write the other models of Choi et al.; large ones differ in depth and in where norms are."""
    post_norm = {**speech_size(), "num_attention_heads": 16}
    deep = {**post_norm, "num_hidden_layers": 24}
    pre_norm = {**deep, "do_stable_layer_norm": True, "feat_extract_norm": "layer"}
    pre_norm |= {"conv_bias": True}
    made = {
        "wav2vec2-large": HF.Wav2Vec2Model(HF.Wav2Vec2Config(**deep)),
        "hubert-base": HF.HubertModel(HF.HubertConfig(**post_norm)),
        "hubert-large": HF.HubertModel(HF.HubertConfig(**pre_norm)),
        "wavlm-large": HF.WavLMModel(HF.WavLMConfig(**{**pre_norm, "conv_bias": False})),
        "xls-r-300m": HF.Wav2Vec2Model(HF.Wav2Vec2Config(**pre_norm)),
    }
    for name, model in made.items():
        save_speech(models / name, model, normalizes=True)
