"""Subspaces that vectors are compared in: the first principal components, or an LDA space."""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import eigh

from groundscope.metrics.discriminant import project
from groundscope.metrics.groups import Floats, Groups, Integers, deal, permuted_rows
from groundscope.metrics.variation import varies_within

_TRIES = 100
# components that a word does not exchange with others
_STEADY = 8
# blocks of words that are left out of a space, each with a fit
_REFITS = 20


def principal_components(rows: Floats, count: int, *, fewer: bool = False) -> Floats:
    """Scores on the first principal components, shape ``[n, count]``; signs are arbitrary.

    Parameters
    ----------
    rows
        Shape ``[n, d]``.
    count
        Components that are wanted.
    fewer
        Take as many as there are where rows do not vary in so many directions.

    Raises
    ------
    ValueError
        More components than min(n - 1, d), or than directions with variance.
    """
    centred = np.asarray(rows, np.float64) - np.mean(rows, axis=0, dtype=np.float64)
    most = min(len(centred) - 1, centred.shape[1])
    if fewer:
        count = min(count, most)
    if count > most:
        message = (
            f"pca-{count} needs more rows or features: {centred.shape} allow {most}; take fewer "
            "components"
        )
        raise ValueError(message)
    wide = len(centred) <= centred.shape[1]
    square = centred @ centred.T if wide else centred.T @ centred
    values, vectors = eigh(square, subset_by_index=[len(square) - count, len(square) - 1])
    spread, axes = values[::-1], vectors[:, ::-1]
    found = int((spread > 1e-12 * spread[0]).sum())
    if fewer:
        spread, axes = spread[:found], axes[:, :found]
    elif found < count:
        message = (
            f"pca-{count} needs rows that vary in {count} directions, these vary in {found}; take "
            "fewer components"
        )
        raise ValueError(message)
    return np.asarray(axes * np.sqrt(spread) if wide else centred @ axes)


def check_rows_differ(rows: Floats) -> None:
    """Refuse rows ``[n, d]`` that have no LDA space of any labelling.

    Raises
    ------
    ValueError
        All rows are the same.
    """
    if not (rows != rows[0]).any():
        message = f"all {len(rows)} rows are the same vector: an LDA space needs rows that differ"
        raise ValueError(message)


def has_lda_space(rows: Floats, labels: Groups) -> bool:
    """Whether classes differ, by more than 1e-4 of the rows' standard deviation, and rows within.

    Otherwise discriminant axes would be made of rounding. A text encoder gives a word the same
    vector whoever says it, so that speakers have no such space there, and neither have words.

    Parameters
    ----------
    rows
        Shape ``[n, d]``.
    labels
        Class of each row.
    """
    means = labels.means(np.asarray(rows, np.float64))
    between = np.linalg.norm(means - means.mean(axis=0), axis=1).max()
    spread = np.sqrt(np.var(rows, axis=0, dtype=np.float64).sum())
    return bool(between > 1e-4 * spread) and varies_within(rows, labels)


def into_space(rows: Floats, space: str, labels: Groups | None = None) -> Floats:
    """Rows in a named space.

    Parameters
    ----------
    rows
        Shape ``[n, d]``.
    space
        ``full``, ``pca-K``, or ``lda`` (of `labels`, fitted on these rows: in sample).
    labels
        Class of each row, for ``lda``.

    Raises
    ------
    ValueError
        Unknown space, or one that the rows do not allow.
    """
    if space == "full":
        return rows
    kind, _, count = space.partition("-")
    if kind == "pca" and count.isdecimal() and int(count) > 0:
        return principal_components(rows, int(count))
    if space == "lda" and labels is not None:
        return project(np.asarray(rows, np.float64), labels)
    message = f"space must be full, pca-K or lda (with a labelling), got {space!r}"
    raise ValueError(message)


def into_space_again(rows: Floats, space: str, labels: Groups | None = None) -> Floats:
    """`into_space` of rows of which some were left out, for a jackknife.

    Principal components are then no more than the rows have: rows that are one more than components
    lose nothing, nor do rows of which some are the same vector.
    """
    kind, _, count = space.partition("-")
    if kind == "pca":
        return principal_components(rows, int(count), fewer=True)
    return into_space(rows, space, labels)


def hangs_on_words(space: str, features: int, rows: int, words: int, classes: int = 0) -> bool:
    """Whether single words turn the axes of a space so far that a jackknife must fit them anew.

    So it is near as many features as rows beyond classes, where an LDA space is made of directions
    in which classes hardly vary, and of the first few principal components, which change places.
    The bounds are those of simulations (`analyses.md`): elsewhere errors with axes as given hold.

    Parameters
    ----------
    space
        As in `into_space`.
    features
        d of the rows before.
    rows, words, classes
        Their numbers.
    """
    if space == "lda":
        return words - classes < 4 * features and features < 4 * (rows - classes)
    count = space.removeprefix("pca-")
    return count.isdecimal() and int(count) < _STEADY


def refit_blocks(words: Groups, labels: Groups | None, seed: int) -> Integers:
    """Blocks of words that a jackknife of a fitted space leaves out.

    Parameters
    ----------
    words, labels
        Word of each row, and its class where the space is fitted to classes. Each block has about
        as many words of every class, and no class has all of its words in one block, unless it has
        one word, or the rows of some word lie in several classes.
    seed
        Of the blocks: with the same words they are the same for all layers.

    Returns
    -------
    numpy.ndarray
        Block of each row, 0 to 19, or to words - 1 if that is less, shape ``[n]``.
    """
    count = min(_REFITS, len(words))
    classes = Groups.of(np.zeros(len(words.codes))) if labels is None else labels
    return deal(classes, words, count, np.random.default_rng(seed))


def dimensions(features: int, space: str, classes: int = 0) -> int:
    """Dimensions that a named space of rows of so many features has, at most.

    In a space of one, cosines are 1 or -1 whatever the rows are: what is made of cosines is left
    out there.

    Parameters
    ----------
    features
        d of the rows.
    space
        As in `into_space`.
    classes
        Their number, for ``lda``.
    """
    if space == "lda":
        return min(features, classes - 1)
    count = space.removeprefix("pca-")
    return min(features, int(count)) if count.isdecimal() else features


def moved_lda_spaces(
    rows: Floats,
    labels: Groups,
    words: Groups,
    permutations: int,
    seed: int,
    strata: Groups | None = None,
) -> Iterator[Floats]:
    """Rows in LDA spaces that are fitted after their words have moved, for a null.

    The axes are fitted to the labels of the places that rows move to, so that these separate there
    by chance as much as labels that mean nothing do. Rows that are moved afterwards lie in a space
    that was made for places they left: a null that is far too low. A permutation without an LDA
    space is drawn again, since the rows as they are have one.

    Parameters
    ----------
    rows
        Shape ``[n, d]``; they have an LDA space (`has_lda_space`).
    labels, words
        Class and word of each place. Words move as a whole, see `permuted_rows`.
    permutations, seed
        How many, and which: the same for all layers.
    strata
        Of the words, where only those of one stratum are exchangeable.

    Yields
    ------
    numpy.ndarray
        As of `project`, once a permutation.

    Raises
    ------
    ValueError
        100 permutations after each other have no LDA space.
    """
    rng = np.random.default_rng(seed)
    for _ in range(permutations):
        tries = (rows[permuted_rows(words, rng, strata)] for _ in range(_TRIES))
        moved = next((each for each in tries if has_lda_space(each, labels)), None)
        if moved is None:
            message = (
                f"classes have the same mean in {_TRIES} permutations of the words: "
                "no LDA space to compare with; more rows must differ"
            )
            raise ValueError(message)
        yield into_space(moved, "lda", labels)
