"""ARPAbet and the International Phonetic Alphabet, for American English."""

import re
from collections.abc import Sequence

from groundscope.spelling import composed

# CMUdict's phones
IPA = {
    "AA": "\u0251", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "a\u026a", "B": "b",
    "CH": "tʃ", "D": "d", "DH": "ð", "EH": "ɛ", "ER": "ɝ", "EY": "e\u026a", "F": "f",
    "G": "\u0261", "HH": "h", "IH": "\u026a", "IY": "i", "JH": "dʒ", "K": "k", "L": "l",
    "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔ\u026a", "P": "p", "R": "ɹ", "S": "s",
    "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j",
    "Z": "z", "ZH": "ʒ",
}  # fmt: skip
VOWELS = frozenset(phone for phone in IPA if phone[0] in "AEIOU")
# what espeak-ng's American voice says besides these: reduced vowels, flaps, syllabic consonants
_FURTHER = {
    "ə": "AH", "ɐ": "AH", "ᵻ": "IH", "ɚ": "ER", "ɜ": "ER", "ɾ": "T", "\u0294": "T", "g": "G",
    "n\u0329": "AH N",
}  # fmt: skip
_PHONES = {**{ipa: phone for phone, ipa in IPA.items()}, **_FURTHER}
_UNIT = re.compile("|".join(sorted(map(re.escape, _PHONES), key=len, reverse=True)))
_DIGIT = {"\u02c8": "1", "\u02cc": "2"}


def is_arpabet(phones: Sequence[str]) -> bool:
    """Tell whether all phones are ARPAbet, with or without stress."""
    return all(phone.rstrip("012") in IPA for phone in phones)


def to_arpabet(phones: Sequence[str]) -> tuple[str, ...] | None:
    """Write IPA as ARPAbet with stress digits, as CMUdict does; None where a phone is foreign.

    Parameters
    ----------
    phones
        IPA, such as espeak-ng's American English; IPA's stress marks before a stressed vowel.
    """
    found: list[str] = []
    for phone in phones:
        digit = _DIGIT.get(phone[:1], "0")
        # vowels of CMUdict have no length
        rest = composed(phone).lstrip("".join(_DIGIT)).replace("\u02d0", "")
        units = _UNIT.findall(rest)
        if "".join(units) != rest:
            return None
        for symbol in " ".join(_PHONES[unit] for unit in units).split():
            if symbol in VOWELS:
                found.append(symbol + digit)
                digit = "0"
            else:
                found.append(symbol)
    return tuple(found)
