"""Similarity of word pairs by layer: a panel per kind of pair and measure, a curve per model."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from matplotlib.figure import Figure

from groundscope.figures import style
from groundscope.figures.layer_lines import Curve, Panel, by_name, draw
from groundscope.figures.selection import AT_RANDOM, choose, count, in_order, intervals

_KINDS = ["same-word", "same-group", "same-speaker", *AT_RANDOM]
_YLABEL = {
    "raw": "cosine similarity",
    "normalised": "cosine minus random",
    "auc": "AUC against random",
}
_LEVEL = {"raw": None, "normalised": 0.0, "auc": 0.5}


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw the ``pairs`` table of one corpus.

    Parameters
    ----------
    table
        As `tables.TABLES` declares it.
    options
        ``corpus``; ``contrasts``, pairs (treated, control) in one hue;
        ``metric``.
    """
    rows, shown = choose(table, "pairs", {"metric": "cosine"}, options)
    order = in_order(row["model"] for row in rows)
    looks = style.looks(order, options.get("contrasts", ()))
    kinds = in_order((row["kind"] for row in rows), _KINDS)
    measures = in_order((row["measure"] for row in rows), ["auc", "normalised", "raw"])
    panels = []
    for measure in measures:
        for kind in kinds:
            part = [r for r in rows if (r["measure"], r["kind"]) == (measure, kind)]
            # random minus random is zero by definition
            if not part or (kind in AT_RANDOM and measure != "raw"):
                continue
            models = by_name(part, "model")
            panels.append(
                Panel(
                    title=f"{kind}\n{count(part, 'n_pairs')} pairs",
                    ylabel=_YLABEL.get(measure, measure),
                    curves=[Curve(m, models[m], looks[m]) for m in order if m in models],
                    reference=_LEVEL.get(measure),
                    scale=measure,
                )
            )
    head = (
        f"Word pairs · {shown['corpus']} · "
        f"{count(rows, 'n_types')} words, {count(rows, 'n_tokens')} tokens · "
        f"mean of {count(rows, 'seeds')} draws · {intervals(rows)}"
    )
    return draw(panels, head=head, reference="no difference from random")
