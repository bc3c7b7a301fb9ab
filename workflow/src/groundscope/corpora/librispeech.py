"""LibriSpeech with forced alignments (Lugosch et al., Zenodo 2619474, or MFA's own output)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundscope.corpora.aligned import (
    Tiers,
    Utterance,
    find_files,
    pair,
    read_tokens,
    require_folder,
)
from groundscope.corpora.tokens import Corpus, Step
from groundscope.errors import UserError
from groundscope.listing import files_with_suffix, textgrids
from groundscope.records import read_lines

_SPEAKER_FIELDS = ("id", "sex", "subset", "minutes", "name")


def load(options: Mapping[str, Any], *, workers: int = 1) -> Corpus:
    """Read LibriSpeech.

    Parameters
    ----------
    options
        ``folder``: what holds ``SPEAKERS.TXT`` and the splits
        (``{split}/{reader}/{chapter}/{utterance}.flac``, ``{reader}-{chapter}.trans.txt``);
        ``splits``; ``alignments``: a folder of ``{utterance}.TextGrid``, however deep.
    workers
        Threads that decode audio.

    Raises
    ------
    UserError
        A folder is missing, an utterance has no transcript, or as in `read_tokens`.
    """
    root, grids = Path(options["folder"]), Path(options["alignments"])
    splits: Sequence[str] = options["splits"]
    audio = [file for split in splits for file in find_files(root / split, [".flac", ".wav"])]
    require_folder(grids)
    pairs = pair(audio, textgrids(options), lambda path: path.stem, str(root))
    speakers = _speakers(root / "SPEAKERS.TXT")
    split_of = {path.stem: path.relative_to(root).parts[0] for path in audio}
    transcripts = _transcripts([root / split for split in splits])

    def describe(key: str) -> Utterance:
        reader = key.split("-")[0]
        if key not in transcripts:
            message = f"{pairs.files[key][0]}: no .trans.txt beside it names {key!r}"
            raise UserError(message)
        sex, name = speakers.get(reader, (None, None))
        return Utterance(
            reader, transcripts[key], {"split": split_of[key], "sex": sex, "reader": name}
        )

    corpus = read_tokens(pairs, describe, Tiers(), workers=workers)
    readers = {token.speaker for token in corpus.tokens}
    unknown = sorted(str(reader) for reader in readers - speakers.keys())
    listed = "; ".join(unknown) or "none"
    step = Step(
        "speaker not in SPEAKERS.TXT (kept)", listed, "speakers", len(readers), len(readers)
    )
    return Corpus(corpus.tokens, [*corpus.steps, step])


def _transcripts(folders: Sequence[Path]) -> dict[str, list[str]]:
    found = {}
    for folder in folders:
        for file in files_with_suffix(folder, [".txt"]):
            if not file.name.endswith(".trans.txt"):
                continue
            for line in read_lines(file):
                # published in capitals, which a cased text model would read as abbreviations
                key, *words = line.lower().split()
                found[key] = words
    return found


def _speakers(file: Path) -> dict[str, tuple[str, str]]:
    if not file.is_file():
        message = f"{file} does not exist: it comes with every LibriSpeech archive"
        raise UserError(message)
    found = {}
    for number, line in enumerate(read_lines(file), start=1):
        if line.startswith(";") or not line.strip():
            continue
        # names of readers may hold the separator
        fields = [field.strip() for field in line.split("|", len(_SPEAKER_FIELDS) - 1)]
        if len(fields) != len(_SPEAKER_FIELDS):
            message = f"{file}, line {number}: expected {' | '.join(_SPEAKER_FIELDS)}"
            raise UserError(message)
        found[fields[0]] = (fields[1], fields[4])
    return found
