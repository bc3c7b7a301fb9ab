"""Draw CKA matrices, one for each pair of models."""

from groundscope.commands import _cli, _plot
from groundscope.figures import cka_matrices

if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "cka", cka_matrices.figure))
