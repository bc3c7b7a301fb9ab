"""Make a corpus: the table of word tokens, and a report of what was lost on the way."""

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from groundscope.commands import _cli
from groundscope.corpora import (
    aligned_folders,
    audio,
    captions,
    filters,
    folders,
    librispeech,
    mald,
    recordings,
    synthesized,
    transcripts,
    word_list,
)
from groundscope.corpora.tokens import Corpus, count_types, token_table
from groundscope.corpora.words import contexts
from groundscope.errors import UserError
from groundscope.spelling import composed
from groundscope.token_table import write_corpus_report, write_tokens

_RECORDED = {
    "recordings": recordings.load,
    "librispeech": librispeech.load,
    "textgrids": aligned_folders.load,
    "mald": mald.load,
    "folders": folders.load,
    "captions": captions.load,
}


def load(
    options: Mapping[str, Any], *, audio: Path, aligned: Sequence[Path], workers: int
) -> Corpus:
    """Read or make the corpus that `options`, an entry of ``corpora``, describes."""
    kind = options["kind"]
    if kind == "word-list":
        return word_list.load(options)
    if kind == "synthesized":
        return synthesized.load(options, audio=audio)
    if kind == "transcripts":
        return transcripts.load(*aligned)
    if kind not in _RECORDED:
        message = f"corpora: kind {kind!r} is unknown"
        raise UserError(message)
    corpus = _RECORDED[kind](options, workers=workers)
    template = options.get("template")
    return corpus if template is None else in_template(corpus, template)


def in_template(corpus: Corpus, template: str) -> Corpus:
    """Put the words of recordings into a text for text models; the recordings stay."""
    words: dict[str, list[str | None]] = {token.word: [] for token in corpus.tokens}
    placed = {word: (text, start) for word, text, start in contexts(words, [template])}
    tokens = []
    for token in corpus.tokens:
        text, start = placed[token.word]
        end = start + len(token.word)
        tokens.append(replace(token, text=text, char_start=start, char_end=end))
    return Corpus(tokens, corpus.steps)


def curate(corpus: Corpus, options: Mapping[str, Any], name: str) -> Corpus:
    """Join norms and pronunciations, then filter; refuse a corpus that ends up empty.

    Words are compared in one spelling; the text that they stand in stays as it is, since
    characters are counted in it.
    """
    corpus = Corpus(
        [replace(token, word=composed(token.word)) for token in corpus.tokens], corpus.steps
    )
    corpus = filters.add_norms(corpus, options.get("norms", []))
    if pronunciations := options.get("pronunciations"):
        corpus = filters.add_phones(corpus, pronunciations)
    corpus = filters.apply_filters(corpus, options.get("filters", {}))
    if not corpus.tokens:
        last = corpus.steps[-1]
        for step in corpus.steps:
            if step.unit == "tokens" and step.before and not step.after:
                last = step
        message = (
            f"corpus {name!r} has no tokens left: {last.rule} ({last.detail}) dropped the last "
            f"{last.before} of them"
        )
        raise UserError(message)
    return corpus


def main() -> None:
    """Read arguments, make the corpus, write its table and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--options", required=True, type=_cli.options, help="its configuration")
    parser.add_argument("--output", required=True, type=Path, help="token table to write")
    parser.add_argument("--report", required=True, type=Path, help="corpus report to write")
    parser.add_argument("--audio", required=True, type=Path, help="folder for synthesized speech")
    parser.add_argument(
        "--aligned", type=Path, nargs="*", default=[], help="words and report of align_words"
    )
    parser.add_argument("--workers", type=int, default=1, help="threads that decode audio")
    arguments = parser.parse_args()
    arguments.audio.mkdir(parents=True, exist_ok=True)
    corpus = load(
        arguments.options,
        audio=arguments.audio,
        aligned=arguments.aligned,
        workers=arguments.workers,
    )
    corpus = curate(corpus, arguments.options, arguments.name)
    corpus = corpus.keep("corpus", "tokens of the corpus", corpus.tokens)
    rows = [
        {"corpus": arguments.name, "step": number, **asdict(step)}
        for number, step in enumerate(corpus.steps, start=1)
    ]
    write_corpus_report(arguments.report, rows)
    recordings = dict.fromkeys(Path(token.audio) for token in corpus.tokens if token.audio)
    digest = audio.digest(recordings, workers=arguments.workers)
    write_tokens(arguments.output, token_table(corpus.tokens), digest)
    logging.info(
        "corpus %s: %d tokens of %d words",
        arguments.name,
        len(corpus.tokens),
        count_types(corpus.tokens),
    )


if __name__ == "__main__":
    _cli.run(main)
