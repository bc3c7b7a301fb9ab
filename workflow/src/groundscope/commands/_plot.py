"""What the plot commands share: arguments, the look of figures, and writing them."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pyarrow as pa
from matplotlib.figure import Figure

from groundscope import tables
from groundscope.commands import _cli
from groundscope.figures import style

Draw = Callable[[pa.Table, Mapping[str, Any]], Figure]


def parser(about: str | None, *names: str) -> argparse.ArgumentParser:
    """Parser of a plot command: a table for each of `names`, options and output files."""
    made = argparse.ArgumentParser(description=about)
    for name in names:
        made.add_argument(f"--{name}", required=True, type=Path, help="Parquet table to draw")
    made.add_argument("--options", required=True, type=_cli.options, help="what to draw")
    made.add_argument("--output", required=True, type=Path, nargs="+", help=".svg, .pdf, .png")
    return made


def main(about: str | None, name: str, draw: Draw) -> None:
    """Read arguments and table `name`, draw it, write the figure."""
    arguments = parser(about, "table").parse_args()
    table = tables.read_table(arguments.table, name)
    write(lambda: draw(table, arguments.options), arguments.output)


def write(draw: Callable[[], Figure], paths: Sequence[Path]) -> None:
    """Draw in the look of all figures and write the figure to `paths`."""
    with mpl.rc_context(dict(style.SETTINGS)):
        style.save(draw(), paths)
