"""Rows of the change_correlation table, from a contrast and the CKA between its two models."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from groundscope.analysis.columns import number
from groundscope.metrics.correlation import across_layers, tied

_KEYS = (
    *("corpus", "contrast", "treated", "control", "labelling", "measure", "metric", "space"),
    *("protocol", "subset"),
)
_DROPPED = ("missing_tokens", "unlabelled_tokens")

Row = dict[str, Any]


def correlation_rows(
    contrasts: Sequence[Row], cka: Sequence[Row], *, permutations: int, seed: int
) -> list[Row]:
    """Correlate, across layers, the CKA of the two models with the change in silhouette.

    Equal layers of the two models are compared; every measure and space of the CKA table with every
    labelling, measure (raw, above the null), metric, space, protocol and subset of the silhouettes.
    Fewer than four layers give no row, nor do layers in which one of the two never differs (two
    models that are the same), or by rounding only (see `tied`).
    """
    changes: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in contrasts:
        if row["analysis"] == "silhouette":
            changes.setdefault(tuple(row[key] for key in _KEYS), {})[row["layer"]] = row
    alike: dict[tuple[str, ...], dict[str, float]] = {}
    for row in cka:
        if row["layer_a"] == row["layer_b"]:
            key = f"{row['measure']} {row['estimator']}", row["space"], row["rows"]
            alike.setdefault(key, {})[row["layer_a"]] = row["estimate"]
    rows = []
    for family, change in changes.items():
        for (cka_measure, space, kind), values in alike.items():
            layers = [layer for layer in change if layer in values]
            if len(layers) < 4:
                continue
            x = tied(np.array([values[layer] for layer in layers]))
            y = tied(np.array([change[layer]["estimate"] for layer in layers]))
            if np.ptp(x) == 0 or np.ptp(y) == 0:
                continue
            fewest = min((change[layer] for layer in layers), key=lambda row: row["n_types"])
            for sign, axis in (("cka", x), ("change", 1 - x)):
                for name in ("pearson", "spearman"):
                    found = across_layers(axis, y, name, permutations=permutations, seed=seed)
                    rows.append(
                        {
                            **dict(zip(_KEYS, family, strict=True)),
                            "cka_measure": cka_measure,
                            "cka_space": space,
                            "cka_rows": kind,
                            "x": sign,
                            "correlation": name,
                            "estimate": found.estimate,
                            "ci_low": number(found.low),
                            "ci_high": number(found.high),
                            "p_value": found.p_value,
                            "n_layers": len(layers),
                            **{name: fewest[name] for name in ("n_tokens", "n_types", *_DROPPED)},
                        }
                    )
    return rows
