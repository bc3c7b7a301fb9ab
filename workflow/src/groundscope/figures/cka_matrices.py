"""CKA of all layers with all layers: a matrix for each pair of models."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from groundscope.figures import layer_matrix, style
from groundscope.figures.selection import Row, choose, drawn, in_order, layers_in_order, written

SHOWN = {"measure": "cka-linear", "estimator": "debiased", "space": "full", "rows": "types"}
MAP = "cividis"
_NAMES = {
    "cka-linear": "linear CKA",
    "cka-rbf": "RBF CKA",
    "rsa": "RSA",
    "knn": "shared neighbours",
}
# Smallest cell, in mm, that a number fits in.
_LEGIBLE_MM = 6.0
# Smallest matrix, in mm, whose layers are labelled.
_LABELLED_MM = 6.0
# Models from which on the matrices stand closer.
_CROWD = 8

Matrices = Mapping[tuple[str, str], NDArray[np.float64]]


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw the ``cka`` table of one corpus.

    Where most pairs of models were compared, the matrices stand in a triangle, models along both
    sides; a few chosen pairs stand side by side.

    Parameters
    ----------
    table
        As `tables.TABLES` declares it.
    options
        ``corpus``; and, to show other rows, ``measure``, ``estimator``,
        ``space``, ``rows``.
    """
    rows, shown = choose(table, "cka", SHOWN, options)
    found = [row[side] for row in rows for side in ("model_a", "model_b")]
    models = in_order(found)
    layers = _layers(rows, models)
    matrices = _matrices(rows, models, layers)
    values = np.concatenate([matrix.ravel() for matrix in matrices.values()])
    low, high = np.nanmin(values), np.nanmax(values)
    scale = Normalize(min(0.0, math.floor(low * 10) / 10), max(0.1, math.ceil(high * 10) / 10))
    quantity = named(f"{shown['measure']} {shown['estimator']}")
    head = f"{quantity} · {shown['corpus']} · {shown['space']} space · {drawn(rows)}"
    possible = len(models) * (len(models) - 1) / 2
    triangle = len(models) > 2 and len(matrices) >= 0.4 * possible
    triangle = triangle and all(above != beside for above, beside in matrices)
    draw = _triangle if triangle else _row
    made = draw(matrices, models, layers, scale)
    layer_matrix.bar(made, ScalarMappable(scale, MAP), quantity)
    style.frame(made, head)
    return made


def named(measure: str) -> str:
    """Write a measure and its estimator, as tables have them, in words."""
    name, _, estimator = measure.partition(" ")
    return f"{_NAMES.get(name, name)} ({estimator})" if estimator else _NAMES.get(name, name)


def _layers(rows: Sequence[Row], models: Sequence[str]) -> dict[str, list[str]]:
    """Layers of each model, in order."""
    found: dict[str, dict[str, None]] = {model: {} for model in models}
    for row in rows:
        found[row["model_a"]][row["layer_a"]] = None
        found[row["model_b"]][row["layer_b"]] = None
    return {model: layers_in_order(names) for model, names in found.items()}


def _matrices(
    rows: Sequence[Row], models: Sequence[str], layers: Mapping[str, list[str]]
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Matrix of each pair (earlier model, later model), shape ``[layers later, earlier]``."""
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    for row in rows:
        x, y = (row["model_a"], row["layer_a"]), (row["model_b"], row["layer_b"])
        if models.index(x[0]) > models.index(y[0]):
            x, y = y, x
        empty = np.full((len(layers[y[0]]), len(layers[x[0]])), np.nan)
        matrix = found.setdefault((x[0], y[0]), empty)
        matrix[layers[y[0]].index(y[1]), layers[x[0]].index(x[1])] = row["estimate"]
    return dict(sorted(found.items(), key=lambda item: [models.index(name) for name in item[0]]))


def _triangle(
    matrices: Matrices, models: Sequence[str], layers: Mapping[str, list[str]], scale: Normalize
) -> Figure:
    across, down = models[:-1], models[1:]
    most = max(map(len, layers.values()))
    share = {model: max(len(names), 0.35 * most) for model, names in layers.items()}
    total = sum(share[model] for model in across)
    unit = (style.COLUMN_MM - 9) / total
    figure = style.new_figure(9 + unit * sum(share[model] for model in down))
    gap_mm = 0.8 if len(models) > _CROWD else 1.5
    pad = gap_mm * style.MM / 2
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=pad, h_pad=pad, wspace=0.0, hspace=0.0))
    grid = figure.subplots(
        len(down),
        len(across),
        squeeze=False,
        width_ratios=[share[model] for model in across],
        height_ratios=[share[model] for model in down],
    )
    for i, beside in enumerate(down):
        for j, above in enumerate(across):
            box = grid[i, j]
            if j > i:
                box.set_visible(False)
                continue
            matrix = matrices.get((above, beside))
            if matrix is None:
                matrix = np.full((len(layers[beside]), len(layers[above])), np.nan)
            room = unit * share[above], unit * share[beside]
            _matrix(box, matrix, layers[above], layers[beside], scale, cell_mm=unit, room_mm=room)
            _outer_labels(box, above, beside, left=j == 0, bottom=i == len(down) - 1, room_mm=room)
    return figure


def _outer_labels(
    box: Axes, above: str, beside: str, *, left: bool, bottom: bool, room_mm: tuple[float, float]
) -> None:
    """Name models and layers along the left and the lower side only."""
    if left:
        flat = len(beside) * 1.3 > room_mm[1]
        box.set_ylabel(beside, rotation=0 if flat else 90, ha="right" if flat else "center")
    if not left or room_mm[1] < _LABELLED_MM:
        box.set_yticks([])
    if bottom:
        steep = len(above) * 1.3 > room_mm[0]
        box.set_xlabel(above, rotation=90 if steep else 0)
    if not bottom or room_mm[0] < _LABELLED_MM:
        box.set_xticks([])


def _row(
    matrices: Matrices, models: Sequence[str], layers: Mapping[str, list[str]], scale: Normalize
) -> Figure:
    side = style.COLUMN_MM / style.panel_columns(len(matrices)) - 12
    figure, grid = style.new_panels(len(matrices), side + 12)
    for box, ((above, beside), matrix) in zip(grid, matrices.items(), strict=True):
        cell = side / max(len(layers[above]), len(layers[beside]))
        room = side, side
        _matrix(box, matrix, layers[above], layers[beside], scale, cell_mm=cell, room_mm=room)
        box.set_xlabel(f"{above} (layer)")
        box.set_ylabel(f"{beside} (layer)")
    return figure


def _matrix(
    box: Axes,
    matrix: NDArray[np.float64],
    across: Sequence[str],
    up: Sequence[str],
    scale: Normalize,
    *,
    cell_mm: float,
    room_mm: tuple[float, float],
) -> None:
    told = {
        (y, x): f"layer {across[x]} with layer {up[y]}: {written(value)}"
        for (y, x), value in np.ndenumerate(matrix)
        if np.isfinite(value)
    }
    layer_matrix.draw(box, matrix, across, up, scale, told, colours=MAP, room_mm=room_mm)
    if cell_mm < _LEGIBLE_MM:
        return
    colours = ScalarMappable(scale, MAP).to_rgba(np.nan_to_num(matrix))
    for y, x in told:
        dark = colours[y, x, :3] @ (0.299, 0.587, 0.114) < 0.5
        box.text(
            x,
            y,
            f"{matrix[y, x]:.2f}",
            ha="center",
            va="center",
            fontsize=style.SMALL,
            color="white" if dark else "black",
        )
