"""Corpora that espeak-ng speaks: words (alone or in templates) by voices.

Synthetic speech carries no claim about meaning; it serves plumbing, phonetics, speakers, timing.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import soundfile
import soxr

from groundscope.corpora.espeak import RATE, Espeak, Utterance
from groundscope.corpora.tokens import Corpus, Token, require_unique
from groundscope.corpora.word_list import DEFAULT_TEMPLATES
from groundscope.corpora.words import contexts, read_words
from groundscope.errors import UserError

SPEECH_RATE = 16_000  # samples a second: what every speech encoder takes


def load(options: Mapping[str, Any], *, audio: Path) -> Corpus:
    """Speak every word with every voice.

    Parameters
    ----------
    options
        ``words`` and optionally ``templates``, as in `word_list`; ``voices``: espeak-ng names
        such as ``en-us`` or ``en-gb+f2``, each a speaker.
    audio
        Folder for the recordings, one 16-bit file (16 kHz) an utterance; replaced as a whole.

    Raises
    ------
    UserError
        espeak-ng is not installed, or a voice is unknown.
    """
    espeak = Espeak()
    placed = contexts(read_words(options["words"]), options.get("templates") or DEFAULT_TEMPLATES)
    voices = {voice: espeak.require_voice(voice) for voice in options["voices"]}
    audio.parent.mkdir(parents=True, exist_ok=True)
    tokens = []
    with tempfile.TemporaryDirectory(prefix=f".{audio.name}.", dir=audio.parent) as beside:
        whole = Path(beside) / audio.name
        for voice, name in voices.items():
            for word, text, start in placed:
                utterance = espeak.speak(text, name)
                relative = Path(voice) / f"{_file_name(text)}.wav"
                _write(whole / relative, utterance)
                span = (start, start + len(word))
                tokens.append(_token(voice, word, text, span, audio / relative, utterance))
        require_unique(tokens, "templates")
        shutil.rmtree(audio, ignore_errors=True)
        whole.replace(audio)
    return Corpus(tokens)


def _file_name(text: str) -> str:
    name = quote(text, safe="").replace(".", "%2E").replace("%20", "_")
    # what a file system may not hold is named by its content
    return name if len(name) <= 200 else hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, utterance: Utterance) -> None:
    samples = np.frombuffer(utterance.samples, dtype="<i2").astype(np.float64) / 32768
    resampled = soxr.resample(samples, RATE, SPEECH_RATE)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(resampled, -1, 1), SPEECH_RATE, subtype="PCM_16")


def _token(
    voice: str,
    word: str,
    text: str,
    span: tuple[int, int],
    path: Path,
    utterance: Utterance,
) -> Token:
    """Find times and phones of the word; espeak-ng may speak one word of the text as several."""
    inside = [
        spoken
        for spoken in utterance.words
        if spoken.char_start < span[1] and spoken.char_end > span[0]
    ]
    if not inside:
        message = f"espeak-ng voice {voice!r} does not speak {word!r} in {text!r}"
        raise UserError(message)
    return Token(
        token_id=f"{voice}/{text}" if text == word else f"{voice}/{word}/{text}",
        word=word,
        text=text,
        char_start=span[0],
        char_end=span[1],
        speaker=voice,
        audio=str(path),
        start_s=inside[0].start / RATE,
        end_s=inside[-1].end / RATE,
        phones=" ".join(phone for spoken in inside for phone in spoken.phones),
        metadata={"sex": _sex(voice)},
    )


def _sex(voice: str) -> str | None:
    """Sex of a voice by its variant, as LibriSpeech writes it; espeak-ng's plain voices are male.

    Variants that are named after a person or a manner of speaking have none.
    """
    variant = voice.partition("+")[2]
    if not variant:
        return "M"
    return {"m": "M", "f": "F"}.get(variant[0]) if variant[1:].isdecimal() else None
