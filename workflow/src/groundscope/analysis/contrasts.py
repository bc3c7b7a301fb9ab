"""Rows of the contrast tables, from word scores of two models and the CKA between them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from groundscope.analysis.columns import estimate_columns, number
from groundscope.errors import UserError
from groundscope.metrics.correlation import across_layers
from groundscope.metrics.statistics import holm, paired_difference

_FAMILY = ("corpus", "analysis", "labelling", "measure", "kind", "metric", "space")
_CLUSTERING = ("labelling", "metric", "space")

Row = dict[str, Any]
# family -> layer -> word -> score and tokens
Scores = dict[tuple[Any, ...], dict[str, dict[str, tuple[float, int]]]]


def contrast_rows(
    treated: pa.Table,
    control: pa.Table,
    contrast: str,
    *,
    replicates: int,
    permutations: int,
    seed: int,
) -> list[Row]:
    """Paired differences over words for every analysis and layer that both models have.

    Raises
    ------
    UserError
        A side mixes models, or the two share no analysis and layer.
    ValueError
        Too few words in common.
    """
    names = {"treated": _model(treated), "control": _model(control), "contrast": contrast}
    first, second = _by_family(treated), _by_family(control)
    rows = []
    for family in first:
        layers = [name for name in first[family] if name in second.get(family, {})]
        part = []
        for layer in layers:
            a, b = first[family][layer], second[family][layer]
            words = sorted(a.keys() & b.keys())
            values = np.array([[a[word][0], b[word][0]] for word in words]).reshape(-1, 2)
            interval, p_value = paired_difference(
                values[:, 0] - values[:, 1],
                replicates=replicates,
                permutations=permutations,
                seed=seed,
            )
            means = values.mean(axis=0)
            part.append(
                {
                    **dict(zip(_FAMILY, family, strict=True)),
                    **names,
                    "layer": layer,
                    "mean_treated": float(means[0]),
                    "mean_control": float(means[1]),
                    **estimate_columns(means[0] - means[1], interval, (), "bootstrap-t over words"),
                    "p_value": p_value,
                    "n_tokens": sum(a[word][1] for word in words),
                    "n_types": len(words),
                    "dropped_types": len(a.keys() ^ b.keys()),
                }
            )
        corrected = holm(np.array([row["p_value"] for row in part]))
        rows += [{**row, "p_holm": float(p)} for row, p in zip(part, corrected, strict=True)]
    if not rows:
        message = (
            f"{names['treated']} and {names['control']} share no analysis and layer: "
            "nothing can be contrasted"
        )
        raise UserError(message)
    return rows


def correlation_rows(
    contrasts: Sequence[Row], cka: Sequence[Row], *, permutations: int, seed: int
) -> list[Row]:
    """Correlate, across layers, the CKA of the two models with the change in silhouette.

    Equal layers of the two models are compared; every measure and space of the CKA table with every
    labelling, metric and space of the silhouettes. Fewer than four layers give no row.
    """
    changes: dict[tuple[Any, ...], dict[str, Row]] = {}
    keys = ("corpus", "contrast", "treated", "control", *_CLUSTERING)
    for row in contrasts:
        if row["analysis"] == "silhouette":
            changes.setdefault(tuple(row[key] for key in keys), {})[row["layer"]] = row
    alike: dict[tuple[str, ...], dict[str, float]] = {}
    for row in cka:
        if row["layer_a"] == row["layer_b"]:
            measure = f"{row['measure']} {row['estimator']}"
            key = measure, row["space"], row["rows"]
            alike.setdefault(key, {})[row["layer_a"]] = row["estimate"]
    rows = []
    for family, change in changes.items():
        for (measure, space, kind), values in alike.items():
            layers = [layer for layer in change if layer in values]
            if len(layers) < 4:
                continue
            x = np.array([values[layer] for layer in layers])
            y = np.array([change[layer]["estimate"] for layer in layers])
            types = min(change[layer]["n_types"] for layer in layers)
            for sign, axis in (("cka", x), ("change", 1 - x)):
                for name in ("pearson", "spearman"):
                    found = across_layers(axis, y, name, permutations=permutations, seed=seed)
                    rows.append(
                        {
                            **dict(zip(keys, family, strict=True)),
                            "cka_measure": measure,
                            "cka_space": space,
                            "cka_rows": kind,
                            "x": sign,
                            "correlation": name,
                            "estimate": found.estimate,
                            "ci_low": number(found.low),
                            "ci_high": number(found.high),
                            "p_value": found.p_value,
                            "n_layers": len(layers),
                            "n_types": types,
                        }
                    )
    return rows


def _model(scores: pa.Table) -> str:
    models = sorted(set(scores.column("model").to_pylist()))
    if len(models) != 1:
        message = f"a side of a contrast is one model, got {', '.join(models) or 'no scores'}"
        raise UserError(message)
    return str(models[0])


def _by_family(scores: pa.Table) -> Scores:
    found: Scores = {}
    for row in scores.to_pylist():
        family = found.setdefault(tuple(row[key] for key in _FAMILY), {})
        family.setdefault(row["layer"], {})[row["word"]] = (
            row["value"],
            row["n_tokens"],
        )
    return found
