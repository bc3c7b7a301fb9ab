"""Rows of the contrast tables, from word scores of two models and the CKA between them."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from groundscope.analysis.columns import estimate_columns, number
from groundscope.errors import UserError
from groundscope.metrics.correlation import across_layers
from groundscope.metrics.groups import Floats
from groundscope.metrics.statistics import holm, paired_difference

_FAMILY = ("corpus", "analysis", "labelling", "measure", "kind", "metric", "space")
_CLUSTERING = ("labelling", "metric", "space")
_DROPPED = ("missing_tokens", "unlabelled_tokens")
_TOO_FEW = "no contrast: it needs 3 words, none of which is in every pair"

Row = dict[str, Any]
# family -> layer -> word -> its row of word_scores
Scores = dict[tuple[Any, ...], dict[str, dict[str, Row]]]


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

    An analysis of fewer than three independent units (words, or blocks of them) in a layer is left
    out with a warning.

    Raises
    ------
    UserError
        A side mixes models, or the two share no analysis and layer with enough units.
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
            values = _pseudo_values([a[word] for word in words], [b[word] for word in words])
            if values is None:
                what = " ".join(name for name in family if name)
                logging.warning("%s, layer %s: %s", what, layer, _TOO_FEW)
                continue
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
                    "n_tokens": sum(a[word]["n_tokens"] for word in words),
                    "n_types": len(words),
                    "dropped_types": len(a.keys() ^ b.keys()),
                    **{name: a[words[0]][name] for name in _DROPPED},
                }
            )
        corrected = holm(np.array([row["p_value"] for row in part]))
        rows += [{**row, "p_holm": float(p)} for row, p in zip(part, corrected, strict=True)]
    if not rows:
        message = (
            f"{names['treated']} and {names['control']} share no analysis and layer with enough "
            "words: nothing can be contrasted"
        )
        raise UserError(message)
    return rows


def correlation_rows(
    contrasts: Sequence[Row], cka: Sequence[Row], *, permutations: int, seed: int
) -> list[Row]:
    """Correlate, across layers, the CKA of the two models with the change in silhouette.

    Equal layers of the two models are compared; every measure and space of the CKA table with every
    labelling, metric and space of the silhouettes. Fewer than four layers give no row, nor do
    layers in which one of the two never differs (two models that are the same).
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
            if np.ptp(x) == 0 or np.ptp(y) == 0:
                continue
            fewest = min((change[layer] for layer in layers), key=lambda row: row["n_types"])
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
                            **{name: fewest[name] for name in ("n_tokens", "n_types", *_DROPPED)},
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
        family.setdefault(row["layer"], {})[row["word"]] = row
    return found


def _pseudo_values(treated: Sequence[Row], control: Sequence[Row]) -> Floats | None:
    """Pseudo-values of the units of the same words, ``[units, 2]``; None if too few, or missing."""
    units = {
        one["unit"]: (one["pseudo_value"], other["pseudo_value"])
        for one, other in zip(treated, control, strict=True)
    }
    values = np.array(list(units.values()), np.float64).reshape(-1, 2)
    return values if len(values) > 2 and not np.isnan(values).any() else None
