"""Rows that belong together: tokens of one word, words of one group."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

# float64, but for vectors as they are stored, which may be float32
Floats = NDArray[np.floating]
Integers = NDArray[np.intp]

# one over how much the reciprocals of counts differ that are similar
_SIMILAR = 100


@dataclass(frozen=True)
class Groups:
    """A partition of rows.

    Attributes
    ----------
    names
        Group names, sorted, shape ``[g]``.
    codes
        Group of each row as an index into `names`, shape ``[n]``.
    """

    names: NDArray[np.str_]
    codes: Integers

    @classmethod
    def of(cls, labels: ArrayLike) -> "Groups":
        """Partition rows by their labels (any values that have a string form)."""
        names, codes = np.unique(np.asarray(labels, dtype=np.str_), return_inverse=True)
        return cls(names, codes.astype(np.intp))

    def __len__(self) -> int:
        """Count the groups."""
        return len(self.names)

    @cached_property
    def sizes(self) -> Integers:
        """Rows of each group, shape ``[g]``."""
        return np.bincount(self.codes, minlength=len(self.names)).astype(np.intp)

    def only(self, rows: Integers | NDArray[np.bool_]) -> "Groups":
        """Give the partition of some rows; groups that have none of them are gone."""
        return Groups.of(self.names[self.codes[rows]])

    def sums(self, rows: Floats) -> Floats:
        """Sum over the rows of each group: ``[n, ...]`` to ``[g, ...]``."""
        if rows.ndim == 1:
            return np.bincount(self.codes, weights=rows, minlength=len(self)).astype(np.float64)
        flat = rows.reshape(len(rows), -1)
        members = csr_array(
            (np.ones(len(rows)), (self.codes, np.arange(len(rows)))), (len(self), len(rows))
        )
        return np.asarray(members @ flat, np.float64).reshape(len(self), *rows.shape[1:])

    def means(self, rows: Floats) -> Floats:
        """Mean over the rows of each group: ``[n, ...]`` to ``[g, ...]``."""
        return self.sums(rows) / self.sizes.reshape(-1, *[1] * (rows.ndim - 1))


def equal_rows(rows: Floats) -> Integers:
    """Give rows ``[n, d]`` that are equal one number, from 0, shape ``[n]``.

    Much sooner than `numpy.unique`, which sorts.
    """
    seen: dict[bytes, int] = {}
    # -0.0 becomes 0.0, which it equals
    return np.array([seen.setdefault(row.tobytes(), len(seen)) for row in rows + 0], np.intp)


def of_similar_count(counts: Integers | Floats) -> Groups:
    """Strata of things whose counts have reciprocals that differ by 0.01 at most.

    Of a mean of n, 1 / n is what is left of the variance of noise, so that means of one stratum are
    about as noisy: each number up to 9 is a stratum, then 10 and 11, and so on, 59 to 143, and all
    above, where all occur. A thing whose count is similar to no other is alone.

    Parameters
    ----------
    counts
        Of each thing, such as the tokens of a word, shape ``[n]``.
    """
    values, place = np.unique(counts, return_inverse=True)
    stratum = np.zeros(len(values), np.intp)
    first = values[0]
    for index, value in enumerate(values):
        if _SIMILAR * (value - first) > first * value:
            first = value
            stratum[index:] += 1
    return Groups.of(stratum[place])


def of_similar_noise(units: Groups, tokens: Integers | None) -> Groups | None:
    """Strata of units whose rows are means of tokens and about as noisy (`of_similar_count`).

    Parameters
    ----------
    units
        Of rows, such as the speakers of words; the noise of one is the mean over its rows.
    tokens
        Behind each row, shape ``[n]``; None where rows are tokens, of which there are no strata.
    """
    if tokens is None:
        return None
    # a single row has its own number of tokens, to the last bit
    return of_similar_count(np.round(1 / units.means(1 / tokens), 9))


def permuted_rows(
    groups: Groups, rng: np.random.Generator, strata: Groups | None = None
) -> Integers:
    """Row order that gives every group the rows of another, drawn at random.

    Groups move as a whole, so that rows of one group stay dependent under the null. Where two
    groups differ in size, the rows of the other are repeated in turn or cut; with equal sizes (one
    row a word, or the same number of tokens of every word) the result is a true permutation.

    Parameters
    ----------
    groups
        The units that are exchangeable under the null.
    rng
        Source of the permutation.
    strata
        Of the groups, where only those of one stratum are exchangeable.

    Returns
    -------
    numpy.ndarray
        Row indices, shape ``[n]``.
    """
    order = np.argsort(groups.codes, kind="stable")
    starts = np.cumsum(groups.sizes) - groups.sizes
    other = _permuted(np.arange(len(groups)), rng, strata)[groups.codes[order]]
    within = np.arange(len(order)) - np.repeat(starts, groups.sizes)
    result = np.empty(len(order), np.intp)
    result[order] = order[starts[other] + within % groups.sizes[other]]
    return result


def _permuted(values: Integers, rng: np.random.Generator, strata: Groups | None) -> Integers:
    """Permute the values of each stratum."""
    moved = values.copy()
    for stratum in range(1 if strata is None else len(strata)):
        members = slice(None) if strata is None else strata.codes == stratum
        moved[members] = rng.permutation(moved[members])
    return moved


def home_of(labels: Groups, units: Groups) -> Integers | None:
    """Class of each unit, or None where the rows of some unit lie in several classes."""
    home = np.empty(len(units), np.intp)
    home[units.codes] = labels.codes
    return home if (home[units.codes] == labels.codes).all() else None


def connected(first: Groups, second: Groups) -> Groups:
    """Finest partition that both lie within: rows that are together in either are together."""
    apart = len(first) + len(second)
    pairs = (np.ones(len(first.codes)), (first.codes, len(first) + second.codes))
    _, component = connected_components(coo_array(pairs, (apart, apart)), directed=False)
    return Groups.of(component[first.codes])


def deal(labels: Groups, units: Groups, count: int, rng: np.random.Generator) -> Integers:
    """Part of each row, 0 to ``count - 1``: every part has about as many units of every class.

    Units stay whole. Where the rows of some unit lie in several classes, only parts are alike in
    size.
    """
    home = home_of(labels, units)
    order = rng.permutation(len(units))
    if home is not None:
        order = order[np.argsort(home[order], kind="stable")]
    part = np.empty(len(units), np.intp)
    part[order] = np.arange(len(units)) % count
    return part[units.codes]


def permuted_labels(
    labels: Groups, units: Groups, rng: np.random.Generator, strata: Groups | None = None
) -> Groups:
    """Labels moved between units, so that rows of one unit stay dependent under the null.

    Where every unit has one label, these are permuted. Where labels vary within units, units with
    the same number of rows exchange their labels as a whole, and each then spreads them over its
    rows at random: units of one row exchange labels freely, and where every unit has the same
    labels (each word by each speaker once) only rows of one unit do. A unit that is alone with its
    number of rows keeps its labels, in another order.

    Parameters
    ----------
    labels
        Label of each row.
    units
        The units that are exchangeable under the null.
    rng
        Source of the permutation.
    strata
        Of the units, where only those of one stratum are exchangeable, each with one label.
    """
    home = home_of(labels, units)
    if home is not None:
        return Groups(labels.names, _permuted(home, rng, strata)[units.codes])
    own, sizes = units.codes, units.sizes[units.codes]
    # both orders have the same sizes in the same places: the k-th unit of a size meets another
    into = np.lexsort([own, sizes])
    taken = np.lexsort([rng.random(len(own)), rng.permutation(len(units))[own], sizes])
    codes = np.empty_like(labels.codes)
    codes[into] = labels.codes[taken]
    return Groups(labels.names, codes)
