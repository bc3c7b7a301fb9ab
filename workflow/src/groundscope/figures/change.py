"""Does a layer that changed cluster better? Change of the vectors against change of silhouette."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from groundscope.errors import UserError
from groundscope.figures import cka_matrices, labels, style
from groundscope.figures.selection import (
    ABOVE_NULL,
    ALL_GROUPS,
    LayerAxis,
    Row,
    choose,
    intervals,
    told,
)

_PANEL = ("contrast", "treated", "control", "labelling", "space", "cka_space")
_SHOWN = {
    "measure": ABOVE_NULL,
    "metric": "cosine",
    "space": "full",
    **ALL_GROUPS,
    "x": "change",
    "cka_measure": "cka-linear debiased",
    "cka_rows": "types",
}
_CLUSTERING = ("contrast", "labelling", "measure", "metric", "space", *ALL_GROUPS)
_COEFFICIENT = {"pearson": "r", "spearman": "rho"}

Point = tuple[float, Row]


def figure(
    correlations: pa.Table, cka: pa.Table, contrasts: pa.Table, options: Mapping[str, Any]
) -> Figure:
    """Draw a panel for each contrast, labelling and space, a point for each layer.

    Parameters
    ----------
    correlations
        The ``change_correlation`` table: which panels there are, and their correlations.
    cka, contrasts
        Tables that hold the points: CKA across, difference in silhouette up.
    options
        ``corpus``; and, to show other rows, ``measure``, ``metric``, ``space``,
        ``protocol``, ``subset``, ``x``, ``cka_measure``, ``cka_rows``.

    Raises
    ------
    UserError
        A table is empty, or a contrast has a correlation but no points.
    """
    rows, shown = choose(correlations, "change_correlation", _SHOWN, options)
    panels: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        panels.setdefault(tuple(row[key] for key in _PANEL), []).append(row)
    alike = [row for row in cka.to_pylist() if row["corpus"] == shown["corpus"]]
    changes = [
        row
        for row in contrasts.to_pylist()
        if row["analysis"] == "silhouette" and row["corpus"] == shown["corpus"]
    ]
    cka_name = cka_matrices.named(shown["cka_measure"])
    similarity = cka_name.partition(" (")[0]
    axis = f"1 - {similarity}" if shown["x"] == "change" else similarity
    made, grid = style.new_panels(len(panels), 43)
    names = list(dict.fromkeys(key[0] for key in panels))
    drawn: list[Row] = []
    named: list[tuple[Axes, list[Point]]] = []
    for box, (values, found) in zip(grid, panels.items(), strict=True):
        keys = {**shown, **dict(zip(_PANEL, values, strict=True))}
        points = _points(keys, alike, changes)
        drawn += [row for _, row in points]
        named.append((box, points))
        _panel(box, keys, points, found, style.look(names.index(values[0])))
        box.set_xlabel(f"{axis} ({found[0]['n_layers']} layers)")
    style.frame(
        made,
        f"Change against clustering · {shown['corpus']} · Δ: treated minus control · "
        f"{shown['metric']} {_named(shown['measure'])} in {shown['space']} space · {cka_name} of "
        "treated with control · r: Pearson, rho: Spearman · beside a point: its layer · "
        f"{intervals(drawn)}",
    )
    style.settle(made)
    for box, points in named:
        places = [(across, row["estimate"]) for across, row in points]
        labels.place(box, places, [row["layer"] for _, row in points], size=style.SMALL)
    return made


def _points(keys: Mapping[str, str], cka: Sequence[Row], changes: Sequence[Row]) -> list[Point]:
    """CKA (or 1 - CKA) and the contrast's row of each layer, in layer order."""
    pair = {keys["treated"], keys["control"]}
    alike = {
        row["layer_a"]: row["estimate"]
        for row in cka
        if {row["model_a"], row["model_b"]} == pair
        and row["layer_a"] == row["layer_b"]
        and row["space"] == keys["cka_space"]
        and row["rows"] == keys["cka_rows"]
        and f"{row['measure']} {row['estimator']}" == keys["cka_measure"]
    }
    both = [
        row
        for row in changes
        if row["layer"] in alike and all(row[key] == keys[key] for key in _CLUSTERING)
    ]
    if not both:
        message = (
            f"contrast {keys['contrast']!r}: no layer has both CKA ({keys['cka_space']} space) and "
            f"a silhouette difference ({keys['labelling']}, {keys['space']} space)"
        )
        raise UserError(message)
    places = LayerAxis.of(row["layer"] for row in both).positions
    both.sort(key=lambda row: places[row["layer"]])
    one_minus = keys["x"] == "change"
    return [(1.0 - alike[row["layer"]] if one_minus else alike[row["layer"]], row) for row in both]


def _panel(
    box: Axes,
    keys: Mapping[str, str],
    points: Sequence[Point],
    correlations: Sequence[Row],
    shape: style.Look,
) -> None:
    box.axhline(0.0, color=style.GREY, linewidth=0.6, linestyle=":", zorder=1)
    (line,) = box.plot(
        [across for across, _ in points],
        [row["estimate"] for _, row in points],
        linestyle="none",
        marker=shape.marker,
        color=shape.colour,
        markersize=4,
    )
    style.hover(
        line, [f"layer {row['layer']}: {across:.3f} across, {told(row)}" for across, row in points]
    )
    for across, row in points:
        if row["ci_low"] is not None and row["ci_high"] is not None:
            box.vlines(across, row["ci_low"], row["ci_high"], color=shape.colour, linewidth=0.7)
    box.margins(0.1)
    box.set_ylabel(f"Δ {_named(keys['measure'])}")
    space, _, fitted_to = keys["cka_space"].partition(":")
    words = [
        f"{keys['contrast']} · {keys['labelling']}",
        f"CKA in LDA of {fitted_to}" if fitted_to else f"CKA in {space} space",
    ]
    words += [
        f"{_COEFFICIENT[row['correlation']]} = {row['estimate']:.2f}, p = {row['p_value']:.2g}"
        for row in correlations
    ]
    box.set_title("\n".join(words), loc="left")


def _named(measure: str) -> str:
    return measure.replace("-", " ")
