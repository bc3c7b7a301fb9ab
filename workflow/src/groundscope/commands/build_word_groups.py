"""Build groups of words alike in meaning and not in sound, the other way round, or crossed."""

import argparse
import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundscope import tables
from groundscope.commands import _cli
from groundscope.embeddings import read_embeddings
from groundscope.errors import UserError
from groundscope.files import atomic
from groundscope.lexicon.crossed_groups import CrossedRules, crossed_rows
from groundscope.lexicon.norms import read_norms
from groundscope.lexicon.pronunciations import read_pronunciations
from groundscope.lexicon.records import read_records
from groundscope.lexicon.word_groups import (
    PhoneticRules,
    SemanticRules,
    phonetic_groups,
    semantic_groups,
)
from groundscope.lexicon.word_pool import Group, describe, make_pool


def build(tokens: Path, vectors: Path, options: Mapping[str, Any], workers: int) -> list[Group]:
    """Build the groups that `options`, an entry of ``word_groups``, describe."""
    embeddings = read_embeddings(vectors)
    rows = tables.read_table(tokens, "tokens").select(["token_id", "word"]).to_pylist()
    word_of = {row["token_id"]: row["word"] for row in rows}
    own = defaultdict(list)
    for token_id, vector in zip(embeddings.token_ids.tolist(), embeddings.vectors, strict=True):
        if token_id in word_of:
            own[word_of[token_id]].append(vector)
    means = {word: np.stack(each).mean(axis=0, dtype=np.float64) for word, each in own.items()}
    spoken = read_pronunciations(options["pronunciations"], means)
    norms = options["concreteness"]
    table = read_norms({**norms, "columns": {"rating": norms["column"]}})
    ratings = {word: values["rating"] for word, values in table.items() if "rating" in values}
    pool = make_pool(means, spoken.variants, ratings, options.get("unit", "arpabet"))
    if not pool.words or not ratings:
        message = f"word groups: {len(pool.words)} words have a vector and a pronunciation, " \
            f"{len(ratings)} have a rating; expected some of each"  # fmt: skip
        raise UserError(message)
    seed = options.get("seed", 0)
    if options["kind"] == "phonetic":
        limits = PhoneticRules(**options.get("rules", {}))
        return phonetic_groups(pool, sorted(ratings.values()), limits, seed, workers=workers)
    candidates = defaultdict(list)
    for row in read_records(options["candidates"], ["word", "label"]):
        candidates[row["label"]].append(row["word"])
    if options["kind"] == "crossed":
        rows = crossed_rows(pool, candidates, CrossedRules(**options.get("rules", {})))
        sounds = {f"row_{number}": row for number, row in enumerate(rows, start=1)}
        columns = dict(zip(candidates, zip(*rows, strict=True), strict=True))
        place = {word: index for index, word in enumerate(pool.words)}
        return [
            describe(pool, [place[word] for word in words], label, grouping)
            for grouping, labels in (("meaning", columns), ("sound", sounds))
            for label, words in labels.items()
        ]
    rules = SemanticRules(**options.get("rules", {}))
    return semantic_groups(pool, candidates, rules, seed)


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
    tables.write_table(arguments.statistics, "word_group_statistics", statistics(groups))
    with atomic(arguments.output) as beside, beside.open("w", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["word", "label", "class"])
        for group in groups:
            if not group.failures:
                writer.writerows([word, group.label, group.kind] for word in group.words)


if __name__ == "__main__":
    _cli.run(main)
