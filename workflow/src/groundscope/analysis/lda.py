"""Rows of the tables lda, confusion and word_scores from held-out LDA."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from groundscope.analysis.columns import NO_NULL, estimate_columns, null_columns
from groundscope.analysis.rows import Rows
from groundscope.metrics import control
from groundscope.metrics.accuracies import MEASURES, accuracies, without_words
from groundscope.metrics.control import Control
from groundscope.metrics.jackknife import pseudo_values, unit_means
from groundscope.metrics.probing import Probe

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
            "folds": result.folds,
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

    Each repeat has pseudo-values of its own, as the errors of words in one repeat go together (see
    `paired_difference.in_one_repeat`). Words of unequal numbers of rows are farther apart: of
    words by Zipf's law, contrasts of equal models would else show differences in one of six.
    """
    words = data.words
    pseudo = np.stack(
        [
            pseudo_values(
                accuracies(correct, data.grouping),
                without_words(correct, data.grouping, words),
                sizes=words.sizes,
            )
            for correct in result.correct
        ],
        axis=1,
    )
    rows, fixed = np.arange(len(words.codes)), {**keys, **_SCORE}
    return [
        row
        for measure, values in zip(MEASURES, pseudo, strict=True)
        for row in data.word_scores(
            rows, result.rows, values, words.codes, {**fixed, "measure": measure}
        )
    ]


def control_word_rows(result: Control, keys: dict[str, str], data: Rows) -> list[dict[str, Any]]:
    """Make those of the control tasks of one layer; a task is a repeat."""
    words, fixed = data.words.only(result.rows), {**keys, **_SCORE}
    return [
        row
        for measure, scores in zip(control.MEASURES, result.scores, strict=True)
        for row in data.word_scores(
            result.rows,
            scores.mean(axis=0),
            np.stack(
                [
                    pseudo_values(task.mean(), unit_means(task, words), sizes=words.sizes)
                    for task in scores
                ]
            ),
            words.codes,
            {**fixed, "measure": measure},
        )
    ]
