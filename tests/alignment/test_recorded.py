"""Read speech, five LibriVox clips and LJ Speech, beside the word times that PocketSphinx finds.

PocketSphinx aligns with hidden Markov models of its own; nothing here learns from its times.
"""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx
import pytest
import soundfile
import soxr
from aligner import Aligner
from numpy.typing import NDArray
from phone_recogniser import WHEEL, PhoneRecogniser, pronounce
from spoken_letters import SAMPLE_RATE, Sentence, save, teach, untrained

from groundscope.encoders import ctc

Times = NDArray[np.float64]
Record = Callable[[str, object], None]
SILENCE_S = 1.3
RATE = 44_100
LATE_S = 0.1  # no word of the recogniser begins later, in the median


def librivox(folder: Path) -> list[tuple[Path, str]]:
    """List recordings and what is said, as PocketSphinx lists them."""
    lines = (folder / "transcription").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"<s> (.*) </s> \((.*)\)", line.strip()) for line in lines]
    return [(folder / f"{match[2]}.wav", match[1]) for match in found if match]


def lj_speech(folder: Path) -> list[tuple[Path, str]]:
    """List recordings and what is said, as LJ Speech lists them."""
    lines = (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines]
    return [(folder / f"{name}.flac", words_only(said)) for name, _, said in rows]


def words_only(said: str) -> str:
    """Leave out capitals and signs."""
    return " ".join(re.findall("[a-z]+", said.lower()))


LISTS = {"librivox_sense_and_sensibility": librivox, "ljspeech_8": lj_speech}


def recordings(name: str) -> list[Sentence]:
    """Align recordings with PocketSphinx; those with a word that CMUdict lacks are left out."""
    default = Path(__file__).parents[3] / "shared" / "data"
    root = Path(os.environ.get("GROUNDSCOPE_REFERENCE_DATA", default)) / "audio_samples" / name
    if not root.is_dir():
        pytest.skip(f"no reference recordings in {root}")
    listed = LISTS[name](root)
    return [sphinx(path, text) for path, text in listed if all(map(pronounce, text.split()))]


def sphinx(path: Path, text: str) -> Sentence:
    """Align a recording with PocketSphinx (100 frames a second)."""
    read, rate = soundfile.read(path, dtype="float32")
    samples = soxr.resample(read, rate, SAMPLE_RATE)
    decoder = pocketsphinx.Decoder(samprate=SAMPLE_RATE, lm=None, loglevel="FATAL")
    decoder.set_align_text(text)
    decoder.start_utt()
    decoder.process_raw((samples * 32768).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    spoken = [each for each in decoder.seg() if not each.word.startswith("<")]
    times = [(each.start_frame / 100, (each.end_frame + 1) / 100) for each in spoken]
    return Sentence(text, samples, times)


@pytest.fixture(scope="module")
def recogniser() -> PhoneRecogniser:
    """Load the recogniser of phones."""
    if "GROUNDSCOPE_WHEELS" not in os.environ:
        pytest.skip("GROUNDSCOPE_WHEELS names no folder with the wheels")
    return PhoneRecogniser(Path(os.environ["GROUNDSCOPE_WHEELS"]) / WHEEL)


def recognised(
    aligner: Aligner, recogniser: PhoneRecogniser, heard: Sequence[Sentence], texts: Sequence[str]
) -> tuple[Times, Times]:
    """Align with the recogniser; give begins and ends ``[words, 2]`` and confidences."""
    rows = []
    for number, (each, text) in enumerate(zip(heard, texts, strict=True)):
        soundfile.write(aligner.folder / f"{number}.wav", each.samples, SAMPLE_RATE)
        rows.append(f"{number},{number}.wav,,{' '.join(map(pronounce, text.split()))}")
    with aligner.patch.context() as patch:
        patch.setattr(ctc, "load_ctc", lambda *_: recogniser)
        found = aligner.words(recogniser.save(aligner.folder / "phones"), *rows)
    assert [row["word"] for row in found] == [
        pronounce(word) for text in texts for word in text.split()
    ]
    times = np.array([(row["start_s"], row["end_s"]) for row in found])
    return times, np.array([row["confidence"] for row in found])


def spread_evenly(heard: Sequence[Sentence]) -> Times:
    """Give each word of a recording the same time."""
    edges = [np.linspace(0, len(each.samples) / SAMPLE_RATE, len(each.times) + 1) for each in heard]
    return np.concatenate([np.stack([each[:-1], each[1:]], axis=1) for each in edges])


def milliseconds(seconds: float) -> float:
    """Round to a tenth."""
    return round(1000 * float(seconds), 1)


@pytest.mark.parametrize("name", LISTS)
def test_a_recogniser_of_real_speech(
    aligner: Aligner, recogniser: PhoneRecogniser, name: str, record_property: Record
) -> None:
    """Words end where PocketSphinx has it and begin late, all alike; words out of order show."""
    heard = recordings(name)
    texts = [each.text for each in heard]
    known = np.concatenate([each.times for each in heard])
    found, confidence = recognised(aligner, recogniser, heard, texts)
    late, end = np.median(found - known, axis=0)
    begins, ends = np.median(np.abs(found - known - [late, 0]), axis=0)
    record_property("words", len(known))
    record_property("median lateness of word begins, ms", milliseconds(late))
    record_property("median difference of word begins beside that, ms", milliseconds(begins))
    record_property("median difference of word ends, ms", milliseconds(ends))
    assert begins < 0.03
    assert ends < 0.04
    # a recogniser is sure of a phone only towards its end
    assert 0 < late < LATE_S
    assert abs(end) < 0.03
    by_chance = np.median(np.abs(spread_evenly(heard) - known), axis=0)
    record_property("median difference of words spread evenly, ms", milliseconds(by_chance.min()))
    assert by_chance.min() > 0.15
    backwards = [" ".join(reversed(text.split())) for text in texts]
    _, doubtful = recognised(aligner, recogniser, heard, backwards)
    record_property("median confidence", round(float(np.median(confidence)), 4))
    record_property("median confidence of words backwards", round(float(np.median(doubtful)), 4))
    assert np.median(confidence) > 0.8
    assert np.median(doubtful) < 0.01


def test_a_model_taught_what_the_recogniser_hears(
    aligner: Aligner, recogniser: PhoneRecogniser, record_property: Record
) -> None:
    """A model of letters, taught times of the recogniser, has words where PocketSphinx has them.

    It hears the clips that it was taught, so this says nothing about a model on unknown speech. The
    files that it is given have another rate, two channels and silence before the speech, the
    transcripts capitals and signs.
    """
    clips = recordings("librivox_sense_and_sensibility")
    found, _ = recognised(aligner, recogniser, clips, [each.text for each in clips])
    lessons, rest = [], found
    for each in clips:
        own, rest = np.split(rest, [len(each.times)])
        # its words begin late: they follow each other, except where there is a pause
        own[:, 0] = np.maximum(own[:, 0] - LATE_S, [0, *own[:-1, 1]])
        lessons.append(Sentence(each.text, each.samples, [(begin, end) for begin, end in own]))
    letters = sorted({letter for each in clips for letter in each.text if letter != " "})
    labels = {"<pad>": 0, **{letter: place for place, letter in enumerate(letters, start=1)}}

    def draw(rng: np.random.Generator) -> list[Sentence]:
        return [lessons[place] for place in rng.choice(len(lessons), 2, replace=False)]

    rows, known = [], []
    for number, each in enumerate(clips):
        silence = np.zeros(round(SILENCE_S * RATE))
        heard = np.concatenate([silence, soxr.resample(each.samples, SAMPLE_RATE, RATE)])
        soundfile.write(aligner.folder / f"{number}.flac", np.stack([heard, heard], axis=1), RATE)
        rows.append(f"{number},{number}.flac,,“{each.text.capitalize()}.”")
        known += [(begin + SILENCE_S, end + SILENCE_S) for begin, end in each.times]

    def differences(model: Any, name: str) -> Times:
        tokens = aligner.words(save(model, aligner.folder / name, labels), *rows)
        assert [row["word"] for row in tokens] == " ".join(each.text for each in clips).split()
        times = np.array([(row["start_s"], row["end_s"]) for row in tokens])
        medians: Times = np.median(np.abs(times - known), axis=0)
        return medians

    model = untrained(len(labels))
    before = differences(model, "untaught")
    after = differences(teach(model, draw, labels, steps=60), "taught")
    record_property("median difference of word begins, ms", milliseconds(after[0]))
    record_property("median difference of word ends, ms", milliseconds(after[1]))
    record_property("median difference untaught, ms", milliseconds(before.min()))
    assert (after < 0.04).all()
    assert before.min() > 0.15
