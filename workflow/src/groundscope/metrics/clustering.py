"""Silhouettes of a labelling by protocol: all groups, subsets of them, leave one group out.

Each protocol fits its subspace anew on the rows that it scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundscope.metrics import kmeans
from groundscope.metrics.groups import Floats, Groups, Integers, permuted_labels
from groundscope.metrics.silhouette import (
    Distances,
    Silhouette,
    check_groups,
    jackknife_blocks,
    means_by_group,
    score,
)
from groundscope.metrics.spaces import into_space
from groundscope.metrics.statistics import Interval, draws_interval, jackknife, permutation_p

PROTOCOLS = ("all-groups", "leave-one-group-out")
_REFITS = 100


@dataclass(frozen=True)
class Scores:
    """Scores of one protocol and subset.

    Attributes
    ----------
    measure
        ``silhouette``, or ``adjusted-rand`` (of k-means against the labels).
    protocol, subset
        Which.
    groups
        Names behind the estimates: None for all rows together, then the groups.
    estimate, interval, null, p_value
        As in `silhouette.Silhouette`; one entry a name.
    made_from
        What the interval was made from.
    rows
        Rows that entered, as indices.
    row_scores
        Silhouette of each of them; empty where a row has none.
    members
        Rows behind each estimate.
    n_groups
        Groups clustered.
    """

    measure: str
    protocol: str
    subset: str
    groups: Sequence[str | None]
    estimate: Floats
    interval: Interval
    null: Floats
    p_value: Floats
    made_from: str
    row_scores: Floats
    members: Sequence[Integers]
    n_groups: int


def score_protocols(
    features: Floats,
    labels: Groups,
    units: Groups,
    *,
    space: str,
    metric: str,
    protocols: Sequence[str],
    subsets: Mapping[str, Sequence[str]],
    permutations: int,
    kmeans_seeds: int,
    kmeans_restarts: int,
    seed: int,
) -> list[Scores]:
    """Score a labelling of one layer.

    Parameters
    ----------
    features
        Shape ``[n, d]``.
    labels, units
        Group and word of each row.
    space, metric
        See `into_space` and `Distances`.
    protocols
        Some of `PROTOCOLS`.
    subsets
        Groups of each named subset; all groups are scored in any case, first, as ``all``.
    permutations
        Of the null of ``all-groups``.
    kmeans_seeds, kmeans_restarts
        See `kmeans.agreement`; of all groups, except in an LDA space, which was made to agree with
        the labels. 0 seeds leave it out.
    seed
        Of everything that is drawn.

    Raises
    ------
    ValueError
        Unknown protocol, a subset that names an unknown group, or too few groups or words.
    """
    results = []
    for subset, wanted in {"all": labels.names.tolist(), **subsets}.items():
        unknown = sorted(set(wanted) - set(labels.names.tolist()))
        if unknown:
            message = f"subset {subset!r} names groups that no word has: {', '.join(unknown)}"
            raise ValueError(message)
        rows = np.flatnonzero(np.isin(labels.names[labels.codes], wanted))
        part = _Part(features[rows], _only(labels, rows), _only(units, rows), space, metric)
        for protocol in protocols:
            if protocol == "all-groups":
                results.append(_all_groups(part, subset, rows, permutations, seed))
            elif protocol == "leave-one-group-out":
                results.append(_leave_one_out(part, subset, rows))
            else:
                message = f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}"
                raise ValueError(message)
    if kmeans_seeds and space != "lda":
        part = _Part(features, labels, units, space, metric)
        results.append(_agreement(part, kmeans_seeds, kmeans_restarts, permutations, seed))
    return results


@dataclass(frozen=True)
class _Part:
    features: Floats
    labels: Groups
    units: Groups
    space: str
    metric: str

    def distances(self) -> Distances:
        return Distances(into_space(self.features, self.space, self.labels), self.metric)


def _only(groups: Groups, rows: Integers) -> Groups:
    return Groups.of(groups.names[groups.codes[rows]])


def _all_groups(part: _Part, subset: str, rows: Integers, permutations: int, seed: int) -> Scores:
    check_groups(part.labels, part.units)
    if part.space == "lda":
        result = _refitted(part, permutations, seed)
    else:
        result = score(
            part.distances(), part.labels, part.units, permutations=permutations, seed=seed
        )
    codes = part.labels.codes
    return Scores(
        measure="silhouette",
        protocol="all-groups",
        subset=subset,
        groups=[None, *part.labels.names.tolist()],
        estimate=result.estimate,
        interval=result.interval,
        null=result.null,
        p_value=result.p_value,
        made_from="jackknife over words",
        row_scores=result.rows,
        members=[rows, *(rows[codes == code] for code in range(len(part.labels)))],
        n_groups=len(part.labels),
    )


def _refitted(part: _Part, permutations: int, seed: int) -> Silhouette:
    """Score an LDA space, which is fitted anew without each block of words and for each shuffle.

    A null in the space of the true labels would be far too low: the space is made to separate them.
    """
    rng = np.random.default_rng(seed)
    labels, units = part.labels, part.units
    rows = part.distances().silhouettes(labels)
    estimate = means_by_group(rows, labels.codes, labels.sizes.astype(np.float64))
    blocks, strata = jackknife_blocks(labels, units, rng, _REFITS)
    without = np.empty((len(estimate), int(blocks.max()) + 1))
    for block in range(without.shape[1]):
        kept = blocks != block
        left = Groups(labels.names, labels.codes[kept])
        without[:, block] = _refit(part.features[kept], left, part.metric)
    null = np.empty((len(estimate), permutations))
    for index in range(permutations):
        moved = permuted_labels(labels, units, rng)
        null[:, index] = _refit(part.features, moved, part.metric)
    p_value = permutation_p(estimate, null) if permutations else np.full(len(estimate), np.nan)
    return Silhouette(rows, estimate, jackknife(estimate, without, strata), null, p_value)


def _refit(features: Floats, labels: Groups, metric: str) -> Floats:
    rows = Distances(into_space(features, "lda", labels), metric).silhouettes(labels)
    return means_by_group(rows, labels.codes, labels.sizes.astype(np.float64))


def _agreement(part: _Part, seeds: int, restarts: int, permutations: int, seed: int) -> Scores:
    values, null = kmeans.agreement(
        # rows of length 1 where the metric is cosine
        part.distances().rows,
        part.labels,
        part.units,
        seeds=seeds,
        restarts=restarts,
        permutations=permutations,
        seed=seed,
    )
    estimate = values.mean(keepdims=True)
    return Scores(
        measure="adjusted-rand",
        protocol="all-groups",
        subset="all",
        groups=[None],
        estimate=estimate,
        interval=draws_interval(values[None]),
        null=null[None],
        p_value=permutation_p(estimate, null[None]) if permutations else np.full(1, np.nan),
        made_from="t over k-means seeds",
        row_scores=np.empty(0),
        members=[np.arange(len(part.features))],
        n_groups=len(part.labels),
    )


def _leave_one_out(part: _Part, subset: str, rows: Integers) -> Scores:
    if len(part.labels) < 3:
        message = f"leave-one-group-out needs at least 3 groups, got {len(part.labels)}"
        raise ValueError(message)
    runs = []
    for code in range(len(part.labels)):
        kept = np.flatnonzero(part.labels.codes != code)
        run = _Part(
            part.features[kept],
            _only(part.labels, kept),
            _only(part.units, kept),
            part.space,
            part.metric,
        )
        check_groups(run.labels, run.units)
        runs.append(run.distances().silhouettes(run.labels).mean())
    values = np.array([runs])
    return Scores(
        measure="silhouette",
        protocol="leave-one-group-out",
        subset=subset,
        groups=[None],
        estimate=values.mean(axis=1),
        interval=draws_interval(values),
        null=np.empty((1, 0)),
        p_value=np.full(1, np.nan),
        made_from="t over runs",
        row_scores=np.empty(0),
        members=[rows],
        n_groups=len(part.labels) - 1,
    )
