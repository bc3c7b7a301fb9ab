"""Draw contrasts of alignment with third models, all layers with all layers."""

from groundscope.commands import _cli, _plot
from groundscope.figures import cka_contrasts

if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "cka_contrasts", cka_contrasts.figure))
