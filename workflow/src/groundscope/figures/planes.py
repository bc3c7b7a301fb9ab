"""Words in a plane: one model, at the layer that stands for it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from groundscope.figures import labels, style
from groundscope.figures.layer_lines import by_name
from groundscope.figures.selection import MEANS, Row, choose, in_order, vectors

_AXIS = {"pca": "principal component", "lda": "discriminant axis"}
_SHARE = {"pca": "of variance", "lda": "of variance between groups"}
_HEAD = {"pca": "principal components", "lda": "discriminant axes, fitted in sample"}
# Most points whose words are written beside them.
_NAMED = 250


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw the ``planes`` table of one corpus, labelling and model.

    Parameters
    ----------
    table
        As `tables.TABLES` declares it.
    options
        ``corpus``, ``labelling``, ``model``, ``space`` (``pca`` or ``lda``).
    """
    shown_layers = table.filter(table.column("chosen"))
    defaults = {"labelling": "", "model": "", "space": "pca"}
    rows, shown = choose(shown_layers, "planes", defaults, options)
    names = in_order(sorted(row["label"] for row in rows))
    looks = {name: style.look(number) for number, name in enumerate(names)}
    made, (box,) = style.new_panels(1, style.COLUMN_MM)
    _points(box, rows, looks, shown["space"])
    box.set_title(f"{shown['model']}, layer {rows[0]['layer']}\n{vectors(rows)}", loc="left")
    style.frame(
        made,
        f"Words in a plane · {shown['corpus']} · {shown['labelling']} · {_HEAD[shown['space']]} · "
        f"{MEANS} · words without a name had no room",
        [
            Line2D([], [], color=look.colour, marker=look.marker, linestyle="none",
                   label=name.replace("_", " "))
            for name, look in looks.items()
        ],
    )  # fmt: skip
    style.settle(made)
    _name(box, rows)
    return made


def _points(box: Axes, rows: Sequence[Row], looks: Mapping[str, style.Look], space: str) -> None:
    for label, part in by_name(rows, "label").items():
        (line,) = box.plot(
            [row["x"] for row in part],
            [row["y"] for row in part],
            color=looks[label].colour,
            marker=looks[label].marker,
            linestyle="none",
            markersize=2.8,
            markeredgewidth=0.0,
        )
        style.hover(line, [f"{row['word']} ({label.replace('_', ' ')})" for row in part])
    # distances mean the same in both directions
    box.set_aspect("equal", adjustable="datalim")
    box.margins(0.06)
    for name, setter, share in (
        ("first", box.set_xlabel, rows[0]["share_x"]),
        ("second", box.set_ylabel, rows[0]["share_y"]),
    ):
        if share is None:
            setter("first principal component of the rest")
        else:
            setter(f"{name} {_AXIS[space]}: {share:.0%} {_SHARE[space]}")
    box.tick_params(labelbottom=False, labelleft=False, length=0)


def _name(box: Axes, rows: Sequence[Row]) -> None:
    """Write as many words as have room; say how many."""
    if rows[0]["rows"] != "types" or len(rows) > _NAMED:
        return
    places = [(row["x"], row["y"]) for row in rows]
    found = labels.place(box, places, [row["word"] for row in rows], size=style.SMALL)
    if found < len(rows):
        box.set_title(f"{box.get_title(loc='left')}; {found} named", loc="left")
