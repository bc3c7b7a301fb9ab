"""Rules that keep some tokens of a corpus and drop others; each counts what it drops."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from groundscope.corpora.audio import inspect
from groundscope.corpora.tokens import Corpus, Token
from groundscope.corpora.transcription import transcribe
from groundscope.corpora.words import read_words
from groundscope.errors import UserError
from groundscope.lexicon.norms import read_norms
from groundscope.lexicon.pronunciations import read_pronunciations
from groundscope.lexicon.wordnet import open_wordnet
from groundscope.spelling import WordTable

Keep = Callable[[Sequence[Token]], Sequence[Token]]


def add_norms(corpus: Corpus, norms: Sequence[Mapping[str, Any]]) -> Corpus:
    """Add columns of ratings or counts, joined by word; how many tokens have one is counted.

    Raises
    ------
    UserError
        No word of the corpus has one, or the corpus has a column of that name.
    """
    for options in norms:
        there = {name for token in corpus.tokens for name in token.metadata}
        if twice := there & set(options["columns"]):
            message = (
                f"norms: the corpus has a column {min(twice)!r} already, beside that of "
                f"{options['file']}; expected another name in `columns`"
            )
            raise UserError(message)
        values = read_norms(options)
        tokens = []
        for token in corpus.tokens:
            own = values.get(token.word) or {}
            columns = {name: own.get(name) for name in options["columns"]}
            tokens.append(replace(token, metadata={**token.metadata, **columns}))
        corpus = Corpus(tokens, corpus.steps)
        for name in options["columns"]:
            rated = [token for token in tokens if token.metadata[name] is not None]
            if tokens and not rated:
                message = (
                    f"norms: no word of the corpus has {name!r} in {options['file']} (its words "
                    f"are in column {options['word']!r}); the corpus has {_examples(corpus)}"
                )
                raise UserError(message)
            counted = corpus.keep(f"has {name} (all are kept)", str(options["file"]), rated)
            corpus = Corpus(tokens, counted.steps)
    return corpus


def add_phones(corpus: Corpus, options: Mapping[str, Any]) -> Corpus:
    """Give tokens without phones the dictionary's, and apply the policy for missing ones.

    A token has one pronunciation: its own, or the first of its word.
    """
    spoken = ((token.word, token.phones) for token in corpus.tokens)
    words = {token.word for token in corpus.tokens}
    found = read_pronunciations(options, words, spoken, transcribe).variants
    kept = [
        token if token.phones else replace(token, phones=" ".join(found[token.word][0]))
        for token in corpus.tokens
        if token.word in found
    ]
    return corpus.keep("has a pronunciation", str(options["source"]), kept)


def apply_filters(corpus: Corpus, options: Mapping[str, Any]) -> Corpus:
    """Apply all rules that `options` name, in the order of this list.

    Parameters
    ----------
    corpus
        Tokens so far.
    options
        ``speakers``: the only ones kept; ``min_duration_s``; ``max_recording_s``: of
        the recording, which a model with a window takes as a whole; ``words``: word lists, as
        `read_words` takes them, each of which must contain the word; ``has_synonym``: a WordNet
        folder or Open Multilingual Wordnet table in which the word has one; ``bands``: of metadata
        numbers, ``column`` with ``min`` and ``max`` (tokens without the number are dropped);
        ``min_tokens`` of a word; ``max_tokens`` of a word, drawn with ``seed``; ``sample``: number
        of tokens drawn with ``seed`` (all if there are fewer).

    Raises
    ------
    UserError
        A rule names a column or speaker that does not exist, or lists no word of the corpus.
    """
    seed = int(options.get("seed", 0))
    for rule, detail, keep in _rules(corpus, options, seed):
        corpus = corpus.keep(rule, detail, keep(corpus.tokens))
    return corpus


def _rules(corpus: Corpus, options: Mapping[str, Any], seed: int) -> list[tuple[str, str, Keep]]:
    rules: list[tuple[str, str, Keep]] = []
    if speakers := options.get("speakers"):
        _require_speakers(corpus.tokens, speakers)
        rules.append(("speakers", ", ".join(speakers), _where(lambda t: t.speaker in speakers)))
    if (shortest := options.get("min_duration_s")) is not None:
        rules.append(("min_duration_s", str(shortest), _where(lambda t: _long(t, shortest))))
    if (longest := options.get("max_recording_s")) is not None:
        keep = partial(_in_recordings_up_to, longest)
        rules.append(("max_recording_s", str(longest), keep))
    for source in options.get("words", ()):
        words = read_words(source)
        listed = WordTable((word, True) for word in words)
        name = source["file"] if isinstance(source, Mapping) else f"{len(words)} words"
        if not any(listed.get(token.word) for token in corpus.tokens):
            message = (
                f"filters.words: {name} has no word of the corpus (which has {_examples(corpus)})"
            )
            raise UserError(message)
        rules.append(("words", str(name), _where(_in(listed))))
    if folder := options.get("has_synonym"):
        wordnet = open_wordnet(Path(folder))
        known = {t.word for t in corpus.tokens if wordnet.synonyms(t.word)}
        rules.append(("has_synonym", str(folder), _where(lambda t: t.word in known)))
    for band in options.get("bands", ()):
        rules.append(_band(corpus.tokens, band))
    if (fewest := options.get("min_tokens")) is not None:
        rules.append(("min_tokens", str(fewest), lambda tokens: _frequent(tokens, fewest)))
    if (most := options.get("max_tokens")) is not None:
        detail = f"{most}, seed {seed}"
        rules.append(("max_tokens", detail, lambda tokens: _capped(tokens, most, seed)))
    if (size := options.get("sample")) is not None:
        detail = f"{size}, seed {seed}"
        rules.append(("sample", detail, lambda tokens: _sampled(tokens, size, seed)))
    return rules


def _examples(corpus: Corpus) -> str:
    words = list(dict.fromkeys(token.word for token in corpus.tokens))
    return ", ".join(words[:5]) + (", ..." if len(words) > 5 else "")


def _where(holds: Callable[[Token], bool]) -> Keep:
    return lambda tokens: [token for token in tokens if holds(token)]


def _in(words: WordTable[bool]) -> Callable[[Token], bool]:
    return lambda token: bool(words.get(token.word))


def _require_speakers(tokens: Sequence[Token], speakers: Sequence[str]) -> None:
    there = {token.speaker for token in tokens}
    for speaker in speakers:
        if speaker not in there:
            names = sorted(str(name) for name in there)
            message = (
                f"filters.speakers: {speaker!r} does not speak in the corpus; "
                f"{len(names)} speakers do: {', '.join(names[:20])}"
            )
            raise UserError(message)


def _recording(token: Token, rule: str) -> Path:
    if token.audio is None:
        message = f"filters.{rule}: token {token.token_id!r} has no recording"
        raise UserError(message)
    return Path(token.audio)


def _in_recordings_up_to(longest: float, tokens: Sequence[Token]) -> Sequence[Token]:
    paths = [_recording(token, "max_recording_s") for token in tokens]
    seconds = {path: inspect(path).seconds for path in dict.fromkeys(paths)}
    return [token for token, path in zip(tokens, paths, strict=True) if seconds[path] <= longest]


def _long(token: Token, shortest: float) -> bool:
    path = _recording(token, "min_duration_s")
    if token.start_s is None or token.end_s is None:
        return inspect(path).seconds >= shortest
    return token.end_s - token.start_s >= shortest


def _band(tokens: Sequence[Token], band: Mapping[str, Any]) -> tuple[str, str, Keep]:
    column = band["column"]
    low, high = band.get("min", -np.inf), band.get("max", np.inf)
    names = {name for token in tokens for name in token.metadata}
    if column not in names:
        message = f"filters.bands: no column {column!r}; there are {', '.join(sorted(names))}"
        raise UserError(message)

    def inside(token: Token) -> bool:
        value = token.metadata.get(column)
        if isinstance(value, str):
            message = f"filters.bands: column {column!r} holds text ({value!r}), not numbers"
            raise UserError(message)
        return value is not None and bool(low <= value <= high)

    return "band", f"{column} from {low} to {high}", _where(inside)


def _frequent(tokens: Sequence[Token], fewest: int) -> Sequence[Token]:
    counts = Counter(token.word for token in tokens)
    return [token for token in tokens if counts[token.word] >= fewest]


def _capped(tokens: Sequence[Token], most: int, seed: int) -> Sequence[Token]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, token in enumerate(tokens):
        places[token.word].append(place)
    random = np.random.default_rng(seed)
    chosen: set[int] = set()
    for word in sorted(places):
        every = places[word]
        chosen.update(
            every if len(every) <= most else random.choice(every, most, replace=False).tolist()
        )
    return [token for place, token in enumerate(tokens) if place in chosen]


def _sampled(tokens: Sequence[Token], size: int, seed: int) -> Sequence[Token]:
    if size >= len(tokens):
        return tokens
    random = np.random.default_rng(seed)
    return [tokens[place] for place in sorted(random.choice(len(tokens), size, replace=False))]
