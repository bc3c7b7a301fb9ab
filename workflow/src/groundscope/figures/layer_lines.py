"""Panels of curves over layers: what most figures are made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from groundscope.figures import style
from groundscope.figures.selection import LayerAxis, Row, told
from groundscope.figures.style import Look

_FLAT = (0, (6.0, 2.0))
# Most curves whose intervals can be told apart as bars; more are drawn as bands.
_BARS = 8
# Room of one curve beside the others of a layer, in layers, and of all of them together.
_STEP, _ROOM = 0.14, 0.72
# On crowded curves every so manieth layer has a marker.
_MARKS = 5
# Height of a row of panels, without titles.
_ROW_MM = 32


@dataclass(frozen=True)
class Curve:
    """Estimates of one model (or contrast) over layers.

    Attributes
    ----------
    label
        Name in the legend.
    rows
        With keys layer, estimate, ci_low, ci_high. Layer 0 alone is a flat line over all layers,
        whose marker stands behind the last layer.
    look
        Colour, marker, dashes.
    hollow
        Layers whose marker is drawn open: not significant.
    place
        In the legend, from 0; equal places keep the order of first appearance.
    """

    label: str
    rows: Sequence[Row]
    look: Look
    hollow: frozenset[str] = frozenset()
    place: int = 0

    @property
    def flat(self) -> bool:
        """Whether the model has one layer only, as static vectors have."""
        return [row["layer"] for row in self.rows] == ["0"]


@dataclass(frozen=True)
class Panel:
    """One coordinate system.

    Attributes
    ----------
    title
        Above it.
    ylabel
        Beside it; empty to leave out.
    curves
        What is drawn.
    reference
        Height of a thin horizontal line: chance, zero; None to leave out.
    null
        Whether the rows of the curves have keys null_mean and null_high, to be drawn in grey.
    scale
        Panels of one name share the vertical scale; None for a scale of its own.
    """

    title: str
    ylabel: str
    curves: Sequence[Curve]
    reference: float | None = None
    null: bool = False
    scale: str | None = None


def draw(panels: Sequence[Panel], *, head: str, reference: str = "") -> Figure:
    """Draw panels with one layer axis and one legend below.

    Parameters
    ----------
    panels
        In the order of reading.
    head
        Line above the figure.
    reference
        What the thin line is, in the legend.
    """
    columns = style.panel_columns(len(panels))
    lines = 1 + max(panel.title.count("\n") for panel in panels)
    figure, axes = style.new_panels(len(panels), _ROW_MM + 2.7 * lines)
    curves = [curve for panel in panels for curve in panel.curves]
    # a model without layers is no reason for a layer 0 that no other model has
    layers = {row["layer"]: None for curve in curves if not curve.flat for row in curve.rows}
    every = (row["layer"] for curve in curves for row in curve.rows)
    axis = LayerAxis.of(layers if len(layers) > 1 else every)
    scales: dict[str, Axes] = {}
    for number, (box, panel) in enumerate(zip(axes, panels, strict=True)):
        if panel.scale is not None and scales.setdefault(panel.scale, box) is not box:
            box.sharey(scales[panel.scale])
        _panel(box, panel, axis, most=round((style.COLUMN_MM - 16) / columns / 4.5))
        if number + columns >= len(panels):
            box.set_xlabel("layer")
        if number % columns and panel.ylabel == panels[number - 1].ylabel:
            box.set_ylabel("")
    style.frame(figure, head, _handles(panels, reference))
    return figure


def _panel(box: Axes, panel: Panel, axis: LayerAxis, *, most: int) -> None:
    box.set_title(panel.title, loc="left")
    box.set_ylabel(panel.ylabel)
    if panel.reference is not None:
        box.axhline(panel.reference, color=style.GREY, linewidth=0.6, linestyle=":", zorder=1.5)
    bands = len(panel.curves) > _BARS
    flat = [curve for curve in panel.curves if curve.flat and len(axis.positions) > 1]
    steep = [curve for curve in panel.curves if curve not in flat]
    step = min(_STEP, _ROOM / max(1, len(steep)))
    low, high = axis.limits
    # curves without layers have their markers, one beside the other, behind the last layer
    beside = (high - low) / 24
    for number, curve in enumerate(flat, 1):
        _flat(box, curve, (low, high + beside * (len(flat) + 0.5)), high + beside * number)
        if panel.null and not bands:
            _own_null(box, curve.rows, [high + beside * number], 0.8 * beside)
    for number, curve in enumerate(steep):
        shift = 0.0 if bands else step * (number - (len(steep) - 1) / 2)
        _curve(box, curve, axis, shift, number if bands else None)
        if panel.null and not bands:
            places = [axis.positions[row["layer"]] + shift for row in curve.rows]
            _own_null(box, curve.rows, places, 0.8 * step)
    if panel.null and bands:
        _widest_null(box, [row for curve in panel.curves for row in curve.rows], axis)
    box.set_xlim(low, high + beside * (len(flat) + 0.5) if flat else high)
    ticks = axis.ticks(most)
    named = any(not name.isdigit() for name in ticks)
    box.set_xticks([axis.positions[name] for name in ticks], ticks, rotation=90 if named else 0)


def _curve(box: Axes, curve: Curve, axis: LayerAxis, shift: float, crowded: int | None) -> None:
    """Draw one curve; `crowded` is its number where there are too many for bars and markers."""
    rows = sorted(curve.rows, key=lambda row: axis.positions[row["layer"]])
    shape = curve.look
    for connected in (True, False):
        part = [row for row in rows if row["layer"].isdigit() is connected]
        if not part:
            continue
        x = [axis.positions[row["layer"]] + shift for row in part]
        (line,) = box.plot(
            x,
            [row["estimate"] for row in part],
            color=shape.colour,
            linestyle=shape.dashes if connected else "none",
            marker=shape.marker,
            markerfacecolor=shape.face,
            markeredgewidth=0.7,
            markevery=None if crowded is None or len(part) < _MARKS else (crowded % _MARKS, _MARKS),
            label=curve.label,
        )
        if crowded is None:
            style.hover(line, [f"{curve.label}, layer {row['layer']}: {told(row)}" for row in part])
        _intervals(box, part, x, shape, bands=crowded is not None and connected)
    hollow = [row for row in rows if row["layer"] in curve.hollow]
    (line,) = box.plot(
        [axis.positions[row["layer"]] + shift for row in hollow],
        [row["estimate"] for row in hollow],
        color=shape.colour,
        linestyle="none",
        marker=shape.marker,
        markerfacecolor="white",
        markeredgewidth=0.7,
    )
    style.hover(line, [f"{curve.label}, layer {row['layer']}: {told(row)}" for row in hollow])


def _flat(box: Axes, curve: Curve, ends: tuple[float, float], place: float) -> None:
    """Draw a curve without layers from end to end, with its marker at `place`."""
    (row,) = curve.rows
    low, high = ends
    face = "white" if row["layer"] in curve.hollow else curve.look.face
    (line,) = box.plot(
        [low, place, high],
        [row["estimate"]] * 3,
        color=curve.look.colour,
        linestyle=_FLAT,
        marker=curve.look.marker,
        markerfacecolor=face,
        markevery=[1],
        label=curve.label,
    )
    style.hover(line, [f"{curve.label}, its only layer: {told(row)}"])
    _intervals(box, [row], [place], curve.look, bands=False)


def _intervals(
    box: Axes, rows: Sequence[Row], x: Sequence[float], shape: Look, *, bands: bool
) -> None:
    known = [
        (place, row["ci_low"], row["ci_high"])
        for place, row in zip(x, rows, strict=True)
        if row["ci_low"] is not None and row["ci_high"] is not None
    ]
    if not known:
        return
    places, low, high = zip(*known, strict=True)
    if bands:
        box.fill_between(places, low, high, color=shape.colour, alpha=0.1, linewidth=0, zorder=1)
    else:
        box.vlines(places, low, high, color=shape.colour, linewidth=0.7, zorder=1.8)


def _own_null(box: Axes, rows: Sequence[Row], places: Sequence[float], width: float) -> None:
    """Grey behind each marker, from the mean to the 95th percentile of its own null."""
    for place, row in zip(places, rows, strict=True):
        if row["null_mean"] is not None and row["null_high"] is not None:
            box.fill_between(
                [place - width / 2, place + width / 2], row["null_mean"], row["null_high"],
                color=style.BAND, linewidth=0.6, zorder=0.5,
            )  # fmt: skip


def _widest_null(box: Axes, rows: Sequence[Row], axis: LayerAxis) -> None:
    """Grey from the lowest null mean to the highest 95th percentile, layer by layer."""
    ends: dict[float, tuple[float, float]] = {}
    for row in rows:
        unknown = row["null_mean"] is None or row["null_high"] is None
        if unknown or row["layer"] not in axis.positions:
            continue
        place = axis.positions[row["layer"]]
        low, high = ends.get(place, (math.inf, -math.inf))
        ends[place] = min(low, row["null_mean"]), max(high, row["null_high"])
    for place, (low, high) in ends.items():
        box.fill_between(
            [place - 0.5, place + 0.5], low, high, color=style.BAND, linewidth=0, zorder=0.5
        )


def _handles(panels: Sequence[Panel], reference: str) -> list[Line2D | Patch]:
    """Entries of the legend."""
    found: dict[str, Curve] = {}
    for panel in panels:
        for curve in panel.curves:
            # a model may have more layers in one panel than in another
            if curve.label not in found or len(curve.rows) > len(found[curve.label].rows):
                found[curve.label] = curve
    handles: list[Line2D | Patch] = [
        Line2D(
            [],
            [],
            color=curve.look.colour,
            linestyle=_FLAT if curve.flat else curve.look.dashes,
            marker=curve.look.marker,
            markerfacecolor=curve.look.face,
            label=curve.label,
        )
        for curve in sorted(found.values(), key=lambda curve: curve.place)
    ]
    if any(panel.reference is not None for panel in panels) and reference:
        handles.append(
            Line2D([], [], color=style.GREY, linewidth=0.6, linestyle=":", label=reference)
        )
    tested = [panel for panel in panels if panel.null]
    rows = [row for panel in tested for curve in panel.curves for row in curve.rows]
    if any(row["null_high"] is not None for row in rows):
        crowded = any(len(panel.curves) > _BARS for panel in tested)
        label = f"{style.PERMUTED}{', widest' if crowded else ''}"
        handles.append(Patch(color=style.BAND, label=label))
    return handles


def by_name(rows: Sequence[Row], column: str) -> Mapping[str, list[Row]]:
    """Rows of each value of `column`, in the order of first appearance."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found
