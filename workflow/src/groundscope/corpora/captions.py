"""Spoken captions of images: a token is a whole utterance, and its word is the caption.

Flickr8k Audio (Harwath and Glass 2015) and SpokenCOCO (Hsu et al. 2021).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundscope.corpora.audio import inspect_all
from groundscope.corpora.tokens import Corpus, Step, Token, require_unique
from groundscope.errors import UserError
from groundscope.records import read_lines


@dataclass(frozen=True, slots=True)
class _Caption:
    audio: str
    speaker: str
    text: str
    image: str
    number: int


def load(options: Mapping[str, Any], *, workers: int = 1) -> Corpus:
    """Read spoken captions.

    Parameters
    ----------
    options
        ``layout``: ``flickr-audio`` (``folder`` with ``wav2capt.txt``, ``wav2spk.txt`` and
        ``wavs/``; ``captions``: ``Flickr8k.token.txt``) or ``spoken-coco`` (``folder`` with the
        recordings; ``captions``: ``SpokenCOCO_{split}.json``).
    workers
        Threads that decode audio.

    Raises
    ------
    UserError
        A list is missing or a line of it cannot be understood; no recording exists.
    """
    root = Path(options["folder"])
    read = {"flickr-audio": _flickr, "spoken-coco": _spoken_coco}[options["layout"]]
    tokens, missing = [], []
    files = {}
    for caption in read(root, Path(options["captions"])):
        path = root / caption.audio
        if not path.resolve().is_relative_to(root.resolve()):
            message = f"{options['captions']}: {caption.audio!r} leaves {root}"
            raise UserError(message)
        if not path.is_file():
            missing.append(caption.audio)
            continue
        files[path] = str(options["captions"])
        tokens.append(
            Token(
                token_id=Path(caption.audio).stem,
                word=caption.text,
                text=caption.text,
                char_start=0,
                char_end=len(caption.text),
                speaker=caption.speaker,
                audio=str(path),
                metadata={"image": caption.image, "caption": caption.number},
            )
        )
    if not tokens:
        message = (
            f"{root} has none of the {len(missing)} recordings that {options['captions']} names"
        )
        raise UserError(message)
    inspect_all(files, workers=workers)
    require_unique(tokens, str(options["captions"]))
    total = len(tokens) + len(missing)
    listed = "; ".join(missing) or "none"
    return Corpus(
        tokens, [Step("captions without recording", listed, "tokens", total, len(tokens))]
    )


def _lines(file: Path, fields: int) -> Iterator[list[str]]:
    for number, line in enumerate(read_lines(file), start=1):
        # blanks or tabs: a circulating copy of the captions has both
        values = line.split(None, fields - 1)
        if len(values) != fields:
            message = f"{file}, line {number}: expected {fields} fields, found {len(values)}"
            raise UserError(message)
        yield values


def _flickr(root: Path, captions: Path) -> Iterator[_Caption]:
    texts = {name: text.strip() for name, text in _lines(captions, 2)}
    speakers = dict(_lines(root / "wav2spk.txt", 2))
    for audio, image, number in _lines(root / "wav2capt.txt", 3):
        name = f"{image}{number}"
        if name not in texts or audio not in speakers:
            lacking = captions if name not in texts else root / "wav2spk.txt"
            message = f"{root / 'wav2capt.txt'}: {audio} is not in {lacking}"
            raise UserError(message)
        yield _Caption(f"wavs/{audio}", speakers[audio], texts[name], image, int(number[1:]))


def _spoken_coco(_: Path, captions: Path) -> Iterator[_Caption]:
    try:
        content = json.loads(captions.read_text(encoding="utf-8"))
        for entry in content["data"]:
            for number, caption in enumerate(entry["captions"]):
                yield _Caption(
                    caption["wav"],
                    caption["speaker"],
                    caption["text"].strip(),
                    entry["image"],
                    number,
                )
    except (json.JSONDecodeError, KeyError, TypeError, OSError) as error:
        message = f"{captions} is no SpokenCOCO list: data, image, captions, wav, speaker, text"
        raise UserError(message) from error
