"""Set published numbers beside those of this study."""

import argparse
from pathlib import Path

from groundscope import tables
from groundscope.analysis.replication import read_published, replication_rows
from groundscope.commands import _cli
from groundscope.errors import UserError


def main() -> None:
    """Write one row a published number; what this study did not compute is marked as not run."""
    given = _arguments()
    found = {}
    for path in given.tables:
        if path.stem not in tables.TABLES:
            message = f"{path} is not named after a result table"
            raise UserError(message)
        found[path.stem] = tables.read_table(path, path.stem)
    rows = list(replication_rows(read_published(given.published), found))
    tables.write_table(given.output, "replication", rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--published", type=Path, required=True, help="CSV of published numbers")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="TABLE.parquet")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
