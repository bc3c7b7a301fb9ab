"""Utterances to tokens: spelled, cut into windows, aligned, timed; what was left out is counted."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from groundscope.alignment.path import Scores, Spans, align, with_wildcard
from groundscope.alignment.recording import (
    SAMPLE_RATE,
    Excerpt,
    Level,
    Window,
    cut,
    measure,
    plan_windows,
)
from groundscope.alignment.transcripts import Labels, Word, spell, split_words
from groundscope.alignment.vocabulary import Vocabulary
from groundscope.corpora.tokens import Step, Token, count_types
from groundscope.corpora.transcripts import Utterance
from groundscope.errors import UserError

if TYPE_CHECKING:
    from groundscope.encoders.ctc import CtcModel

_LISTED = 20


@dataclass(frozen=True)
class Spelled:
    """An utterance whose words are known, and the labels that they are to be found by.

    Attributes
    ----------
    utterance
        Which.
    words
        Of its transcript.
    types
        The word type of each.
    signs
        Pieces of the transcript without a letter or digit.
    labels
        Of all words.
    """

    utterance: Utterance
    words: Sequence[Word]
    types: Sequence[str]
    signs: int
    labels: Labels


def spell_all(
    utterances: Sequence[Utterance],
    vocabulary: Vocabulary,
    wildcard: int,
    options: Mapping[str, Any],
) -> list[Spelled]:
    """Spell every transcript, before any audio is looked at.

    Parameters
    ----------
    utterances
        All of the corpus.
    vocabulary
        Of the model.
    wildcard
        Column of words that cannot be spelled.
    options
        ``case``: ``lower`` or ``keep`` (of word types); ``unspelled``: ``refuse`` or ``wildcard``.

    Raises
    ------
    UserError
        A transcript without words, or a word that cannot be spelled.
    """
    made = []
    for utterance in utterances:
        words, signs = split_words(utterance.text)
        if not words:
            message = f"{utterance.where}: no letter or digit in the transcript {utterance.text!r}"
            raise UserError(message)
        labels = spell([word.text for word in words], vocabulary, wildcard)
        types = [word.text.lower() if options["case"] == "lower" else word.text for word in words]
        made.append(Spelled(utterance, words, types, signs, labels))
    lacking = [(each, each.words[number].text) for each in made for number in each.labels.unspelled]
    if lacking and options["unspelled"] == "refuse":
        first, word = lacking[0]
        message = (
            f"{first.utterance.where}: no character of {word!r} is in the model's vocabulary "
            f"({len(lacking)} such words in the corpus): write them in its letters, or set "
            "align.unspelled: wildcard"
        )
        raise UserError(message)
    return made


def align_utterance(
    spelled: Spelled, model: "CtcModel", vocabulary: Vocabulary, window_s: float
) -> list[Token]:
    """Make a token of each word that could be spelled.

    Parameters
    ----------
    spelled
        The utterance.
    model
        Gives the log probabilities.
    vocabulary
        Its labels.
    window_s
        Longest piece of audio that is looked at together.

    Raises
    ------
    UserError
        The audio is too short for the transcript.
    """
    utterance = spelled.utterance
    excerpt = Excerpt(utterance.audio, utterance.start_s, utterance.end_s)
    level = measure(excerpt, model.variance_floor)
    frames = model.frames(level.samples)
    window = max(round(window_s * SAMPLE_RATE / model.stride), 6)
    windows = plan_windows(frames, window)
    scores = _scores(excerpt, level, windows, model)
    if spelled.labels.unspelled:
        scores = (with_wildcard(block, vocabulary.blank) for block in scores)
    try:
        spans = align(scores, frames, spelled.labels.columns, blank=vocabulary.blank, window=window)
    except UserError as error:
        message = f"{utterance.where}: the transcript is too long for its audio: {error}"
        raise UserError(message) from error
    return _tokens(spelled, spans, model, level.samples / SAMPLE_RATE)


def _scores(
    excerpt: Excerpt, level: Level, windows: Sequence[Window], model: "CtcModel"
) -> Iterator[Scores]:
    pieces = cut(excerpt, windows, stride=model.stride, receptive_field=model.receptive_field)
    for window, samples in zip(windows, pieces, strict=True):
        if model.normalizes:
            samples = ((samples - level.mean) / level.deviation).astype(np.float32)
        scores = model.log_probabilities(samples)
        yield scores[window.keep - window.first : window.keep_end - window.first]


def _tokens(spelled: Spelled, spans: Spans, model: "CtcModel", seconds: float) -> list[Token]:
    """Time words: a frame stands for one stride round the middle of what it is computed from."""
    utterance, labels = spelled.utterance, spelled.labels
    margin = (model.receptive_field - model.stride) / 2
    begin = utterance.start_s or 0.0
    tokens = []
    for number, (word, kind) in enumerate(zip(spelled.words, spelled.types, strict=True)):
        if number in labels.unspelled:
            continue
        own = np.flatnonzero(labels.words == number)
        first, end = int(spans.first[own[0]]), int(spans.end[own[-1]])
        frames = int((spans.end[own] - spans.first[own]).sum())
        tokens.append(
            Token(
                token_id=f"{utterance.name}/{number}",
                word=kind,
                text=utterance.text,
                char_start=word.char_start,
                char_end=word.char_end,
                speaker=utterance.speaker,
                audio=str(utterance.audio),
                start_s=begin + (first * model.stride + margin) / SAMPLE_RATE,
                end_s=begin + min((end * model.stride + margin) / SAMPLE_RATE, seconds),
                metadata={
                    "utterance": utterance.name,
                    "confidence": math.exp(spans.scores[own].sum() / frames),
                    **utterance.metadata,
                },
            )
        )
    return tokens


def steps(spelled: Sequence[Spelled], tokens: Sequence[Token]) -> list[Step]:
    """Count what transcripts held that no token stands for."""
    words = sum(len(each.words) for each in spelled)
    signs = sum(each.signs for each in spelled)
    characters = sum(each.labels.characters for each in spelled)
    left_out = sum((each.labels.left_out for each in spelled), Counter[str]())
    kinds = len({kind for each in spelled for kind in each.types})
    unspelled = sorted(
        {each.words[number].text for each in spelled for number in each.labels.unspelled}
    )
    found = [f"{character!r} {count}" for character, count in left_out.most_common(_LISTED)]
    return [
        Step("pieces without letter or digit", "left out", "tokens", words + signs, words,
             kinds, kinds),
        Step("characters that the vocabulary lacks", _listed(found, len(left_out)), "characters",
             characters, characters - left_out.total()),
        Step("words that the vocabulary cannot spell",
             _listed(unspelled[:_LISTED], len(unspelled)), "tokens", words, len(tokens), kinds,
             count_types(tokens)),
    ]  # fmt: skip


def _listed(names: Sequence[str], total: int) -> str:
    return "; ".join(names) + ("; ..." if total > len(names) else "") if names else "none"
