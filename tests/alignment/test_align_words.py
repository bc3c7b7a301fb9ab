"""align_words: transcripts and recordings in, timed words out, or one line and exit code 2."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from aligner import HEADER, Aligner
from job_log import complaint
from numpy.typing import NDArray
from spoken_letters import SAMPLE_RATE, Sentence, save, sentences, untrained

from groundscope import tables
from groundscope.errors import UserError

Json = Any


@pytest.fixture(scope="module")
def heard() -> list[Sentence]:
    """Speak ten sentences of six words that the model was not trained on."""
    return sentences(10, 6, seed=7)


def write(folder: Path, name: str, sentence: Sentence) -> str:
    """Write a recording; return its row of the manifest."""
    soundfile.write(folder / f"{name}.wav", sentence.samples, SAMPLE_RATE)
    return f"{name},{name}.wav,ann,{sentence.text}"


def times(rows: Sequence[Mapping[str, Json]]) -> NDArray[np.float64]:
    """Begins and ends, ``[words, 2]``."""
    return np.array([(row["start_s"], row["end_s"]) for row in rows])


def test_words_are_where_espeak_spoke_them(
    aligner: Aligner,
    letters: Path,
    heard: Sequence[Sentence],
    record_property: Callable[[str, object], None],
) -> None:
    """The median error of begins and ends is below a frame, 20 ms; wrong words are doubtful."""
    rows = [write(aligner.folder, f"u{number}", each) for number, each in enumerate(heard)]
    found = aligner.words(letters, *rows)
    assert [row["word"] for row in found] == " ".join(each.text for each in heard).split()
    errors = np.abs(times(found) - np.concatenate([each.times for each in heard]))
    for name, one in zip(("begin", "end"), errors.T, strict=True):
        record_property(f"median error of word {name}s, ms", round(1000 * float(np.median(one)), 1))
    assert (np.median(errors, axis=0) < 0.02).all()
    assert (np.quantile(errors, 0.9, axis=0) < 0.06).all()
    confidence = np.array([row["confidence"] for row in found])
    assert ((confidence > 0) & (confidence <= 1)).all()
    # the same recordings with transcripts in the wrong order
    texts = [row.rpartition(",")[2] for row in rows]
    wrong = [f"{row.rpartition(',')[0]},{text}" for row, text in zip(rows, texts[1:], strict=False)]
    doubtful = [row["confidence"] for row in aligner.words(letters, *wrong)]
    assert np.median(doubtful) < 0.1 < np.quantile(confidence, 0.1)


def test_a_long_recording_in_windows_is_the_whole(
    aligner: Aligner, letters: Path, heard: Sequence[Sentence]
) -> None:
    """22 s in windows of 6 s and of 9.5 s: within 60 ms of one piece, nine in ten words exact."""
    long = heard[0]
    for each in heard[1:]:
        long = long + each
    row = write(aligner.folder, "long", long)
    whole = times(aligner.words(letters, row, window_s=60))
    for window_s in (6, 9.5):
        parts = times(aligner.words(letters, row, window_s=window_s))
        differences = np.abs(parts - whole)
        assert differences.max() <= 0.06 + 1e-9, window_s
        assert (differences < 1e-9).mean() > 0.9, window_s
    assert np.median(np.abs(whole - long.times)) < 0.02


def test_a_part_of_a_recording_and_its_text(
    aligner: Aligner, letters: Path, heard: Sequence[Sentence]
) -> None:
    """Two channels, punctuation, capitals: times are those of the file."""
    both = heard[0] + heard[1]
    stereo = np.repeat(both.samples[:, None], 2, axis=1)
    soundfile.write(aligner.folder / "both.wav", stereo, SAMPLE_RATE)
    begin = len(heard[0].samples) / SAMPLE_RATE
    words = heard[1].text.split()
    text = f"“{words[0].title()}-{words[1]}” … {words[2].upper()}! {' '.join(words[3:])}."
    row = f'u,both.wav,ann,"{text}",{begin:.4f},,1.5'.replace(",,1.5", f",{both.times[-1][1]},1.5")
    found = aligner.words(letters, row, header=f"{HEADER},start,end,score")
    kinds = [f"{words[0]}-{words[1]}", *words[2:]]
    assert [each["word"] for each in found] == kinds
    assert [each["text"][each["char_start"] : each["char_end"]].lower() for each in found] == kinds
    assert {(each["score"], each["speaker"], each["utterance"]) for each in found} == {
        (1.5, "ann", "u")
    }
    known = [(both.times[6][0], both.times[7][1]), *both.times[8:]]
    assert np.median(np.abs(times(found) - known)) < 0.02
    report = tables.read_table(aligner.folder / "report.parquet", "corpus_report").to_pylist()
    assert [(row["rule"], row["detail"], row["before"], row["after"]) for row in report] == [
        ("pieces without letter or digit", "left out", 6, 5),
        (
            "characters that the vocabulary lacks",
            "'-' 1",
            *(len("".join(kinds)) - n for n in (0, 1)),
        ),
        ("words that the vocabulary cannot spell", "none", 5, 5),
    ]


def test_a_word_that_cannot_be_spelled(
    aligner: Aligner, letters: Path, heard: Sequence[Sentence]
) -> None:
    """It is refused, or takes its time as a wildcard and gives no token; its neighbours stay."""
    words = heard[2].text.split()
    row = write(aligner.folder, "u", heard[2])
    hidden = row.replace(heard[2].text, " ".join([*words[:2], "1984", *words[3:]]))
    with pytest.raises(UserError, match="row 1: no character of '1984' is in the model"):
        aligner.run(letters, hidden)
    found = aligner.words(letters, hidden, unspelled="wildcard")
    assert [each["word"] for each in found] == [*words[:2], *words[3:]]
    known = [*heard[2].times[:2], *heard[2].times[3:]]
    assert np.abs(times(found) - known).max() < 0.15
    (row,) = tables.read_table(aligner.folder / "report.parquet", "corpus_report").to_pylist()[2:]
    assert (row["detail"], row["before"], row["after"]) == ("1984", 6, 5)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("u,a.wav,ann,", "row 1: column 'text': None, expected text"),
        ("u,a.wav,ann,— !", "row 1: no letter or digit in the transcript '— !'"),
        ("u,b.wav,ann,river", "row 1: b.wav does not exist or is no file"),
        (f"u,a.wav,ann,{'summer ' * 20}", "row 1: the transcript is too long for its audio: 120 "
         "labels need 140 frames, but the audio has 49"),
        ("u,a.wav,ann,river\nu,a.wav,ann,paper", "row 2: utterance 'u' is that of"),
    ],
)  # fmt: skip
def test_bad_rows_are_one_line(aligner: Aligner, letters: Path, row: str, message: str) -> None:
    """The row is named, and nothing is written."""
    soundfile.write(aligner.folder / "a.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        aligner.run(letters, row)
    assert "\n" not in str(caught.value)
    assert not (aligner.folder / "words.parquet").exists()


def changed(letters: Path, folder: Path, name: str, **changes: Json) -> Path:
    """Copy the model and change or remove keys of one of its JSON files."""
    shutil.copytree(letters, folder)
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    content.update(changes)
    kept = {key: value for key, value in content.items() if value is not None}
    (folder / name).write_text(json.dumps(kept), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("config.json", {"pad_token_id": 3}, "no blank in the vocabulary: pad_token_id of "
         "config.json is 3, and that is 'c'"),
        ("vocab.json", {"<pad>": None}, "is 0, and no label has that column"),
        ("vocab.json", {"a": 99}, "outputs, but 'a' of vocab.json has column 99"),
        ("vocab.json", {"eng": {"a": 1}}, "expected label -> column, as one flat mapping"),
        ("config.json", {"model_type": "bert"}, "is a 'bert' model; expected one of wav2vec2, hu"),
        ("config.json", {"vocab_size": 7}, "2 tensors of another shape (lm_head.weight"),
        ("preprocessor_config.json", {"do_normalize": None}, "with do_normalize is missing"),
    ],
)  # fmt: skip
def test_bad_models_are_one_line(
    aligner: Aligner, letters: Path, name: str, changes: Mapping[str, Json], message: str
) -> None:
    """What is missing or does not fit is named."""
    soundfile.write(aligner.folder / "a.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    model = changed(letters, aligner.folder / "model", name, **changes)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        aligner.run(model, "u,a.wav,ann,river")
    assert "\n" not in str(caught.value)


def test_models_without_letters_are_refused(aligner: Aligner, letters: Path) -> None:
    """An encoder without an output, and one without a vocabulary."""
    soundfile.write(aligner.folder / "a.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    encoder: Any = untrained().wav2vec2
    bare = save(encoder, aligner.folder / "bare")
    with pytest.raises(UserError, match=r"has no CTC head \(lm_head.weight\)"):
        aligner.run(bare, "u,a.wav,ann,river")
    mute = shutil.copytree(letters, aligner.folder / "mute")
    (mute / "vocab.json").unlink()
    with pytest.raises(UserError, match=r"has no vocab\.json"):
        aligner.run(mute, "u,a.wav,ann,river")


def test_a_torchaudio_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    """The command says what to install, instead of a traceback from inside transformers."""
    broken = tmp_path / "torchaudio"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise OSError('libcudart.so.13: no such file')\n")
    command = [sys.executable, "-m", "groundscope.commands.align_words", "--name", "c"]
    for flag, value in {"options": "{}", "checkpoint": "c", "output": "o", "report": "r"}.items():
        command += [f"--{flag}", value]
    sources = Path(__file__).parents[2] / "workflow" / "src"
    path = os.pathsep.join([str(sources), str(tmp_path)])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    said = complaint(done.stderr)
    assert said.startswith("error: torchaudio cannot be loaded (libcudart.so.13: no such")
    assert said.count("\n") == 1
