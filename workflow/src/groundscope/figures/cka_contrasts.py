"""Whether a treatment moved models towards a third: a matrix for each contrast and third model."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from groundscope.figures import layer_matrix, style
from groundscope.figures.cka_matrices import SHOWN, named
from groundscope.figures.selection import (
    ALPHA,
    Row,
    choose,
    drawn,
    in_order,
    layers_in_order,
    written,
)

# its ends are equally dark: signs tell them apart without colour
_MAP = "PuOr_r"
# Greatest height of a row of cells, and smallest of a panel, in mm; width of a letter.
_CELL_MM, _PANEL_MM, _LETTER_MM = 5.0, 10.0, 1.4
# What stands beside the panels, between them and below each column, in mm.
_BESIDE_MM, _BETWEEN_MM, _BELOW_MM = 11.0, 2.0, 9.0
_POINTS_PER_MM = 72 * style.MM


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw the ``cka_contrasts`` table of one corpus: contrasts across, third models down.

    Cells whose Holm-corrected p is below 0.05 have a plus or a minus.

    Parameters
    ----------
    table
        As `tables.TABLES` declares it.
    options
        ``corpus``; and, to show other rows, ``measure``, ``estimator``,
        ``space``, ``rows``.
    """
    rows, shown = choose(table, "cka_contrasts", SHOWN, options)
    contrasts = in_order(row["contrast"] for row in rows)
    thirds = in_order(row["model_b"] for row in rows)
    across = {name: _layers(rows, "contrast", name, "layer") for name in contrasts}
    up = {name: _layers(rows, "model_b", name, "layer_b") for name in thirds}
    most = max(abs(row["estimate"]) for row in rows) or 1.0
    scale = Normalize(-most, most)
    room = style.COLUMN_MM - _BESIDE_MM - _BETWEEN_MM * len(contrasts)
    cell = room / sum(map(len, across.values()))
    heights = [
        max(_PANEL_MM, len(name) * _LETTER_MM, len(up[name]) * min(cell, _CELL_MM))
        for name in thirds
    ]
    made = style.new_figure(sum(heights) + _BETWEEN_MM * len(thirds) + _BELOW_MM)
    grid = made.subplots(
        len(thirds),
        len(contrasts),
        squeeze=False,
        width_ratios=[len(layers) for layers in across.values()],
        height_ratios=heights,
    )
    compared = {(row["model_b"], row["contrast"]) for row in rows}
    for (i, third), (j, contrast) in product(enumerate(thirds), enumerate(contrasts)):
        box = grid[i, j]
        if (third, contrast) not in compared:
            box.set_visible(False)
            continue
        own = [r for r in rows if (r["contrast"], r["model_b"]) == (contrast, third)]
        size = cell * len(across[contrast]), heights[i]
        _panel(box, own, across[contrast], up[third], scale, size)
        if any((third, other) in compared for other in contrasts[:j]):
            box.set_yticks([])
        else:
            box.set_ylabel(third)
        if any((other, contrast) in compared for other in thirds[i + 1 :]):
            box.set_xticks([])
        else:
            steep = len(contrast) * _LETTER_MM > size[0]
            box.set_xlabel(contrast, rotation=90 if steep else 0)
    quantity = named(f"{shown['measure']} {shown['estimator']}")
    sides = {row["contrast"]: f"{row['treated']} minus {row['control']}" for row in rows}
    head = (
        f"Δ {quantity} with a third model · {shown['corpus']} · layers of a contrast across, of "
        f"the third model up · {'; '.join(f'{name}: {both}' for name, both in sides.items())} · "
        f"{shown['space']} space · {drawn(rows)} · plus, minus: Holm-corrected p < {ALPHA}"
    )
    layer_matrix.bar(made, ScalarMappable(scale, _MAP), f"Δ {quantity}")
    style.frame(made, head)
    return made


def _layers(rows: Sequence[Row], key: str, name: str, column: str) -> list[str]:
    return layers_in_order(row[column] for row in rows if row[key] == name)


def _panel(
    box: Axes,
    rows: Sequence[Row],
    across: Sequence[str],
    up: Sequence[str],
    scale: Normalize,
    room_mm: tuple[float, float],
) -> None:
    """Draw a contrast with a third model."""
    matrix = np.full((len(up), len(across)), np.nan)
    places = {(up.index(row["layer_b"]), across.index(row["layer"])): row for row in rows}
    for place, row in places.items():
        matrix[place] = row["estimate"]
    told = {
        place: f"layer {row['layer']} with layer {row['layer_b']}: {written(row['estimate'], '+')} "
        f"(95% interval {written(row['ci_low'])} to {written(row['ci_high'])}), "
        f"p {row['p_holm']:.3g} (Holm)"
        for place, row in places.items()
    }
    layer_matrix.draw(box, matrix, across, up, scale, told, colours=_MAP, room_mm=room_mm)
    smallest = min(room_mm[0] / len(across), room_mm[1] / len(up))
    for sign, marker in ((1, "+"), (-1, "_")):
        found = [
            place
            for place, row in places.items()
            if row["p_holm"] < ALPHA and row["estimate"] * sign > 0
        ]
        box.plot(
            [x for _, x in found],
            [y for y, _ in found],
            marker,
            color="black",
            markersize=min(4.0, 0.6 * smallest * _POINTS_PER_MM),
            markeredgewidth=0.6,
        )
