"""Rows of the tables silhouette and word_scores from silhouettes."""

from collections.abc import Iterator
from typing import Any

from groundscope.analysis.columns import estimate_columns, null_columns
from groundscope.analysis.rows import Rows
from groundscope.metrics.clustering import Scores
from groundscope.metrics.groups import home_of
from groundscope.metrics.jackknife import pseudo_values, unit_means


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
            **null_columns(scores.null[index], scores.p_value[index], data.permuted),
            **data.sizes_of(scores.members[index]),
            "n_groups": scores.n_groups,
        }


def word_rows(scores: Scores, keys: dict[str, str], data: Rows) -> list[dict[str, Any]]:
    """Make the rows of one layer, protocol and subset for the table word_scores.

    None of k-means, whose clusters a jackknife over words does not leave as they are.

    Where the label is the word, words are no units of the jackknife: their groups go with them. In
    all dimensions their pseudo-values say what that does to other words; in a fitted space they are
    of the word's own silhouettes alone.

    Where labels were permuted there is a second measure, above the mean of that null, which is
    taken as known: what silhouettes are without any information differs between models, above all
    in an LDA space, which is made to separate labels.
    """
    result, rows = scores.scored, scores.members[0]
    if result is None:
        return []
    if data.units is data.words:
        units, pseudo = result.blocks, result.pseudo_values
    else:
        words = data.words.only(rows)
        units = words.codes
        home = home_of(data.grouping.only(rows), words)
        if result.without_groups is None or home is None:
            without = unit_means(result.rows, words)
        else:
            without = result.without_groups[home]
        pseudo = pseudo_values(result.estimate[0], without)
    null = result.null[0]
    keys = {
        **keys,
        "analysis": "silhouette",
        "protocol": scores.protocol,
        "subset": scores.subset,
    }
    subtracted = {"silhouette": 0.0} | ({"silhouette-above-null": null.mean()} if len(null) else {})
    return [
        row
        for measure, level in subtracted.items()
        for row in data.word_scores(
            rows,
            result.rows - level,
            (pseudo - level)[None],
            units,
            {**keys, "measure": measure, "kind": None},
        )
    ]
