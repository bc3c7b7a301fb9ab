"""Rows of the table silhouette."""

from collections.abc import Iterator
from typing import Any

from groundscope.analysis.columns import estimate_columns, null_columns
from groundscope.analysis.inputs import Rows
from groundscope.metrics.clustering import Scores


def silhouette_rows(scores: Scores, keys: dict[str, str], data: Rows) -> Iterator[dict[str, Any]]:
    """Make one row for all words and one a group, of one layer and protocol."""
    for index, group in enumerate(scores.groups):
        yield {
            **keys,
            "measure": scores.measure,
            "rows": data.kind,
            "protocol": scores.protocol,
            "subset": scores.subset,
            "level": "overall" if group is None else "group",
            "group": group,
            **estimate_columns(scores.estimate[index], scores.interval, index, scores.made_from),
            **null_columns(scores.null[index], scores.p_value[index]),
            **data.sizes_of(scores.members[index]),
            "n_groups": scores.n_groups,
        }
