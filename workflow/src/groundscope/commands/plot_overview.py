"""Draw the study at a glance."""

import argparse
from pathlib import Path

from groundscope import tables
from groundscope.commands import _cli, _plot
from groundscope.figures import overview


def main() -> None:
    """Read arguments and the tables that there are, draw them, write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tables", required=True, type=Path, nargs="+", help="tables, each named as its content"
    )
    parser.add_argument("--options", required=True, type=_cli.options, help="what to draw")
    parser.add_argument("--output", required=True, type=Path, nargs="+", help=".svg, .pdf, .png")
    arguments = parser.parse_args()
    found = {path.stem: tables.read_table(path, path.stem) for path in arguments.tables}
    _plot.write(lambda: overview.figure(found, arguments.options), arguments.output)


if __name__ == "__main__":
    _cli.run(main)
