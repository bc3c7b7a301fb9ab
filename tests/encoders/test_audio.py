"""Recordings: what is read, cut, padded, extended, dropped and refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from numpy.typing import NDArray

from groundscope.encoders.audio import AudioInput, Preparation, prepare_recording, read_audio
from groundscope.encoders.extraction import Extraction
from groundscope.errors import UserError

Extract = Callable[..., Extraction]
MakeTokens = Callable[..., pa.Table]
RAMP = np.linspace(-0.5, 0.5, 16_000, dtype=np.float32)


@pytest.fixture
def ramp(tmp_path: Path) -> str:
    """Write one second of samples that tell their place."""
    path = tmp_path / "ramp.wav"
    soundfile.write(path, RAMP, 16_000, subtype="FLOAT")
    return str(path)


def _cut(path: str, begin: float, end: float, short: str, shortest: int) -> NDArray[np.float32]:
    preparation = Preparation("none", 0.0, short, shortest, None)
    source = AudioInput(begin, end, (None,), 0, ("t",))
    (clip,) = prepare_recording(path, [source], preparation).clips
    assert clip.samples is not None
    return clip.samples


def test_cut_is_by_truncated_sample_numbers(ramp: str) -> None:
    """A word's samples are ``[int(start * 16000) : int(end * 16000)]``."""
    found = _cut(ramp, 0.10004, 0.20009, "pad", 1)
    np.testing.assert_array_equal(found, RAMP[1600:3201])


def test_short_clips(ramp: str) -> None:
    """Padded behind, or extended evenly within the file; the ends of the file shift the window."""
    padded = _cut(ramp, 0.5, 0.51, "pad", 400)
    np.testing.assert_array_equal(padded, np.concatenate([RAMP[8000:8160], np.zeros(240)]))
    np.testing.assert_array_equal(_cut(ramp, 0.5, 0.51, "extend", 400), RAMP[7880:8280])
    np.testing.assert_array_equal(_cut(ramp, 0.0, 0.01, "extend", 400), RAMP[:400])
    np.testing.assert_array_equal(_cut(ramp, 0.99, 1.0, "extend", 400), RAMP[-400:])
    with pytest.raises(UserError, match="shorter than 20000 samples: use short_clips: pad"):
        _cut(ramp, 0.5, 0.51, "extend", 20_000)


@pytest.mark.parametrize("normalize", ["none", "clip", "utterance"])
@pytest.mark.parametrize("short", ["pad", "extend"])
@pytest.mark.parametrize("span", [(0.1, 0.2), (0.5, 0.51), (None, None)])
def test_clips_hold_nothing_but_themselves(
    ramp: str, normalize: str, short: str, span: tuple[float | None, float | None]
) -> None:
    """The memory behind a clip is as large as the clip: the recording can go."""
    source = AudioInput(*span, (None,), 0, ("t",))
    preparation = Preparation(normalize, 0.0, short, 400, None)
    (clip,) = prepare_recording(ramp, [source], preparation).clips
    assert clip.samples is not None
    memory = clip.samples
    while isinstance(memory.base, np.ndarray):
        memory = memory.base
    assert memory.base is None
    assert memory.nbytes == clip.samples.nbytes


def test_dropped_clips_are_counted(
    ramp: str, make_tokens: MakeTokens, run_extraction: Extract
) -> None:
    """``drop`` leaves a token without a vector; ``pad`` counts it and keeps it."""
    spans = [(0.1, 0.11), (0.2, 0.5), (0.3, 0.31), (0.1, 0.11)]
    tokens = make_tokens([{"audio": ramp, "start_s": a, "end_s": b} for a, b in spans])
    options = {"family": "log-mel", "short_clips": "drop"}
    result = run_extraction(tokens, None, options, ("0",))
    assert (result.rows >= 0).tolist() == [False, True, False, False]
    assert result.dropped == {"shorter than the receptive field": 3}
    kept = run_extraction(tokens, None, {"family": "log-mel"}, ("0",))
    assert kept.dropped == {}
    assert kept.counts["short_clips_found"] == 2
    gone = run_extraction(tokens.slice(0, 1), None, options, ("0",))
    assert gone.rows.tolist() == [-1]


def test_stereo_is_averaged_and_resampled(
    tmp_path: Path, make_tokens: MakeTokens, run_extraction: Extract
) -> None:
    """44.1 kHz stereo becomes 16 kHz mono with the tone where it was, and is counted."""
    time = np.arange(44_100) / 44_100
    tone = 0.4 * np.sin(2 * np.pi * 440 * time)
    path = tmp_path / "stereo.wav"
    soundfile.write(
        path,
        np.stack(
            [
                tone + 0.2 * np.cos(2 * np.pi * 1000 * time),
                tone - 0.2 * np.cos(2 * np.pi * 1000 * time),
            ],
            axis=1,
        ),
        44_100,
    )
    samples, stereo = read_audio(path, "t")
    assert stereo
    wanted = 0.4 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert len(samples) == 16_000
    np.testing.assert_allclose(samples[500:-500], wanted[500:-500], atol=2e-4)
    result = run_extraction(
        make_tokens([{"audio": str(path)}]), None, {"family": "log-mel"}, ("0",)
    )
    assert result.counts["files_not_mono"] == 1


def _missing(path: Path) -> None:
    del path


def _text(path: Path) -> None:
    path.write_text("not audio", encoding="utf-8")


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


def _no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros(0, np.float32), 16_000)


def _half(path: Path) -> None:
    soundfile.write(path, RAMP, 16_000, subtype="PCM_16", format="FLAC")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _nan(path: Path) -> None:
    samples = RAMP.copy()
    samples[8000:] = np.nan
    soundfile.write(path, samples, 16_000, subtype="FLOAT")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_missing, "no such audio file"),
        (_text, "not readable audio"),
        (_nothing, "not readable audio"),
        (_no_samples, "the audio file is empty"),
        (_half, "truncated|not readable audio"),
        (_nan, r"sample 8000 \(0\.500 s\) is not finite"),
    ],
)
def test_bad_files_are_refused(
    tmp_path: Path,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    write: Callable[[Path], None],
    message: str,
) -> None:
    """File and token are named, whatever thread found out."""
    path = tmp_path / "bad.wav"
    write(path)
    tokens = make_tokens([{"audio": str(path)}])
    with pytest.raises(UserError, match=rf"bad\.wav \(token 't0'\): .*({message})") as caught:
        run_extraction(tokens, None, {"family": "log-mel"}, ("0",))
    assert "\n" not in str(caught.value)


def test_truncated_wav_is_noticed(tmp_path: Path) -> None:
    """A WAV whose header promises more samples than follow."""
    path = tmp_path / "cut.wav"
    soundfile.write(path, RAMP, 16_000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(UserError, match="truncated"):
        read_audio(path, "t")


@pytest.mark.parametrize("slicing", ["audio", "features"])
@pytest.mark.parametrize(
    "span", [(0.5, 1.02), (-0.1, 0.5), (0.5, 0.5), (0.6, 0.5), (1.0, 1.005), (3.0, 4.0)]
)
def test_spans_outside_the_file_are_refused(
    ramp: str,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    slicing: str,
    span: tuple[float, float],
) -> None:
    """File, its duration, the token and the span are named."""
    rows = [{"audio": ramp, "start_s": begin, "end_s": end} for begin, end in ((0.1, 0.2), span)]
    options = {"family": "log-mel", "slicing": slicing}
    with pytest.raises(UserError, match=r"ramp\.wav \(1\.000 s\), token 't1': .* is not a span"):
        run_extraction(make_tokens(rows), None, options, ("0",))


def test_alignments_rounded_to_ten_milliseconds_pass(ramp: str) -> None:
    """An end up to 10 ms behind the file is the file's end."""
    np.testing.assert_array_equal(_cut(ramp, 0.9, 1.009, "pad", 1), RAMP[14_400:])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"start_s": 0.1, "end_s": 0.2}, "token 't0' has no audio"),
        ({"audio": "x", "end_s": 0.2}, "token 't0' has only one of start_s and end_s"),
    ],
)
def test_incomplete_tokens_are_refused(
    make_tokens: MakeTokens, run_extraction: Extract, row: dict[str, object], message: str
) -> None:
    """No audio, or half a span."""
    with pytest.raises(UserError, match=message):
        run_extraction(make_tokens([row]), None, {"family": "log-mel"}, ("0",))


def test_silence_without_a_floor_has_no_unit_variance(tmp_path: Path) -> None:
    """Normalising digital silence is an error, not a NaN."""
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(1000, np.float32), 16_000)
    source = AudioInput(None, None, (None,), 0, ("t",))
    with pytest.raises(UserError, match="silent, so it has no unit variance"):
        prepare_recording(str(path), [source], Preparation("clip", 0.0, "pad", 1, None))
