"""Speech of espeak-ng: determinism, times, voices."""

import hashlib
import sys
import time
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from groundscope.corpora.espeak import RATE, Espeak
from groundscope.corpora.synthesized import SPEECH_RATE, load
from groundscope.errors import UserError

pytest.importorskip("espeakng_loader")


def digests(folder: Path) -> Mapping[str, str]:
    """Return the digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.wav"))
    }


def test_bytes_do_not_depend_on_what_was_spoken_before(tmp_path: Path) -> None:
    """A word has the same bytes in another order, other company, and at another time."""
    voices = ["en-us", "en-us+f2", "en-us+whisper", "en-us+klatt2", "de"]
    load({"words": ["scissor", "chin", "ostrich"], "voices": voices}, audio=tmp_path / "a")
    time.sleep(1.1)  # the library seeds its noise with the time in seconds
    load({"words": ["chin", "scissor"], "voices": voices[::-1]}, audio=tmp_path / "b")
    first, second = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert len(second) == 10
    assert second.items() <= first.items()
    assert len(set(second.values())) == 10  # every voice and word sounds different


def test_corpus_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A second corpus in the same folder leaves nothing of the first behind."""
    load({"words": ["chin"], "voices": ["de"]}, audio=tmp_path / "a")
    load({"words": ["chip"], "voices": ["en-us"]}, audio=tmp_path / "a")
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.wav")] == ["a/en-us/chip.wav"]


def test_span_holds_the_sound(tmp_path: Path) -> None:
    """What is outside the word's span is next to silent in the 16 kHz file; inside is not."""
    words = ["liquor", "handbook", "obligation", "zucchini"]
    for token in load({"words": words, "voices": ["en-us", "en+f4"]}, audio=tmp_path / "a").tokens:
        samples, rate = soundfile.read(str(token.audio))
        assert rate == SPEECH_RATE
        assert token.start_s is not None
        assert token.end_s is not None
        start, end = round(token.start_s * rate), round(token.end_s * rate)
        assert 0 <= start < end <= len(samples)
        energy = float(np.sum(samples**2))
        assert np.sum(samples[start:end] ** 2) > 0.999 * energy
        assert np.sqrt(np.mean(samples[start:end] ** 2)) > 0.02


def test_word_in_context_is_shorter_than_the_utterance(tmp_path: Path) -> None:
    """The span is that of the word, not of its template, and the phones are the word's."""
    options = {"words": ["store"], "templates": ["the {word} closes"], "voices": ["en-us"]}
    (token,) = load(options, audio=tmp_path / "a").tokens
    spoken = Espeak().speak("the store closes", "gmw/en-US").words
    assert [word.char_start for word in spoken] == [0, 4, 10]
    assert token.start_s == spoken[1].start / RATE
    assert token.end_s == spoken[1].end / RATE
    assert spoken[0].end <= spoken[1].start < spoken[1].end <= spoken[2].start
    assert str(token.phones).split()[:2] == ["s", "t"]


def test_phones_of_known_words(tmp_path: Path) -> None:
    """Phones are the word's, in order, without pauses; another accent says another word."""
    options = {"words": ["church", "party"], "voices": ["en-us", "en-gb"]}
    phones = [token.phones for token in load(options, audio=tmp_path / "a").tokens]
    assert phones[0] == phones[2] == "t\u0283 \u02c8\u025c\u02d0 t\u0283"
    assert phones[1] != phones[3]


@pytest.mark.parametrize(
    ("voice", "word", "template"),
    [
        ("de", "K\u00e4se", "sch\u00f6ner {word} f\u00fcr M\u00fcnchen"),
        ("tr", "\u0130stanbul", "g\u00fczel {word} \u015fimdi"),
        ("ko", "\ud55c\uae00", "\uc608\uc05c {word} \uc740"),
    ],
)
def test_accents_as_characters_of_their_own(
    tmp_path: Path, voice: str, word: str, template: str
) -> None:
    """Both spellings of Unicode sound the same; each has the span of its own characters."""
    spoken = {}
    for form in ("NFC", "NFD"):
        words, texts = ([unicodedata.normalize(form, each)] for each in (word, template))
        options = {"words": words, "templates": texts, "voices": [voice]}
        (token,) = load(options, audio=tmp_path / form).tokens
        assert token.text[token.char_start : token.char_end] == token.word == words[0]
        samples = Path(str(token.audio)).read_bytes()
        spoken[form] = (token.phones, token.start_s, token.end_s, samples)
    assert spoken["NFC"] == spoken["NFD"]
    assert len(unicodedata.normalize("NFD", word)) > len(word)


@pytest.mark.parametrize("template", ["{word}", "the {word}", "{word} the cat", "the {word} cat"])
def test_a_sign_is_all_words_of_its_name(tmp_path: Path, template: str) -> None:
    """An emoji is read out as several words, which espeak-ng places on it and behind it."""
    options = {"words": ["\U0001f600"], "templates": [template], "voices": ["en-us"]}
    (token,) = load(options, audio=tmp_path / "a").tokens
    spoken = Espeak().speak("grinning face", "gmw/en-US").words
    assert str(token.phones).split() == [phone for word in spoken for phone in word.phones]


@pytest.mark.parametrize(
    ("voice", "words"),
    [("klingon", "languages are"), ("en-us+nobody", "variants are"), ("", "languages are")],
)
def test_unknown_voice_is_refused(tmp_path: Path, voice: str, words: str) -> None:
    """An unknown language or variant, which the library overlooks, is refused by name."""
    with pytest.raises(UserError, match=words):
        load({"words": ["a"], "voices": ["en-us", voice]}, audio=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_text_that_file_systems_refuse(tmp_path: Path) -> None:
    """Slashes, dots and other scripts become files inside the folder."""
    words = ["and/or", "..", "can't", "Straße"]
    with pytest.raises(UserError, match="says nothing"):
        load({"words": [".."], "voices": ["de"]}, audio=tmp_path / "a")
    tokens = load({"words": ["and/or", *words[2:]], "voices": ["de"]}, audio=tmp_path / "a").tokens
    assert [Path(str(token.audio)).parent for token in tokens] == [tmp_path / "a" / "de"] * 3
    assert all(Path(str(token.audio)).is_file() for token in tokens)


def test_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without espeakng-loader the error says what to install."""
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(UserError, match="pip install espeakng-loader"):
        load({"words": ["a"], "voices": ["en-us"]}, audio=tmp_path / "a")
