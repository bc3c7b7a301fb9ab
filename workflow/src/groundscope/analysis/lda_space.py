"""Whether a layer has the LDA space of a labelling: asked, and told, alike by all analyses."""

import logging

from groundscope.analysis.inputs import Layer, naming
from groundscope.analysis.rows import Rows
from groundscope.metrics.groups import Floats
from groundscope.metrics.silhouette_coefficients import check_groups
from groundscope.metrics.spaces import check_rows_differ, has_lda_space


def has_space(layer: Layer, features: Floats, data: Rows, labelling: str) -> bool:
    """Whether there is one (see `has_lda_space`); a warning says where there is none.

    Parameters
    ----------
    layer, features
        A layer, and its vectors of the rows.
    data
        The rows, with their labels.
    labelling
        What the labelling is called.

    Raises
    ------
    UserError
        Fewer than two groups, a group of fewer than two words, or rows that are all the same: no
        layer has such a space, or the layer has nothing to compare.
    """
    with naming(f"LDA space of {labelling!r} in {layer.name}"):
        check_groups(data.grouping, data.units)
        check_rows_differ(features)
    found = has_lda_space(features, data.grouping)
    if not found:
        logging.warning(
            "%s: groups of %s have the same mean, or are one vector each: no LDA space",
            layer.name,
            labelling,
        )
    return found
