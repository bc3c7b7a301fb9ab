"""Manifests of recordings: what is read, and what is refused in one line."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from groundscope.corpora.audio import inspect
from groundscope.corpora.recordings import load
from groundscope.corpora.tokens import token_table
from groundscope.errors import UserError

Writer = Callable[..., Path]


def refusal(options: Mapping[str, object]) -> str:
    """Return the one line that `load` refuses with."""
    with pytest.raises(UserError) as caught:
        load(options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_row_becomes_token(tone: Writer, manifest: Writer) -> None:
    """Every column of a full row arrives, and further columns keep numbers as numbers."""
    path = manifest(
        ["audio", "word", "start", "end", "speaker", "text", "char_start", "char_end", "f0", "x"],
        ["a/one.wav", "the", "0.25", "0.5", "s1", "the cat the", "8", "11", "110.5", "7b"],
    )
    tone("a/one.wav")
    (token,) = load({"manifest": str(path)}).tokens
    assert token.audio == str(path.parent / "a/one.wav")
    assert (token.start_s, token.end_s, token.speaker) == (0.25, 0.5, "s1")
    assert token.text[token.char_start : token.char_end] == "the"
    assert token.char_start == 8
    assert token.metadata == {"f0": 110.5, "x": "7b"}
    assert token_table([token]).column_names[-2:] == ["f0", "x"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_characters_are_those_of_the_text_as_it_is_given(
    tone: Writer, tmp_path: Path, suffix: str
) -> None:
    """Blanks around it, and a line end of two characters, are counted; they may tell words apart.

    The same table as text and as Parquet; a text that is the word alone needs no span.
    """
    tone("a.wav")
    spans = [
        (" The dog", 5, "dog"),
        ("  a a ", 2, "a"),
        ("no\r\ndog", 4, "dog"),
        (" cat ", None, "cat"),
    ]
    columns = {
        "audio": ["a.wav"] * len(spans),
        "word": [word for _, _, word in spans],
        "text": [text for text, _, _ in spans],
        "char_start": [begin for _, begin, _ in spans],
        "char_end": [None if begin is None else begin + len(word) for _, begin, word in spans],
        "token_id": list("1234"),
    }
    path = tmp_path / f"m.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table(columns), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([[*columns], *zip(*columns.values(), strict=True)])
    tokens = load({"manifest": path}).tokens
    assert [(token.text, token.char_start) for token in tokens[:3]] == [s[:2] for s in spans[:3]]
    assert [token.text[token.char_start : token.char_end] for token in tokens] == columns["word"]
    assert tokens[3].text == "cat"


def test_token_id_does_not_depend_on_other_rows(tone: Writer, manifest: Writer) -> None:
    """Adding a row or changing their order changes no id."""
    tone("a.wav")
    header = ["audio", "word", "start", "end"]
    first, second = ["a.wav", "x", "0.1", "0.2"], ["a.wav", "x", "0.3", "0.4"]
    one = load({"manifest": manifest(header, first, name="1.csv")}).tokens
    two = load({"manifest": manifest(header, second, first, name="2.csv")}).tokens
    assert one[0].token_id == two[1].token_id
    assert two[0].token_id != two[1].token_id


def test_spans_that_begin_together_have_ids_of_their_own(tone: Writer, manifest: Writer) -> None:
    """Whatever the order; the id of the earliest, and those of all others, stay as they were."""
    tone("a.wav")
    header = ["audio", "word", "start", "end"]
    alone = [
        ["a.wav", "x", "0.1", "0.2"],
        ["a.wav", "y", "0.1", "0.3"],
        ["a.wav", "x", "0.3", "0.4"],
    ]
    more = [
        ["a.wav", "x", "0.1", "0.3"],
        ["a.wav", "x", "0.1", "0.30004"],
        ["a.wav", "x", "0.10004", "0.2"],
    ]

    def ids(*rows: list[str]) -> list[str]:
        tokens = load({"manifest": manifest(header, *rows)}).tokens
        return [token.token_id for token in tokens]

    before = ids(*alone)
    assert before == ["a.wav/0.1000/x", "a.wav/0.1000/y", "a.wav/0.3000/x"]
    after = ids(*more, *alone)
    assert after[3:] == before
    assert len(set(after)) == 6
    assert ids(*alone[::-1], *more[::-1]) == [*before[::-1], *after[2::-1]]


@pytest.mark.parametrize("word", ["null", "NA", "nan", "true", "007"])
def test_words_that_look_like_values_stay_words(tone: Writer, manifest: Writer, word: str) -> None:
    """No reader turns a word into a missing value, a truth value or a number."""
    tone("a.wav")
    path = manifest(["audio", "word"], ["a.wav", word])
    assert load({"manifest": str(path)}).tokens[0].word == word


def test_whole_numbers_beside_missing_ones_are_whole(tone: Writer, tmp_path: Path) -> None:
    """Pandas writes a column of whole numbers as floats if one is missing; text has no point."""
    columns: dict[str, list[float | None]] = {
        "token_id": [7.0, 8.0],
        "speaker": [84.0, None],
        "phones": [None, 2.5],
    }
    for name in ("a.wav", "b.wav"):
        tone(name)
    table = pa.table(
        {"audio": ["a.wav", "b.wav"], "word": ["x", "y"], "take": [1.0, None]} | columns
    )
    pq.write_table(table, tmp_path / "words.parquet")
    one, two = load({"manifest": tmp_path / "words.parquet"}).tokens
    assert (one.token_id, one.speaker, one.phones) == ("7", "84", None)
    assert (two.token_id, two.speaker, two.phones) == ("8", None, "2.5")
    assert (one.metadata, two.metadata) == ({"take": 1.0}, {"take": None})


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8", "FLOAT"])
def test_truncated_wav_is_refused(
    tone: Writer, manifest: Writer, tmp_path: Path, subtype: str
) -> None:
    """A WAV file cut short, which libsndfile silently shortens, is named with its row."""
    tone("good.wav")
    whole = tone("cut.wav", subtype=subtype).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[:-1000])
    path = manifest(["audio", "word"], ["good.wav", "a"], ["cut.wav", "b"])
    assert f"{path}, row 2: " in refusal({"manifest": path})
    assert "cut.wav is truncated" in refusal({"manifest": path})


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_truncated_compressed_audio_is_refused(
    tone: Writer, manifest: Writer, tmp_path: Path, suffix: str
) -> None:
    """The same for compressed files of every kind that is read."""
    whole = tone(f"cut.{suffix}", seconds=4).read_bytes()
    inspect(tmp_path / f"cut.{suffix}")
    (tmp_path / f"cut.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
    path = manifest(["audio", "word"], [f"cut.{suffix}", "b"])
    assert f"{path}, row 1: " in refusal({"manifest": path})


def test_flac_damaged_in_the_middle_is_refused(
    tone: Writer, manifest: Writer, tmp_path: Path
) -> None:
    """Its end can be reached and its samples are integers, but they cannot be decoded."""
    file = tone("hurt.flac", seconds=4)
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes(3000) + whole[middle + 3000 :])
    path = manifest(["audio", "word"], ["hurt.flac", "w"])
    assert f"{path}, row 1: " in refusal({"manifest": path})
    assert "hurt.flac is not a readable audio file" in refusal({"manifest": path})


def test_bad_files_are_refused(tone: Writer, manifest: Writer, tmp_path: Path) -> None:
    """Missing, empty, foreign and sample-less files are told apart."""
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not audio at all, whatever its name says", encoding="utf-8")
    tone("silent.wav", seconds=0)
    for name, words in (
        ("missing.wav", "does not exist"),
        ("empty.wav", "is empty (0 bytes)"),
        ("text.wav", "is not a readable audio file"),
        ("silent.wav", "holds no samples"),
    ):
        path = manifest(["audio", "word"], [name, "w"])
        assert f"{path}, row 1: {tmp_path / name}" in refusal({"manifest": path})
        assert words in refusal({"manifest": path})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(
    manifest: Writer, tmp_path: Path, bad: float
) -> None:
    """The time of the first such sample is given, also behind the first decoded block."""
    samples = np.zeros((400_000, 2))
    samples[320_000, 1] = bad
    soundfile.write(tmp_path / "nan.wav", samples, 16_000, subtype="FLOAT")
    path = manifest(["audio", "word"], ["nan.wav", "w"])
    assert "not finite, the first at 20.0000 s" in refusal({"manifest": path})


def test_short_and_stereo_audio_are_taken(tone: Writer, manifest: Writer) -> None:
    """10 ms of audio and 44.1 kHz stereo are legal here; times count frames, not samples."""
    assert inspect(tone("short.wav", seconds=0.01)).seconds == 0.01
    assert inspect(tone("wide.wav", seconds=0.5, rate=44_100, channels=2)).seconds == 0.5
    path = manifest(["audio", "word"], ["short.wav", "a"], ["wide.wav", "b"])
    assert len(load({"manifest": path}).tokens) == 2


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("0.5", "1.01", "ends after the audio (1.0000 s)"),
        ("0.5", "0.5", "expected 0 <= start < end"),
        ("0.5", "0.50001", "has no sample at 16 kHz"),
        ("1.0", "1.00005", "has no sample at 16 kHz"),
        ("-0.1", "0.5", "expected 0 <= start < end"),
        ("0.5", "", "both or neither"),
        ("nan", "0.5", "expected a number"),
        ("half", "0.5", "expected a number"),
    ],
)
def test_bad_spans_are_refused(
    tone: Writer, manifest: Writer, start: str, end: str, words: str
) -> None:
    """A span must lie inside its file; the row is named."""
    tone("a.wav")
    rows = ["a.wav", "w", "0", "1"], ["a.wav", "w", start, end]
    line = refusal({"manifest": manifest(["audio", "word", "start", "end"], *rows)})
    assert "row 2" in line
    assert words in line


def test_duplicate_ids_are_refused(tone: Writer, manifest: Writer) -> None:
    """Ids that are given twice, and rows that are the same, are named."""
    tone("a.wav")
    given = manifest(["audio", "word", "token_id"], ["a.wav", "x", "t1"], ["a.wav", "y", "t1"])
    assert "token_id 't1' occurs 2 times" in refusal({"manifest": given})
    same = manifest(["audio", "word"], ["a.wav", "x"], ["a.wav", "x"])
    assert "occurs 2 times" in refusal({"manifest": same})


@pytest.mark.parametrize(
    "audio",
    ["../a.wav", "/etc/passwd", "b/../../a.wav", "{folder}/../a.wav", "{folder}/out/a.wav",
     "{folder}2/a.wav"],
)  # fmt: skip
def test_audio_outside_the_folder_is_refused(
    tone: Writer, manifest: Writer, tmp_path: Path, audio: str
) -> None:
    """A manifest cannot reach files outside its folder; an absolute path not by a link either."""
    folder = tmp_path / "aud"
    tone("aud/a.wav")
    tone("a.wav")
    tone("aud2/a.wav")
    (folder / "out").symlink_to(tmp_path)
    path = manifest(["audio", "word"], [audio.format(folder=folder), "x"])
    line = refusal({"manifest": path, "audio_folder": folder})
    assert f"leaves {folder}: set audio_folder to a folder that all recordings are in" in line


def test_absolute_paths_in_the_folder_are_taken(
    tone: Writer, manifest: Writer, tmp_path: Path
) -> None:
    """What the refusal advises helps; ids are those of relative paths, on every machine."""
    tone("data/aud/a.wav")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    relative = manifest(["audio", "word"], ["aud/a.wav", "x"], name="data/1.csv")
    wanted = load({"manifest": relative}).tokens[0].token_id
    for folder, written in (("data", "data"), ("link", "data"), ("data", "link")):
        path = manifest(["audio", "word"], [tmp_path / written / "aud/a.wav", "x"])
        assert "leaves" in refusal({"manifest": path, "audio_folder": tmp_path / "data/other"})
        (token,) = load({"manifest": path, "audio_folder": tmp_path / folder}).tokens
        assert token.token_id == wanted
        assert token.audio == str(tmp_path / folder / "aud/a.wav")


def test_context_needs_a_span(tone: Writer, manifest: Writer) -> None:
    """A word is never searched for in its context."""
    tone("a.wav")
    path = manifest(["audio", "word", "text"], ["a.wav", "the", "the cat the"])
    assert "needs char_start and char_end" in refusal({"manifest": path})


@pytest.mark.parametrize(
    ("text", "start", "end", "words"),
    [
        ("the dog", 4, 7, "characters 4 to 7 of the text are 'dog', expected the word 'cat'"),
        ("the cat", 3, 6, "are ' ca', expected the word 'cat' (the first character is 0"),
        ("the cats", 4, 8, "are 'cats', expected"),
        ("the cat", 4.5, 7, "column 'char_start': 4.5, expected a whole number"),
        ("the cat", 4, 7.25, "column 'char_end': 7.25, expected a whole number"),
        ("the cat", 4, 8, "characters 4 to 8 are not inside the text (7 long)"),
        ("the cat", 4, 4, "characters 4 to 4 are not inside"),
    ],
)
def test_a_span_must_be_the_word(
    tone: Writer, manifest: Writer, text: str, start: float, end: float, words: str
) -> None:
    """Another word's vector would be taken for it; the row is named."""
    tone("a.wav")
    header = ["audio", "word", "text", "char_start", "char_end"]
    path = manifest(header, ["a.wav", "cat", "cat", "", ""], ["a.wav", "cat", text, start, end])
    line = refusal({"manifest": path})
    assert line.startswith(f"{path}, row 2: ")
    assert words in line


@pytest.mark.parametrize(
    ("word", "written"),
    [("cat", "Cat"), ("K\u00e4se", "Ka\u0308se"), ("I\u0307stanbul", "i\u0307STANBUL")],
)
def test_a_span_may_spell_the_word_in_another_way(
    tone: Writer, manifest: Writer, word: str, written: str
) -> None:
    """Capitals and how accents are stored do not matter; whole numbers may be written 4.0."""
    tone("a.wav")
    header = ["audio", "word", "text", "char_start", "char_end"]
    row = ["a.wav", word, f"the {written}", "4.0", f"{4 + len(written)}.0"]
    (token,) = load({"manifest": manifest(header, row)}).tokens
    assert (token.word, token.text[token.char_start : token.char_end]) == (word, written)


def test_table_problems_are_named(manifest: Writer, tmp_path: Path) -> None:
    """Missing file, missing column, ragged row, no rows and another encoding."""
    assert "does not exist" in refusal({"manifest": tmp_path / "no.csv"})
    line = refusal({"manifest": manifest(["file", "word"], ["a", "b"])})
    assert "no column 'audio'; its columns are file, word" in line
    line = refusal({"manifest": manifest(["audio", "word"], ["a", "b"], ["a", "b", "c"])})
    assert "line 3: 3 values, but the header names 2 columns" in line
    assert "no rows" in refusal({"manifest": manifest(["audio", "word"])})
    (tmp_path / "latin.csv").write_bytes("audio,word\na.wav,Käse\n".encode("latin-1"))
    assert "is not UTF-8 text" in refusal({"manifest": tmp_path / "latin.csv"})


def test_real_recordings(audio_samples: Mapping[str, Path], manifest: Writer) -> None:
    """66 spoken animal names (ogg) and 13 utterances (wav, flac) pass every check."""
    animals = audio_samples["tuxpaint_animals_en"]
    names = sorted(path.name for path in animals.glob("*.ogg"))
    rows = [[name, name.removesuffix("_desc.ogg")] for name in names]
    path = manifest(["audio", "word"], *rows)
    corpus = load({"manifest": path, "audio_folder": animals}, workers=2)
    assert len(corpus.tokens) == 66
    # durations of the published files: LibriVox 16 kHz wav, LJ Speech 22.05 kHz flac
    for folder, pattern, count, seconds in (
        ("librivox_sense_and_sensibility", "*.wav", 5, 24.73),
        ("ljspeech_8", "*.flac", 8, 50.3281633),
    ):
        found = [inspect(file) for file in sorted(audio_samples[folder].glob(pattern))]
        assert len(found) == count
        assert sum(recording.seconds for recording in found) == pytest.approx(seconds, abs=1e-6)
