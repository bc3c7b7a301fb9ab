"""Transcripts to labels: by Unicode, whatever the language; and the labels of torchaudio itself."""

import unicodedata
from importlib import import_module
from typing import Any

import pytest

from groundscope.alignment.transcripts import spell, split_words
from groundscope.alignment.vocabulary import Vocabulary
from groundscope.releases import torchaudio as release

LATIN = Vocabulary({letter: place for place, letter in enumerate("abcdestß'", start=1)}, 0, None)


@pytest.mark.parametrize(
    ("transcript", "words", "signs"),
    [
        ("“Well—” she said, 'tis  so.", ["Well", "she", "said", "tis", "so"], 1),
        ("well-known don't 3.5 --now", ["well-known", "don't", "3.5", "now"], 0),
        ("¿Qué pasó? …", ["Qué", "pasó"], 1),
        ("привет, мир!", ["привет", "мир"], 0),
        ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया"], 0),
        ("안녕\u00a0세계\n", ["안녕", "세계"], 0),
    ],
)
def test_words_of_any_script(transcript: str, words: list[str], signs: int) -> None:
    """Marks stay with their letters; spans cut the words out of the text as it is."""
    found, alone = split_words(transcript)
    assert ([word.text for word in found], alone) == (words, signs)
    assert [transcript[word.char_start : word.char_end] for word in found] == words


def test_characters_are_taken_as_they_are_then_in_other_cases() -> None:
    """What is in no case of the vocabulary is counted; composed and decomposed are one."""
    labels = spell(["Bad", "CAFÉ", "Straße"], LATIN, 99)
    spelled: dict[int, list[int]] = {number: [] for number in range(3)}
    for column, word in zip(labels.columns.tolist(), labels.words.tolist(), strict=True):
        spelled[word].append(column)
    assert spelled == {0: [2, 1, 4], 1: [3, 1], 2: [6, 7, 1, 8, 5]}
    assert (labels.characters, dict(labels.left_out)) == (13, {"F": 1, "É": 1, "r": 1})
    apart = spell([unicodedata.normalize("NFD", "CAFÉ")], LATIN, 99)
    assert dict(apart.left_out) == {"F": 1, "É": 1}


def test_capitals_of_two_letters() -> None:
    """A model of capitals spells the sharp s as two of them."""
    capitals = Vocabulary({"S": 1, "T": 2}, 0, None)
    assert spell(["tß"], capitals, 99).columns.tolist() == [2, 1, 1]


def test_the_label_between_words_and_the_wildcard() -> None:
    """The delimiter stands between words only, and belongs to none."""
    with_delimiter = Vocabulary(LATIN.characters, 0, 10)
    labels = spell(["ab", "1984", "c"], with_delimiter, 99)
    assert labels.columns.tolist() == [1, 2, 10, 99, 10, 3]
    assert labels.words.tolist() == [0, 0, -1, 1, -1, 2]
    assert list(labels.unspelled) == [1]


@pytest.mark.usefixtures("torchaudio")
@pytest.mark.parametrize("name", ["MMS_FA", "WAV2VEC2_ASR_BASE_960H", "HUBERT_ASR_LARGE"])
def test_labels_are_those_of_torchaudio(name: str) -> None:
    """The order of the outputs is what torchaudio's pipeline says."""
    bundle: Any = getattr(import_module("torchaudio.pipelines"), name)
    labels = bundle.get_labels(star=None) if name == "MMS_FA" else bundle.get_labels()
    assert release._LABELS[len(labels)] == "".join(labels)
