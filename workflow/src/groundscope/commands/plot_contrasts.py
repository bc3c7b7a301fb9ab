"""Draw contrasts of models by layer."""

from groundscope.commands import _cli, _plot
from groundscope.figures import contrasts

if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "contrasts", contrasts.figure))
