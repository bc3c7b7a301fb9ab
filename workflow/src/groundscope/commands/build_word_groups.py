"""Build groups of words alike in meaning and not in sound, the other way round, or crossed."""

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundscope.commands import _cli
from groundscope.corpora.transcription import transcribe
from groundscope.files import atomic
from groundscope.lexicon.crossed_groups import CrossedRules, crossed_groups
from groundscope.lexicon.group_sources import read_candidates, read_pool
from groundscope.lexicon.word_groups import (
    PhoneticRules,
    SemanticRules,
    phonetic_groups,
    semantic_groups,
)
from groundscope.lexicon.word_pool import Group
from groundscope.word_tables import write_word_group_statistics


def build(tokens: Path, vectors: Path, options: Mapping[str, Any], workers: int) -> Sequence[Group]:
    """Build the groups that `options`, an entry of ``word_groups``, describe."""
    pool, ratings = read_pool(tokens, vectors, options, transcribe)
    rules, seed = options.get("rules", {}), options.get("seed", 0)
    if options["kind"] == "phonetic":
        return phonetic_groups(pool, ratings, PhoneticRules(**rules), seed, workers=workers)
    candidates = read_candidates(options["candidates"], pool.words)
    if options["kind"] == "semantic":
        return semantic_groups(pool, candidates, SemanticRules(**rules), seed)
    by = options.get("label", "meaning")
    return crossed_groups(pool, candidates, CrossedRules(**rules), by=by)


def statistics(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Rows of the table ``word_group_statistics``."""
    return [
        {
            "label": group.label,
            "class": group.kind,
            "accepted": not group.failures,
            "reason": "; ".join(group.failures) or None,
            "n_words": len(group.words),
            "words": " ".join(group.words),
            **{
                f"{name}_{moment}": value
                for name in ("concreteness", "cosine", "distance")
                for moment, value in zip(("mean", "sd"), getattr(group, name), strict=True)
            },
        }
        for group in groups
    ]


def main() -> None:
    """Read arguments, build the groups, write them and their statistics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--options", required=True, type=_cli.options, help="entry of word_groups")
    parser.add_argument("--tokens", required=True, type=Path, help="token table: the words")
    parser.add_argument("--vectors", required=True, type=Path, help="embedding file of these words")
    parser.add_argument("--output", required=True, type=Path, help="CSV (word, label, class)")
    parser.add_argument("--statistics", required=True, type=Path, help="table to write")
    parser.add_argument("--workers", type=int, default=1, help="threads that compare words")
    arguments = parser.parse_args()
    groups = build(arguments.tokens, arguments.vectors, arguments.options, arguments.workers)
    write_word_group_statistics(arguments.statistics, statistics(groups))
    with atomic(arguments.output) as beside, beside.open("w", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["word", "label", "class"])
        for group in groups:
            if not group.failures:
                writer.writerows([word, group.label, group.kind] for word in group.words)


if __name__ == "__main__":
    # panphon reads its tables with it
    _cli.run(main, pandas=True)
