"""Draw change of the vectors against change of the clustering."""

from groundscope import tables
from groundscope.commands import _cli, _plot
from groundscope.figures import change

_NAMES = ("change_correlation", "cka", "contrasts")


def main() -> None:
    """Read arguments and the three tables, draw them, write the figure."""
    arguments = _plot.parser(__doc__, *_NAMES).parse_args()
    correlations, cka, contrasts = map(tables.read_table, arguments.tables, _NAMES)
    _plot.write(
        lambda: change.figure(correlations, cka, contrasts, arguments.options), arguments.output
    )


if __name__ == "__main__":
    _cli.run(main)
