"""CKA by layer: each model with every other, at the same layer of both."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from matplotlib.figure import Figure

from groundscope.figures import style
from groundscope.figures.cka_matrices import SHOWN, named
from groundscope.figures.layer_lines import Curve, Panel, draw
from groundscope.figures.selection import Row, choose, drawn, in_order, intervals

# More pairs than this are spread over a panel for each model.
_ONE_PANEL = 6


def figure(table: pa.Table, options: Mapping[str, Any]) -> Figure:
    """Draw the ``cka`` table of one corpus, layer k of one model with layer k of the other.

    A model with one layer is compared with every layer of the other. Parameters are those of
    `cka_matrices.figure`, and ``contrasts``, pairs (treated, control) in one hue.
    """
    rows, shown = choose(table, "cka", SHOWN, options)
    found = [row[side] for row in rows for side in ("model_a", "model_b")]
    models = in_order(found)
    pairs = same_layer(rows)
    ylabel = named(f"{shown['measure']} {shown['estimator']}")
    if len(pairs) <= _ONE_PANEL:
        curves = [
            Curve(" with ".join(pair), part, style.look(number))
            for number, (pair, part) in enumerate(pairs.items())
        ]
        panels = [Panel("", ylabel, curves, 0.0, null=True)]
    else:
        looks = style.looks(models, options.get("contrasts", ()))
        panels = [_focus(model, models, pairs, looks, ylabel) for model in models]
    panel = "each panel: one model with every other · " if len(panels) > 1 else ""
    head = (
        f"CKA by layer · {shown['corpus']} · {shown['space']} space · {panel}"
        f"{drawn(rows)} · {intervals(rows)}"
    )
    return draw(panels, head=head, reference="zero")


def _focus(
    model: str,
    models: Sequence[str],
    pairs: Mapping[tuple[str, str], list[Row]],
    looks: Mapping[str, style.Look],
    ylabel: str,
) -> Panel:
    """Panel of one model with every other."""
    curves = []
    for other in models:
        part = pairs.get((model, other)) or pairs.get((other, model))
        if part:
            place = models.index(other)
            curves.append(Curve(other, part, looks[other], place=place))
    return Panel(f"{model} with", ylabel, curves, 0.0, null=True, scale=ylabel)


def same_layer(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows of each pair where both layers are the same, with that layer as ``layer``.

    Where a model has one layer only, it stands for every layer.
    """
    layers: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        for side in "ab":
            key = row["model_a"], row["model_b"], side
            layers.setdefault(key, set()).add(row[f"layer_{side}"])
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        pair = row["model_a"], row["model_b"]
        one_a, one_b = (len(layers[*pair, side]) == 1 for side in "ab")
        if row["layer_a"] == row["layer_b"] or one_a or one_b:
            layer = row["layer_b"] if one_a else row["layer_a"]
            found.setdefault(pair, []).append({**row, "layer": layer})
    return found
