"""Does a layer that changed cluster better? Change of the vectors against change of silhouette."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from groundscope.errors import UserError
from groundscope.figures import style
from groundscope.figures.selection import LayerAxis, Row, choose

_KEYS = (
    "contrast",
    "treated",
    "control",
    "labelling",
    "metric",
    "space",
    "cka_measure",
    "cka_space",
)
_OVERALL = {"measure": "silhouette", "protocol": "all-groups", "subset": "all", "level": "overall"}


def figure(
    correlations: pa.Table, cka: pa.Table, silhouette: pa.Table, options: Mapping[str, Any]
) -> Figure:
    """Draw one panel for each contrast, labelling and space, one point a layer.

    Parameters
    ----------
    correlations
        The ``change_correlation`` table: which panels there are, and their correlations.
    cka, silhouette
        Tables that hold the points.
    options
        ``corpus``; ``metric`` of the clustering.
    """
    rows, shown = choose(
        correlations, "change_correlation", {"metric": "cosine", "x": "change"}, options
    )
    panels: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        panels.setdefault(tuple(row[key] for key in _KEYS), []).append(row)
    alike = [r for r in cka.to_pylist() if r["corpus"] == shown["corpus"]]
    clusters = [
        r
        for r in silhouette.to_pylist()
        if r["corpus"] == shown["corpus"]
        and all(r[key] == value for key, value in _OVERALL.items())
    ]
    columns = min(3, len(panels))
    lines = math.ceil(len(panels) / columns)
    width = style.COLUMN_MM if columns == 1 else style.PAGE_MM
    made = style.new_figure(width, 12 + 58 * lines)
    grid = made.subplots(lines, columns, squeeze=False)
    for box in grid.flat[len(panels) :]:
        box.set_visible(False)
    for number, (box, (values, found)) in enumerate(zip(grid.flat, panels.items(), strict=False)):
        keys = dict(zip(_KEYS, values, strict=True))
        points = _points(keys, alike, clusters, change=shown["x"] == "change")
        _panel(box, keys, points, found, style.look(number))
        box.set_xlabel(f"{'1 - ' if shown['x'] == 'change' else ''}CKA, treated with control")
    style.headline(
        made,
        f"{shown['corpus']} · {shown['metric']} silhouette, treated minus control",
    )
    return made


def _points(
    keys: Mapping[str, str], cka: Sequence[Row], silhouette: Sequence[Row], *, change: bool
) -> list[tuple[str, float, float]]:
    """Layer, CKA (or 1 - CKA) and silhouette difference, in layer order."""
    pair = {keys["treated"], keys["control"]}
    alike = {
        row["layer_a"]: row["estimate"]
        for row in cka
        if {row["model_a"], row["model_b"]} == pair
        and row["layer_a"] == row["layer_b"]
        and row["space"] == keys["cka_space"]
        and keys["cka_measure"] in (row["measure"], f"{row['measure']} {row['estimator']}")
    }
    values = {
        (row["model"], row["layer"]): row["estimate"]
        for row in silhouette
        if row["model"] in pair
        and all(row[key] == keys[key] for key in ("labelling", "metric", "space"))
    }
    both = [
        name
        for name in alike
        if (keys["treated"], name) in values and (keys["control"], name) in values
    ]
    if not both:
        message = (
            f"contrast {keys['contrast']!r}: no layer has both CKA ({keys['cka_space']} space) and "
            f"silhouettes ({keys['labelling']}, {keys['space']} space) of {' and '.join(pair)}"
        )
        raise UserError(message)
    places = LayerAxis.of(both).positions
    return [
        (
            name,
            1.0 - alike[name] if change else alike[name],
            values[keys["treated"], name] - values[keys["control"], name],
        )
        for name in sorted(both, key=places.__getitem__)
    ]


def _panel(
    box: Axes,
    keys: Mapping[str, str],
    points: Sequence[tuple[str, float, float]],
    correlations: Sequence[Row],
    shape: style.Look,
) -> None:
    x, y = [across for _, across, _ in points], [up for _, _, up in points]
    box.axhline(0.0, color=style.GREY, linewidth=0.6, linestyle=":", zorder=1)
    box.plot(x, y, linestyle="none", marker=shape.marker, color=shape.colour, markersize=4)
    for name, across, up in points:
        box.annotate(name, (across, up), (3, 2), textcoords="offset points", fontsize=5.5)
    box.margins(0.1)
    box.set_ylabel("difference in silhouette")
    words = [
        f"{keys['contrast']}: {keys['treated']} minus {keys['control']}",
        f"{keys['labelling']} · {keys['space']} space · CKA in {keys['cka_space']} space",
    ]
    words += [
        f"{row['correlation']} r = {row['estimate']:.2f}, p = {row['p_value']:.2g}, "
        f"n = {row['n_layers']} layers"
        for row in correlations
    ]
    box.set_title("\n".join(words), loc="left", fontsize=6)
