"""MALD, folders of isolated words, spoken captions: miniature folders of the published layouts."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from groundscope.corpora import captions, folders, librispeech, mald
from groundscope.errors import UserError

ITEMS = """Item\tWAV\tPronunciation\tIsWord\tDuration
abduction\tabduction\tAE0 B D AH1 K SH AH0 N\tTRUE\t740
acorn\tacorn.wav\tEY1 K AO0 R N\tTRUE\t612
zebra\tzebra.wav\tZ IY1 B R AH0\tTRUE\tNA
abajee\tabajee.wav\tAE1 B AH0 JH IY0\tFALSE\t590
"""


def test_mald(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Words with recordings become tokens; pseudowords and missing recordings are counted."""
    items = tmp_path / "MALD1_ItemData.txt"
    items.write_text(ITEMS, encoding="utf-8")
    for name in ("abduction.wav", "ACORN.wav", "abajee.wav", "other.wav"):
        builders.sound(tmp_path / "wav" / name, 0.1)
    options = {"items": items, "audio_folder": tmp_path / "wav"}
    corpus = mald.load(options)
    assert [(token.word, token.phones) for token in corpus.tokens] == [
        ("abduction", "AE0 B D AH1 K SH AH0 N"),
        ("acorn", "EY1 K AO0 R N"),
    ]
    assert corpus.tokens[0].start_s is None
    assert [(step.before, step.after, step.detail) for step in corpus.steps] == [
        (4, 3, "IsWord is FALSE"),
        (3, 2, "zebra.wav"),
        (4, 2, "abajee.wav; other.wav"),
    ]
    assert len(mald.load({**options, "pseudowords": True}).tokens) == 3


def test_mald_without_recordings(tmp_path: Path) -> None:
    """The wrong folder is one error, not 26,793 missing items."""
    items = tmp_path / "items.txt"
    items.write_text(ITEMS, encoding="utf-8")
    (tmp_path / "wav").mkdir()
    with pytest.raises(UserError, match="has none of the 3 recordings"):
        mald.load({"items": items, "audio_folder": tmp_path / "wav"})


def test_mald_with_two_recordings_of_an_item(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Which of them is meant is not guessed."""
    items = tmp_path / "items.txt"
    items.write_text(ITEMS, encoding="utf-8")
    for folder in ("a", "b"):
        builders.sound(tmp_path / f"wav/{folder}/Acorn.wav", 0.1)
    with pytest.raises(UserError, match=r"b/Acorn\.wav and .*a/Acorn\.wav are both called 'acorn'"):
        mald.load({"items": items, "audio_folder": tmp_path / "wav"})


def test_speech_commands(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Word folders with hashed speakers; other files are listed."""
    for name in ("bed/00176480_nohash_0.wav", "bed/00176480_nohash_1.wav", "cat/0a_nohash_0.wav"):
        builders.sound(tmp_path / name, 0.1)
    builders.sound(tmp_path / "_background_noise_" / "pink.wav", 0.1)
    options = {"audio_folder": tmp_path, "pattern": "{word}/{speaker}_nohash_{take}.wav"}
    corpus = folders.load(options)
    assert [(token.word, token.speaker, token.metadata["take"]) for token in corpus.tokens] == [
        ("bed", "00176480", "0"),
        ("bed", "00176480", "1"),
        ("cat", "0a", "0"),
    ]
    assert corpus.steps[0].detail == "_background_noise_/pink.wav"


def test_free_spoken_digit(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Digits are spelled as the text models need them."""
    builders.sound(tmp_path / "7_jackson_32.wav", 0.1)
    pattern = "{word}_{speaker}_{take}.wav"
    options = {"audio_folder": tmp_path, "pattern": pattern, "spelling": {"7": "seven"}}
    (token,) = folders.load(options).tokens
    assert (token.word, token.text, token.speaker) == ("seven", "seven", "jackson")
    assert token.token_id == "7_jackson_32"


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("ice_cream_anna_0.wav", "{word}_{speaker}_{take}.wav"),
        ("ice_cream_0.wav", "{word}{take}.wav"),
        ("ice/a_nohash_b_nohash_0.wav", "{word}/{speaker}_nohash_{take}.wav"),
    ],
)
def test_a_path_that_can_be_read_in_several_ways(
    builders: SimpleNamespace, tmp_path: Path, name: str, pattern: str
) -> None:
    """No word or speaker is guessed: ice_cream said by anna is not ice said by cream."""
    builders.sound(tmp_path / name, 0.1)
    with pytest.raises(UserError, match=f"matches {name} in several ways") as caught:
        folders.load({"audio_folder": tmp_path, "pattern": pattern})
    assert "'word': 'ice" in str(caught.value)


def test_one_name_in_two_formats(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Two tokens of one id are refused, as in other kinds of corpora."""
    for suffix in ("wav", "flac"):
        builders.sound(tmp_path / f"bed/anna_1.{suffix}", 0.1)
    pattern = "{word}/{speaker}_{take}.{suffix}"
    with pytest.raises(UserError, match="'bed/anna_1' occurs 2 times"):
        folders.load({"audio_folder": tmp_path, "pattern": pattern})


def test_pattern_that_matches_nothing(builders: SimpleNamespace, tmp_path: Path) -> None:
    """The error shows a path that the pattern should have matched."""
    builders.sound(tmp_path / "bed/x.wav", 0.1)
    with pytest.raises(UserError, match=r"matches nothing in .*such as bed/x\.wav"):
        folders.load({"audio_folder": tmp_path, "pattern": "{word}.ogg"})
    with pytest.raises(UserError, match="needs the field"):
        folders.load({"audio_folder": tmp_path, "pattern": "{label}.wav"})


def test_pattern_is_no_regular_expression(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Dots and brackets in a pattern are themselves."""
    builders.sound(tmp_path / "bedXwav.wav", 0.1)
    builders.sound(tmp_path / "bed(1).wav", 0.1)
    (token,) = folders.load({"audio_folder": tmp_path, "pattern": "{word}(1).wav"}).tokens
    assert token.word == "bed"


def test_real_animals(audio_samples: Mapping[str, Path]) -> None:
    """66 recordings by a pattern."""
    folder = audio_samples["tuxpaint_animals_en"]
    corpus = folders.load({"audio_folder": folder, "pattern": "{word}_desc.ogg"}, workers=2)
    assert len(corpus.tokens) == 66
    assert {"badger", "penguin"} <= {token.word for token in corpus.tokens}


def test_flickr_audio(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Lists of the published form join audio, caption, speaker and image."""
    (tmp_path / "wav2capt.txt").write_text(
        "257_69_1.wav 257_69.jpg #1\n257_69_2.wav 257_69.jpg #2\n", encoding="utf-8"
    )
    (tmp_path / "wav2spk.txt").write_text("257_69_1.wav 1\n257_69_2.wav 5\n", encoding="utf-8")
    text = tmp_path / "Flickr8k.token.txt"
    text.write_text("257_69.jpg#1\tA dog .\n257_69.jpg#2\tTwo dogs .\n", encoding="utf-8")
    builders.sound(tmp_path / "wavs" / "257_69_2.wav", 0.1)
    corpus = captions.load({"layout": "flickr-audio", "folder": tmp_path, "captions": text})
    (token,) = corpus.tokens
    assert (token.word, token.speaker, token.char_end) == ("Two dogs .", "5", 10)
    assert dict(token.metadata) == {"image": "257_69.jpg", "caption": 2}
    assert (corpus.steps[0].before, corpus.steps[0].after) == (2, 1)
    assert corpus.steps[0].detail == "wavs/257_69_1.wav"
    text.write_text("257_69.jpg#1\tA dog .\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"257_69_2\.wav is not in .*token\.txt"):
        captions.load({"layout": "flickr-audio", "folder": tmp_path, "captions": text})


def test_spoken_coco(builders: SimpleNamespace, tmp_path: Path) -> None:
    """The JSON list of SpokenCOCO; a path that leaves the folder is refused."""
    caption = {"text": " A CAT", "speaker": "m1", "uttid": "u", "wav": "wavs/val/0/a.wav"}
    content = {"data": [{"image": "val2014/1.jpg", "captions": [caption]}]}
    listed = tmp_path / "SpokenCOCO_val.json"
    listed.write_text(json.dumps(content), encoding="utf-8")
    builders.sound(tmp_path / "wavs/val/0/a.wav", 0.1)
    options = {"layout": "spoken-coco", "folder": tmp_path, "captions": listed}
    (token,) = captions.load(options).tokens
    assert (token.text, token.speaker, token.metadata["image"]) == ("A CAT", "m1", "val2014/1.jpg")
    caption["wav"] = "../../a.wav"
    listed.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match="leaves"):
        captions.load(options)
    listed.write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="is no SpokenCOCO list"):
        captions.load(options)


def test_real_caption_lists(
    builders: SimpleNamespace, audio_samples: Mapping[str, Path], tmp_path: Path
) -> None:
    """The published lists of 40,000 spoken captions join without a gap."""
    data = audio_samples["ljspeech_8"].parents[1]
    for name in ("wav2capt.txt", "wav2spk.txt"):
        (tmp_path / name).symlink_to(data / "speech_lists" / f"flickr_audio_{name}")
    builders.sound(tmp_path / "wavs" / "2571096893_694ce79768_1.wav", 0.1)
    listed = data / "captions" / "Flickr8k.token.txt"
    corpus = captions.load({"layout": "flickr-audio", "folder": tmp_path, "captions": listed})
    assert (corpus.steps[0].before, corpus.steps[0].after) == (40_000, 1)


def test_real_recordings_in_published_layouts(
    audio_samples: Mapping[str, Path], builders: SimpleNamespace, tmp_path: Path
) -> None:
    """LibriSpeech's own utterance, 8 and 5 read sentences as captions, 5 items of MALD."""
    real = audio_samples["librispeech_61-70968-0000"]
    key = "61-70968-0000"
    words = (real / f"{key}.lab").read_text(encoding="utf-8").lower().split()
    chapter = tmp_path / "LibriSpeech/test-clean/61/70968"
    chapter.mkdir(parents=True)
    (recording,) = (path for path in real.iterdir() if path.suffix in (".wav", ".flac"))
    (chapter / recording.name).symlink_to(recording)
    spoken = f"{key} {' '.join(words).upper()}\n"
    (chapter / "61-70968.trans.txt").write_text(spoken, encoding="utf-8")
    speakers = tmp_path / "LibriSpeech/SPEAKERS.TXT"
    speakers.write_text("61 | M | test-clean | 8.08 | Paul-Gabriel Wiener\n", encoding="utf-8")
    step = 4.9 / len(words)
    grid = [(n * step, (n + 1) * step, word) for n, word in enumerate(words)]
    aligned = tmp_path / f"grids/test-clean/61/70968/{key}.TextGrid"
    builders.textgrid(aligned, {"words": grid, "phones": []}, end=4.905)
    options = {
        "folder": speakers.parent,
        "alignments": tmp_path / "grids",
        "splits": ["test-clean"],
    }
    tokens = librispeech.load(options).tokens
    assert [token.word for token in tokens] == words
    assert {token.metadata["sex"] for token in tokens} == {"M"}

    for name, count in (("ljspeech_8", 8), ("librivox_sense_and_sensibility", 5)):
        found = [p for p in audio_samples[name].iterdir() if p.suffix in (".wav", ".flac")]
        files = sorted(path.name for path in found)
        entries = [{"wav": f, "speaker": "r", "text": f, "uttid": f} for f in files]
        listed = tmp_path / f"{name}.json"
        content = {
            "data": [{"image": f"{entry['wav']}.jpg", "captions": [entry]} for entry in entries]
        }
        listed.write_text(json.dumps(content), encoding="utf-8")
        layout = {"layout": "spoken-coco", "folder": audio_samples[name], "captions": listed}
        assert len(captions.load(layout).tokens) == len(files) == count

    rows = [f"word{n}\t{f}\tW ER1 D\tTRUE\t1" for n, f in enumerate(files)]
    items = tmp_path / "MALD1_ItemData.txt"
    items.write_text("\n".join([ITEMS.splitlines()[0], *rows]) + "\n", encoding="utf-8")
    folder = audio_samples["librivox_sense_and_sensibility"]
    assert len(mald.load({"items": items, "audio_folder": folder}).tokens) == 5
