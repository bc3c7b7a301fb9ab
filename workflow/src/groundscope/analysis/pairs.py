"""Rows of the tables pairs, pair_values and word_scores from pair similarities."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from groundscope.analysis.columns import NO_INTERVAL, estimate_columns
from groundscope.analysis.rows import Rows
from groundscope.metrics.groups import Groups, Integers
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


@dataclass(frozen=True)
class Kind:
    """What a kind of pairs is made of, in any layer.

    Attributes
    ----------
    words
        Word of each token of the corpus.
    tokens
        Tokens of each word that are in a pair of any draw, shape ``[words]``.
    sizes
        Size columns: tokens and words in a pair of the first draw.
    dropped
        Columns that say what was left out.
    """

    words: Groups
    tokens: Integers
    sizes: Mapping[str, int]
    dropped: Mapping[str, int]

    @classmethod
    def of(cls, kind: str, draws: Draws, data: Rows, unlabelled: int) -> "Kind":
        """Count what enters a kind, which leaves out some unlabelled tokens."""
        first = draws.tokens(kind, 1)
        sizes = {"n_tokens": int(first.sum()), "n_types": int(np.count_nonzero(first))}
        dropped = {**data.dropped, "unlabelled_tokens": unlabelled}
        return cls(data.words, draws.tokens(kind, draws.count), sizes, dropped)


def pair_rows(scores: KindScores, keys: dict[str, str], kind: Kind) -> Iterator[dict[str, Any]]:
    """Make the rows of one kind in one layer (`keys`) for the table pairs."""
    shared = {
        **keys,
        "metric": "cosine",
        "seeds": len(scores.raw),
        "n_pairs": scores.pairs,
        "n_type_pairs": scores.type_pairs,
        **kind.sizes,
        **kind.dropped,
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


def value_rows(scores: KindScores, keys: dict[str, str], kind: Kind) -> pa.Table:
    """Make the rows of one kind in one layer (`keys`) for the table pair_values."""
    names = kind.words.names
    shared = {**keys, **kind.sizes, **kind.dropped}
    columns: dict[str, Any] = {
        name: pa.repeat(value, len(scores.values)) for name, value in shared.items()
    }
    columns["word_a"], columns["word_b"] = names[scores.words[:, 0]], names[scores.words[:, 1]]
    return pa.table({**columns, "similarity": scores.values, "n_pairs": scores.counts})


def word_rows(
    scores: KindScores, random: KindScores, keys: dict[str, str], kind: Kind
) -> Iterator[pa.Table]:
    """Make the rows of one kind in one layer (`keys`) for the table word_scores."""
    codes, found = by_word(scores, random, kind.words)
    for measure, (values, pseudo) in found.items():
        shared = {**keys, **_SCORE, "measure": measure, **kind.dropped}
        columns: dict[str, Any] = {
            name: pa.repeat(value, len(codes)) for name, value in shared.items()
        }
        columns["word"], columns["unit"] = kind.words.names[codes], codes
        columns["value"] = pa.array(values, from_pandas=True)
        columns["pseudo_values"] = pa.ListArray.from_arrays(
            np.arange(len(codes) + 1, dtype=np.int32), pa.array(pseudo, from_pandas=True)
        )
        columns["n_tokens"] = kind.tokens[codes]
        yield pa.table(columns)
