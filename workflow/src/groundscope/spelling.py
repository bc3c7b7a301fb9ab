"""Spellings: of words, whatever way accents are stored, capitals where they matter; of phones."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, ValuesView
from typing import Generic, TypeVar

Value = TypeVar("Value")
_ARPABET_VOWEL = re.compile("[A-Z]{2}[012]")


def composed(text: str) -> str:
    """Return `text` with letters and their accents as one character (Unicode's form C).

    macOS and some aligners write them as two.
    """
    return unicodedata.normalize("NFC", text)


def same_word(one: str, other: str) -> bool:
    """Tell whether two spellings differ in nothing but capitals and how accents are stored."""
    return _lower(one) == _lower(other)


def unstressed(phone: str) -> str:
    """Return a phone without the stress digit of an ARPAbet vowel, or IPA's stress mark.

    Other digits, such as tones, stay.
    """
    if _ARPABET_VOWEL.fullmatch(phone):
        return phone[:-1]
    return phone.lstrip("\u02c8\u02cc") or phone


class WordTable(Generic[Value]):
    """What a list says of words.

    Parameters
    ----------
    entries
        Words and values; of a spelling that occurs twice the first entry counts.

    Notes
    -----
    A word is looked up as it is written, and only if that is not listed, whatever its capitals,
    since these tell words apart in some languages (German *Essen*, *essen*). Where spellings that
    differ in capitals have different values, nothing is said of a third (*ESSEN*).
    """

    def __init__(self, entries: Iterable[tuple[str, Value]]) -> None:
        self._written: dict[str, Value] = {}
        for word, value in entries:
            self._written.setdefault(composed(word), value)
        self._lower: dict[str, Value] = {}
        unclear = set()
        for word, value in self._written.items():
            if self._lower.setdefault(_lower(word), value) != value:
                unclear.add(_lower(word))
        for word in unclear:
            del self._lower[word]

    def get(self, word: str) -> Value | None:
        """Return what is listed of a word; None if nothing is."""
        found = self._written.get(composed(word))
        return self._lower.get(_lower(word)) if found is None else found

    def values(self) -> ValuesView[Value]:
        """Return the values of all spellings."""
        return self._written.values()


def spellings(listed: Mapping[str, object], words: Iterable[str]) -> dict[str, list[str]]:
    """Tell for which of `words` each listed word is looked up in a `WordTable` of the list.

    Parameters
    ----------
    listed
        Words and values.
    words
        Those of a corpus, distinct. Both composed.

    Returns
    -------
    dict
        Listed word -> words that differ from it in nothing but capitals; only where there are some.
    """
    table = WordTable(listed.items())
    alike: dict[str, list[str]] = {}
    for word in listed:
        alike.setdefault(_lower(word), []).append(word)
    found: dict[str, list[str]] = {}
    for word in words:
        if table.get(word) is not None:
            for each in [word] if word in listed else alike[_lower(word)]:
                found.setdefault(each, []).append(word)
    return found


def _lower(word: str) -> str:
    return composed(composed(word).lower())
