"""Silhouettes of a labelling by protocol: all groups, subsets of them, leave one group out.

Each protocol, and each run that leaves a group out, fits its subspace anew on the rows that it
scores.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundscope.metrics import kmeans
from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.intervals import Interval, bounded, draws_interval
from groundscope.metrics.p_values import permutation_p
from groundscope.metrics.silhouette import Silhouette, score_both
from groundscope.metrics.silhouette_refitted import score_refitted
from groundscope.metrics.silhouette_runs import score_runs
from groundscope.metrics.spaces import dimensions, into_space
from groundscope.metrics.unit_vectors import unit_rows

PROTOCOLS = ("all-groups", "leave-one-group-out")
# Two groups must be left where one is left out.
FEWEST_LEFT_OUT = 3


@dataclass(frozen=True)
class Scores:
    """Scores of one protocol and subset.

    Attributes
    ----------
    measure
        ``silhouette``, or ``adjusted-rand`` (of k-means against the labels).
    metric, protocol, subset
        Which.
    groups
        Names behind the estimates: None for all rows together, then the groups.
    estimate, interval, null, p_value
        As in `silhouette.Silhouette`; one entry a name.
    made_from
        What the interval was made from.
    rows
        Rows that entered, as indices.
    scored
        Their silhouettes; None where a row has none.
    members
        Rows behind each estimate.
    n_groups
        Groups clustered.
    """

    measure: str
    metric: str
    protocol: str
    subset: str
    groups: Sequence[str | None]
    estimate: Floats
    interval: Interval
    null: Floats
    p_value: Floats
    made_from: str
    scored: Silhouette | None
    members: Sequence[Integers]
    n_groups: int


def score_protocols(
    features: Floats,
    labels: Groups,
    units: Groups,
    *,
    exchanged: Groups,
    tokens: Integers | None = None,
    space: str,
    metrics: Sequence[str],
    protocols: Sequence[str],
    subsets: Mapping[str, Sequence[str]],
    permutations: int,
    kmeans_seeds: int,
    kmeans_restarts: int,
    seed: int,
) -> list[Scores]:
    """Score a labelling of one layer by each metric, one metric after the other.

    Parameters
    ----------
    features
        Shape ``[n, d]``.
    labels, units
        Group and word of each row.
    exchanged
        Rows whose labels move together under the null (see `permuted_labels`).
    tokens
        Behind each row, if rows are means of them: see `of_similar_noise`, shape ``[n]``.
    space, metrics
        See `into_space` and `Distances`. A subspace is fitted once for all metrics. A space of one
        dimension, such as the LDA space of two groups, has no ``cosine`` (see `dimensions`).
    protocols
        Some of `PROTOCOLS`. Fewer than three groups have no ``leave-one-group-out``.
    subsets
        Groups of each named subset; all groups are scored in any case, first, as ``all``.
    permutations
        Of the labels; 0 leaves nulls out.
    kmeans_seeds, kmeans_restarts
        See `kmeans.agreement`; of all groups, except in an LDA space, which was made to agree with
        the labels, and where groups are more than distinct rows. 0 seeds leave it out.
    seed
        Of everything that is drawn.

    Raises
    ------
    ValueError
        Unknown protocol, a subset that names an unknown group, or too few groups or words.
    """
    for protocol in protocols:
        if protocol not in PROTOCOLS:
            message = f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}"
            raise ValueError(message)
    whole = _Part(features, labels, units, exchanged, tokens, space)
    results: dict[str, list[Scores]] = {metric: [] for metric in metrics}
    for subset, wanted in {"all": labels.names.tolist(), **subsets}.items():
        unknown = sorted(set(wanted) - set(labels.names.tolist()))
        if unknown:
            message = (
                f"subset {subset!r} names groups that no word has: {', '.join(unknown)}; "
                f"expected some of {', '.join(labels.names)}"
            )
            raise ValueError(message)
        rows = np.flatnonzero(np.isin(labels.names[labels.codes], wanted))
        part = whole.only(rows)
        for protocol, metric, found in _silhouettes(part, metrics, protocols, permutations, seed):
            results[metric].append(_scores(found, part, metric, protocol, subset, rows))
    if kmeans_seeds and space != "lda":
        for metric in whole.metrics(metrics, len(labels)):
            results[metric] += _agreement(
                whole, metric, kmeans_seeds, kmeans_restarts, permutations, seed
            )
    return [scores for of_metric in results.values() for scores in of_metric]


@dataclass(frozen=True)
class _Part:
    features: Floats
    labels: Groups
    units: Groups
    exchanged: Groups
    tokens: Integers | None
    space: str

    def only(self, rows: Integers) -> "_Part":
        return _Part(
            self.features[rows],
            self.labels.only(rows),
            self.units.only(rows),
            self.exchanged.only(rows),
            None if self.tokens is None else self.tokens[rows],
            self.space,
        )

    def metrics(self, wanted: Sequence[str], groups: int) -> list[str]:
        """Those of the metrics that can tell rows of so many groups apart in this space."""
        line = dimensions(self.features.shape[1], self.space, groups) == 1
        return [metric for metric in wanted if not (line and metric == "cosine")]


def _silhouettes(
    part: _Part, metrics: Sequence[str], protocols: Sequence[str], permutations: int, seed: int
) -> Iterator[tuple[str, str, Silhouette]]:
    """Give the protocols that the part has, each metric of each, and its silhouettes."""
    rows = part.labels, part.units
    both = [
        score_both(
            Distances(part.features, metric),
            *rows,
            exchanged=part.exchanged,
            tokens=part.tokens,
            permutations=permutations,
            seed=seed,
        )
        for metric in part.metrics(metrics, len(part.labels))
        if part.space == "full"
    ]
    for protocol in protocols:
        leaves_out = protocol == "leave-one-group-out"
        apt = part.metrics(metrics, len(part.labels) - leaves_out)
        if not apt or (leaves_out and len(part.labels) < FEWEST_LEFT_OUT):
            continue
        refitted = score_runs if leaves_out else score_refitted
        found = [each[leaves_out] for each in both] or refitted(
            part.features,
            *rows,
            part.space,
            apt,
            exchanged=part.exchanged,
            tokens=part.tokens,
            permutations=permutations,
            seed=seed,
        )
        for metric, one in zip(apt, found, strict=True):
            yield protocol, metric, one


def _scores(
    found: Silhouette, part: _Part, metric: str, protocol: str, subset: str, rows: Integers
) -> Scores:
    codes = part.labels.codes
    left_out = protocol == "leave-one-group-out"
    by_group = [] if left_out else part.labels.names.tolist()
    return Scores(
        measure="silhouette",
        metric=metric,
        protocol=protocol,
        subset=subset,
        groups=[None, *by_group],
        estimate=found.estimate,
        interval=found.interval,
        null=found.null,
        p_value=found.p_value,
        made_from="jackknife over words",
        scored=found,
        members=[rows, *(rows[codes == code] for code in range(len(by_group)))],
        n_groups=len(part.labels) - left_out,
    )


def _agreement(
    part: _Part, metric: str, seeds: int, restarts: int, permutations: int, seed: int
) -> list[Scores]:
    projected = into_space(part.features, part.space)
    rows = unit_rows(projected) if metric == "cosine" else np.asarray(projected, float)
    if not kmeans.has_clusters(rows, part.labels):
        return []
    values, null = kmeans.agreement(
        rows,
        part.labels,
        exchanged=part.exchanged,
        tokens=part.tokens,
        seeds=seeds,
        restarts=restarts,
        permutations=permutations,
        seed=seed,
    )
    estimate = values.mean(keepdims=True)
    found = Scores(
        measure="adjusted-rand",
        metric=metric,
        protocol="all-groups",
        subset="all",
        groups=[None],
        estimate=estimate,
        interval=bounded(draws_interval(values[None])),
        null=null[None],
        p_value=permutation_p(estimate, null[None]) if permutations else np.full(1, np.nan),
        made_from="t over k-means seeds",
        scored=None,
        members=[np.arange(len(part.features))],
        n_groups=len(part.labels),
    )
    return [found]
