"""Rows of the tables lda and confusion."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from groundscope.analysis.columns import estimate_columns, null_columns
from groundscope.analysis.inputs import Rows
from groundscope.metrics.probing import MEASURES, Probe


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
            **null_columns(result.null[index], result.p_value[index]),
            **data.sizes,
            "n_classes": len(data.grouping),
        }


def confusion_rows(result: Probe, keys: dict[str, str], data: Rows) -> Iterator[dict[str, Any]]:
    """Make the rows of one layer for the table confusion."""
    names, totals = data.grouping.names, result.confusion.sum(axis=1)
    for true, guess in np.ndindex(result.confusion.shape):
        count = int(result.confusion[true, guess])
        labels = {"true_label": str(names[true]), "predicted_label": str(names[guess])}
        yield {**keys, **labels, "share": count / int(totals[true]), "count": count}
