"""Draw silhouettes of word groups."""

from groundscope.commands import _cli, _plot
from groundscope.figures import silhouette_groups

if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "silhouette", silhouette_groups.figure))
