"""Result tables as the analyses write them, with made-up numbers, for tests of what reads them."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pyarrow as pa

from groundscope.columns import schema
from groundscope.tables import TABLES

Models = Mapping[str, Sequence[str]]

DEFAULT: Models = {
    "whisper": [str(k) for k in range(5)],
    "whisper-random": [str(k) for k in range(5)],
    "log-mel": ["0"],
    "minilm": [str(k) for k in range(7)],
    "glove": ["0"],
}
LABELLINGS = {
    "meaning": ["animals", "food", "musical_instruments", "time", "emotions"],
    "sound": ["b-l", "st", "k-r", "ei"],
    "speaker": ["en-us", "en-us+f2", "en-gb"],
}
_DROPPED = {"missing_tokens": 4, "unlabelled_tokens": 0}
_SIZES = {"n_tokens": 436, "n_types": 109, **_DROPPED}


def _number(estimate: float, spread: float = 0.03) -> dict[str, Any]:
    return {
        "estimate": estimate,
        "standard_error": spread / 2,
        "ci_low": estimate - spread,
        "ci_high": estimate + spread,
        "interval": "jackknife over words",
    }


def _null(mean: float, high: float) -> dict[str, Any]:
    return {"null_mean": mean, "null_high": high, "p_value": 0.01}


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema(TABLES[name]))


def _curve(rng: np.random.Generator, layers: Sequence[str], low: float, high: float) -> list[float]:
    x = np.linspace(0, 1, max(2, len(layers)))[: len(layers)]
    peak = rng.uniform(0.3, 1.0)
    values = low + (high - low) * rng.uniform(0.4, 1) * np.exp(-((x - peak) ** 2) / 0.2)
    return [float(value) for value in values + rng.normal(0, (high - low) / 60, len(x))]


def cka(models: Models = DEFAULT, *, pairs: Sequence[tuple[str, str]] | None = None) -> pa.Table:
    """Every pair of models, all layers, debiased and biased."""
    rng = np.random.default_rng(1)
    rows = []
    for a, b in pairs or list(combinations(models, 2)):
        level = rng.uniform(0.1, 0.7)
        for i, layer_a in enumerate(models[a]):
            for j, layer_b in enumerate(models[b]):
                near = abs(i / len(models[a]) - j / len(models[b]))
                value = float(level * np.exp(-3 * near) + rng.normal(0, 0.02))
                for estimator, more in (("debiased", 0.0), ("biased", 0.2)):
                    rows.append(
                        {
                            "corpus": "spoken",
                            "model_a": a,
                            "layer_a": layer_a,
                            "model_b": b,
                            "layer_b": layer_b,
                            "measure": "cka-linear",
                            "estimator": estimator,
                            "space": "full",
                            "rows": "tokens",
                            **_number(value + more),
                            "draws": 1,
                            "draw_sd": None,
                            **_null(0.0, 0.04),
                            **_SIZES,
                            "undrawn_tokens": 0,
                        }
                    )
    return _table("cka", rows)


def pairs(models: Models = DEFAULT) -> pa.Table:
    """Kinds of pairs: raw, normalised and AUC."""
    rng = np.random.default_rng(2)
    rows = []
    for model, layers in models.items():
        base = _curve(rng, layers, 0.2, 0.6)
        for kind, more in (
            ("random", 0.0),
            ("same-speaker", 0.08),
            ("same-group", 0.05),
            ("same-word", 0.3),
        ):
            for measure, level in (("raw", 0.0), ("normalised", 0.0), ("auc", 0.5)):
                if kind == "random" and measure != "raw":
                    continue
                for layer, value in zip(layers, base, strict=True):
                    size = level + more * (0.5 + value) + (value if measure == "raw" else 0)
                    rows.append(
                        {
                            "corpus": "spoken",
                            "model": model,
                            "layer": layer,
                            "kind": kind,
                            "metric": "cosine",
                            "measure": measure,
                            **_number(size, 0.02),
                            "seeds": 5,
                            "n_pairs": 1000,
                            "n_type_pairs": 900,
                            **_SIZES,
                        }
                    )
    return _table("pairs", rows)


def silhouette(
    models: Models = DEFAULT, *, spaces: Sequence[str] = ("full",), groups: bool = True
) -> pa.Table:
    """Overall and by group, cosine and Euclidean."""
    rng = np.random.default_rng(3)
    rows = []
    for labelling, names in LABELLINGS.items():
        for model, layers in models.items():
            for space in spaces:
                base = _curve(rng, layers, -0.1, 0.4)
                for layer, value in zip(layers, base, strict=True):
                    for metric in ("cosine", "euclidean"):
                        common = {
                            "corpus": "spoken",
                            "model": model,
                            "layer": layer,
                            "labelling": labelling,
                            "measure": "silhouette",
                            "metric": metric,
                            "space": space,
                            "rows": "types",
                            "protocol": "all-groups",
                            "subset": "all",
                            "n_groups": len(names),
                        }
                        scale = 1.0 if metric == "cosine" else 0.5
                        rows.append(
                            {
                                **common,
                                "level": "overall",
                                "group": None,
                                **_number(scale * value),
                                "permuted": "word",
                                **_null(-0.06, -0.02),
                                **_SIZES,
                            }
                        )
                        for offset, group in enumerate(names if groups else []):
                            size = scale * value + 0.05 * (offset - 2)
                            rows.append(
                                {
                                    **common,
                                    "level": "group",
                                    "group": group,
                                    **_number(size, 0.08),
                                    "permuted": "word",
                                    **_null(-0.06, 0.0),
                                    "n_types": 4 + offset,
                                    "n_tokens": 4 * (4 + offset),
                                    **_DROPPED,
                                }
                            )
    return _table("silhouette", rows)


def lda(models: Models = DEFAULT) -> pa.Table:
    """Accuracy of three labellings."""
    rng = np.random.default_rng(4)
    rows = []
    for labelling, names in LABELLINGS.items():
        for model, layers in models.items():
            for layer, value in zip(layers, _curve(rng, layers, 0.2, 0.95), strict=True):
                rows.append(
                    {
                        "corpus": "spoken",
                        "model": model,
                        "layer": layer,
                        "labelling": labelling,
                        "measure": "accuracy",
                        "solver": "shrinkage",
                        "rows": "tokens",
                        **_number(value),
                        "chance": 1 / len(names),
                        "chance_kind": "uniform",
                        "permuted": "word",
                        **_null(1 / len(names), 1 / len(names) + 0.06),
                        **_SIZES,
                        "n_classes": len(names),
                        "folds": 5,
                        "repeats": 10,
                        "held_apart": "speaker" if labelling != "speaker" else "word",
                    }
                )
    return _table("lda", rows)


CONTRASTS = {"training": ("whisper", "whisper-random"), "depth": ("minilm", "whisper-random")}


def contrasts(layers: Sequence[str] = DEFAULT["whisper"]) -> pa.Table:
    """Two contrasts of three analyses, pairs and silhouettes by two measures; from layer 2."""
    rng = np.random.default_rng(5)
    kinds: list[dict[str, Any]] = [
        *(
            {
                "analysis": "pairs",
                "labelling": None,
                "measure": measure,
                "kind": "same-word",
                "metric": "cosine",
                "protocol": None,
                "subset": None,
            }
            for measure in ("auc", "normalised")
        ),
        *(
            {
                "analysis": "silhouette",
                "labelling": "meaning",
                "measure": measure,
                "kind": None,
                "metric": "cosine",
                "protocol": "all-groups",
                "subset": "all",
            }
            for measure in ("silhouette", "silhouette-above-null")
        ),
        {
            "analysis": "lda",
            "labelling": "meaning",
            "measure": "accuracy",
            "kind": None,
            "metric": None,
            "protocol": None,
            "subset": None,
        },
    ]
    rows = []
    for name, (treated, control) in CONTRASTS.items():
        for kind in kinds:
            for number, (layer, value) in enumerate(
                zip(layers, _curve(rng, layers, 0.0, 0.3), strict=True)
            ):
                if kind["measure"] == "normalised":
                    value = -value
                rows.append(
                    {
                        "corpus": "spoken",
                        "contrast": name,
                        "treated": treated,
                        "control": control,
                        "layer": layer,
                        **kind,
                        "space": "full",
                        "mean_treated": 0.4,
                        "mean_control": 0.4 - value,
                        **_number(value),
                        "p_value": 0.001 if number >= 2 else 0.2,
                        "p_holm": 0.01 if number >= 2 else 0.4,
                        "n_tokens": 436,
                        "n_types": 109,
                        "dropped_types": 0,
                        "missing_tokens": 0,
                        "unlabelled_tokens": 0,
                    }
                )
    return _table("contrasts", rows)


def with_more_families(contrasts: pa.Table) -> pa.Table:
    """Contrasts, and with them those of few words that no figure shows, with other numbers."""
    more = []
    for row in contrasts.to_pylist():
        other = {**row, "estimate": row["estimate"] - 1, "n_types": 5}
        if row["analysis"] == "silhouette":
            for protocol in ("all-groups", "leave-one-group-out"):
                for subset in ("all", "concrete"):
                    if (protocol, subset) != ("all-groups", "all"):
                        more.append({**other, "protocol": protocol, "subset": subset})
        elif row["analysis"] == "lda":
            more += [{**other, "measure": name} for name in ("balanced-accuracy", "selectivity")]
    return pa.concat_tables([contrasts, pa.Table.from_pylist(more, contrasts.schema)])


def cka_contrasts(models: Models = DEFAULT) -> pa.Table:
    """Two contrasts with every third model; differences beyond 0.1 are significant."""
    rng = np.random.default_rng(6)
    names = list(models)
    rows = []
    for name, (treated, control) in {"a": names[:2], "b": names[1:3]}.items():
        shared = [layer for layer in models[treated] if layer in models[control]]
        for third in (model for model in models if model not in (treated, control)):
            for layer, other in product(shared, models[third]):
                value = float(rng.uniform(-0.2, 0.3))
                rows.append(
                    {
                        "corpus": "spoken",
                        "contrast": name,
                        "treated": treated,
                        "control": control,
                        "layer": layer,
                        "model_b": third,
                        "layer_b": other,
                        "measure": "cka-linear",
                        "estimator": "debiased",
                        "space": "full",
                        "rows": "types",
                        "mean_treated": 0.4,
                        "mean_control": 0.4 - value,
                        **_number(value),
                        "interval": "bootstrap-t over words",
                        "p_value": 0.001 if abs(value) > 0.1 else 0.2,
                        "p_holm": 0.01 if abs(value) > 0.1 else 0.4,
                        "draws": 1,
                        **_SIZES,
                        "undrawn_tokens": 0,
                    }
                )
    return _table("cka_contrasts", rows)


def change_correlation(space: str = "full") -> pa.Table:
    """One contrast, both correlations."""
    rows = [
        {
            "corpus": "spoken",
            "contrast": "training",
            "treated": "whisper",
            "control": "whisper-random",
            "labelling": labelling,
            "measure": "silhouette-above-null",
            "metric": "cosine",
            "space": space,
            "protocol": "all-groups",
            "subset": "all",
            "cka_measure": "cka-linear debiased",
            "cka_space": "full",
            "cka_rows": "tokens",
            "x": "change",
            "correlation": kind,
            "estimate": value,
            "ci_low": value - 0.1,
            "ci_high": value + 0.05,
            "p_value": 0.031,
            "n_layers": 5,
            "n_tokens": 436,
            "n_types": 109,
            "missing_tokens": 0,
            "unlabelled_tokens": 0,
        }
        for labelling in ("meaning",)
        for kind, value in (("pearson", -0.71), ("spearman", -0.6))
    ]
    return _table("change_correlation", rows)


def planes(models: Models = DEFAULT) -> pa.Table:
    """Thirty words of two labellings in both planes; the last layer stands for each model."""
    rng = np.random.default_rng(6)
    rows = []
    for labelling in ("meaning", "sound"):
        names = LABELLINGS[labelling]
        for model, layers in models.items():
            for layer in layers:
                for space in ("pca", "lda"):
                    for number in range(30):
                        label = names[number % len(names)]
                        x, y = rng.normal(size=2) + 3 * (number % len(names)) * np.array([1, 0.5])
                        rows.append(
                            {
                                "corpus": "spoken",
                                "model": model,
                                "layer": layer,
                                "labelling": labelling,
                                "space": space,
                                "rows": "types",
                                "word": f"word{number}",
                                "label": label,
                                "x": float(x),
                                "y": float(y),
                                "share_x": 0.4,
                                "share_y": 0.25,
                                "silhouette": 0.1,
                                "chosen": layer == layers[-1],
                                "n_tokens": 120,
                                "n_types": 30,
                                **_DROPPED,
                            }
                        )
    return _table("planes", rows)


def coverage() -> pa.Table:
    """Two models; one lacks a word."""
    rows = [
        {
            "corpus": "spoken",
            "model": model,
            "n_tokens": 440,
            "n_types": 110,
            "missing_tokens": missing,
            "missing_types": missing // 4,
            "examples": examples,
            "shared_tokens": 436,
            "shared_types": 109,
        }
        for model, missing, examples in (("whisper", 0, None), ("glove", 4, "<xylophone>"))
    ]
    return _table("coverage", rows)
