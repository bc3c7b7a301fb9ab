"""Speech of espeak-ng, through the C library of the `espeakng-loader` package.

The same text and voice give the same bytes, whatever was spoken before: the synthesizer keeps
noise, flutter and phase between utterances and offers no way to reset them, so every utterance
gets the library freshly loaded (about 3 ms).
"""

import ctypes
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.spelling import composed

RATE = 22_050  # samples a second

# speak_lib.h of espeak-ng 1.52
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DO_NOT_EXIT = 0x1, 0x2, 0x8000
_EVENT_LAST, _EVENT_WORD, _EVENT_END, _EVENT_PHONEME = 0, 1, 5, 7
_UTF8 = 1


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word of an utterance.

    Attributes
    ----------
    char_start, char_end
        Its span in the text.
    start, end
        Its span in the samples: from the onset of its first phoneme to the end of its last.
    phones
        IPA, with stress marks.
    """

    char_start: int
    char_end: int
    start: int
    end: int
    phones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Utterance:
    """Samples (16-bit little endian, `RATE`) and the words in them."""

    samples: bytes
    words: tuple[SpokenWord, ...]


class SaysNothingError(UserError):
    """A text has no sound, such as punctuation alone."""


class Espeak:
    """The synthesizer.

    Raises
    ------
    UserError
        The package is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("espeakng_loader") is None:
            message = (
                "synthesized speech and phones of espeak-ng need the package espeakng-loader, "
                "which is not installed: pip install espeakng-loader"
            )
            raise UserError(message)
        import espeakng_loader

        self._library = str(espeakng_loader.get_library_path())
        self._data = Path(espeakng_loader.get_data_path())
        self._c = ctypes.CDLL(None)
        self._c.dlclose.argtypes = [ctypes.c_void_p]

    @cached_property
    def languages(self) -> dict[str, str]:
        """Language code, such as ``en-gb``, -> the voice that espeak-ng prefers for it."""
        found: dict[str, tuple[int, str]] = {}
        with self._loaded(_Callback(lambda *_: 0)) as library:
            library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
            voices = library.espeak_ListVoices(None)
            position = 0
            while voices[position]:
                voice = voices[position][0]
                for priority, code in _languages(voice.languages):
                    entry = (priority, voice.identifier.decode())
                    found[code] = min(found.get(code, entry), entry)
                position += 1
        return {code: identifier for code, (_, identifier) in sorted(found.items())}

    @cached_property
    def variants(self) -> frozenset[str]:
        """What may follow the plus sign of a voice name."""
        return frozenset(path.name for path in (self._data / "voices" / "!v").iterdir())

    def require_voice(self, voice: str) -> str:
        """Return the library's name for ``LANGUAGE`` or ``LANGUAGE+VARIANT``.

        The library itself keeps the last voice for an unknown language and ignores an unknown
        variant, so both are looked up first.

        Raises
        ------
        UserError
            There is no such language or variant; those that exist are named.
        """
        language, plus, variant = voice.partition("+")
        if language not in self.languages:
            message = (
                f"unknown espeak-ng voice {voice!r}: languages are {', '.join(self.languages)}"
            )
            raise UserError(message)
        if plus and variant not in self.variants:
            message = f"unknown espeak-ng voice {voice!r}: variants are {_listed(self.variants)}"
            raise UserError(message)
        return self.languages[language] + plus + variant

    def speak(self, text: str, voice: str) -> Utterance:
        """Speak `text`; `voice` is a name that `require_voice` returned.

        Notes
        -----
        The library drops accents that are characters of their own, so that it is given composed
        letters; spans are those of `text` as it was given.

        Raises
        ------
        UserError
            The library refuses the voice, or no sound comes out.
        """
        chunks: list[bytes] = []
        events: list[tuple[int, int, int, int, str]] = []

        def collect(samples: Any, count: int, event: Any) -> int:
            if samples and count:
                chunks.append(ctypes.string_at(samples, 2 * count))
            position = 0
            while event[position].type != _EVENT_LAST:
                one = event[position]
                # at most 8 bytes are handed over, so that a long name can end inside a character
                name = one.id.string.decode(errors="ignore")
                phone = name if one.type == _EVENT_PHONEME else ""
                events.append((one.type, one.text_position, one.length, one.sample, phone))
                position += 1
            return 0

        encoded = composed(text).encode()
        with self._loaded(_Callback(collect)) as library:
            if library.espeak_SetVoiceByName(voice.encode()) != 0:
                message = f"espeak-ng refuses the voice {voice!r}"
                raise UserError(message)
            library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # otherwise it is the time
            library.espeak_Synth(
                encoded, ctypes.c_size_t(len(encoded) + 1), 0, 1, 0, _UTF8, None, None
            )
            library.espeak_Synchronize()
        words = _placed(_words(events), text)
        if not words or not chunks:
            message = f"espeak-ng says nothing for {text!r} with voice {voice!r}"
            raise SaysNothingError(message)
        return Utterance(b"".join(chunks), words)

    @contextmanager
    def _loaded(self, callback: Callable[..., int]) -> Iterator[ctypes.CDLL]:
        library = ctypes.CDLL(self._library)
        try:
            flags = _PHONEME_EVENTS | _PHONEME_IPA | _DO_NOT_EXIT
            rate = library.espeak_Initialize(_SYNCHRONOUS, 0, str(self._data).encode(), flags)
            if rate != RATE:
                message = f"espeak-ng does not start (sample rate {rate}, expected {RATE})"
                raise UserError(message)
            library.espeak_SetSynthCallback(callback)
            yield library
        finally:
            library.espeak_Terminate()
            self._c.dlclose(library._handle)


def _placed(spoken: Iterable[SpokenWord], text: str) -> tuple[SpokenWord, ...]:
    """Give words, whose spans are in the composed text, their spans in `text`.

    The name of a sign can have several words, such as those of an emoji; the library puts the
    further ones behind the sign, on a blank or outside the text.
    """
    whole, place = composed(text), _places(text)
    words: list[SpokenWord] = []
    for word in spoken:
        if words and not whole[word.char_start : word.char_end].strip():
            start, end = words[-1].char_start, words[-1].char_end
        else:
            start, end = place[word.char_start], place[word.char_end]
        words.append(replace(word, char_start=start, char_end=end))
    return tuple(words)


def _places(text: str) -> list[int]:
    """For each end of a character of the composed text, the same place in `text`."""
    whole = composed(text)
    places = [0] * (len(whole) + 1)
    for place in range(len(text) + 1):
        before = composed(text[:place])
        # not between a letter and its accent
        if before + composed(text[place:]) == whole:
            places[len(before)] = place
    return places


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _languages(pointer: Any) -> Iterator[tuple[int, str]]:
    """Read espeak-ng's list: a priority byte and a name ending in NUL, again and again."""
    position = 0
    while (priority := pointer[position]) != b"\0":
        position += 1
        name = b""
        while pointer[position] != b"\0":
            name += pointer[position]
            position += 1
        position += 1
        yield priority[0], name.decode()


def _words(events: list[tuple[int, int, int, int, str]]) -> Iterator[SpokenWord]:
    """Group phonemes under the word event before them.

    A phoneme ends where the next one begins; pauses are phonemes without a name.
    """
    words: list[tuple[int, int, list[tuple[str, int, int]]]] = []
    timed = [event for event in events if event[0] in (_EVENT_WORD, _EVENT_END, _EVENT_PHONEME)]
    for index, (kind, position, length, sample, phone) in enumerate(timed):
        if kind == _EVENT_WORD:
            words.append((position - 1, position - 1 + length, []))
        elif kind == _EVENT_PHONEME and phone and words:
            end = next(
                later[3] for later in timed[index + 1 :] if later[0] in (_EVENT_PHONEME, _EVENT_END)
            )
            words[-1][2].append((phone, sample, end))
    for char_start, char_end, phones in words:
        if phones:
            names = tuple(name for name, _, _ in phones)
            yield SpokenWord(char_start, char_end, phones[0][1], phones[-1][2], names)
