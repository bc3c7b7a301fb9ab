"""Gather the parts of one result table into one file."""

import argparse
from pathlib import Path

import pyarrow as pa

from groundscope import tables
from groundscope.commands import _cli


def main() -> None:
    """Read every part, check its columns, and write them one after the other."""
    given = _arguments()
    parts = [tables.read_table(path, given.table) for path in given.inputs]
    tables.write_table(given.output, given.table, pa.concat_tables(parts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", choices=sorted(tables.TABLES), required=True, help="which table")
    parser.add_argument("--inputs", type=Path, nargs="+", required=True, help="parts to gather")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
