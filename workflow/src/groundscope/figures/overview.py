"""The study at a glance: models down, analyses across, each model at its best layer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from groundscope.errors import NothingToDraw
from groundscope.figures import style
from groundscope.figures.selection import Row, best, count, in_order, shown_rows, told


@dataclass(frozen=True)
class _Cell:
    """Best row of a model, its layer, and with what it was compared."""

    row: Row
    layer: str
    other: str = ""


@dataclass(frozen=True)
class _Column:
    title: str
    xlabel: str
    cells: Mapping[str, _Cell]
    chance: float | None


def figure(tables: Mapping[str, pa.Table], options: Mapping[str, Any]) -> Figure:
    """Draw the best layer of each model in every analysis of one corpus.

    Parameters
    ----------
    tables
        Name -> table, of ``silhouette``, ``lda``, ``pairs`` and ``cka`` those that there are.
    options
        ``corpus``; ``contrasts``, pairs (treated, control) in one hue.

    Raises
    ------
    NothingToDraw
        No table has such a row of the corpus.
    """
    columns = []
    for name, make in _MAKERS.items():
        if name in tables:
            rows = [r for r in tables[name].to_pylist() if r["corpus"] == options["corpus"]]
            columns += make(shown_rows(name, rows))
    if not columns:
        message = (
            f"no table has rows of corpus {options['corpus']!r} in what an overview shows (full "
            "space, cosine, all groups at once, linear CKA): there is nothing to draw"
        )
        raise NothingToDraw(message)
    models = in_order(
        (model for column in columns for model in column.cells), options.get("models", ())
    )
    looks = style.looks(models, options.get("contrasts", ()))
    made, grid = style.new_panels(len(columns), 14 + 3.5 * len(models), sharey=True)
    for box, column in zip(grid, columns, strict=True):
        _panel(box, column, models, looks)
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=style.GREY, linewidth=0.8, linestyle=":", label="zero or chance")
    ]
    if any(_null(cell.row) for column in columns for cell in column.cells.values()):
        handles.append(Patch(color=style.BAND, label=style.PERMUTED))
    style.frame(
        made,
        f"Overview · {options['corpus']} · each model at its best layer, which the number itself "
        "chose · beside it: value (layer) · bars: 95% interval",
        handles,
    )
    return made


def _panel(
    box: Axes, column: _Column, models: Sequence[str], looks: Mapping[str, style.Look]
) -> None:
    for line in sorted({0.0} if column.chance is None else {column.chance}):
        box.axvline(line, color=style.GREY, linewidth=0.8, linestyle=":", zorder=1)
    for height, model in enumerate(models):
        cell = column.cells.get(model)
        if cell is None:
            continue
        row, look = cell.row, looks[model]
        if _null(row):
            box.fill_betweenx(
                [height - 0.4, height + 0.4], row["null_mean"], row["null_high"],
                color=style.BAND, linewidth=0, zorder=0.5,
            )  # fmt: skip
        if row["ci_low"] is not None and row["ci_high"] is not None:
            box.hlines(height, row["ci_low"], row["ci_high"], color=look.colour, linewidth=0.9)
        (line_,) = box.plot(
            [row["estimate"]], [height], color=look.colour, marker=look.marker,
            markerfacecolor=look.face, markersize=4,
        )  # fmt: skip
        style.hover(line_, [f"{model}, layer {cell.layer}{cell.other}: {told(row)}"])
        value = round(row["estimate"], 2) + 0.0  # no minus before zero
        box.annotate(
            f"{value:.2f} ({cell.layer})", (1.03, height), xycoords=box.get_yaxis_transform(),
            va="center", fontsize=style.SMALL, annotation_clip=False,
        )  # fmt: skip
    box.set_yticks(range(len(models)), models)
    box.set_ylim(len(models) - 0.5, -0.5)
    box.margins(x=0.1)
    box.set_title(column.title, loc="left")
    box.set_xlabel(column.xlabel)
    box.xaxis.set_major_locator(MaxNLocator(3))


def _null(row: Row) -> bool:
    return row.get("null_mean") is not None and row.get("null_high") is not None


def _by_layer(rows: Sequence[Row], title: str, xlabel: str, chance: float | None) -> _Column:
    models = in_order(row["model"] for row in rows)
    tops = {model: best([row for row in rows if row["model"] == model]) for model in models}
    cells = {model: _Cell(row, row["layer"]) for model, row in tops.items()}
    return _Column(f"{title}\n{count(rows, 'n_types')} words", xlabel, cells, chance)


def _silhouettes(rows: list[Row]) -> list[_Column]:
    return [
        _by_layer(part, f"silhouette · {name}", "silhouette (cosine)", None)
        for name in in_order(row["labelling"] for row in rows)
        for part in [[row for row in rows if row["labelling"] == name]]
    ]


def _lda(rows: list[Row]) -> list[_Column]:
    found = []
    for name in in_order(row["labelling"] for row in rows):
        part = [row for row in rows if row["labelling"] == name]
        chances = [row["chance"] for row in part if row["chance"] is not None]
        found.append(_by_layer(part, f"LDA · {name}", "accuracy", max(chances, default=None)))
    return found


def _pairs(rows: list[Row]) -> list[_Column]:
    return [
        _by_layer(part, f"pairs · {kind}", "AUC against random", 0.5)
        for kind in in_order(row["kind"] for row in rows)
        for part in [[row for row in rows if row["kind"] == kind]]
    ]


def _cka(rows: list[Row]) -> list[_Column]:
    """Each model with the other that it is most alike, in the most alike layers of both."""
    cells = {}
    for model in in_order(name for row in rows for name in (row["model_a"], row["model_b"])):
        top = best([row for row in rows if model in (row["model_a"], row["model_b"])])
        own, other = ("a", "b") if top["model_a"] == model else ("b", "a")
        compared = f" with {top[f'model_{other}']}, layer {top[f'layer_{other}']}"
        cells[model] = _Cell(top, top[f"layer_{own}"], compared)
    if not cells:
        return []
    title = f"CKA · most alike model\n{count(rows, 'n_types')} words"
    return [_Column(title, "CKA", cells, None)]


_MAKERS: Mapping[str, Callable[[list[Row]], list[_Column]]] = {
    "silhouette": _silhouettes,
    "lda": _lda,
    "pairs": _pairs,
    "cka": _cka,
}
