"""What the plot commands share: arguments, the look of figures, and writing them."""

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pyarrow as pa
from matplotlib.figure import Figure

from groundscope import tables
from groundscope.commands import _cli
from groundscope.errors import NothingToDraw
from groundscope.figures import style

Draw = Callable[[pa.Table, Mapping[str, Any]], Figure]


def parser(about: str | None, *names: str) -> argparse.ArgumentParser:
    """Make the parser of a plot command: the tables `names`, options and output files."""
    made = argparse.ArgumentParser(description=about)
    about_tables = f"Parquet tables: {', '.join(names)}"
    made.add_argument(
        "--tables", required=True, type=Path, nargs=len(names), metavar="TABLE", help=about_tables
    )
    made.add_argument("--options", required=True, type=_cli.options, help="what to draw")
    made.add_argument("--output", required=True, type=Path, nargs="+", help=".svg, .pdf, .png")
    return made


def main(about: str | None, name: str, draw: Draw) -> None:
    """Read arguments and table `name`, draw it, write the figure."""
    arguments = parser(about, name).parse_args()
    table = tables.read_table(arguments.tables[0], name)
    write(lambda: draw(table, arguments.options), arguments.output)


def write(draw: Callable[[], Figure], paths: Sequence[Path]) -> None:
    """Draw in the look of all figures and write the figure to `paths`.

    An analysis that could leave out all that the figure shows is no fault of the study: the figure
    then says that there is nothing.
    """
    # embedding a font is not news
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    with mpl.rc_context(style.SETTINGS):
        try:
            made = draw()
        except NothingToDraw as nothing:
            logging.warning("%s", nothing)
            made = _blank(str(nothing))
        style.save(made, paths)


def _blank(text: str) -> Figure:
    made, (box,) = style.new_panels(1, 5)
    box.set_axis_off()
    style.frame(made, text)
    return made
