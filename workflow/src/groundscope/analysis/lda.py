"""Rows of the tables lda, confusion and word_scores from held-out LDA."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from groundscope.analysis.columns import NO_NULL, estimate_columns, null_columns
from groundscope.analysis.rows import Rows
from groundscope.metrics import control
from groundscope.metrics.control import Control
from groundscope.metrics.jackknife import degrees_of_freedom, pseudo_values, unit_means
from groundscope.metrics.probing import MEASURES, Probe, without_words

_SCORE = {
    "analysis": "lda",
    "kind": None,
    "metric": None,
    "space": "full",
    "protocol": None,
    "subset": None,
}


def lda_rows(result: Probe, keys: dict[str, Any], data: Rows) -> Iterator[dict[str, Any]]:
    """Make the rows of one layer for the table lda."""
    for index, measure in enumerate(MEASURES):
        yield {
            **keys,
            "measure": measure,
            "rows": data.kind,
            **estimate_columns(
                result.estimate[index], result.interval, index, "jackknife over words, Wilson"
            ),
            "chance": float(result.chance[index]),
            "chance_kind": ("majority", "uniform")[index],
            **null_columns(result.null[index], result.p_value[index], data.permuted),
            **data.sizes,
            "n_classes": len(data.grouping),
        }


def control_rows(result: Control, keys: dict[str, Any], data: Rows) -> Iterator[dict[str, Any]]:
    """Make the rows of the control tasks of one layer (tokens, words recur) for the table lda."""
    codes = data.grouping.codes[result.rows]
    largest = float(np.bincount(codes).max() / len(codes))
    for index, measure in enumerate(control.MEASURES):
        difference = measure == "selectivity"
        made_from = "jackknife over words" + ("" if difference else ", Wilson")
        yield {
            **keys,
            "measure": measure,
            "rows": data.kind,
            **estimate_columns(result.estimate[index], result.intervals[index], (), made_from),
            "chance": None if difference else largest,
            "chance_kind": None if difference else "majority",
            **NO_NULL,
            **data.sizes_of(result.rows),
            "n_classes": len(np.unique(codes)),
            "held_apart": "rows",
        }


def confusion_rows(result: Probe, keys: dict[str, str], data: Rows) -> Iterator[dict[str, Any]]:
    """Make the rows of one layer for the table confusion."""
    names, totals = data.grouping.names, result.confusion.sum(axis=1)
    for true, guess in np.ndindex(result.confusion.shape):
        count = int(result.confusion[true, guess])
        labels = {"true_label": str(names[true]), "predicted_label": str(names[guess])}
        share = count / int(totals[true])
        yield {**keys, **labels, "share": share, "count": count, **data.sizes}


def word_rows(result: Probe, keys: dict[str, str], data: Rows) -> list[dict[str, Any]]:
    """Make the rows of one layer for the table word_scores; each measure has the same values.

    Words are as far apart as in one repeat: averaged over repeats they would not show what drawing
    the training words adds (see `probing`). Words of unequal numbers of rows are farther apart: of
    words by Zipf's law, contrasts of equal models would else show differences in one of six.
    """
    words = data.words
    without = without_words(result.once, data.grouping, words)
    pseudo = pseudo_values(result.estimate, without, degrees=degrees_of_freedom(words.sizes))
    rows, fixed = np.arange(len(words.codes)), {**keys, **_SCORE}
    return [
        row
        for measure, values in zip(MEASURES, pseudo, strict=True)
        for row in data.word_scores(
            rows, result.rows, values, words.codes, {**fixed, "measure": measure}
        )
    ]


def control_word_rows(result: Control, keys: dict[str, str], data: Rows) -> list[dict[str, Any]]:
    """Make those of the control tasks of one layer, of one task as those of one repeat above."""
    words, fixed = data.words.only(result.rows), {**keys, **_SCORE}
    without = np.stack([unit_means(values, words) for values in result.once])
    pseudo = pseudo_values(result.estimate, without, degrees=degrees_of_freedom(words.sizes))
    return [
        row
        for measure, scores, values in zip(control.MEASURES, result.scores, pseudo, strict=True)
        for row in data.word_scores(
            result.rows, scores, values, words.codes, {**fixed, "measure": measure}
        )
    ]
