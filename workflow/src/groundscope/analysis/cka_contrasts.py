"""Rows of the table cka_contrasts."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from groundscope.analysis.columns import estimate_columns
from groundscope.analysis.inputs import Layer
from groundscope.analysis.rows import Rows
from groundscope.metrics.alignment_contrast import Contrast, Influence
from groundscope.metrics.p_values import holm


def contrast_rows(
    found: Influence,
    result: Contrast,
    sides: Sequence[Sequence[Layer]],
    keys: dict[str, str],
    data: Rows,
) -> Iterator[dict[str, Any]]:
    """Make one row a pair of layers and estimator; Holm's correction is over the pairs.

    Parameters
    ----------
    found, result
        Of one measure in one space.
    sides
        Layers of the treated model, its control (the same layers), and the third model.
    keys
        Columns contrast, measure and space.
    data
        What was compared.
    """
    treated, control, third = sides
    names = {"treated": treated[0].model, "control": control[0].model, "model_b": third[0].model}
    sizes = data.sizes_of(found.rows)
    difference = result.treated - result.control
    corrected = np.stack([holm(p.ravel()).reshape(p.shape) for p in result.p_value])
    for cell in np.ndindex(difference.shape):
        yield {
            "corpus": treated[0].corpus,
            **keys,
            **names,
            "layer": treated[cell[1]].layer,
            "layer_b": third[cell[2]].layer,
            "estimator": found.estimators[cell[0]],
            "rows": data.kind,
            "mean_treated": float(result.treated[cell]),
            "mean_control": float(result.control[cell]),
            **estimate_columns(difference[cell], result.interval, cell, "bootstrap-t over words"),
            "p_value": float(result.p_value[cell]),
            "p_holm": float(corrected[cell]),
            "draws": found.draws,
            **sizes,
            "undrawn_tokens": len(data.token_ids) - sizes["n_tokens"],
        }
