"""Rows of change_correlation, where layers are equal in both models."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from groundscope.analysis.changes import correlation_rows

CHANGES = [0.0, 0.0, 0.0, 0.01, 0.02, -0.01]
CKA = [1.0, 1.0, 1.0, 0.9, 0.7, 0.95]


def _rows(change: list[float], cka: list[float]) -> list[dict[str, Any]]:
    keys = ("corpus", "contrast", "treated", "control", "labelling", "measure", "metric", "space")
    sizes = ("n_tokens", "n_types", "missing_tokens", "unlabelled_tokens")
    shared = {
        **dict.fromkeys((*keys, "protocol", "subset"), "one"),
        **dict.fromkeys(sizes, 9),
        "analysis": "silhouette",
    }
    contrasts = [
        {**shared, "layer": str(layer), "estimate": value} for layer, value in enumerate(change)
    ]
    alike = [
        {
            **{"measure": "cka-linear", "estimator": "biased", "space": "full", "rows": "types"},
            **{"layer_a": str(layer), "layer_b": str(layer), "estimate": value},
        }
        for layer, value in enumerate(cka)
    ]
    return correlation_rows(contrasts, alike, permutations=100, seed=0)


@pytest.mark.parametrize("rounding", [6.7e-16, 3e-9])
def test_layers_that_are_the_same_tie(rounding: float) -> None:
    """Ranks of layers that training left as they were do not hang on rounding."""
    noise = rounding * np.array([1, -1, 0.3, 0, 0, 0])
    found = _rows([*(CHANGES + noise)], [*(CKA - noise[::-1] + noise / 3)])
    expected = spearmanr(CKA, CHANGES).statistic
    ranks = [row for row in found if (row["correlation"], row["x"]) == ("spearman", "cka")]
    assert [row["estimate"] for row in ranks] == pytest.approx([expected], abs=1e-12)


def test_layers_that_differ_by_rounding_have_no_correlation() -> None:
    """In either quantity."""
    noise = 1e-9 * np.random.default_rng(1).normal(size=6)
    assert not _rows([*noise], CKA)
    assert not _rows(CHANGES, [*(1 - noise)])
    assert len(_rows(CHANGES, CKA)) == 4
