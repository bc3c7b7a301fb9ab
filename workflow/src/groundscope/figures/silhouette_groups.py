"""Silhouette of each word group, at each model's best layer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from groundscope.errors import NothingToDraw
from groundscope.figures import style
from groundscope.figures.layer_lines import by_name
from groundscope.figures.selection import (
    LayerAxis,
    Row,
    choose,
    count,
    in_order,
    intervals,
    told,
)

_SHOWN = {
    "measure": "silhouette",
    "metric": "cosine",
    "space": "full",
    "protocol": "all-groups",
    "subset": "all",
}


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw groups of one labelling: a panel per model, a line per group, best group on top.

    The best layer is the one with the highest overall silhouette.

    Parameters
    ----------
    table
        The ``silhouette`` table, as `tables.TABLES` declares it.
    options
        ``corpus``, ``labelling``; ``classes``, group -> class (such as
        concrete or abstract), told apart by colour and marker.
    """
    rows, shown = choose(table, "silhouette", {"labelling": "", **_SHOWN}, options)
    models = in_order(row["model"] for row in rows)
    best = {name: _best_layer(part) for name, part in by_name(rows, "model").items()}
    rows = [r for r in rows if r["level"] == "group" and r["layer"] == best[r["model"]]]
    if not rows:
        message = (
            f"table 'silhouette' has no single groups of labelling {shown['labelling']!r}: there "
            "is nothing to draw"
        )
        raise NothingToDraw(message)
    classes: Mapping[str, str] = options.get("classes", {})
    parts = by_name(rows, "group")
    means = {name: _mean(part) for name, part in parts.items()}
    groups = sorted(means, key=lambda name: (means[name], name))
    names = in_order((classes.get(group, "") for group in groups), sorted(set(classes.values())))
    looks = {name: style.look(number) for number, name in enumerate(names)}
    made, grid = style.new_panels(len(models), 14 + 3.2 * len(groups), sharex=True, sharey=True)
    columns = style.panel_columns(len(models))
    for box, model in zip(grid, models, strict=True):
        own = {row["group"]: row for row in rows if row["model"] == model}
        _panel(box, own, groups, [looks[classes.get(group, "")] for group in groups])
        names_sizes = [f"{g.replace('_', ' ')} ({count(parts[g], 'n_types')})" for g in groups]
        box.set_yticks(range(len(groups)), names_sizes)
        box.set_title(f"{model}\nlayer {best[model]}", loc="left")
        box.xaxis.set_major_locator(MaxNLocator(3))
        if model in models[-columns:]:
            box.tick_params(labelbottom=True)
            box.set_xlabel(f"{shown['measure']} ({shown['metric']})")
    # a silhouette is between -1 and 1, and so is what can be read of its interval
    low, high = grid[0].get_xlim()
    grid[0].set_xlim(max(low, -1.05), min(high, 1.05))
    handles: list[Line2D | Patch] = []
    if any(names):
        handles += [
            Line2D(
                [],
                [],
                color=shape.colour,
                marker=shape.marker,
                linestyle="none",
                label=name or "in no subset",
            )
            for name, shape in looks.items()
        ]
    if any(row["null_high"] is not None for row in rows):
        handles.append(Patch(color=style.BAND, label=style.PERMUTED))
    style.frame(
        made,
        f"Silhouette of each group · {shown['corpus']} · {shown['labelling']} · "
        f"{shown['space']} space · in brackets: words · {intervals(rows)}",
        handles,
    )
    return made


def _best_layer(rows: Sequence[Row]) -> str:
    """Layer with the highest overall estimate; the first of equals."""
    overall = [row for row in rows if row["level"] == "overall"]
    places = LayerAxis.of(row["layer"] for row in overall).positions
    best = max(overall, key=lambda row: (row["estimate"], -places[row["layer"]]))
    return str(best["layer"])


def _mean(rows: Sequence[Row]) -> float:
    return math.fsum(row["estimate"] for row in rows) / len(rows)


def _panel(
    box: Axes, rows: Mapping[str, Row], groups: Sequence[str], shapes: Sequence[style.Look]
) -> None:
    box.axvline(0.0, color=style.GREY, linewidth=0.6, linestyle=":", zorder=1)
    for height, (group, shape) in enumerate(zip(groups, shapes, strict=True)):
        row = rows.get(group)
        if row is None:
            continue
        if row["null_mean"] is not None and row["null_high"] is not None:
            box.fill_betweenx(
                [height - 0.4, height + 0.4], row["null_mean"], row["null_high"],
                color=style.BAND, linewidth=0, zorder=0.7,
            )  # fmt: skip
        (line,) = box.plot([row["estimate"]], [height], color=shape.colour, marker=shape.marker)
        style.hover(line, [f"{group.replace('_', ' ')}: {told(row)}"])
        if row["ci_low"] is not None and row["ci_high"] is not None:
            box.hlines(height, row["ci_low"], row["ci_high"], color=shape.colour, linewidth=0.8)
    box.set_ylim(-0.6, len(groups) - 0.4)
    box.grid(axis="y", color="#EEEEEE", linewidth=0.5)
    box.set_axisbelow(True)
