"""A matrix of layers by layers: colours, ticks, values under the pointer, and the colour bar."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from groundscope.figures import style
from groundscope.figures.selection import LayerAxis

# Height of the colour bar with its labels.
_BAR_MM = 11
# Height of a label, in mm.
_LABEL_MM = 2.3
# Most cells of a matrix that say their value under the pointer.
_POINTED = 700


def draw(
    box: Axes,
    matrix: NDArray[np.float64],
    across: Sequence[str],
    up: Sequence[str],
    scale: Normalize,
    told: Mapping[tuple[int, int], str],
    *,
    colours: str,
    room_mm: tuple[float, float],
) -> None:
    """Fill a panel.

    Parameters
    ----------
    box
        The panel.
    matrix
        Shape ``[up, across]``; cells that are not finite stay grey.
    across, up
        Layers.
    scale
        Of the colours.
    told
        What cells, by row and column, say under the pointer, unless there are too many.
    colours
        Name of the colour map.
    room_mm
        Width and height of the panel, about.
    """
    box.set_facecolor("#EEEEEE")
    box.imshow(
        matrix,
        cmap=colours,
        norm=scale,
        origin="lower",
        aspect="auto",
        interpolation="none",
    )
    for spine in box.spines.values():
        spine.set_visible(False)
    box.tick_params(length=1.5, pad=1.5)
    for names, room, setter in (
        (across, room_mm[0], box.set_xticks),
        (up, room_mm[1], box.set_yticks),
    ):
        shown = _apart(names, LayerAxis.of(names).ticks(max(2, int(room / 4))), room)
        setter([names.index(name) for name in shown], shown)
    if any(not name.isdigit() for name in across):
        box.tick_params(axis="x", rotation=90)
    if matrix.size <= _POINTED:
        _point(box, told)


def bar(figure: Figure, colours: ScalarMappable, quantity: str) -> None:
    """Put the colour bar below the panels, and make room for it."""
    figure.set_figheight(figure.get_figheight() + _BAR_MM * style.MM)
    made = figure.colorbar(
        colours, ax=figure.axes, location="bottom", shrink=0.7, aspect=30, pad=0.02
    )
    made.set_label(quantity)
    made.outline.set_visible(False)


def _apart(names: Sequence[str], ticks: Sequence[str], room_mm: float) -> list[str]:
    """Leave out the numbers that would touch a named layer."""
    cell = room_mm / len(names)
    words = [names.index(name) for name in ticks if not name.isdigit()]
    return [
        name
        for name in ticks
        if not name.isdigit()
        or all(abs(names.index(name) - place) * cell >= _LABEL_MM for place in words)
    ]


def _point(box: Axes, told: Mapping[tuple[int, int], str]) -> None:
    """Let cells say their text under the pointer."""
    (line,) = box.plot(
        [x for _, x in told], [y for y, _ in told], "s", alpha=0.0, markersize=8, zorder=3
    )
    style.hover(line, list(told.values()))
