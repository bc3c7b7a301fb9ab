"""Draw CKA by layer."""

from groundscope.commands import _cli, _plot
from groundscope.figures import cka_layers

if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "cka", cka_layers.figure))
