"""Draw the similarity of word pairs by layer."""

from groundscope.commands import _cli, _plot
from groundscope.figures import pairs

if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "pairs", pairs.figure))
