"""Synonyms from WordNet's own files, or from any Open Multilingual Wordnet.

Read here rather than through NLTK or wn: both want their data in a place and form of their own,
and neither ships it. Lemmas of a word are those of NLTK 3.10's ``wordnet.synsets(word)``,
morphology included (compared on all words of CMUdict with WordNet 3.0).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from groundscope.errors import UserError
from groundscope.records import read_lines
from groundscope.spelling import WordTable, composed, same_word

_POS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
# detachment rules of morphy(7WN)
_SUFFIXES: Mapping[str, Sequence[tuple[str, str]]] = {
    "n": (("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"),
          ("shes", "sh"), ("men", "man"), ("ies", "y")),
    "v": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""),
          ("ing", "e"), ("ing", "")),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}  # fmt: skip


class WordNet:
    """Princeton WordNet 3.0 or 3.1.

    Parameters
    ----------
    folder
        Holds ``index.noun``, ``data.noun``, ``noun.exc`` and so on for verb, adj and adv.

    Raises
    ------
    UserError
        A file is missing or malformed.
    """

    def __init__(self, folder: Path) -> None:
        self._lemmas: dict[tuple[str, str], tuple[str, ...]] = {}
        self._index: dict[str, dict[str, list[str]]] = {}
        self._irregular: dict[str, dict[str, list[str]]] = {}
        for name in _POS.values():
            for file in (f"index.{name}", f"data.{name}", f"{name}.exc"):
                if not (folder / file).is_file():
                    message = f"{folder} is no WordNet folder: {file} is missing"
                    raise UserError(message)
        for pos, name in _POS.items():
            try:
                self._index[pos] = dict(_index(folder / f"index.{name}"))
                self._irregular[pos] = dict(_exceptions(folder / f"{name}.exc"))
                for offset, lemmas in _data(folder / f"data.{name}"):
                    self._lemmas[pos, offset] = lemmas
            except (ValueError, IndexError) as error:
                message = f"{folder}: the files of part of speech {name} are malformed ({error})"
                raise UserError(message) from error

    def synonyms(self, word: str) -> frozenset[str]:
        """Return the lemmas of all synsets of a word or its base forms, without the word.

        Lemmas of several words are joined by underscores, as WordNet writes them.
        """
        found = {
            lemma
            for pos in _POS
            for form in self._base_forms(word.lower(), pos)
            for offset in self._index[pos].get(form, ())
            for lemma in self._lemmas[pos, offset]
        }
        return _without(word, found)

    def _base_forms(self, form: str, pos: str) -> list[str]:
        """Return the form and its base forms that WordNet has: irregular ones, else by rule."""
        irregular = self._irregular[pos].get(form)
        if irregular is None:
            irregular = [
                form[: len(form) - len(old)] + new
                for old, new in _SUFFIXES[pos]
                if form.endswith(old)
            ]
        return [each for each in (form, *irregular) if each in self._index[pos]]


def _lines(file: Path) -> Iterator[list[str]]:
    # comments, such as the licence, begin with a blank
    for line in read_lines(file):
        if line and not line.startswith(" "):
            yield line.split("|")[0].split()


def _index(file: Path) -> Iterator[tuple[str, list[str]]]:
    for fields in _lines(file):
        synsets, pointers = int(fields[2]), int(fields[3])
        offsets = fields[6 + pointers :]
        if len(offsets) != synsets:
            message = f"{file.name}: {fields[0]} has {len(offsets)} synsets, not {synsets}"
            raise ValueError(message)
        yield fields[0], offsets


def _exceptions(file: Path) -> Iterator[tuple[str, list[str]]]:
    for form, *bases in _lines(file):
        yield form, bases


def _data(file: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for fields in _lines(file):
        words = [fields[4 + 2 * number] for number in range(int(fields[3], 16))]
        # adjectives carry where they stand: galore(ip)
        yield fields[0], tuple(word.split("(")[0] for word in words)


def _without(word: str, lemmas: Iterable[str]) -> frozenset[str]:
    """Return the lemmas without the word, which with capitals is also itself in other letters.

    In lower case it is not: Monday is a synonym of monday in Choi et al. 2024, who take every lemma
    that is spelled otherwise.
    """
    written = composed(word)
    lower = written == written.lower()
    return frozenset(
        lemma for lemma in lemmas if lemma != written and (lower or not same_word(lemma, written))
    )


class MultilingualWordNet:
    """A wordnet of any language.

    Parameters
    ----------
    senses
        Words and the synsets that they are in.
    """

    def __init__(self, senses: Iterable[tuple[str, str]]) -> None:
        self._members: defaultdict[str, list[str]] = defaultdict(list)
        synsets: defaultdict[str, list[str]] = defaultdict(list)
        for word, synset in senses:
            self._members[synset].append(composed(word))
            synsets[composed(word)].append(synset)
        self._synsets = WordTable(synsets.items())

    def synonyms(self, word: str) -> frozenset[str]:
        """Return the lemmas of all synsets of a word, without the word."""
        synsets = self._synsets.get(word) or ()
        found = {lemma for synset in synsets for lemma in self._members[synset]}
        return _without(word, found)


def _tab_senses(file: Path) -> Iterator[tuple[str, str]]:
    """Read ``wn-data-{language}.tab``: synset, ``{language}:lemma``, lemma, separated by tabs."""
    for line in read_lines(file):
        fields = line.split("\t")
        if len(fields) >= 3 and fields[1].split(":")[-1] == "lemma":
            yield fields[2], fields[0]


def _lmf_senses(file: Path) -> Iterator[tuple[str, str]]:
    """Read WN-LMF: ``LexicalEntry`` with ``Lemma writtenForm`` and ``Sense synset``."""
    if not file.is_file():
        message = f"{file} does not exist or is no file"
        raise UserError(message)
    try:
        for _, entry in ElementTree.iterparse(file):
            if entry.tag == "LexicalEntry":
                lemma = entry.find("Lemma")
                for sense in entry.iter("Sense"):
                    if lemma is not None:
                        yield lemma.attrib["writtenForm"], sense.attrib["synset"]
                entry.clear()
    except (ElementTree.ParseError, KeyError) as error:
        message = f"{file} is no WN-LMF file: LexicalEntry, Lemma writtenForm, Sense synset"
        raise UserError(message) from error


def open_wordnet(path: Path) -> WordNet | MultilingualWordNet:
    """Read a wordnet.

    Parameters
    ----------
    path
        A folder of Princeton WordNet's files, or one language of the Open Multilingual Wordnet:
        ``wn-data-*.tab``, or WN-LMF with the suffix ``.xml``.

    Raises
    ------
    UserError
        A file is missing, malformed or holds no lemma.
    """
    if path.is_dir():
        return WordNet(path)
    senses = list((_lmf_senses if path.suffix == ".xml" else _tab_senses)(path))
    if not senses:
        message = f"{path} holds no lemmas: expected a wn-data-*.tab or a WN-LMF .xml file"
        raise UserError(message)
    return MultilingualWordNet(senses)
