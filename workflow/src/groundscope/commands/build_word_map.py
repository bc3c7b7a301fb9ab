"""Find the related words of a corpus: synonyms, near and true homophones, words of one category."""

import argparse
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundscope.commands import _cli
from groundscope.corpora.transcription import transcribe
from groundscope.errors import UserError
from groundscope.lexicon.pronunciations import Spoken, read_pronunciations
from groundscope.lexicon.word_map import Relation, Rules, build_word_map
from groundscope.lexicon.wordnet import open_wordnet
from groundscope.records import lost_words, read_labelled_words
from groundscope.spelling import WordTable
from groundscope.token_table import read_tokens, write_corpus_report
from groundscope.word_tables import write_word_map


def related(spoken: Spoken, options: Mapping[str, Any], workers: int) -> list[Relation]:
    """Build the map that `options`, the section ``word_map``, describe."""
    wordnet = options.get("wordnet")
    categories = options.get("categories")
    rows = read_labelled_words(categories) if categories else []
    listed = [(word, label) for _, word, label in rows]
    labels: dict[str, set[str]] = {}
    for word, label in listed:
        labels.setdefault(word, set()).add(label)
    table = WordTable(labels.items())
    own = {word: found for word in spoken.variants if (found := table.get(word))}
    if labels and not own:
        message = f"word_map.categories: {categories} has no word of the corpus"
        raise UserError(message)
    if lost := lost_words(listed, spoken.variants):
        logging.warning("word_map.categories: with a pronunciation, %s", lost)
    return build_word_map(
        spoken.variants,
        open_wordnet(Path(wordnet)) if wordnet else None,
        Rules(near=options.get("near", 0.4), unit=options.get("unit", "phones")),
        categories=own,
        workers=workers,
    )


def main() -> None:
    """Read arguments, build the map, write it and what was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True, help="name of the corpus")
    parser.add_argument("--options", required=True, type=_cli.options, help="section word_map")
    parser.add_argument("--tokens", required=True, type=Path, help="token table to read")
    parser.add_argument("--output", required=True, type=Path, help="word map to write")
    parser.add_argument("--report", required=True, type=Path, help="corpus report to write")
    parser.add_argument("--workers", type=int, default=1, help="threads that compare words")
    arguments = parser.parse_args()
    tokens = read_tokens(arguments.tokens).select(["word", "phones"]).to_pylist()
    phones = ((row["word"], row["phones"]) for row in tokens)
    words = {row["word"] for row in tokens}
    spoken = read_pronunciations(arguments.options["pronunciations"], words, phones, transcribe)
    relations = related(spoken, arguments.options, arguments.workers)
    step = {
        "corpus": arguments.corpus,
        "step": 1,
        "rule": "words with a pronunciation",
        "detail": "; ".join(spoken.missing) or "none is missing",
        "unit": "types",
        "before": len(words),
        "after": len(spoken.variants),
        "types_before": len(words),
        "types_after": len(spoken.variants),
    }
    write_corpus_report(arguments.report, [step])
    rows = [{"corpus": arguments.corpus, **asdict(relation)} for relation in relations]
    write_word_map(arguments.output, rows)
    for name, count in sorted(Counter(relation.relation for relation in relations).items()):
        logging.info("corpus %s: %d ordered %s pairs", arguments.corpus, count, name)


if __name__ == "__main__":
    # panphon reads its tables with it
    _cli.run(main, pandas=True)
