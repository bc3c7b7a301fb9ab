"""Recordings that were cut short, in every container that is read without complaint."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from groundscope.corpora.audio import inspect
from groundscope.encoders.audio import read_audio
from groundscope.errors import UserError
from groundscope.truncation import cut_short

# format and subtype; libsndfile shortens all but the last three without a word
FORMATS = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"),
    ("W64", "PCM_16"),
    ("W64", "FLOAT"),
    ("AIFF", "PCM_16"),
    ("AIFF", "FLOAT"),
    ("AU", "PCM_16"),
    ("AU", "ULAW"),
    ("NIST", "PCM_16"),
    ("OGG", "VORBIS"),
    ("CAF", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("MP3", "MPEG_LAYER_III"),
]
LENGTH = 48_001


def write(path: Path, form: str, subtype: str, channels: int = 1, endian: str = "FILE") -> bytes:
    """Write noise of an odd length; give the file's bytes."""
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (LENGTH, channels))
    soundfile.write(path, noise, 16_000, format=form, subtype=subtype, endian=endian)
    return path.read_bytes()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("form", "subtype"), FORMATS)
def test_a_recording_that_was_cut_short_is_refused(
    tmp_path: Path, form: str, subtype: str, channels: int
) -> None:
    """Whole files pass both readers; without their last eighth both refuse them."""
    path = tmp_path / "r.audio"
    whole = write(path, form, subtype, channels)
    assert inspect(path).frames == LENGTH
    assert len(read_audio(path, "t")[0]) == LENGTH
    path.write_bytes(whole[: len(whole) * 7 // 8])
    for read in (inspect, lambda cut: read_audio(cut, "t")):
        with pytest.raises(UserError, match=r"r\.audio.*(truncated|not.* readable audio)"):
            read(path)


@pytest.mark.parametrize(
    ("form", "subtype"), [one for one in FORMATS if one[0] not in ("CAF", "FLAC", "MP3", "OGG")]
)
def test_one_missing_frame_is_noticed(tmp_path: Path, form: str, subtype: str) -> None:
    """Headers are exact: the samples' last byte counts, and what follows them does not."""
    path = tmp_path / "r.audio"
    whole = write(path, form, subtype, 2)
    assert cut_short(path) is None
    path.write_bytes(whole + b"\0" * 100)
    assert cut_short(path) is None
    path.write_bytes(whole[:-1])
    assert str(cut_short(path)).endswith(f"bytes announced, {len(whole) - 1} found")


@pytest.mark.parametrize(("form", "endian"), [("WAV", "BIG"), ("AU", "LITTLE")])
def test_the_other_byte_order(tmp_path: Path, form: str, endian: str) -> None:
    """RIFX, and AU of DEC machines."""
    path = tmp_path / "r.audio"
    whole = write(path, form, "PCM_16", endian=endian)
    assert cut_short(path) is None
    path.write_bytes(whole[:-1000])
    with pytest.raises(UserError, match="truncated"):
        inspect(path)


OPEN = {
    # ffmpeg, sox, and programs that leave the place empty
    "WAV": (b"data", 4, ["ffffffff", "00f0ff7f", "00000000"]),
    "AIFF": (b"SSND", 4, ["7f000008", "00000000"]),
    "AU": (b".snd", 8, ["ffffffff", "00000000"]),
    "W64": (b"data\xf3\xac", 16, ["ff" * 8, "00" * 8]),
}


@pytest.mark.parametrize(
    ("form", "size"), [(form, size) for form, (_, _, sizes) in OPEN.items() for size in sizes]
)
def test_a_size_that_the_writer_did_not_know_announces_nothing(
    tmp_path: Path, form: str, size: str
) -> None:
    """Programs that write to a pipe cannot go back to the header."""
    path = tmp_path / "r.audio"
    whole = write(path, form, "PCM_16")
    name, behind, _ = OPEN[form]
    place = whole.index(name) + behind
    path.write_bytes(whole[:place] + bytes.fromhex(size) + whole[place + len(size) // 2 :])
    assert cut_short(path) is None


def test_an_mp3_that_announces_nothing_is_taken(tmp_path: Path) -> None:
    """Without the encoder's first frame, which says how many follow, an MP3 is a stream."""
    path = tmp_path / "r.mp3"
    tone = np.sin(np.arange(LENGTH) / 10)
    soundfile.write(
        path, tone, 16_000, format="MP3", compression_level=0.5, bitrate_mode="CONSTANT"
    )
    whole = path.read_bytes()
    second = whole.index(whole[:2], 4)
    assert b"Xing" in whole[:second] or b"Info" in whole[:second]
    path.write_bytes(whole[second:])
    assert inspect(path).frames == pytest.approx(LENGTH, abs=2000)
