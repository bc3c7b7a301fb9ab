"""Aligned recordings: LibriSpeech, TextGrid folders, and what is wrong with alignments."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from groundscope.corpora import aligned_folders, librispeech
from groundscope.corpora.textgrids import TextGrid
from groundscope.corpora.tokens import Corpus
from groundscope.encoders.audio import AudioInput, Preparation, prepare_recording
from groundscope.errors import UserError

WORDS = [(0.0, 0.4, "one"), (0.4, 0.5, ""), (0.5, 0.9, "two")]


def step(corpus: Corpus, rule: str) -> tuple[int, int, str]:
    """Return before, after and detail of the one step with that name."""
    (found,) = (each for each in corpus.steps if each.rule.startswith(rule))
    return found.before, found.after, found.detail


def read(folder: Path) -> Corpus:
    """Read a LibriSpeech folder made by `builders`."""
    options = {
        "folder": folder,
        "alignments": folder.parent / "librispeech_alignments",
        "splits": ["dev-clean", "test-clean"],
    }
    return librispeech.load(options, workers=2)


def test_librispeech_tokens(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Words, times, context, phones and speakers of the published layout."""
    corpus = read(builders.librispeech(tmp_path))
    assert [token.token_id for token in corpus.tokens] == [
        "84-121123-0000/0",
        "84-121123-0000/1",
        "84-121123-0001/0",
        "84-121123-0001/1",
        "84-121123-0001/2",
        "61-70968-0000/0",
        "61-70968-0000/1",
    ]
    go, do, the, cat, again, he, _ = corpus.tokens
    assert (go.start_s, go.end_s, go.phones, go.text) == (0.1, 0.4, "G OW1", "go do")
    assert do.phones == "D UW1"
    assert (the.text, the.char_start, again.char_start) == ("the cat the", 0, 8)
    assert (cat.word, cat.phones) == ("cat", None)
    assert go.speaker == "84"
    assert dict(go.metadata) == {
        "utterance": "84-121123-0000",
        "split": "dev-clean",
        "sex": "F",
        "reader": "Christie | Nowak",
    }
    assert he.metadata["reader"] == "Paul-Gabriel Wiener"
    for token in corpus.tokens:
        assert token.text[token.char_start : token.char_end] == token.word


def test_noise_and_silence_are_no_phones(builders: SimpleNamespace, tmp_path: Path) -> None:
    """The aligner's noise is no pronunciation of a word; silences are no phones and no words."""
    builders.sound(tmp_path / "a.wav")
    words = [(0.0, 0.2, "one"), (0.2, 0.4, "two"), (0.4, 0.5, "sil"), (0.5, 0.7, "six")]
    phones = [(0.0, 0.1, "W"), (0.1, 0.15, "sp"), (0.15, 0.2, "AH1"), (0.2, 0.4, "spn")]
    phones += [(0.4, 0.5, "SIL"), (0.5, 0.6, "S"), (0.6, 0.7, "SPN")]
    builders.textgrid(tmp_path / "a.TextGrid", {"words": words, "phones": phones})
    corpus = aligned_folders.load({"audio_folder": tmp_path, "phones_tier": "phones"})
    assert [(token.word, token.phones) for token in corpus.tokens] == [
        ("one", "W AH1"),
        ("two", None),
        ("six", None),
    ]
    assert {token.text for token in corpus.tokens} == {"one two six"}
    assert step(corpus, "word unknown")[:2] == (3, 3)


def test_librispeech_behind_links(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Readers that are kept elsewhere and linked are read as those that are not."""
    folder = builders.librispeech(tmp_path)
    plain = read(folder).tokens
    for split in [path for path in folder.iterdir() if path.is_dir()]:
        for reader in list(split.iterdir()):
            kept = tmp_path / "kept" / split.name / reader.name
            kept.parent.mkdir(parents=True, exist_ok=True)
            reader.rename(kept)
            reader.symlink_to(kept)
    assert read(folder).tokens == plain


def test_librispeech_losses_are_counted(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Files without counterpart are listed, a long last word is cut, transcripts are compared."""
    corpus = read(builders.librispeech(tmp_path))
    assert step(corpus, "recordings without") == (4, 3, "174-50561-0000")
    assert step(corpus, "alignments without") == (4, 3, "61-70968-0001")
    assert step(corpus, "transcript differs") == (3, 2, "61-70968-0000")
    assert step(corpus, "word ends behind")[:2] == (7, 6)
    assert corpus.tokens[1].end_s == 1.0
    assert step(corpus, "speaker not in")[:2] == (2, 2)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("GO DO", ["go", "do"]),
        ("DO GO", ["Go", "do"]),
        ("GO TO", ["Go", "do"]),
        ("HE GO DO", ["Go", "do"]),
    ],
)
def test_a_transcript_overrides_no_known_word(
    builders: SimpleNamespace, tmp_path: Path, said: str, words: list[str]
) -> None:
    """As many words are not the same words: the aligner's stay, and the report says it."""
    folder = builders.librispeech(tmp_path)
    chapter = folder / "dev-clean/84/121123"
    (chapter / "84-121123.trans.txt").write_text(
        f"84-121123-0000 {said}\n84-121123-0001 CAT CAT CAT\n", encoding="utf-8"
    )
    grid = "dev-clean/84/121123/84-121123-0000.TextGrid"
    builders.textgrid(
        tmp_path / "librispeech_alignments" / grid,
        {"words": [(0.1, 0.4, "Go"), (0.5, 1.0, "do")], "phones": []},
    )
    corpus = read(folder)
    said_by = [t.word for t in corpus.tokens if t.metadata["utterance"] == "84-121123-0000"]
    assert said_by == words
    before, after, listed = step(corpus, "transcript differs")
    # of the other two, one has too many words, and one an unknown word between two that differ
    differs = words[0] == "Go"
    assert (before - after, "84-121123-0000" in listed) == (2 + differs, differs)
    others = [t.word for t in corpus.tokens if t.metadata["utterance"] == "84-121123-0001"]
    assert others == ["the", "the"]
    assert step(corpus, "word unknown")[:2] == (7, 6)


def test_speaker_without_metadata_is_kept_and_named(
    builders: SimpleNamespace, tmp_path: Path
) -> None:
    """A reader who is not in SPEAKERS.TXT has no sex, and the report names them."""
    folder = builders.librispeech(tmp_path)
    (folder / "SPEAKERS.TXT").write_text("61 | M | test-clean | 8.08 | Paul\n", encoding="utf-8")
    corpus = read(folder)
    assert corpus.tokens[0].metadata["sex"] is None
    assert step(corpus, "speaker not in")[2] == "84"
    (folder / "SPEAKERS.TXT").unlink()
    with pytest.raises(UserError, match=r"SPEAKERS\.TXT does not exist"):
        read(folder)


def test_mfa_layout_without_splits(builders: SimpleNamespace, tmp_path: Path) -> None:
    """MFA writes one folder a speaker; the same tokens come out."""
    folder = builders.librispeech(tmp_path)
    expected = read(folder).tokens
    grids = tmp_path / "librispeech_alignments"
    for grid in sorted(grids.rglob("*.TextGrid")):
        target = grids / grid.name.split("-")[0] / grid.name
        target.parent.mkdir(exist_ok=True)
        grid.rename(target)
    for split in ("dev-clean", "test-clean"):
        shutil.rmtree(grids / split)
    assert read(folder).tokens == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_with_a_mark_are_recognised(
    builders: SimpleNamespace, tmp_path: Path, encoding: str
) -> None:
    """Praat writes UTF-16 where a label is not ASCII; a byte order mark says so."""
    path = builders.textgrid(tmp_path / "a.TextGrid", {"words": [(0, 1, "Straße")]}, encoding)
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    path.write_bytes(marks.get(encoding, b"") + path.read_bytes())
    assert [interval.label for interval in TextGrid(path).intervals("words")] == ["Straße"]


def test_another_encoding_is_refused_or_set(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Latin-1 is not guessed; the option reads it."""
    path = builders.textgrid(tmp_path / "a.TextGrid", {"words": [(0, 1, "Straße")]}, "latin-1")
    with pytest.raises(UserError, match="is not utf-8 text"):
        TextGrid(path)
    assert TextGrid(path, "latin-1").intervals("words")[0].label == "Straße"
    with pytest.raises(UserError, match="encoding: 'klingon' is unknown"):
        TextGrid(path, "klingon")


@pytest.mark.parametrize(
    ("intervals", "words"),
    [
        ([(0, 0.5, "a"), (0.4, 0.9, "b")], "overlaps the interval before it, 'a'"),
        ([(0, 0.5, "a"), (0.5, 0.5, "b")], "the interval has no length"),
        ([(0.5, 0.4, "b")], "the interval has no length"),
    ],
)
def test_bad_intervals_are_refused(
    builders: SimpleNamespace, tmp_path: Path, intervals: list[tuple[float, float, str]], words: str
) -> None:
    """Overlapping and empty intervals are named with file, tier, label and time."""
    path = builders.textgrid(tmp_path / "a.TextGrid", {"words": intervals})
    with pytest.raises(UserError, match=words) as caught:
        TextGrid(path).intervals("words")
    assert str(caught.value).startswith(f"{path}, tier 'words', 'b' at ")


def test_missing_tier_names_those_that_exist(builders: SimpleNamespace, tmp_path: Path) -> None:
    """A tier that is not there is answered with those that are."""
    path = builders.textgrid(tmp_path / "a.TextGrid", {"61 - words": WORDS, "phon": WORDS})
    with pytest.raises(UserError, match="no interval tier 'words'; it has '61 - words', 'phon'"):
        TextGrid(path).intervals("words")


@pytest.mark.parametrize("content", [b"", b"not a TextGrid", b'File type = "ooTextFile"\n'])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    """What is no TextGrid is refused in one line."""
    path = tmp_path / "a.TextGrid"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.TextGrid") as caught:
        TextGrid(path)
    assert "\n" not in str(caught.value)


def test_alignment_behind_its_audio_is_refused(builders: SimpleNamespace, tmp_path: Path) -> None:
    """An alignment that ends well after its audio belongs to another recording."""
    builders.sound(tmp_path / "a.wav", 0.8)
    grid = builders.textgrid(tmp_path / "a.TextGrid", {"words": WORDS})
    with pytest.raises(UserError, match=r"'two' ends at 0\.9 s, after its audio") as caught:
        aligned_folders.load({"audio_folder": tmp_path})
    assert str(caught.value).startswith(str(grid))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_word_without_a_sample_is_dropped(
    builders: SimpleNamespace, tmp_path: Path, rate: int
) -> None:
    """No encoder can hear it: it is counted, stays in the text, and every other can be cut."""
    builders.sound(tmp_path / "a.wav", 1.0, rate)
    words = [(0, 0.5, "a"), (0.5, 0.50001, "b"), (0.50001, 0.99999, "c"), (0.99999, 1.01, "d")]
    builders.textgrid(tmp_path / "a.TextGrid", {"words": words})
    corpus = aligned_folders.load({"audio_folder": tmp_path})
    assert [token.word for token in corpus.tokens] == ["a", "c", "d"]
    assert {token.text for token in corpus.tokens} == {"a b c d"}
    assert step(corpus, "word shorter than a sample")[:2] == (4, 3)
    preparation = Preparation("none", 0.0, "pad", 1, None)
    for token in corpus.tokens:
        source = AudioInput(token.start_s, token.end_s, (None,), 0, (token.token_id,))
        (clip,) = prepare_recording(str(token.audio), [source], preparation).clips
        assert clip.samples is not None
        assert len(clip.samples) > 0


def test_textgrid_folder(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Paths pair files, the pattern gives the speaker, tiers are named by options."""
    for speaker in ("anna", "ben"):
        builders.sound(tmp_path / "wav" / speaker / "001_calm.wav")
        builders.textgrid(tmp_path / "grid" / speaker / "001_calm.TextGrid", {"W": WORDS})
    builders.sound(tmp_path / "wav" / "ben" / "002_calm.WAV")
    options = {
        "audio_folder": tmp_path / "wav",
        "alignments": tmp_path / "grid",
        "words_tier": "W",
        "file_pattern": r"^(?P<speaker>[^/]+)/\d+_(?P<style>\w+)$",
    }
    corpus = aligned_folders.load(options)
    assert [(token.speaker, token.word) for token in corpus.tokens] == [
        ("anna", "one"),
        ("anna", "two"),
        ("ben", "one"),
        ("ben", "two"),
    ]
    assert corpus.tokens[0].metadata["style"] == "calm"
    assert corpus.tokens[0].phones is None
    assert step(corpus, "recordings without") == (3, 2, "ben/002_calm")


def test_pattern_that_is_wrong(builders: SimpleNamespace, tmp_path: Path) -> None:
    """A broken expression and one that does not match are told apart; German nouns stay."""
    builders.sound(tmp_path / "a.wav")
    builders.textgrid(tmp_path / "a.TextGrid", {"words": [(0, 1, "Hund")]})
    assert aligned_folders.load({"audio_folder": tmp_path}).tokens[0].word == "Hund"
    for pattern, words in (("(", "is no regular expression"), ("^b", "does not match 'a'")):
        with pytest.raises(UserError, match=f"file_pattern: .* {words}"):
            aligned_folders.load({"audio_folder": tmp_path, "file_pattern": pattern})


def test_folders_that_do_not_belong_together(builders: SimpleNamespace, tmp_path: Path) -> None:
    """No pair at all is an error that shows the names."""
    builders.sound(tmp_path / "wav" / "a.wav")
    builders.textgrid(tmp_path / "grid" / "b.TextGrid", {"words": WORDS})
    with pytest.raises(UserError, match=r"none of 1 recordings and 1 TextGrids .* a and b"):
        aligned_folders.load({"audio_folder": tmp_path / "wav", "alignments": tmp_path / "grid"})


def test_real_utterance(audio_samples: Mapping[str, Path]) -> None:
    """MFA's own test utterance: its only tier is named by its speaker."""
    folder = audio_samples["librispeech_61-70968-0000"]
    with pytest.raises(UserError, match="no interval tier 'words'; it has '61'"):
        aligned_folders.load({"audio_folder": folder})
    (token,) = aligned_folders.load({"audio_folder": folder, "words_tier": "61"}).tokens
    spoken = (folder / "61-70968-0000.lab").read_text(encoding="utf-8").strip()
    assert token.text == spoken
    assert (token.start_s, token.end_s) == (0.0, 4.905)
