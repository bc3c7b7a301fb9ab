"""Correlate, across layers, how much two models differ (CKA) with the change in clustering."""

import argparse
from pathlib import Path

from groundscope import tables
from groundscope.analysis.changes import correlation_rows
from groundscope.analysis.inputs import naming
from groundscope.commands import _cli


def main() -> None:
    """Write the correlations; none where the two models share fewer than four layers."""
    given = _arguments()
    contrasts = tables.read_table(given.contrasts, "contrasts").to_pylist()
    cka = tables.read_table(given.cka, "cka").to_pylist()
    options = given.options
    with naming(f"change of contrast {given.contrast!r}"):
        rows = correlation_rows(
            contrasts, cka, permutations=options["permutations"], seed=options["seed"]
        )
    tables.write_table(given.output, "change_correlation", rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contrast", required=True, help="name of the contrast")
    parser.add_argument("--contrasts", type=Path, required=True, help="its contrast table")
    parser.add_argument("--cka", type=Path, required=True, help="CKA table of its two models")
    parser.add_argument("--options", type=_cli.options, required=True, help="options, as JSON")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
