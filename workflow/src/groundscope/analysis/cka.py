"""Rows of the table cka."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from groundscope.analysis.columns import number
from groundscope.analysis.inputs import Layer
from groundscope.analysis.rows import Rows
from groundscope.metrics.comparison import Comparison


def cka_rows(
    result: Comparison, sides: Sequence[Sequence[Layer]], keys: dict[str, str], data: Rows
) -> Iterator[dict[str, Any]]:
    """Make one row a pair of layers and estimator.

    Parameters
    ----------
    result
        Of one measure in one space.
    sides
        Layers of the two models.
    keys
        Columns measure and space.
    data
        What was compared.
    """
    sizes = data.sizes_of(result.first_draw)
    for cell in np.ndindex(result.estimate.shape):
        a, b = sides[0][cell[1]], sides[1][cell[2]]
        yield {
            **{"corpus": a.corpus, "model_a": a.model, "layer_a": a.layer},
            **{"model_b": b.model, "layer_b": b.layer, **keys},
            "estimator": result.estimators[cell[0]],
            "rows": data.kind,
            "estimate": float(result.estimate[cell]),
            "standard_error": number(result.standard_error[cell]),
            "ci_low": number(result.low[cell]),
            "ci_high": number(result.high[cell]),
            "interval": "jackknife over words",
            "draws": result.draws,
            "draw_sd": number(result.draw_sd[cell]),
            "null_mean": number(result.null_mean[cell]),
            "null_high": number(result.null_high[cell]),
            "p_value": number(result.p_value[cell]),
            **sizes,
            "undrawn_tokens": len(data.token_ids) - sizes["n_tokens"],
        }
