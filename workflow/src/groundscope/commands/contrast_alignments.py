"""Contrast how alike a treated model and its control are with a third model, paired over words."""

import argparse
from pathlib import Path
from typing import Any

from groundscope import tables
from groundscope.analysis.cka_contrasts import contrast_rows
from groundscope.analysis.inputs import naming, read_layers, read_selection
from groundscope.analysis.settings import settings
from groundscope.commands import _analysis, _cli
from groundscope.metrics.alignment_contrast import contrast, leave_words_out

_CHOICES = ("sample", "draws", "neighbours", "seed")


def main() -> None:
    """Write one row a layer of both, layer of the third model, measure, estimator and space."""
    given = _arguments()
    sides = [read_layers(paths) for paths in (given.treated, given.control, given.third)]
    choices = {name: given.options[name] for name in _CHOICES}
    asked = given.contrast_options
    selection = read_selection(given.tokens, given.selected)
    labels = _analysis.space_labels(given, selection)
    rows: list[dict[str, Any]] = []
    for found in settings(sides, selection, given.options, labels, given.labelling):
        treated, control, third = found.sides
        with naming(f"{found.measure} in contrast {given.contrast!r} with {sides[2][0].model}"):
            influence = leave_words_out(
                [*treated, *control], third, found.data.words, measure=found.measure, **choices
            )
            result = contrast(
                influence,
                replicates=asked["bootstrap"],
                permutations=asked["permutations"],
                seed=asked["seed"],
            )
        keys = {"contrast": given.contrast, "measure": found.measure, "space": found.space}
        rows += contrast_rows(influence, result, sides, keys, found.data)
    tables.write_table(given.output, "cka_contrasts", rows)


def _arguments() -> argparse.Namespace:
    parser = _analysis.parser(__doc__, labelled=False)
    parser.add_argument("--contrast", required=True, help="name of the contrast")
    for side in ("treated", "control"):
        parser.add_argument(
            f"--{side}", type=Path, nargs="+", required=True, help=f"its layers, {side} model"
        )
    parser.add_argument("--third", type=Path, nargs="+", required=True, help="of the third model")
    parser.add_argument(
        "--contrast-options", type=_cli.options, required=True, help="bootstrap, ...; JSON"
    )
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
