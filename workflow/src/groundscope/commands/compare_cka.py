"""Align all layers of one model with all layers of another."""

import argparse
from pathlib import Path
from typing import Any

from groundscope import tables
from groundscope.analysis.cka import cka_rows
from groundscope.analysis.inputs import naming, read_layers, read_selection
from groundscope.analysis.settings import settings
from groundscope.commands import _analysis, _cli
from groundscope.metrics.comparison import compare

_CHOICES = ("sample", "draws", "permutations", "neighbours", "seed")


def main() -> None:
    """Write one row a pair of layers, measure, estimator and space."""
    given = _arguments()
    sides = [read_layers(given.left), read_layers(given.right)]
    choices = {name: given.options[name] for name in _CHOICES}
    selection = read_selection(given.tokens, given.selected)
    labels = _analysis.space_labels(given, selection)
    rows: list[dict[str, Any]] = []
    for found in settings(sides, selection, given.options, labels, given.labelling):
        left, right = found.sides
        with naming(f"{found.measure} of {sides[0][0].model} and {sides[1][0].model}"):
            result = compare(
                left,
                right,
                found.data.words,
                measure=found.measure,
                tokens=found.data.averaged,
                **choices,
            )
        keys = {"measure": found.measure, "space": found.space}
        rows += cka_rows(result, sides, keys, found.data)
    tables.write_table(given.output, "cka", rows)


def _arguments() -> argparse.Namespace:
    parser = _analysis.parser(__doc__, labelled=False)
    parser.add_argument("--left", type=Path, nargs="+", required=True, help="layers of one model")
    parser.add_argument("--right", type=Path, nargs="+", required=True, help="layers of the other")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
