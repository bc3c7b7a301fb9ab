"""Massive Auditory Lexical Decision (Tucker et al. 2019): isolated words of one speaker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.corpora.aligned import by_key, find_files
from groundscope.corpora.audio import inspect_all
from groundscope.corpora.tokens import Corpus, Step, Token, require_unique
from groundscope.errors import UserError
from groundscope.records import numbers_where_possible, read_records

SPEAKER = "MALD1"
_TRUTH = {"TRUE": True, "FALSE": False}


def load(options: Mapping[str, Any], *, workers: int = 1) -> Corpus:
    """Read MALD.

    Parameters
    ----------
    options
        ``items``: ``MALD1_ItemData.txt`` (tab-separated; columns Item, WAV, Pronunciation,
        IsWord, ...); ``audio_folder``: the recordings; ``pseudowords``: keep items that are no
        words, too.
    workers
        Threads that decode audio.

    Raises
    ------
    UserError
        Two recordings have one name, a row is no item, or no item has a recording.

    Notes
    -----
    The recordings are isolated words, so that tokens have no span and stand alone as text.
    """
    file, folder = Path(options["items"]), Path(options["audio_folder"])
    rows = read_records(file, ["Item", "WAV", "Pronunciation", "IsWord"])
    # recordings are named with and without suffix, in either case
    audio = by_key(find_files(folder, [".wav"]), lambda path: path.stem.lower())
    names = [name for name in rows[0] if name not in ("Item", "WAV", "Pronunciation")]
    metadata = numbers_where_possible(rows, names)
    tokens, files = [], {}
    missing, no_words = [], 0
    for number, (row, extra) in enumerate(zip(rows, metadata, strict=True), start=1):
        where = f"{file}, row {number}"
        if not row["Item"] or not row["WAV"] or str(row["IsWord"]).upper() not in _TRUTH:
            message = f"{where}: expected Item, WAV, and TRUE or FALSE as IsWord"
            raise UserError(message)
        if not _TRUTH[row["IsWord"].upper()] and not options.get("pseudowords", False):
            no_words += 1
            continue
        path = audio.get(Path(row["WAV"]).stem.lower())
        if path is None:
            missing.append(row["WAV"])
            continue
        files[path] = where
        tokens.append(_token(row, path, extra))
    words = len(rows) - no_words
    if not tokens:
        message = f"{folder} has none of the {words} recordings that {file} names"
        raise UserError(message)
    inspect_all(files, workers=workers)
    require_unique(tokens, str(file))
    used = {Path(str(token.audio)) for token in tokens}
    unused = "; ".join(sorted(path.name for path in audio.values() if path not in used)) or "none"
    steps = [
        Step("items that are no words", "IsWord is FALSE", "tokens", len(rows), words),
        Step("items without recording", "; ".join(missing) or "none", "tokens", words, len(tokens)),
        Step("recordings without item that is kept", unused, "files", len(audio), len(used)),
    ]
    return Corpus(tokens, steps)


def _token(row: Mapping[str, Any], path: Path, metadata: Mapping[str, Any]) -> Token:
    word = str(row["Item"])
    return Token(
        token_id=f"{Path(row['WAV']).stem}/{word}",
        word=word,
        text=word,
        char_start=0,
        char_end=len(word),
        speaker=SPEAKER,
        audio=str(path),
        phones=row["Pronunciation"],
        metadata=metadata,
    )
