"""Pronunciations, and the papers' two phone distances."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

from groundscope.corpora.transcription import transcribe
from groundscope.errors import UserError
from groundscope.lexicon.arpabet import to_arpabet
from groundscope.lexicon.distance import arpabet_distance, distances, encode
from groundscope.lexicon.pronunciations import read_pronunciations
from groundscope.spelling import unstressed

GROUPS = Path(__file__).parents[2] / "resources" / "word-groups"


@pytest.mark.parametrize(
    ("label", "mean", "deviation"),
    [("conc_1", 0.8047138, 0.0562715), ("conc_3", 0.7666667, 0.0772801)],
)
def test_published_similarity_of_groups(label: str, mean: float, deviation: float) -> None:
    """Character-level similarity over CMUdict gives the numbers that the papers' JSON prints."""
    with (GROUPS / "curious-case-phonetic.csv").open(encoding="utf-8") as stream:
        words = [row["word"] for row in csv.DictReader(stream) if row["label"] == label]
    found = read_pronunciations({"source": "cmudict", "stress": True}, words).variants
    pairs = itertools.combinations(words, 2)
    similar = [1 - arpabet_distance(found[a][0], found[b][0]) for a, b in pairs]
    # the printed numbers are rounded (mean) or cut off (deviation) at seven digits
    assert np.mean(similar) == pytest.approx(mean, abs=5e-8)
    assert np.std(similar) == pytest.approx(deviation, abs=1e-7)
    codes = encode([found[word][0] for word in words], "arpabet")
    matrix = distances(codes, codes, "arpabet")
    upper = matrix[np.triu_indices(len(words), 1)]
    assert 1 - upper.mean() == pytest.approx(mean, abs=5e-8)


def test_variants_and_stress() -> None:
    """The first or all variants, with or without stress; variants that become equal are one."""
    options = {"source": "cmudict"}
    assert read_pronunciations(options, ["read"]).variants["read"] == [("R", "EH", "D")]
    every = read_pronunciations({**options, "variants": "all"}, ["read", "content"]).variants
    assert every["read"] == [("R", "EH", "D"), ("R", "IY", "D")]
    kept = read_pronunciations({**options, "stress": True}, ["read"]).variants["read"]
    assert kept == [("R", "EH1", "D")]


def test_stress_of_other_alphabets() -> None:
    """Stress marks of IPA go; long vowels and tones stay."""
    assert unstressed("\u02c8\u0251\u02d0") == "\u0251\u02d0"
    assert unstressed("AH0") == "AH"
    assert [unstressed(phone) for phone in ("a1", "e2", "ma1")] == ["a1", "e2", "ma1"]


def test_missing_pronunciations() -> None:
    """Dropped and named, taken from the tokens, or refused."""
    options = {"source": "cmudict"}
    dropped = read_pronunciations(options, ["cat", "zzyzx", "brillig"])
    assert list(dropped.variants) == ["cat"]
    assert dropped.missing == ["brillig", "zzyzx"]
    spoken = [("brillig", "B R IH1 L IH0 G"), ("qqq", None)]
    taken = read_pronunciations({**options, "missing": "tokens"}, ["brillig", "qqq"], spoken)
    assert taken.variants == {"brillig": [("B", "R", "IH", "L", "IH", "G")]}
    with pytest.raises(UserError, match=r"2 of 3 words have none in cmudict \(brillig, zzyzx\)"):
        read_pronunciations({**options, "missing": "refuse"}, ["cat", "zzyzx", "brillig"])


@pytest.mark.parametrize(
    "word",
    [
        "brother",
        "church",
        "ether",
        "garden",
        "house",
        "joy",
        "kitchen",
        "measure",
        "nation",
        "queen",
        "river",
        "sing",
        "strange",
        "table",
        "thirsty",
        "under",
        "water",
        "yellow",
        "zoo",
    ],
)
def test_transcription_in_the_alphabet_of_the_dictionary(word: str) -> None:
    """Espeak-ng's phones, written as ARPAbet, are a pronunciation that CMUdict lists."""
    options = {"source": "cmudict", "stress": True, "variants": "all"}
    listed = read_pronunciations(options, [word]).variants[word]
    assert to_arpabet(transcribe([word], "en-us")[word].split()) in listed


def test_words_that_the_dictionary_lacks_are_transcribed() -> None:
    """As ARPAbet beside CMUdict, as IPA by themselves; foreign phones leave a word missing."""
    options = {"source": "cmudict", "missing": "espeak", "voice": "en-us"}
    found = read_pronunciations(options, ["cat", "brillig", "?!"], (), transcribe)
    assert found.variants["brillig"] == [("B", "R", "IH", "L", "IH", "G")]
    assert found.missing == ["?!"]
    turkish = {"source": "espeak", "voice": "tr"}
    found_turkish = read_pronunciations(turkish, ["a\u011fa\u00e7"], (), transcribe).variants
    assert found_turkish == {"a\u011fa\u00e7": [("a", "t\u0283")]}
    spoken = {"a\u011fa\u00e7": "a a t\u0283", "yo\u011furt": "j o \u0263 u r t"}
    options = {"source": "cmudict", "missing": "tokens"}
    assert read_pronunciations(options, spoken, spoken.items()).missing == sorted(spoken)


@pytest.mark.parametrize("source", ["tokens", "file"])
def test_the_corpus_says_a_word_as_most_of_its_tokens_do(tmp_path: Path, source: str) -> None:
    """Counted as they are compared, without stress; ties by name; in whatever order rows are."""
    (tmp_path / "d.csv").write_text("word,phones\ncat,K AE T\n", encoding="utf-8")
    options = {"source": source, "file": tmp_path / "d.csv", "missing": "tokens", "variants": "all"}
    said = ["DH IY1"] * 3 + ["DH AH0", "DH AH1"] * 2 + ["DH EH1", "DH AA1", ""]
    rows = [("the", phones) for phones in said] + [("cat", "K AE1 T")]
    variants = [("DH", "AH"), ("DH", "IY"), ("DH", "AA"), ("DH", "EH")]
    for _ in range(len(rows)):
        rows = [*rows[1:], rows[0]]
        every = read_pronunciations(options, ["the", "cat"], rows).variants
        assert every == {"the": variants, "cat": [("K", "AE", "T")]}
        first = read_pronunciations({**options, "variants": "first"}, ["the"], rows).variants
        assert first == {"the": variants[:1]}
    with_stress = read_pronunciations({**options, "stress": True}, ["the"], rows).variants["the"]
    assert with_stress[:3] == [("DH", "IY1"), ("DH", "AH0"), ("DH", "AH1")]


def test_other_dictionaries(tmp_path: Path) -> None:
    """A table of any language, and a text in CMUdict's form with variants and comments."""
    table = tmp_path / "de.csv"
    table.write_text("word,phones\nStraße,S t R a: s @\n", encoding="utf-8")
    found = read_pronunciations({"source": "file", "file": table}, ["Straße"]).variants
    assert found["Straße"] == [("S", "t", "R", "a:", "s", "@")]
    table.write_text("word,phones\nStraße,\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"de\.csv, row 1: expected a word and its phones"):
        read_pronunciations({"source": "file", "file": table}, ["Straße"])
    text = tmp_path / "own.dict"
    text.write_text(
        ";;; mine\nTOMATO  T AH0 M EY1 T OW2\nTOMATO(1)  T AH0 M AA1 T OW2 # British\n"
        "(PAREN  P ER EH N\n# a remark\n#HASH-MARK  HH AE1 SH M AA2 R K # in cmudict-0.7b\n",
        encoding="utf-8",
    )
    options = {"source": "file", "file": text, "variants": "all"}
    found = read_pronunciations(options, ["tomato", "(paren", "#hash-mark", "a"]).variants
    assert len(found["tomato"]) == 2
    assert found["(paren"] == [("P", "ER", "EH", "N")]
    assert found["#hash-mark"] == [("HH", "AE", "SH", "M", "AA", "R", "K")]
    assert len(found) == 3
    text.write_text("TOMATO\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 1: 'TOMATO' has no phones"):
        read_pronunciations(options, ["tomato"])
