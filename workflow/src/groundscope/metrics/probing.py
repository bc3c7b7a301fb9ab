"""Held-out LDA scores of a labelling: folds, accuracy, intervals over words, null, confusion.

A fold never shares with its training rows what is *held apart*: the row itself, its word (all
tokens of a word are tested together), its speaker, or both. Labels of words are dealt to folds
class by class (stratified); labels that vary within a word are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundscope.metrics.discriminant import check_varies_within, held_out
from groundscope.metrics.groups import Floats, Groups, Integers, deal, permuted_labels
from groundscope.metrics.intervals import Interval, proportion_interval
from groundscope.metrics.jackknife import degrees_of_freedom, jackknife, unit_means
from groundscope.metrics.p_values import permutation_p

Folds = list[tuple[Integers, Integers]]
MEASURES = ("accuracy", "balanced-accuracy")
_TRIES = 100


@dataclass(frozen=True)
class Probe:
    """Held-out scores; arrays follow `MEASURES`.

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
    """

    rows: Floats
    correct: Floats
    estimate: Floats
    interval: Interval
    null: Floats
    p_value: Floats
    chance: Floats
    confusion: NDArray[np.int64]


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
        A fold trains on fewer than two rows of a class.
    """
    folds = _dealt(labels, held_apart, count, rng)
    fewest = _fewest_trained(labels, folds)
    if (fewest < 2).any():
        rare = str(labels.names[int(np.argmin(fewest))])
        message = (
            f"class {rare!r} has {fewest.min()} rows to train on in one of {count} folds, "
            "at least 2 are needed: use more folds, or leave out classes of few words (min_words)"
        )
        raise ValueError(message)
    return folds


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
    held_apart: Sequence[Groups],
    count: int,
    rng: np.random.Generator,
) -> tuple[Groups, Folds]:
    """Permuted labels and folds that can train on them, as those of the labels themselves do.

    Folds of labels that vary within words are not stratified, so that now and then one has all rows
    of a rare class: the labels are then permuted again.
    """
    for _ in range(_TRIES):
        moved = permuted_labels(labels, exchanged, rng)
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


def accuracies(values: Floats, labels: Groups) -> Floats:
    """Mean over rows and over classes of whether, or how often, rows were right, shape ``[2]``."""
    return np.array([values.mean(), labels.means(values).mean()])


def without_words(values: Floats, labels: Groups, words: Groups) -> Floats:
    """Scores of rows that are right or wrong without each word, shape ``[2, words]``.

    Parameters
    ----------
    values
        Whether each row was classified correctly, shape ``[n]``.
    labels, words
        Class and word of each row. A class of one word is gone without it.
    """
    cells = words.codes * len(labels) + labels.codes
    shape = (len(words), len(labels))
    gone = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    out = np.bincount(cells, weights=values, minlength=shape[0] * shape[1]).reshape(shape)
    left = labels.sizes - gone
    by_class = (labels.sums(values) - out) / np.maximum(left, 1)
    return np.stack([unit_means(values, words), by_class.mean(axis=1, where=left > 0)])


def _interval(correct: Floats, labels: Groups, words: Groups, estimate: Floats) -> Interval:
    """Wilson interval whose error is that of one repeat: ``se^2`` is the mean over repeats.

    A word's outcome varies between repeats because the training words do. Averaging repeats first
    would drop that part of the variance, and the interval would cover too rarely (simulated: 81 to
    93 percent with 80 to 110 words; as it is here, 94 to 98).

    Words of unequal sizes have twice `degrees_of_freedom`, which are those of normal outcomes: the
    factor was taken by simulation (with 1, 98 to 100 percent; with 2, 94 to 98; with 3, 91 to 97).
    """
    degrees = min(2 * degrees_of_freedom(words.sizes), len(words) - 1)
    variance = np.zeros(2)
    for values in correct:
        without = without_words(values, labels, words)
        variance += jackknife(estimate, without).standard_error ** 2 / len(correct)
    return proportion_interval(estimate, np.sqrt(variance), len(words), degrees)


def probe(
    rows: Floats,
    labels: Groups,
    words: Groups,
    held_apart: Sequence[Groups],
    *,
    exchanged: Groups,
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
    solver
        ``shrinkage`` or ``svd``.
    folds, repeats
        Folds of a repeat, and how often they are drawn.
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
    for repeat in range(repeats):
        predicted = predict(rows, labels, make_folds(labels, held_apart, folds, rng), solver)
        correct[repeat] = predicted == labels.codes
        np.add.at(confusion, (labels.codes, predicted), 1)
    values = correct.mean(axis=0)
    estimate = accuracies(values, labels)
    null = np.empty((2, permutations))
    for index in range(permutations):
        moved, dealt = _permuted(labels, exchanged, held_apart, folds, rng)
        predicted = predict(rows, moved, dealt, solver)
        null[:, index] = accuracies((predicted == moved.codes).astype(np.float64), moved)
    first = accuracies(correct[0], labels)
    p_value = permutation_p(first, null) if permutations else np.full(2, np.nan)
    chance = np.array([labels.sizes.max() / len(rows), 1 / len(labels)])
    interval = _interval(correct, labels, words, estimate)
    return Probe(values, correct, estimate, interval, null, p_value, chance, confusion)


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
