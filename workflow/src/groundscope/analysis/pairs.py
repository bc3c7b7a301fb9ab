"""Rows of the tables pairs, pair_values and word_scores from pair similarities."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from groundscope.analysis.columns import NO_INTERVAL, estimate_columns, number
from groundscope.analysis.rows import Rows
from groundscope.metrics.pair_kinds import Draws
from groundscope.metrics.pair_scores import KindScores
from groundscope.metrics.pair_word_scores import by_word

_SCORE = {
    "analysis": "pairs",
    "labelling": None,
    "metric": "cosine",
    "space": "full",
    "protocol": None,
    "subset": None,
    "label": None,
}


def pair_rows(
    scores: KindScores, keys: dict[str, str], draws: Draws, data: Rows
) -> Iterator[dict[str, Any]]:
    """Make the rows of one kind in one layer (`keys`) for the table pairs."""
    shared = {
        **keys,
        "metric": "cosine",
        "seeds": len(scores.raw),
        "n_pairs": scores.pairs,
        "n_type_pairs": scores.type_pairs,
        **_sizes(draws, data),
    }
    both = {
        "raw": (scores.raw, scores.raw_interval),
        "normalised": (scores.normalised, scores.normalised_interval),
    }
    for measure, (values, interval) in both.items():
        found = estimate_columns(values.mean(), interval, (), "t over draws")
        yield {**shared, "measure": measure, **found}
    if scores.auc is not None:
        found = {"estimate": scores.auc, **NO_INTERVAL}
        if scores.auc_interval is not None:
            found = estimate_columns(scores.auc, scores.auc_interval, (), "bootstrap over words")
        yield {**shared, "measure": "auc", **found}


def value_rows(scores: KindScores, keys: dict[str, str], draws: Draws, data: Rows) -> pa.Table:
    """Make the rows of one kind in one layer (`keys`) for the table pair_values."""
    names = data.words.names
    shared = {**keys, **_sizes(draws, data)}
    columns: dict[str, Any] = {
        name: pa.repeat(value, len(scores.values)) for name, value in shared.items()
    }
    columns["word_a"], columns["word_b"] = names[scores.words[:, 0]], names[scores.words[:, 1]]
    return pa.table({**columns, "similarity": scores.values, "n_pairs": scores.counts})


def _sizes(draws: Draws, data: Rows) -> dict[str, int]:
    return {"n_tokens": draws.tokens, "n_types": draws.types, **data.dropped}


def word_rows(
    scores: KindScores, random: KindScores, keys: dict[str, str], data: Rows
) -> Iterator[dict[str, Any]]:
    """Make the rows of one kind in one layer (`keys`) for the table word_scores."""
    codes, found = by_word(scores, random, data.words)
    for measure, columns in found.items():
        for code, value, pseudo in zip(codes, *columns, strict=True):
            yield {
                **keys,
                **_SCORE,
                "measure": measure,
                "word": str(data.words.names[code]),
                "value": float(value),
                "pseudo_values": [number(pseudo)],
                "unit": int(code),
                "n_tokens": int(data.words.sizes[code]),
                **data.dropped,
            }
