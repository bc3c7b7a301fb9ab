"""Draw held-out LDA accuracy by layer."""

from groundscope.commands import _cli, _plot
from groundscope.figures import lda

if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "lda", lda.figure))
