"""From a transcript to the labels that a CTC model is to find: by Unicode, not by language."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundscope.alignment.vocabulary import Vocabulary

# Blanks, and dashes that stand between words; a hyphen joins one.
_BETWEEN = re.compile(r"(?:\s|--+|[\u2012-\u2015\u2e3a\u2e3b])+")
_BETWEEN_WORDS = -1


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a transcript: characters ``[char_start, char_end)``, which are `text`."""

    text: str
    char_start: int
    char_end: int


@dataclass(frozen=True)
class Labels:
    """What a model is to find.

    Attributes
    ----------
    columns
        Column of each label, int64 ``[labels]``.
    words
        Word that each label is of, -1 for the label between words; int64 ``[labels]``.
    characters
        Characters of all words.
    left_out
        Character that the vocabulary lacks -> how often it occurs.
    unspelled
        Words of which no character is in the vocabulary.
    """

    columns: NDArray[np.int64]
    words: NDArray[np.int64]
    characters: int
    left_out: Counter[str]
    unspelled: Sequence[int]


def split_words(transcript: str) -> tuple[list[Word], int]:
    """Find the words of a transcript, without the punctuation round them.

    Words stand between blanks or dashes. What is neither letter, mark nor digit (Unicode's
    categories L, M, N) at the ends of a word is cut off.

    Returns
    -------
    tuple
        The words, and how many pieces had no letter or digit.
    """
    words, signs = [], 0
    position = 0
    for gap in [*_BETWEEN.finditer(transcript), None]:
        end = len(transcript) if gap is None else gap.start()
        inside = [place for place in range(position, end) if _speakable(transcript[place])]
        if inside:
            first, last = inside[0], inside[-1] + 1
            words.append(Word(transcript[first:last], first, last))
        elif end > position:
            signs += 1
        position = end if gap is None else gap.end()
    return words, signs


def spell(words: Sequence[str], vocabulary: Vocabulary, wildcard: int) -> Labels:
    """Spell words with the labels of a vocabulary.

    A character is taken as it is, or else in lower case, or else in upper case; one that the
    vocabulary has in no case is left out and counted.

    Parameters
    ----------
    words
        In order.
    vocabulary
        Of the model.
    wildcard
        Column that stands for a word none of whose characters is in the vocabulary.
    """
    columns: list[int] = []
    owners: list[int] = []
    left_out: Counter[str] = Counter()
    unspelled = []
    characters = 0
    for number, word in enumerate(words):
        if number and vocabulary.delimiter is not None:
            columns.append(vocabulary.delimiter)
            owners.append(_BETWEEN_WORDS)
        spelled: list[int] = []
        for character in unicodedata.normalize("NFC", word):
            characters += 1
            found = _columns(character, vocabulary)
            spelled += found
            if not found:
                left_out[character] += 1
        if not spelled:
            unspelled.append(number)
            spelled = [wildcard]
        columns += spelled
        owners += [number] * len(spelled)
    return Labels(np.array(columns), np.array(owners), characters, left_out, unspelled)


def _columns(character: str, vocabulary: Vocabulary) -> list[int]:
    for form in (character, character.lower(), character.upper()):
        if all(each in vocabulary.characters for each in form):
            return [vocabulary.characters[each] for each in form]
    return []


def _speakable(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"
