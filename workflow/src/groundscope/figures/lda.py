"""Held-out LDA accuracy by layer: a panel per labelling, a curve per model."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from matplotlib.figure import Figure

from groundscope.figures import style
from groundscope.figures.layer_lines import Curve, Panel, by_name, draw
from groundscope.figures.selection import MEANS, choose, count, in_order, intervals, vectors

_SHOWN = {"measure": "accuracy", "solver": "shrinkage"}


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw the ``lda`` table of one corpus.

    Parameters
    ----------
    table
        As `tables.TABLES` declares it.
    options
        ``corpus``; ``contrasts``, pairs (treated,
        control) in one hue; and, to show other rows, ``measure``, ``solver``.
    """
    rows, shown = choose(table, "lda", _SHOWN, options)
    order = in_order(row["model"] for row in rows)
    looks = style.looks(order, options.get("contrasts", ()))
    panels = []
    for labelling in in_order(row["labelling"] for row in rows):
        part = [row for row in rows if row["labelling"] == labelling]
        models = by_name(part, "model")
        chances = [row["chance"] for row in part if row["chance"] is not None]
        apart = ", ".join(sorted({row["held_apart"] for row in part}))
        panels.append(
            Panel(
                title=(
                    f"{labelling} ({count(part, 'n_classes')} classes)\n{vectors(part)}\n"
                    f"held apart: {apart}"
                ),
                ylabel=shown["measure"],
                curves=[Curve(m, models[m], looks[m]) for m in order if m in models],
                reference=max(chances, default=None),
                null=True,
                scale=shown["measure"],
            )
        )
    kinds = sorted({row["chance_kind"] for row in rows if row["chance_kind"]})
    head = (
        f"Held-out LDA · {shown['corpus']} · {shown['solver']} solver · "
        f"{count(rows, 'folds')} folds, {count(rows, 'repeats')} times · {MEANS} · "
        f"{intervals(rows)}"
    )
    return draw(panels, head=head, reference=f"chance ({', '.join(kinds)})")
