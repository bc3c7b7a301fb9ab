"""Groups of words alike in meaning but not in sound, and alike in sound but not in meaning.

Procedures of Sauter et al. (arXiv 2509.15837), their thresholds as defaults.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundscope.errors import UserError
from groundscope.lexicon.distance import distances, pair_distances
from groundscope.lexicon.word_pool import Group, Pool, concreteness_class, describe

_ROUNDING = 1e-12
_BLOCK = 256  # seed words whose distances to the whole pool are held at a time


@dataclass(frozen=True, slots=True)
class SemanticRules:
    """What a semantic category must meet.

    Attributes
    ----------
    drop_percentile
        Words below this percentile of the category's mean cosines leave it.
    min_words
        Smallest category.
    min_distance
        Smallest mean pronunciation distance within it.
    cosine_percentile
        Its mean cosine reaches this percentile of all pairs of the pool.
    abstract_percentile, concrete_percentile
        Its mean rating is at most, or at least, this percentile of the pool's ratings.
    """

    drop_percentile: float = 25
    min_words: int = 5
    min_distance: float = 0.6
    cosine_percentile: float = 85
    abstract_percentile: float = 25
    concrete_percentile: float = 90


@dataclass(frozen=True, slots=True)
class PhoneticRules:
    """What a phonetic group must meet.

    Attributes
    ----------
    similarity_percentile
        Its words reach this percentile of all pairs' similarity (1 - distance) with its seed word.
    neighbours
        Words tried around one seed word.
    max_cosine
        Cosines of its words stay below this.
    min_words
        Smallest group.
    max_similarity_between
        Similarities to words of other groups stay below this.
    groups
        Largest number of groups of each class.
    abstract_percentile, concrete_percentile
        Ratings of its words are at most, or at least, this percentile of all ratings.
    """

    similarity_percentile: float = 90
    neighbours: int = 100
    max_cosine: float = 0.1
    min_words: int = 5
    max_similarity_between: float = 0.4
    groups: int = 10
    abstract_percentile: float = 25
    concrete_percentile: float = 75


def semantic_groups(
    pool: Pool,
    candidates: Mapping[str, Sequence[str]],
    rules: SemanticRules,
    seed: int,
) -> list[Group]:
    """Refine hand-written categories.

    Parameters
    ----------
    pool
        Words that may be used.
    candidates
        Label -> words.
    rules, seed
        Criteria; `seed` draws pairs for the pool's percentile where it has very many.

    Returns
    -------
    list of Group
        All categories in the order of `candidates`; those that fail say why.

    Raises
    ------
    UserError
        None is accepted: what the best one fails, and the setting that would let it pass; or two
        accepted ones share a word.
    """
    left, right = pool.pair_sample(seed)
    cosines = np.einsum("ij,ij->i", pool.vectors[left], pool.vectors[right])
    least = float(np.percentile(cosines, rules.cosine_percentile)) if len(cosines) else 0.0
    percentiles = [rules.abstract_percentile, rules.concrete_percentile]
    low, high = np.nanpercentile(pool.ratings, percentiles)
    place = {word: index for index, word in enumerate(pool.words)}
    groups = []
    for label, words in candidates.items():
        members = [place[word] for word in dict.fromkeys(words) if word in place]
        if len(members) > 1:
            members = _coherent(pool, members, rules.drop_percentile)
        group = describe(pool, members, label, "mixed")
        kind = concreteness_class(group.concreteness[0], float(low), float(high))
        ranks = _rank(cosines, group.cosine[0]), _rank(pool.ratings, group.concreteness[0])
        failures = _semantic_failures(group, kind, least, ranks, rules)
        groups.append(describe(pool, members, label, kind, failures))
    if all(group.failures for group in groups):
        best = min(groups, key=lambda group: len(group.failures))
        message = (
            f"no semantic group meets every criterion; the closest is {best.label!r}: "
            f"{'; '.join(best.failures)}"
        )
        raise UserError(message)
    _require_disjoint([group for group in groups if not group.failures])
    return groups


def _require_disjoint(groups: Sequence[Group]) -> None:
    """Refuse groups that share a word, which would have two labels."""
    label: dict[str, str] = {}
    for group in groups:
        for word in group.words:
            if label.setdefault(word, group.label) != group.label:
                message = (
                    f"candidates: {word!r} is in the accepted groups {label[word]!r} and "
                    f"{group.label!r}; a word can have one label: take it out of one of them"
                )
                raise UserError(message)


def _coherent(pool: Pool, members: Sequence[int], percentile: float) -> list[int]:
    """Drop words whose mean cosine to the others is below the percentile of these means."""
    chosen = pool.vectors[list(members)]
    means = (chosen @ chosen.T - np.eye(len(members))).sum(axis=1) / (len(members) - 1)
    threshold = np.percentile(means, percentile)
    # means that are equal but for rounding, as those of two words always are, are not below
    near = threshold - _ROUNDING
    return [index for index, mean in zip(members, means, strict=True) if mean >= near]


def _rank(values: NDArray[np.float64], value: float | None) -> float:
    """Return the percentile of `value` among the values that are known."""
    known = values[~np.isnan(values)]
    return 0.0 if value is None or not len(known) else float(np.mean(known <= value) * 100)


def _semantic_failures(
    group: Group, kind: str, least: float, ranks: tuple[float, float], rules: SemanticRules
) -> list[str]:
    """Say which criteria a group fails, each with the setting that would let it pass."""
    failures = []
    if len(group.words) < rules.min_words:
        failures.append(f"min_words: it has {len(group.words)}, expected {rules.min_words}")
    distance, cosine = group.distance[0], group.cosine[0]
    if distance is not None and distance < rules.min_distance:
        failures.append(f"min_distance: {rules.min_distance} would have to be {distance:.3f}")
    if cosine is not None and cosine < least:
        failures.append(
            f"cosine_percentile: its mean cosine is {cosine:.3f}, the pool's percentile "
            f"{rules.cosine_percentile:g} is {least:.3f}; it would have to be {ranks[0]:.1f}"
        )
    if kind == "mixed" and group.concreteness[0] is None:
        failures.append("concreteness: none of its words has a rating")
    elif kind == "mixed":
        failures.append(
            f"concreteness: its mean rating {group.concreteness[0]:.2f} is at percentile "
            f"{ranks[1]:.1f}; abstract_percentile or concrete_percentile would have to be that"
        )
    return failures


def phonetic_groups(
    pool: Pool, ratings: Sequence[float], rules: PhoneticRules, seed: int, *, workers: int = 1
) -> list[Group]:
    """Search groups of words that sound alike and mean different things.

    Parameters
    ----------
    pool
        Words that may be used.
    ratings
        All concreteness ratings, which the percentiles are taken over.
    rules, seed
        Criteria; seed words are tried in an order drawn with `seed`.
    workers
        Threads; does not change the result.

    Returns
    -------
    list of Group
        Accepted groups: ``concrete_1``, ..., ``abstract_1``, ...; words are used once.

    Raises
    ------
    UserError
        There is none: how large the largest one was, and which settings would help.
    """
    random = np.random.default_rng(seed)
    low, high = np.percentile(ratings, [rules.abstract_percentile, rules.concrete_percentile])
    classes = {
        "concrete": np.nan_to_num(pool.ratings, nan=-np.inf) >= high,
        "abstract": np.nan_to_num(pool.ratings, nan=np.inf) <= low,
    }
    furthest = _distance_percentile(pool, rules.similarity_percentile, seed)
    free = np.ones(len(pool.words), dtype=bool)
    accepted: dict[str, list[list[int]]] = {kind: [] for kind in classes}
    largest = 0
    order = random.permutation(len(pool.words))
    for start, nearest in _neighbourhoods(pool, order, furthest, rules.neighbours, workers):
        if all(len(groups) >= rules.groups for groups in accepted.values()):
            break
        if not free[start]:
            continue
        kept = _unrelated(pool, start, nearest, rules.max_cosine)
        for kind, belongs in classes.items():
            members = [index for index in kept if belongs[index]]
            largest = max(largest, len(members))
            used = [index for groups in accepted.values() for each in groups for index in each]
            if len(members) < rules.min_words or not free[members].all():
                continue
            closest = pool.distances(members, used).min() if used else 1.0
            if len(accepted[kind]) >= rules.groups or 1 - closest >= rules.max_similarity_between:
                continue
            accepted[kind].append(members)
            free[members] = False
    if not any(accepted.values()):
        message = (
            f"no phonetic group of min_words {rules.min_words}: the largest among "
            f"{len(pool.words)} words has {largest} (with max_cosine {rules.max_cosine} and "
            f"similarity of at least {1 - furthest:.3f}); set min_words to {largest}, or raise "
            "max_cosine"
        )
        raise UserError(message)
    return [
        describe(pool, members, f"{kind}_{number}", kind)
        for kind, groups in accepted.items()
        for number, members in enumerate(groups, start=1)
    ]


def _distance_percentile(pool: Pool, percentile: float, seed: int) -> float:
    """Return the distance at which pairs reach this percentile of all pairs' similarity."""
    left, right = pool.pair_sample(seed)
    if len(left) == 0:
        return 0.0
    codes = np.array(pool.codes, dtype=object)
    found = pair_distances(codes[left].tolist(), codes[right].tolist(), pool.unit)
    # not through 1 - distance: rounding would put the words at the threshold beyond it
    return float(np.percentile(found, 100 - percentile))


def _neighbourhoods(
    pool: Pool, order: NDArray[np.intp], furthest: float, count: int, workers: int
) -> Iterator[tuple[int, list[int]]]:
    """Yield each word of `order` and its up to `count` nearest words in sound, nearest first."""
    for begin in range(0, len(order), _BLOCK):
        starts = order[begin : begin + _BLOCK].tolist()
        own = [pool.codes[start] for start in starts]
        block = distances(own, pool.codes, pool.unit, workers=workers)
        for start, distance in zip(starts, block, strict=True):
            near = np.flatnonzero(distance <= furthest)
            near = near[near != start]
            yield start, near[np.argsort(distance[near], kind="stable")][:count].tolist()


def _unrelated(pool: Pool, start: int, nearest: Sequence[int], max_cosine: float) -> list[int]:
    """Keep the words that are unrelated in meaning to the first and to all kept before."""
    kept = [start]
    for index in nearest:
        if (pool.vectors[kept] @ pool.vectors[index] < max_cosine).all():
            kept.append(index)
    return kept
