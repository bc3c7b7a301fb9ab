"""Draw change of the vectors against change of the clustering."""

from groundscope import tables
from groundscope.commands import _cli, _plot
from groundscope.figures import change


def main() -> None:
    """Read arguments and the three tables, draw them, write the figure."""
    arguments = _plot.parser(__doc__, "correlations", "cka", "silhouette").parse_args()
    correlations = tables.read_table(arguments.correlations, "change_correlation")
    cka = tables.read_table(arguments.cka, "cka")
    silhouette = tables.read_table(arguments.silhouette, "silhouette")
    _plot.write(
        lambda: change.figure(correlations, cka, silhouette, arguments.options), arguments.output
    )


if __name__ == "__main__":
    _cli.run(main)
