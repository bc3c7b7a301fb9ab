"""Align all layers of one model with all layers of another."""

import argparse
import logging
from collections.abc import Mapping
from functools import cache, partial
from itertools import chain, product
from pathlib import Path
from typing import Any

from groundscope import tables
from groundscope.analysis.cka import cka_rows
from groundscope.analysis.inputs import (
    Layer,
    Rows,
    make_rows,
    naming,
    read_layers,
    read_selection,
    token_labels,
)
from groundscope.commands import _analysis, _cli
from groundscope.errors import UserError
from groundscope.metrics.alignment import Source
from groundscope.metrics.comparison import OF_WORDS, compare
from groundscope.metrics.groups import Floats
from groundscope.metrics.spaces import dimensions, has_lda_space, into_space, moved_lda_spaces

_CHOICES = ("sample", "draws", "permutations", "neighbours", "seed")


def main() -> None:
    """Write one row a pair of layers, measure, estimator and space."""
    given = _arguments()
    sides = read_layers(given.left), read_layers(given.right)
    if sides[0][0].corpus != sides[1][0].corpus:
        message = f"two corpora cannot be aligned: {sides[0][0].name}, {sides[1][0].name}"
        raise UserError(message)
    selection = read_selection(given.tokens, given.selected)
    choices = {name: given.options[name] for name in _CHOICES}
    rows: list[dict[str, Any]] = []
    for kind, space in product(given.options["rows"], given.options["spaces"]):
        labels = (
            token_labels(selection, given.labels, given.label_options) if space == "lda" else None
        )
        data = make_rows(selection, kind, labels)
        if space == "lda" and not all(
            _has_space(layer, data, given.labelling) for layer in chain(*sides)
        ):
            continue
        left, right = ([_source(layer, data, space) for layer in side] for side in sides)
        if sides[0] == sides[1]:
            right = left
        named = f"lda:{given.labelling}" if space == "lda" else space
        for measure in _measures(given.options, kind):
            with naming(f"{measure} of {sides[0][0].model} and {sides[1][0].model}"):
                result = compare(left, right, data.words, measure=measure, **choices)
            rows += cka_rows(result, sides, {"measure": measure, "space": named}, data)
    tables.write_table(given.output, "cka", rows)


def _measures(options: Mapping[str, Any], kind: str) -> list[str]:
    """Measures of rows of a kind; those of words are left to types where both are compared."""
    both = len(options["rows"]) > 1
    return [
        measure
        for measure in options["measures"]
        if kind == "types" or not both or measure not in OF_WORDS
    ]


def _has_space(layer: Layer, data: Rows, labelling: str) -> bool:
    found = has_lda_space(data.features(layer), data.grouping)
    if not found:
        logging.warning(
            "%s: groups of %s have the same mean, or are one vector each: no LDA space",
            layer.name,
            labelling,
        )
    return found


def _source(layer: Layer, data: Rows, space: str) -> Source:
    return Source(
        layer.name,
        dimensions(layer.features, space, data.labels),
        partial(_load, layer, data, space),
        # several measures read the same: fits take longer than comparisons
        cache(partial(_moved, layer, data)) if space == "lda" else None,
    )


def _load(layer: Layer, data: Rows, space: str) -> Floats:
    with naming(layer.name):
        return into_space(data.features(layer), space, data.labels)


def _moved(layer: Layer, data: Rows, permutations: int, seed: int) -> list[Floats]:
    with naming(layer.name):
        features = data.features(layer)
        return [*moved_lda_spaces(features, data.grouping, data.words, permutations, seed)]


def _arguments() -> argparse.Namespace:
    parser = _analysis.parser(__doc__, labelled=False)
    parser.add_argument("--left", type=Path, nargs="+", required=True, help="layers of one model")
    parser.add_argument("--right", type=Path, nargs="+", required=True, help="layers of the other")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
