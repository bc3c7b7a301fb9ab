"""Contrast a treated (grounded) model with its control, paired over words, layer by layer."""

import argparse
import logging
from pathlib import Path

import pyarrow as pa

from groundscope import tables
from groundscope.analysis.contrasts import contrast_rows
from groundscope.analysis.inputs import naming
from groundscope.commands import _cli


def main() -> None:
    """Write the contrasts."""
    given = _arguments()
    treated, control = _scores(given.treated), _scores(given.control)
    options = given.options
    rows = []
    if treated.num_rows and control.num_rows:
        with naming(f"contrast {given.contrast!r}"):
            rows = contrast_rows(
                treated,
                control,
                given.contrast,
                replicates=options["bootstrap"],
                permutations=options["permutations"],
                seed=options["seed"],
            )
    else:
        logging.warning("contrast %s: no analysis has scores of words", given.contrast)
    tables.write_table(given.output, "contrasts", rows)


def _scores(paths: list[Path]) -> pa.Table:
    return pa.concat_tables([tables.read_table(path, "word_scores") for path in paths])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contrast", required=True, help="name of the contrast")
    for side in ("treated", "control"):
        parser.add_argument(
            f"--{side}", type=Path, nargs="+", required=True, help=f"word scores, {side} model"
        )
    parser.add_argument("--options", type=_cli.options, required=True, help="options, as JSON")
    parser.add_argument("--output", type=Path, required=True, help="contrast table to write")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
