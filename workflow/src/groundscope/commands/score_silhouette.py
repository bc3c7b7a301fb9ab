"""Score how well labelled words cluster, in all layers of one model."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundscope import tables
from groundscope.analysis_inputs import (
    Layer,
    Rows,
    make_rows,
    naming,
    read_layers,
    read_selection,
    row_kind,
    token_labels,
    units_of,
)
from groundscope.commands import _analysis, _cli
from groundscope.metrics.clustering import Scores, score_protocols
from groundscope.result_rows import NO_NULL, estimate_columns, null_columns


def main() -> None:
    """Write the scores of every layer, and on request those of every word."""
    given = _arguments()
    tokens = read_selection(given.tokens, given.selected)
    labels = token_labels(tokens, given.labels, given.column)
    data = make_rows(tokens, row_kind(given.options["rows"], given.labels), labels)
    rows: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for layer in read_layers(given.embeddings):
        features = data.features(layer)
        for space in given.options["spaces"]:
            for metric in given.options["metrics"]:
                with naming(f"silhouette of {given.labelling!r} in {layer.name}"):
                    scores = score_protocols(
                        features,
                        data.labelled,
                        units_of(data, given.column),
                        space=space,
                        metric=metric,
                        protocols=given.options["protocols"],
                        subsets=given.options["subsets"],
                        permutations=given.options["permutations"],
                        seed=given.options["seed"],
                    )
                keys = {**layer.keys, "labelling": given.labelling, "metric": metric}
                keys["space"] = f"lda:{given.labelling}" if space == "lda" else space
                for each in scores:
                    rows += _rows(each, keys, data)
                if given.words:
                    words += _words(scores[0], keys, data)
    tables.write_table(given.output, "silhouette", rows)
    if given.words:
        tables.write_table(given.words, "word_scores", words)
