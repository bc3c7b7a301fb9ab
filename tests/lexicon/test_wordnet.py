"""Synonyms from WordNet's files, in English and other languages."""

from pathlib import Path

import pytest

from groundscope.errors import UserError
from groundscope.lexicon.wordnet import open_wordnet

LICENCE = "  1 This software and database is being provided to you\n"
FILES = {
    "index.noun": "dog n 1 0 1 1 02084071\ndomestic_dog n 1 0 1 0 02084071\n"
    "mouse n 1 2 @ ~ 1 1 02330245\nmonday n 1 0 1 0 15163979\n"
    "leaf n 1 0 1 0 13152742\nfoliage n 1 0 1 0 13152742\n",
    "data.noun": "02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 000 | a member\n"
    "02330245 05 n 01 mouse 0 000 | rodent\n15163979 28 n 01 Monday 0 000 | a day\n"
    "13152742 20 n 0a leaf 0 leafage 0 foliage 0 l4 0 l5 0 l6 0 l7 0 l8 0 l9 0 l10 0 000 | x\n",
    "noun.exc": "leaves leaf\nmice mouse\n",
    "index.verb": "dog v 1 2 @ ~ 1 1 02001876\nchase v 1 1 @ 1 1 02001876\n",
    "data.verb": "02001876 38 v 02 chase 0 dog 0 001 @ 02000868 v 0000 01 + 08 00 | go after\n",
    "verb.exc": "",
    "index.adj": "galore a 1 0 1 0 00014358\nabounding a 1 0 1 0 00014358\n",
    "data.adj": "00014358 00 s 02 abounding 0 galore(ip) 0 000 | existing in abundance\n",
    "adj.exc": "",
    "index.adv": "",
    "data.adv": "",
    "adv.exc": "",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a miniature WordNet."""
    for name, content in FILES.items():
        mark = "" if name.endswith(".exc") else LICENCE
        (tmp_path / name).write_text(mark + content, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("word", "synonyms"),
    [
        ("dog", {"domestic_dog", "Canis_familiaris", "chase"}),
        ("dogs", {"dog", "domestic_dog", "Canis_familiaris", "chase"}),  # by rule, two classes
        ("chasing", {"chase", "dog"}),  # chas-e: the suffix is replaced
        ("mice", {"mouse"}),  # irregular
        ("mouse", set()),  # alone in its synset
        ("abounding", {"galore"}),  # without its position marker
        ("Galore", {"abounding"}),  # looked up in lower case, which is the word
        ("MOUSE", set()),
        ("monday", {"Monday"}),  # as published: spelled otherwise
        ("Monday", set()),
        ("unknown", set()),
    ],
)
def test_synonyms(folder: Path, word: str, synonyms: set[str]) -> None:
    """Lemmas of all synsets of the word and its base forms, without the word itself."""
    assert open_wordnet(folder).synonyms(word) == synonyms


def test_word_count_is_hexadecimal(folder: Path) -> None:
    """A synset of ten words, irregular plural."""
    assert len(open_wordnet(folder).synonyms("leaves")) == 10


def test_broken_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    """Missing and malformed files are named."""
    (folder / "index.verb").write_text("dog v 2 0 1 1 02001876\n", encoding="utf-8")
    with pytest.raises(UserError, match="dog has 1 synsets, not 2"):
        open_wordnet(folder)
    (folder / "data.adj").unlink()
    with pytest.raises(UserError, match=r"is no WordNet folder: data\.adj is missing"):
        open_wordnet(folder)


def test_another_language(tmp_path: Path) -> None:
    """A table of the Open Multilingual Wordnet: German."""
    file = tmp_path / "wn-data-deu.tab"
    file.write_text(
        "# Wordnet\tdeu\thttp://example.org\tCC BY\n"
        "07739125-n\tdeu:lemma\tApfel\n07739125-n\tdeu:lemma\tPaterapfel\n"
        "07739125-n\tdeu:def\teine Frucht\n02084071-n\tlemma\tHund\n",
        encoding="utf-8",
    )
    wordnet = open_wordnet(file)
    assert wordnet.synonyms("Apfel") == {"Paterapfel"}
    assert wordnet.synonyms("Hund") == wordnet.synonyms("HUND") == frozenset()
    assert wordnet.synonyms("APFEL") == {"Paterapfel"}
    assert wordnet.synonyms("apfel") == {"Apfel", "Paterapfel"}
    file.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(UserError, match="holds no lemmas"):
        open_wordnet(file)
    with pytest.raises(UserError, match="does not exist"):
        open_wordnet(tmp_path / "none.tab")


LMF = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE LexicalResource SYSTEM "http://globalwordnet.github.io/schemas/WN-LMF-1.1.dtd">
<LexicalResource xmlns:dc="http://purl.org/dc/elements/1.1/">
  <Lexicon id="omw-fi" label="FinnWordNet" language="fi" email="x@example.org" version="1.4"
           license="https://creativecommons.org/licenses/by/">
    <LexicalEntry id="omw-fi-ty%C3%B6-n">
      <Lemma writtenForm="ty\u00f6" partOfSpeech="n" />
      <Sense id="omw-fi-1" synset="omw-fi-00575741-n" />
      <Sense id="omw-fi-2" synset="omw-fi-00582388-n" />
    </LexicalEntry>
    <LexicalEntry id="omw-fi-a-n">
      <Lemma writtenForm="ansioty\u00f6" partOfSpeech="n" />
      <Sense id="omw-fi-3" synset="omw-fi-00575741-n" />
    </LexicalEntry>
    <LexicalEntry id="omw-fi-b-n">
      <Lemma writtenForm="ammatti" partOfSpeech="n" />
      <Sense id="omw-fi-4" synset="omw-fi-00582388-n" />
    </LexicalEntry>
    <Synset id="omw-fi-00575741-n" ili="i40023" partOfSpeech="n" />
    <Synset id="omw-fi-00582388-n" ili="i40061" partOfSpeech="n" />
  </Lexicon>
</LexicalResource>
"""


def test_lmf_file(tmp_path: Path) -> None:
    """The form that the Open Multilingual Wordnet is released in: Finnish, in either spelling."""
    file = tmp_path / "omw-fi.xml"
    file.write_text(LMF, encoding="utf-8")
    wordnet = open_wordnet(file)
    assert wordnet.synonyms("ty\u00f6") == {"ansioty\u00f6", "ammatti"}
    assert wordnet.synonyms("tyo\u0308") == {"ansioty\u00f6", "ammatti"}
    assert wordnet.synonyms("Ammatti") == {"ty\u00f6"}
    for content in (LMF[:600], LMF.replace("writtenForm", "form")):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(UserError, match=r"omw-fi\.xml is no WN-LMF file"):
            open_wordnet(file)
    file.write_text("<LexicalResource/>", encoding="utf-8")
    with pytest.raises(UserError, match="holds no lemmas"):
        open_wordnet(file)
