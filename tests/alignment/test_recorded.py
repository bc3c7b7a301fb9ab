"""Read speech: five LibriVox clips, with the word times that PocketSphinx finds in them."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx
import pytest
import soundfile
import soxr
from aligner import Aligner
from spoken_letters import SAMPLE_RATE, Sentence, save, teach, untrained

FOLDER = "audio_samples/librivox_sense_and_sensibility"
LINE = re.compile(r"<s> (?P<text>.*) </s> \((?P<name>.*)\)")
SILENCE_S = 1.3
RATE = 44_100


def pocketsphinx_words(name: Path, text: str) -> Sentence:
    """Align a clip with PocketSphinx (100 frames a second)."""
    samples, _ = soundfile.read(name, dtype="float32")
    decoder: Any = pocketsphinx.Decoder(samprate=SAMPLE_RATE, lm=None, loglevel="FATAL")
    decoder.set_align_text(text)
    decoder.start_utt()
    decoder.process_raw((samples * 32768).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    spoken = [each for each in decoder.seg() if not each.word.startswith("<")]
    times = [(each.start_frame / 100, (each.end_frame + 1) / 100) for each in spoken]
    return Sentence(text, samples, times)


@pytest.fixture(scope="module")
def clips() -> list[Sentence]:
    """Read the clips; skip where they are not there."""
    default = Path(__file__).parents[3] / "shared" / "data"
    root = Path(os.environ.get("GROUNDSCOPE_REFERENCE_DATA", default)) / FOLDER
    if not root.is_dir():
        pytest.skip(f"no reference recordings in {root}")
    lines = (root / "transcription").read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := LINE.fullmatch(line.strip()))]
    return [pocketsphinx_words(root / f"{each['name']}.wav", each["text"]) for each in found]


def test_recorded_words_are_where_pocketsphinx_has_them(
    aligner: Aligner, clips: list[Sentence], record_property: Any
) -> None:
    """A model taught PocketSphinx's times gives them back through transcripts and other files.

    There is no CTC model of real speech to be had here, so this says nothing about such a model;
    it says that what a model hears in recorded speech ends up at the right time of the right word:
    in files of another rate, in stereo, behind silence, from transcripts with capitals and signs.
    """
    letters = sorted({letter for each in clips for letter in each.text if letter != " "})
    labels = {"<pad>": 0, **{letter: place for place, letter in enumerate(letters, start=1)}}

    def draw(rng: np.random.Generator) -> list[Sentence]:
        return [clips[place] for place in rng.choice(len(clips), 2, replace=False)]

    taught = teach(untrained(len(labels)), draw, labels, steps=60)
    model = save(taught, aligner.folder / "model", labels)
    rows, known = [], []
    for number, each in enumerate(clips):
        silence = np.zeros(round(SILENCE_S * RATE))
        heard = np.concatenate([silence, soxr.resample(each.samples, SAMPLE_RATE, RATE)])
        soundfile.write(aligner.folder / f"{number}.flac", np.stack([heard, heard], axis=1), RATE)
        rows.append(f"{number},{number}.flac,,“{each.text.capitalize()}.”")
        known += [(begin + SILENCE_S, end + SILENCE_S) for begin, end in each.times]
    words = aligner.words(model, *rows)
    assert [row["word"] for row in words] == " ".join(each.text for each in clips).split()
    errors = np.abs(np.array([(row["start_s"], row["end_s"]) for row in words]) - known)
    for name, one in zip(("begin", "end"), errors.T, strict=True):
        record_property(
            f"median difference of word {name}s, ms", round(1000 * float(np.median(one)), 1)
        )
    assert (np.median(errors, axis=0) < 0.03).all()
