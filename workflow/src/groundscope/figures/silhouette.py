"""Silhouette by layer: a panel per space and labelling, a curve per model."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from matplotlib.figure import Figure

from groundscope.figures import style
from groundscope.figures.layer_lines import Curve, Panel, by_name, draw
from groundscope.figures.selection import MEANS, choose, in_order, intervals, vectors

_SHOWN = {
    "measure": "silhouette",
    "metric": "cosine",
    "protocol": "all-groups",
    "subset": "all",
    "level": "overall",
}

_GROUPS = {"all-groups": "all groups at once", "leave-one-group-out": "a group left out in turn"}


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw the ``silhouette`` table of one corpus.

    Parameters
    ----------
    table
        As `tables.TABLES` declares it.
    options
        ``corpus``; ``contrasts``, pairs (treated, control) in one hue;
        and, to show other rows, ``measure``, ``metric``, ``protocol``, ``subset``.
    """
    rows, shown = choose(table, "silhouette", _SHOWN, options)
    order = in_order(row["model"] for row in rows)
    looks = style.looks(order, options.get("contrasts", ()))
    labellings = in_order(row["labelling"] for row in rows)
    # the subspace of one labelling is no space of another: one row of panels for all of them
    for row in rows:
        row["space"] = row["space"].partition(":")[0]
    spaces = in_order((row["space"] for row in rows), ["full"])
    panels = []
    for space in spaces:
        for labelling in labellings:
            part = [r for r in rows if (r["space"], r["labelling"]) == (space, labelling)]
            if not part:
                continue
            models = by_name(part, "model")
            panels.append(
                Panel(
                    title=f"{labelling} · {_named(space)}\n{vectors(part)}",
                    ylabel=shown["measure"],
                    curves=[Curve(m, models[m], looks[m]) for m in order if m in models],
                    reference=0.0,
                    null=True,
                    scale=space,
                )
            )
    groups = _GROUPS.get(shown["protocol"], shown["protocol"])
    groups += "" if shown["subset"] == "all" else f", {shown['subset']} only"
    head = (
        f"Silhouette · {shown['corpus']} · {shown['metric']} distance · {groups} · "
        f"{MEANS} · {intervals(rows)}"
    )
    return draw(panels, head=head, reference="zero")


def _named(space: str) -> str:
    return "LDA, in sample" if space == "lda" else f"{space} space"
