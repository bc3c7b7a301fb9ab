"""How every figure looks, and how it is written: the same table gives the same bytes."""

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from groundscope.errors import UserError
from groundscope.files import atomic

MM = 1 / 25.4
# Width of every figure: one column of a page, so that its text is printed in the size set here.
COLUMN_MM = 88.0
# Smallest text, in points.
SMALL = 6.0
# Panels that stand one below the other, as wide as the column; more stand in pairs.
_STACKED = 3

# Okabe & Ito (2008) without yellow, which is pale on white; the order sets neighbours
# furthest apart in lightness, for print in grey.
PALETTE = ("#0072B2", "#E69F00", "#D55E00", "#56B4E9", "#009E73", "#000000", "#CC79A7")
# As many as make looks of one marker neighbours in colour, which differ in grey.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "p", ">", "d", "h", "*")
GREY = "#666666"
# Of what permuted labels reach.
BAND = "#D0D0D0"
PERMUTED = "permuted: mean to 95th percentile"

# of type Any: the stubs of rc_context list every key of this one version
SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 6.5,
    "axes.labelsize": 6.5,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "legend.columnspacing": 1.2,
    "figure.titlesize": SMALL,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 2.8,
    "hatch.linewidth": 0.4,
    "figure.dpi": 300,
    "savefig.dpi": 300,
    "svg.fonttype": "none",
    "svg.hashsalt": "groundscope",
    "pdf.fonttype": 42,
}
# On a screen a figure is so much larger than in print.
_SCREEN = 1.75
# Starts the identifier of a line whose markers have texts, one a line of the identifier.
_HOVER = "values:"
_METADATA: Mapping[str, Mapping[str, Any]] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
}


@dataclass(frozen=True)
class Look:
    """How one model is drawn.

    Attributes
    ----------
    colour
        Of lines and markers; the two models of a contrast share it.
    marker
        Tells models apart without colour.
    control
        Whether it is the control of a contrast: dashed, with open markers.
    """

    colour: str
    marker: str
    control: bool = False

    @property
    def dashes(self) -> Any:
        """Line style of a curve over layers."""
        return (0, (3.0, 1.5)) if self.control else "-"

    @property
    def face(self) -> str:
        """Fill of the markers."""
        return "white" if self.control else self.colour


def look(number: int) -> Look:
    """Look number `number`; the first 91 differ, the first 26 of them in grey too."""
    return Look(PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)])


def looks(names: Sequence[str], contrasts: Sequence[Sequence[str]] = ()) -> dict[str, Look]:
    """Look of each name; the treated and the control of a contrast share hue and marker.

    Parameters
    ----------
    names
        Models, in the order of the configuration.
    contrasts
        Pairs (treated, control). Of several contrasts with one control, the first lends its hue.
    """
    treated_of: dict[str, str] = {}
    for treated, control in contrasts:
        treated_of.setdefault(control, treated)
    own = [name for name in names if treated_of.get(name) not in names]
    found = {name: look(number) for number, name in enumerate(own)}
    for name in names:
        if name not in found:
            base = found.get(treated_of[name], look(len(found)))
            found[name] = Look(base.colour, base.marker, control=True)
    return {name: found[name] for name in names}


def new_figure(height_mm: float) -> Figure:
    """Make an empty figure of one column, laid out so that nothing overlaps.

    Parameters
    ----------
    height_mm
        Of its panels; `frame` adds what stands above and below.
    """
    figure = Figure(figsize=(COLUMN_MM * MM, height_mm * MM), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panel_columns(number: int) -> int:
    """Give how many of `number` panels stand side by side."""
    return 1 if number <= _STACKED else 2


def new_panels(number: int, row_mm: float, **shared: Any) -> tuple[Figure, list[Axes]]:
    """Make a figure with `number` panels, in rows of that height.

    Parameters
    ----------
    number
        Of panels.
    row_mm
        Height of a row, with its labels.
    shared
        ``sharex``, ``sharey``, as in `Figure.subplots`.
    """
    columns = panel_columns(number)
    rows = math.ceil(number / columns)
    figure = new_figure(rows * row_mm)
    grid = figure.subplots(rows, columns, squeeze=False, **shared)
    for box in grid.flat[number:]:
        box.set_visible(False)
    return figure, list(grid.flat[:number])


def frame(figure: Figure, head: str, handles: Sequence[Artist] = ()) -> None:
    """Write what the whole figure holds above it, a legend below, and make room for both.

    Parameters
    ----------
    figure
        Its height is that of its panels.
    head
        Wrapped to the width.
    handles
        Entries of the legend, in as many columns as fit.
    """
    lines = textwrap.wrap(head, int(COLUMN_MM / 1.14))
    figure.suptitle("\n".join(lines), x=0.01, ha="left", color=GREY, linespacing=1.3)
    more = 3 + 2.8 * len(lines)
    for columns in range(min(len(handles), 4), 0, -1):
        legend = figure.legend(handles=handles, loc="outside lower center", ncols=columns)
        extent = legend.get_window_extent()
        if extent.width <= figure.bbox.width or columns == 1:
            more += extent.height / figure.dpi / MM
            break
        legend.remove()
    figure.set_figheight(figure.get_figheight() + more * MM)


def settle(figure: Figure) -> None:
    """Fix the layout, so that places on the page are known and every format is one picture."""
    if figure.get_layout_engine() is None:
        return
    for _ in range(2):  # the second pass sees the ticks that the first one placed
        figure.draw_without_rendering()
        _wrap_titles(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _wrap_titles(figure: Figure) -> None:
    """Break the lines of titles that reach to the next panel, or out of the page."""
    boxes = [box for box in figure.axes if box.get_visible()]
    lefts = sorted(box.get_window_extent().x0 for box in boxes)
    for box in boxes:
        title = box.get_title(loc="left")
        if not title:
            continue
        start = box.get_window_extent().x0
        end = next((x for x in lefts if x > start + 1), figure.bbox.x1)
        (text,) = (found for found in box.findobj(Text) if found.get_text() == title)
        share = (end - start) / (text.get_window_extent().width + 0.01 * figure.bbox.width)
        if share < 1:
            letters = int(share * max(map(len, title.split("\n"))))
            lines = (textwrap.wrap(line, letters) for line in title.split("\n"))
            box.set_title("\n".join(part for line in lines for part in line), loc="left")


def hover(line: Line2D, texts: Sequence[str]) -> None:
    """Give each marker of `line` a text that is shown under the pointer, in the SVG.

    Parameters
    ----------
    line
        With a marker at every point.
    texts
        One a point.
    """
    if texts:
        line.set_gid(_HOVER + "\n".join(text.replace("\n", " ") for text in texts))


def _with_titles(svg: str) -> str:
    """Turn the texts that `hover` left in identifiers of groups into titles of their markers.

    Raises
    ------
    ValueError
        A line has another number of markers than of texts.
    """
    first, *parts = svg.split(f'<g id="{_HOVER}')
    for number, part in enumerate(parts):
        texts, _, rest = part.partition('">')
        titles = texts.split("\n")
        group, closing, behind = rest.partition("</g>\n   </g>")
        before, *marks = group.split("<use ")
        if len(marks) != len(titles):
            message = f"{len(marks)} markers for {len(titles)} texts: {titles[:3]}"
            raise ValueError(message)
        for title, mark in zip(titles, marks, strict=True):
            place, _, after = mark.partition("/>")
            before += f"<use {place}><title>{title}</title></use>{after}"
        parts[number] = f'values-{number}">{before}{closing}{behind}'
    return '<g id="'.join([first, *parts])


def save(figure: Figure, paths: Sequence[Path]) -> None:
    """Write the figure to each path, in the format that its suffix says.

    Raises
    ------
    UserError
        A suffix is not .svg, .pdf or .png.
    """
    settle(figure)
    for path in paths:
        if path.suffix not in _METADATA:
            message = f"{path}: figures are written as .svg, .pdf or .png"
            raise UserError(message)
        with mpl.rc_context(SETTINGS), atomic(path) as beside:
            figure.savefig(beside, format=path.suffix[1:], metadata=_METADATA[path.suffix])
            if path.suffix == ".svg":
                text = _with_titles(beside.read_text(encoding="utf-8"))
                beside.write_text(_for_screens(text), encoding="utf-8")


def _for_screens(svg: str) -> str:
    """Enlarge what is made for print, where it is not fitted into a page."""
    return re.sub(
        r'(width|height)="([\d.]+)pt"',
        lambda size: f'{size[1]}="{_SCREEN * float(size[2]):.2f}pt"',
        svg,
        count=2,
    )
