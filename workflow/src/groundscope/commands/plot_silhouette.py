"""Draw silhouettes by layer."""

from groundscope.commands import _cli, _plot
from groundscope.figures import silhouette

if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "silhouette", silhouette.figure))
