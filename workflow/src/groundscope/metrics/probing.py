"""Held-out LDA scores of a labelling: folds, accuracy, intervals over words, null, confusion.

A fold never shares with its training rows what is *held apart*: the row itself, its word (all
tokens of a word are tested together), its speaker, or both. Labels of words are dealt to folds
class by class (stratified); labels that vary within a word are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundscope.metrics.accuracies import accuracies, accuracy_interval
from groundscope.metrics.discriminant import held_out
from groundscope.metrics.groups import (
    Floats,
    Groups,
    Integers,
    deal,
    of_similar_noise,
    permuted_labels,
)
from groundscope.metrics.intervals import Interval
from groundscope.metrics.p_values import permutation_p
from groundscope.metrics.variation import check_varies_within

Folds = list[tuple[Integers, Integers]]
_TRIES = 100


@dataclass(frozen=True)
class Probe:
    """Held-out scores; arrays follow `accuracies.MEASURES`.

    Attributes
    ----------
    rows
        Share of repeats in which each row was classified correctly, shape ``[n]``.
    correct
        Whether it was in each of them, 0 or 1, shape ``[repeats, n]``.
    estimate, interval
        Mean over repeats, and its Wilson interval from a jackknife over words, shape ``[2]``.
    null, p_value
        One repeat with the labels permuted, shape ``[2, permutations]``; one-sided p of
        the first repeat among them, shape ``[2]``, missing without permutations.
    chance
        Share of the largest class, and 1 / k.
    confusion
        Held-out rows over all repeats: true class by predicted class, shape ``[k, k]``.
    folds
        Of the first repeat.
    """

    rows: Floats
    correct: Floats
    estimate: Floats
    interval: Interval
    null: Floats
    p_value: Floats
    chance: Floats
    confusion: NDArray[np.int64]
    folds: int


def make_folds(
    labels: Groups, held_apart: Sequence[Groups], count: int, rng: np.random.Generator
) -> Folds:
    """Training and test rows of each fold.

    Parameters
    ----------
    labels
        Class of each row.
    held_apart
        Partitions (words, speakers) that no fold shares between its two sides. With two, each
        fold tests the rows of some words by some speakers, and trains on other words by others.
    count
        Folds of each partition.
    rng
        Deals the units.

    Raises
    ------
    ValueError
        A fold trains on fewer than two rows of a class in 100 draws after each other, as where all
        of them are of one unit.
    """
    for _ in range(_TRIES):
        # those of labels that vary within words are not stratified: some draws lack a rare class
        folds = _dealt(labels, held_apart, count, rng)
        fewest = _fewest_trained(labels, folds)
        if (fewest >= 2).all():
            return folds
    code = int(np.argmin(fewest))
    rare = str(labels.names[code])
    if any(len(np.unique(part.codes[labels.codes == code])) == 1 for part in held_apart):
        message = (
            f"class {rare!r} has one word or speaker, on whom no fold can both train and test: "
            "leave the class out, or do not hold speakers apart (speaker_disjoint)"
        )
        raise ValueError(message)
    message = (
        f"class {rare!r} has {fewest.min()} rows to train on in one of {count} folds, "
        "at least 2 are needed: use more folds, or leave out classes of few words (min_words)"
    )
    raise ValueError(message)


def _dealt(
    labels: Groups, held_apart: Sequence[Groups], count: int, rng: np.random.Generator
) -> Folds:
    """Folds of `make_folds`, which may lack a class."""
    parts = [deal(labels, units, min(count, len(units)), rng) for units in held_apart]
    cells = np.array(np.meshgrid(*[np.arange(part.max() + 1) for part in parts])).reshape(
        len(parts), -1
    )
    folds = []
    for cell in cells.T:
        inside = np.array([part == number for part, number in zip(parts, cell, strict=True)])
        test = np.flatnonzero(inside.all(axis=0))
        train = np.flatnonzero(~inside.any(axis=0))
        if len(test):
            folds.append((train, test))
    return folds


def _fewest_trained(labels: Groups, folds: Folds) -> Integers:
    """Rows of each class in the fold that trains on the fewest of them, shape ``[k]``."""
    counts = [np.bincount(labels.codes[train], minlength=len(labels)) for train, _ in folds]
    return np.asarray(np.stack(counts).min(axis=0))


def _permuted(
    labels: Groups,
    exchanged: Groups,
    strata: Groups | None,
    held_apart: Sequence[Groups],
    count: int,
    rng: np.random.Generator,
) -> tuple[Groups, Folds]:
    """Permuted labels and folds that can train on them, as those of the labels themselves do.

    Folds of labels that vary within words are not stratified, so that now and then one has all rows
    of a rare class: the labels are then permuted again.
    """
    for _ in range(_TRIES):
        moved = permuted_labels(labels, exchanged, rng, strata)
        folds = _dealt(moved, held_apart, count, rng)
        if (_fewest_trained(moved, folds) >= 2).all():
            return moved, folds
    message = (
        f"in {_TRIES} permutations of the labels some fold has fewer than 2 rows of a class to "
        "train on: use more folds, or leave out classes of few words (min_words)"
    )
    raise ValueError(message)


def predict(rows: Floats, labels: Groups, folds: Folds, solver: str) -> Integers:
    """Held-out class of each row, shape ``[n]``."""
    predicted = np.empty(len(rows), np.intp)
    results = held_out(rows, labels.codes, len(labels), folds, solver)
    for (_, test), classes in zip(folds, results, strict=True):
        predicted[test] = classes
    return predicted


def probe(
    rows: Floats,
    labels: Groups,
    words: Groups,
    held_apart: Sequence[Groups],
    *,
    exchanged: Groups,
    tokens: Integers | None = None,
    solver: str,
    folds: int,
    repeats: int,
    permutations: int,
    seed: int,
) -> Probe:
    """Score a labelling by repeated held-out LDA.

    Parameters
    ----------
    rows
        Features, shape ``[n, d]``.
    labels
        Class of each row.
    words
        Word of each row: the unit of the interval.
    held_apart
        See `make_folds`.
    exchanged
        Rows whose labels move together under the null (see `permuted_labels`): words, or speakers
        where the labels are theirs.
    tokens
        Behind each row, if rows are means of them: see `of_similar_noise`, shape ``[n]``.
    solver
        ``shrinkage`` or ``svd``.
    folds, repeats
        Folds of a repeat, of each partition in `held_apart`, and how often they are drawn.
    permutations
        Of the null; 0 leaves it out.
    seed
        Of folds and permutations.

    Raises
    ------
    ValueError
        Fewer than two classes, a class with fewer than three words (or two of two rows), or one
        that a fold cannot train on, as it is or in 100 permutations after each other; rows that are
        all the same, altogether or in each class (of a fold), or not finite.
    """
    _check(labels, words)
    rows = check_rows(rows)
    check_varies_within(rows, labels)
    rng = np.random.default_rng(seed)
    correct = np.empty((repeats, len(rows)))
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    counts = np.empty(repeats, np.intp)
    for repeat in range(repeats):
        dealt = make_folds(labels, held_apart, folds, rng)
        counts[repeat] = len(dealt)
        predicted = predict(rows, labels, dealt, solver)
        correct[repeat] = predicted == labels.codes
        np.add.at(confusion, (labels.codes, predicted), 1)
    values = correct.mean(axis=0)
    estimate = accuracies(values, labels)
    null = np.empty((2, permutations))
    alike = of_similar_noise(exchanged, tokens)
    for index in range(permutations):
        moved, dealt = _permuted(labels, exchanged, alike, held_apart, folds, rng)
        predicted = predict(rows, moved, dealt, solver)
        null[:, index] = accuracies((predicted == moved.codes).astype(np.float64), moved)
    first = accuracies(correct[0], labels)
    p_value = permutation_p(first, null) if permutations else np.full(2, np.nan)
    chance = np.array([labels.sizes.max() / len(rows), 1 / len(labels)])
    interval = accuracy_interval(correct, labels, words, estimate)
    first_folds = int(counts[0])
    return Probe(values, correct, estimate, interval, null, p_value, chance, confusion, first_folds)


def check_rows(rows: Floats) -> Floats:
    """Give the rows in float64, unless they hold nothing to read.

    Raises
    ------
    ValueError
        Rows that are all the same, or not finite.
    """
    rows = np.asarray(rows, np.float64)
    if not np.isfinite(rows).all():
        message = "the features hold values that are not finite: LDA needs finite ones"
        raise ValueError(message)
    if not (rows != rows[0]).any():
        message = f"all {len(rows)} rows are the same vector: LDA needs rows that differ"
        raise ValueError(message)
    return rows


def _check(labels: Groups, words: Groups) -> None:
    if len(labels) < 2:
        message = f"LDA needs at least 2 classes, got {len(labels)}: {', '.join(labels.names)}"
        raise ValueError(message)
    cells, sizes = np.unique(words.codes * len(labels) + labels.codes, return_counts=True)
    classes = cells % len(labels)
    counts = np.bincount(classes, minlength=len(labels))
    largest = np.zeros(len(labels), np.intp)
    np.maximum.at(largest, classes, sizes)
    # what is left to train on where the word with the most rows is tested
    left = labels.sizes - largest
    if (left < 2).any():
        rare = int(np.argmin(left))
        noun = "words" if counts[rare] > 1 else "word"
        message = (
            f"class {str(labels.names[rare])!r} has {counts[rare]} {noun} with vectors: LDA needs "
            "at least 3, or 2 of two rows each; leave out smaller classes (min_words), or words of "
            "fewer than 3 tokens where these are the classes (min_tokens)"
        )
        raise ValueError(message)
