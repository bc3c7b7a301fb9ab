"""A study in German, run whole: spelling, phones and synonyms that are not English."""

import hashlib
import io
import tarfile
import unicodedata
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
from checkout import Checkout, copy_project
from web import served

Json = Any

# words of the study; one is spelled with its accent as a character of its own
WORDS = ["Essen", "Mahl", "Mal", "Käse", "Hase", "Vase", "Straße", "Weg", "Häuser", "Gebäude"]
SPELLED = [unicodedata.normalize("NFD", word) if word == "Häuser" else word for word in WORDS]
SYNONYMS = [("Essen", "Mahl"), ("Straße", "Weg"), ("Häuser", "Gebäude")]


def wordnet() -> bytes:
    """Pack a wordnet in the form that the Open Multilingual Wordnet is released in."""
    entries = "".join(
        f'<LexicalEntry id="omw-de-{number}-{word}-n"><Lemma writtenForm="{word}" '
        f'partOfSpeech="n"/><Sense id="s-{number}-{word}" synset="omw-de-{number}-n"/>'
        "</LexicalEntry>"
        for number, pair in enumerate(SYNONYMS)
        for word in pair
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE LexicalResource SYSTEM '
        '"http://globalwordnet.github.io/schemas/WN-LMF-1.1.dtd">\n<LexicalResource>'
        f'<Lexicon id="omw-de" language="de" version="1.4">{entries}</Lexicon></LexicalResource>'
    ).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        for name, content in (("omw-de/omw-de.xml", text), ("omw-de/LICENSE", b"CC BY")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Address and digest of the wordnet's archive on a server."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "omw-de-1.4.tar.xz").write_bytes(wordnet())
    with served(folder) as address:
        digest = hashlib.sha256(wordnet()).hexdigest()
        yield {"url": f"{address}/omw-de-1.4.tar.xz", "sha256": digest}


def german(release: dict[str, str]) -> dict[str, Json]:
    """Give a study of log-mel vectors of German words, their pairs and their groups."""
    espeak = {"source": "espeak", "voice": "de"}
    wordnet_file = "results/datasets/omw/files/omw-de.xml"
    rules = {"similarity_percentile": 70, "max_cosine": 1.01, "min_words": 2}
    return {
        "study": {"title": "Eine kleine Studie"},
        "datasets": {
            "omw": {"source": "url", "files": {"omw.tar.xz": release}, "folder": "omw-de"},
        },
        "corpora": {
            "gesprochen": {
                "kind": "synthesized",
                "words": SPELLED,
                "templates": ["schöne {word} für München"],
                "voices": ["de", "de+f2"],
            },
            "synonyme": {
                "kind": "word-list",
                "words": SPELLED,
                "pronunciations": espeak,
                "norms": [{"file": "normen.csv", "word": "wort", "columns": {"bild": "wert"}}],
                "filters": {"has_synonym": wordnet_file},
            },
        },
        "models": {"log-mel": {"family": "log-mel"}},
        "word_groups": {
            "laute": {
                "kind": "phonetic",
                "corpus": "gesprochen",
                "model": "log-mel",
                "unit": "features",
                "pronunciations": espeak,
                "concreteness": {"file": "normen.csv", "word": "wort", "column": "wert"},
                "rules": rules,
            }
        },
        "analyses": {
            "pairs": {
                "bootstrap": 100,
                "word_map": {"pronunciations": espeak, "wordnet": wordnet_file, "near": 0.3},
            }
        },
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, release: dict[str, str]) -> Checkout:
    """Run the study as far as corpora, pairs and groups."""
    pytest.importorskip("espeakng_loader")
    checkout = copy_project(tmp_path_factory.mktemp("german") / "project")
    # ratings are of the composed spelling; every other word is concrete
    rows = [f"{word},{5 if number % 2 else 1}" for number, word in enumerate(WORDS)]
    (checkout.folder / "normen.csv").write_text(
        "\n".join(["wort,wert", *rows]) + "\n", encoding="utf-8"
    )
    checkout.configure(german(release))
    done = checkout.snakemake(
        "results/word_map/gesprochen.parquet",
        "results/corpora/synonyme/tokens.parquet",
        "results/word_groups/laute.csv",
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return checkout


def test_words_and_spans(finished: Checkout) -> None:
    """Word types are composed, spans are right in the text as it was given, phones are German."""
    rows = pq.read_table(finished.folder / "results/corpora/gesprochen/tokens.parquet").to_pylist()
    assert [row["word"] for row in rows] == WORDS * 2
    spelled = [row["text"][row["char_start"] : row["char_end"]] for row in rows]
    assert spelled == SPELLED * 2
    assert {row["word"]: row["phones"] for row in rows}["Straße"].split()[-2:] == ["s", "ə"]
    assert all(row["end_s"] > row["start_s"] > 0 for row in rows)


def test_pairs_of_words(finished: Checkout) -> None:
    """Synonyms come from the wordnet in both orders, homophones from German phones."""
    rows = pq.read_table(finished.folder / "results/word_map/gesprochen.parquet").to_pylist()
    pairs: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        pairs.setdefault(row["relation"], set()).add((row["word_a"], row["word_b"]))
    assert pairs["synonym"] == {*SYNONYMS, *((b, a) for a, b in SYNONYMS)}
    assert pairs["true-homophone"] == {("Mahl", "Mal"), ("Mal", "Mahl")}
    assert pairs["near-homophone"] == {("Hase", "Vase"), ("Vase", "Hase")}


def test_filters_and_groups(finished: Checkout) -> None:
    """Words without a synonym are dropped, ratings found, and groups are of German words."""
    tokens = pq.read_table(finished.folder / "results/corpora/synonyme/tokens.parquet").to_pylist()
    assert {row["word"] for row in tokens} == {word for pair in SYNONYMS for word in pair}
    assert all(row["bild"] in (1.0, 5.0) for row in tokens)
    lines = (finished.folder / "results/word_groups/laute.csv").read_text("utf-8").splitlines()
    grouped = {line.split(",")[0] for line in lines[1:]}
    assert len(lines) > 2
    assert grouped <= set(WORDS)


def test_nothing_is_fetched_or_built_twice(finished: Checkout) -> None:
    """A second run has nothing to do; another release of the wordnet concerns its readers only."""
    files = ["results/word_map/gesprochen.parquet", "results/corpora/synonyme/tokens.parquet"]
    assert finished.planned(*files) == {}
    config = finished.config()
    config["datasets"]["omw"]["files"]["omw.tar.xz"]["sha256"] = "0" * 64
    finished.configure(config)
    planned = finished.planned(*files)
    assert planned == {"fetch_dataset": 1, "prepare_corpus": 1, "build_word_map": 1}
