"""How every figure looks, and how it is written: the same table gives the same bytes."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from groundscope.errors import UserError
from groundscope.files import atomic

MM = 1 / 25.4
COLUMN_MM, PAGE_MM = 85.0, 180.0

# Okabe & Ito (2008) without yellow, which is pale on white; the order sets neighbours
# furthest apart in lightness, for print in grey.
PALETTE = ("#0072B2", "#E69F00", "#D55E00", "#56B4E9", "#009E73", "#000000", "#CC79A7")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "p", ">")
GREY = "#666666"
# Of what permuted labels reach.
BAND = "#D0D0D0"
PERMUTED = "permuted: mean to 95th percentile"

# of type Any: the stubs of rc_context list every key of this one version
SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "figure.titlesize": 6.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.2,
    "hatch.linewidth": 0.4,
    "figure.dpi": 300,
    "savefig.dpi": 300,
    "svg.fonttype": "none",
    "svg.hashsalt": "groundscope",
    "pdf.fonttype": 42,
}
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
    """Look number `number`; the first 70 differ in colour or marker."""
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


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """Make an empty figure of that size, laid out so that nothing overlaps."""
    figure = Figure(figsize=(width_mm * MM, height_mm * MM), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def headline(figure: Figure, text: str) -> None:
    """Write what the whole figure holds above it, wrapped to its width."""
    columns = int(figure.get_figwidth() / MM / 1.28)
    figure.suptitle(
        "\n".join(textwrap.wrap(text, columns)), x=0.01, ha="left", color=GREY, linespacing=1.3
    )


def settle(figure: Figure) -> None:
    """Fix the layout, so that places on the page are known and every format is one picture."""
    if figure.get_layout_engine() is None:
        return
    for _ in range(2):  # the second pass sees the ticks that the first one placed
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


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
                text = beside.read_text(encoding="utf-8")
                beside.write_text(_with_titles(text), encoding="utf-8")
