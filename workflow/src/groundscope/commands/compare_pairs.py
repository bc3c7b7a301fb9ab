"""Compare the vectors of word pairs of several kinds, in all layers of one model."""

import argparse
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundscope import tables
from groundscope.analysis.inputs import (
    Selection,
    naming,
    read_layers,
    read_selection,
    read_word_map,
)
from groundscope.analysis.labels import read_word_labels, tell_lost, token_labels
from groundscope.analysis.pairs import Kind, pair_rows, value_rows, word_rows
from groundscope.analysis.rows import check_vectors, make_rows
from groundscope.commands import _analysis, _cli
from groundscope.metrics.pair_kinds import DIFFERENT, RANDOM, draw_pairs
from groundscope.metrics.pair_scores import score_layer
from groundscope.metrics.word_pairs import group_word_pairs
from groundscope.spelling import spellings

_GROUP = "same-group"


def main() -> None:
    """Write the scores of every layer and kind, and on request those of pairs and words."""
    given = _arguments()
    options = given.options
    selection = read_selection(given.tokens, given.selected)
    data = make_rows(selection, "tokens")
    labels = _groups(selection, given)
    with naming("word pairs"):
        draws = draw_pairs(
            data.words,
            speakers=data.speakers,
            relations=read_word_map(given.word_map) if given.word_map else {},
            whole={_GROUP: group_word_pairs(labels)} if labels else {},
            sample=options["sample"],
            seeds=options["seeds"],
        )
    for kind, count in draws.lacking.items():
        logging.warning("kind %s left out: %d of %d draws have no pair", kind, count, draws.count)
    words_of_tokens = data.words.names[data.words.codes]
    unlabelled = sum(word not in labels for word in words_of_tokens.tolist())
    kinds = {
        kind: Kind.of(kind, draws, data, unlabelled if kind == _GROUP else 0)
        for kind in draws.kinds
    }
    rows: list[dict[str, Any]] = []
    values: list[pa.Table] = []
    words: list[pa.Table] = []
    for layer in read_layers(given.embeddings):
        with naming(f"word pairs in {layer.name}"):
            features = data.features(layer)
            check_vectors(features, data)
            scores = score_layer(
                features, draws, replicates=options["bootstrap"], seed=options["seed"]
            )
        for kind, each in scores.items():
            keys = {**layer.keys, "kind": kind}
            rows += pair_rows(each, keys, kinds[kind])
            # values of different words are those of random pairs, which differ from them by nothing
            if kind != DIFFERENT:
                values.append(value_rows(each, keys, kinds[kind]))
            if kind not in (RANDOM, DIFFERENT):
                words += word_rows(each, scores[RANDOM], keys, kinds[kind])
    tables.write_table(given.output, "pairs", rows)
    if given.values:
        tables.write_table(given.values, "pair_values", pa.concat_tables(values))
    if given.words:
        tables.write_table(given.words, "word_scores", pa.concat_tables(words) if words else [])


def _groups(selection: Selection, given: argparse.Namespace) -> dict[str, str]:
    """Group of each word that has one; a corpus may have none of the groups' words."""
    options = given.label_options
    if not options:
        return {}
    words = selection.tokens.column("word").to_pylist()
    listed = read_word_labels(Path(options["words"]), options.get("label", "label"))
    if not spellings(listed, set(words)):
        tell_lost(Path(options["words"]), listed, words)
        return {}
    found = zip(words, token_labels(selection, options), strict=True)
    return {word: group for word, group in found if group is not None}


def _arguments() -> argparse.Namespace:
    parser = _analysis.parser(__doc__, labelled=False)
    parser.add_argument("--embeddings", type=Path, nargs="+", required=True, help="layers")
    parser.add_argument(
        "--word-map", type=Path, nargs="?", help="Parquet: word_a, word_b, relation"
    )
    parser.add_argument("--values", type=Path, help="table of pair values to write")
    parser.add_argument("--words", type=Path, help="table of word scores to write")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
