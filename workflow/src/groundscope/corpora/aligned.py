"""Recordings and their alignments: which belong together, and the tokens that they give."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from groundscope.corpora.audio import Recording, has_samples, inspect_all
from groundscope.corpora.textgrids import Interval, TextGrid
from groundscope.corpora.tokens import Corpus, Step, Token
from groundscope.errors import UserError
from groundscope.listing import files_with_suffix
from groundscope.spelling import same_word

AUDIO = frozenset({".wav", ".flac", ".ogg", ".mp3"})
SILENCES = frozenset({"sil", "sp", "<eps>"})
UNKNOWN = frozenset({"<unk>", "spn"})  # a word that the aligner does not know, and its noise
_SLACK_S = 0.02  # aligners end the last word up to one or two frames behind the audio


@dataclass(frozen=True, slots=True)
class Tiers:
    """Where words and phones are; `phones` None if there are none."""

    words: str = "words"
    phones: str | None = "phones"
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Recordings with their alignments by key, and what was left over."""

    files: Mapping[str, tuple[Path, Path]]
    steps: Sequence[Step]


def require_folder(folder: Path) -> None:
    """Refuse a folder that is not there.

    Raises
    ------
    UserError
        There is no such folder.
    """
    if not folder.is_dir():
        message = f"{folder} does not exist or is no folder"
        raise UserError(message)


def find_files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """Find files below a folder by suffix (in any case), sorted.

    Raises
    ------
    UserError
        There is no such folder.
    """
    require_folder(folder)
    return files_with_suffix(folder, suffixes)


def pair(
    audio: Sequence[Path], alignments: Sequence[Path], key: Callable[[Path], str], where: str
) -> Pairs:
    """Join recordings and alignments by key; what has no counterpart is listed and counted.

    Raises
    ------
    UserError
        Two files have one key, or nothing is left.
    """
    left, right = by_key(audio, key), by_key(alignments, key)
    both = {name: (left[name], right[name]) for name in left if name in right}
    steps = [
        Step(
            rule=rule,
            detail="; ".join(sorted(names - both.keys())) or "none",
            unit="files",
            before=len(names),
            after=len(both),
        )
        for rule, names in (
            ("recordings without alignment", left.keys()),
            ("alignments without recording", right.keys()),
        )
    ]
    if not both:
        example = f"{next(iter(left), 'none')} and {next(iter(right), 'none')}"
        message = (
            f"{where}: none of {len(left)} recordings and {len(right)} TextGrids belong together "
            f"(the first are called {example})"
        )
        raise UserError(message)
    return Pairs(both, steps)


def by_key(paths: Sequence[Path], key: Callable[[Path], str]) -> dict[str, Path]:
    """Return the paths by key.

    Raises
    ------
    UserError
        Two of them have one key.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = key(path)
        if name in found:
            message = f"{path} and {found[name]} are both called {name!r}"
            raise UserError(message)
        found[name] = path
    return found


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is known of an utterance besides its files.

    Attributes
    ----------
    speaker
        Who speaks.
    transcript
        Words that the alignment should have, as they are to be spelled; or None.
    metadata
        Columns for each of its tokens.
    """

    speaker: str | None
    transcript: Sequence[str] | None
    metadata: Mapping[str, str | float | None]


def read_tokens(
    pairs: Pairs, describe: Callable[[str], Utterance], tiers: Tiers, *, workers: int
) -> Corpus:
    """Make one token of every aligned word.

    Parameters
    ----------
    pairs
        Recordings and TextGrids.
    describe
        What is known of the utterance with a key.
    tiers
        Names of the tiers.
    workers
        Threads that decode audio.

    Notes
    -----
    The context is the words joined by blanks, so that the span of a word is known by
    construction. A transcript spells the words if it agrees with every one that the aligner knew,
    and so names those that it did not know. Otherwise the words are the aligner's, and the
    utterance is listed in the report. Silences are no words and no phones; a word with a phone
    that the aligner did not know (``spn``) has no pronunciation.
    """
    files = {audio: f"recording of {grid}" for audio, grid in pairs.files.values()}
    recordings = inspect_all(files, workers=workers)
    tokens: list[Token] = []
    differing: list[str] = []
    clipped = unknown = brief = 0
    for key, (audio, grid_path) in pairs.files.items():
        grid = TextGrid(grid_path, tiers.encoding)
        words = [word for word in grid.intervals(tiers.words) if not _is_in(SILENCES, word.label)]
        phones = grid.intervals(tiers.phones) if tiers.phones else []
        utterance = describe(key)
        spelled: Sequence[str] = [word.label for word in words]
        if utterance.transcript is not None:
            if _agree(spelled, utterance.transcript):
                spelled = utterance.transcript
            else:
                differing.append(key)
        made = _utterance_tokens(key, audio, words, spelled, phones, utterance)
        for token, word in zip(made, words, strict=True):
            fitted = _fitted(token, recordings[audio], grid_path)
            clipped += fitted is not token
            if _is_in(UNKNOWN, fitted.word):
                unknown += 1
            elif not has_samples(recordings[audio], word.start_s, word.end_s):
                brief += 1
            else:
                tokens.append(fitted)
    steps = [*pairs.steps]
    total = len(tokens) + unknown + brief
    listed = "; ".join(differing) or "none"
    steps += [
        Step("transcript differs from alignment", listed, "utterances", len(pairs.files),
             len(pairs.files) - len(differing)),
        Step("word ends behind the audio", f"shortened, by up to {_SLACK_S} s", "tokens", total,
             total - clipped),
        Step("word unknown to the aligner", ", ".join(sorted(UNKNOWN)), "tokens", total,
             total - unknown),
        Step("word shorter than a sample", "at 16 kHz", "tokens", total - unknown, len(tokens)),
    ]  # fmt: skip
    return Corpus(tokens, steps)


def _agree(labels: Sequence[str], transcript: Sequence[str]) -> bool:
    """Tell whether a transcript has the words of an alignment, whatever those unknown to it are."""
    return len(labels) == len(transcript) and all(
        _is_in(UNKNOWN, label) or same_word(label, word)
        for label, word in zip(labels, transcript, strict=True)
    )


def _fitted(token: Token, recording: Recording, grid: Path) -> Token:
    if token.end_s is None or token.end_s <= recording.seconds:
        return token
    if token.end_s > recording.seconds + _SLACK_S or float(token.start_s or 0) >= recording.seconds:
        message = (
            f"{grid}: {token.word!r} ends at {token.end_s} s, after its audio {token.audio} "
            f"({recording.seconds:.4f} s)"
        )
        raise UserError(message)
    return replace(token, end_s=recording.seconds)


def _utterance_tokens(
    key: str,
    audio: Path,
    words: Sequence[Interval],
    spelled: Sequence[str],
    phones: Sequence[Interval],
    utterance: Utterance,
) -> list[Token]:
    text = " ".join(spelled)
    tokens = []
    position = first = 0
    for number, (interval, word) in enumerate(zip(words, spelled, strict=True)):
        inside = []
        while first < len(phones) and _middle(phones[first]) < interval.end_s:
            if _middle(phones[first]) >= interval.start_s:
                inside.append(phones[first].label)
            first += 1
        tokens.append(
            Token(
                token_id=f"{key}/{number}",
                word=word,
                text=text,
                char_start=position,
                char_end=position + len(word),
                speaker=utterance.speaker,
                audio=str(audio),
                start_s=interval.start_s,
                end_s=interval.end_s,
                phones=_pronunciation(inside),
                metadata={"utterance": key, **utterance.metadata},
            )
        )
        position += len(word) + 1
    return tokens


def _pronunciation(labels: Sequence[str]) -> str | None:
    """Join the phones of a word; None where the aligner found noise instead of phones."""
    if any(_is_in(UNKNOWN, label) for label in labels):
        return None
    return " ".join(label for label in labels if not _is_in(SILENCES, label)) or None


def _is_in(labels: frozenset[str], label: str) -> bool:
    # some aligners write them in capitals
    return label.lower() in labels


def _middle(interval: Interval) -> float:
    return (interval.start_s + interval.end_s) / 2


def named_groups(pattern: str, key: str, where: str) -> dict[str, str]:
    """Return the named groups of a regular expression found in `key`.

    Raises
    ------
    UserError
        It is no regular expression, or does not match.
    """
    try:
        match = re.search(pattern, key)
    except re.error as error:
        message = f"{where}: {pattern!r} is no regular expression ({error})"
        raise UserError(message) from error
    if match is None:
        message = f"{where}: {pattern!r} does not match {key!r}"
        raise UserError(message)
    return {name: value for name, value in match.groupdict().items() if value is not None}
