"""Draw words in the plane of their first two principal components."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from matplotlib.figure import Figure

from groundscope.commands import _cli, _plot
from groundscope.figures import planes


def _draw(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    return planes.figure(table, {**options, "space": "pca"})


if __name__ == "__main__":
    _cli.run(lambda: _plot.main(__doc__, "planes", _draw))
