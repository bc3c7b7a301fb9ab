"""Treated minus control by layer: a panel per quantity, a curve per contrast."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from matplotlib.figure import Figure

from groundscope.figures import style
from groundscope.figures.layer_lines import Curve, Panel, by_name, draw
from groundscope.figures.selection import (
    ABOVE_NULL,
    ALPHA,
    ANISOTROPIC,
    Row,
    above_null,
    choose,
    count,
    in_order,
    intervals,
    of_all_groups,
)

_PROTOCOL = {
    "all-groups": "silhouettes of all groups at once · ",
    "leave-one-group-out": "silhouettes leaving a group out · ",
}
_ANALYSIS = {"pairs": "pairs", "silhouette": "silhouette", "lda": "LDA"}
_MEASURE = {"auc": "AUC", ABOVE_NULL: "silhouette\nabove null"}


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw the ``contrasts`` table of one corpus.

    Filled markers are layers whose Holm-corrected p is below 0.05. What compares between models is
    shown: of word pairs the AUC, of silhouettes those above their null, where there are such. Of
    silhouettes those of all groups at once are shown, and of LDA the accuracy.

    Parameters
    ----------
    table
        As `tables.TABLES` declares it.
    options
        ``corpus``; and, to show other rows, ``space``. Rows of a metric are cosine where there is
        a choice.
    """
    rows, shown = choose(table, "contrasts", {"space": "full"}, options)
    rows = [row for row in of_all_groups(rows) if row["measure"] != ANISOTROPIC]
    with_cosine = {_quantity(row) for row in rows if row["metric"] == "cosine"}
    rows = [r for r in rows if r["metric"] == "cosine" or _quantity(r) not in with_cosine]
    rows = above_null(rows)
    names = in_order(row["contrast"] for row in rows)
    looks = {name: style.look(number) for number, name in enumerate(names)}
    panels = []
    for quantity in dict.fromkeys(_quantity(row) for row in rows):
        part = [row for row in rows if _quantity(row) == quantity]
        curves = [
            Curve(
                f"{name}: {own[0]['treated']} minus {own[0]['control']}",
                own,
                looks[name],
                frozenset(row["layer"] for row in own if row["p_holm"] >= ALPHA),
            )
            for name, own in by_name(part, "contrast").items()
        ]
        title = f"{_ANALYSIS[quantity[0]]} · {quantity[1]}"
        title += f"\n{count(part, 'n_types')} words"
        measure = _MEASURE.get(quantity[2], quantity[2])
        panels.append(Panel(title, f"Δ {measure}", curves, 0.0))
    protocol = next((row["protocol"] for row in rows if row["protocol"]), "")
    head = (
        f"Contrasts · {shown['corpus']} · Δ: treated minus control, paired over words · "
        f"{_PROTOCOL.get(protocol, '')}"
        f"{shown['space']} space · filled: Holm-corrected p < {ALPHA} · {intervals(rows)}"
    )
    return draw(panels, head=head, reference="no difference")


def _quantity(row: Row) -> tuple[str, str, str]:
    """Name what a row measures: analysis, labelling or kind of pairs, measure."""
    return row["analysis"], row["labelling"] or row["kind"] or "", row["measure"]
