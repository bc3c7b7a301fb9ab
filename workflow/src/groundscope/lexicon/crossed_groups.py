"""Words that meaning and sound group independently: every sound occurs in every category.

A crossed design separates the two: each row of words sounds alike and has one word of each semantic
category, so that neither grouping says anything about the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundscope.errors import UserError
from groundscope.lexicon.word_pool import Group, Pool, describe


@dataclass(frozen=True, slots=True)
class CrossedRules:
    """What the rows must meet.

    Attributes
    ----------
    max_distance
        Pronunciation distances within a row are at most this.
    min_distance
        Distances between words of different rows are at least this.
    min_rows
        Smallest number of rows.
    """

    max_distance: float = 0.5
    min_distance: float = 0.6
    min_rows: int = 5


def crossed_rows(
    pool: Pool, candidates: Mapping[str, Sequence[str]], rules: CrossedRules
) -> list[tuple[str, ...]]:
    """Choose rows of words, one of each category.

    Parameters
    ----------
    pool
        Words that may be used.
    candidates
        Two or more semantic categories: label -> words.
    rules
        Criteria.

    Returns
    -------
    list of tuple of str
        Rows, the closest in sound first, each in the order of `candidates`. Rows are taken
        greedily by their mean distance; no word occurs twice.

    Raises
    ------
    UserError
        A category has no word in the pool, or there are fewer rows than `rules` ask for.
    """
    place = {word: index for index, word in enumerate(pool.words)}
    members = {
        label: sorted({place[word] for word in words if word in place})
        for label, words in candidates.items()
    }
    empty = [label for label, indices in members.items() if not indices]
    if len(members) < 2 or empty:
        message = f"crossed groups: expected two or more categories with words, empty are {empty}"
        raise UserError(message)
    every = sorted({index for indices in members.values() for index in indices})
    distance = pool.distances(every, every)
    position = {index: number for number, index in enumerate(every)}
    categories = [[position[index] for index in indices] for indices in members.values()]
    rows: list[list[int]] = []
    for row in _alike(categories, distance, rules.max_distance):
        others = [index for other in rows for index in other]
        # a word used twice is at distance 0 from itself, so that this refuses it, too
        if not others or distance[np.ix_(row, others)].min() >= rules.min_distance:
            rows.append(row)
    if len(rows) < rules.min_rows:
        message = (
            f"crossed groups: {len(rows)} rows of {' x '.join(members)} sound alike (max_distance "
            f"{rules.max_distance}) and apart from each other (min_distance {rules.min_distance}), "
            f"expected {rules.min_rows}: set min_rows to {len(rows)}, or relax the distances"
        )
        raise UserError(message)
    return [tuple(pool.words[every[index]] for index in row) for row in rows]


def crossed_groups(
    pool: Pool, candidates: Mapping[str, Sequence[str]], rules: CrossedRules, *, by: str
) -> list[Group]:
    """Choose rows with `crossed_rows` and label their words.

    Parameters
    ----------
    pool, candidates, rules
        As in `crossed_rows`.
    by
        ``meaning``: groups are the categories; ``sound``: groups are the rows. The words are the
        same, so that two labellings of one corpus come out.
    """
    rows = crossed_rows(pool, candidates, rules)
    if by == "meaning":
        labelled = dict(zip(candidates, zip(*rows, strict=True), strict=True))
    else:
        labelled = {f"sound_{number}": row for number, row in enumerate(rows, start=1)}
    place = {word: index for index, word in enumerate(pool.words)}
    return [
        describe(pool, [place[word] for word in words], label, "mixed")
        for label, words in labelled.items()
    ]


def _alike(
    categories: Sequence[Sequence[int]], distance: NDArray[np.float64], furthest: float
) -> list[list[int]]:
    """Find all rows within `furthest`, one word of each category, the closest first."""
    rows: list[list[int]] = [[index] for index in categories[0]]
    for members in categories[1:]:
        rows = [
            [*row, index]
            for row in rows
            for index in members
            if index not in row and (distance[row, index] <= furthest).all()
        ]
    return sorted(rows, key=lambda row: (float(distance[np.ix_(row, row)].mean()), row))
