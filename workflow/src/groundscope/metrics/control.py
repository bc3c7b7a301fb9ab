"""Control tasks: how much of the accuracy of a probe is its memory of single words.

A control task (Hewitt and Liang 2019) gives every word a label at random, the same for all of its
tokens. It can be learned by memory alone, and only where the words of the test rows are among the
training rows. Where folds keep words apart, as for the held-out scores, no memory of words can help
and a control task is at chance by construction. Selectivity is therefore measured in folds of its
own, in which every word recurs: there the probe reads the labels and a control task from the same
rows, and selectivity is the first accuracy minus the second.

That asks something only where every word has one label. A label that varies within words (speaker)
cannot be remembered with the word, and a fold would train on just the labels that a tested token
does not have: vectors that hold nothing but the word would read it far below chance.
"""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.groups import Floats, Groups, Integers, home_of
from groundscope.metrics.intervals import Interval, proportion_interval, t_interval
from groundscope.metrics.jackknife import jackknife, unit_means
from groundscope.metrics.probing import Folds, check_rows, predict

MEASURES = ("seen-word-accuracy", "control-accuracy", "selectivity")


@dataclass(frozen=True)
class Control:
    """Scores with recurring words; one entry a measure of `MEASURES`.

    Attributes
    ----------
    estimate
        Mean over the control tasks.
    intervals
        Wilson for accuracies, t for selectivity; jackknife over words.
    rows
        Rows that entered, as indices: those of words with at least two.
    scores
        Of each of these rows in each task, shape ``[3, tasks, rows]``.
    """

    estimate: Floats
    intervals: tuple[Interval, Interval, Interval]
    rows: Integers
    scores: Floats


def recurring(labels: Groups, words: Groups) -> Integers:
    """Rows that control tasks can be made from: those of words with two rows or more.

    None where the label varies within words, which memory of words does not read, where these words
    have one label, or where each is a label of its own: a control task would only rename it.
    """
    rows = np.flatnonzero(words.sizes[words.codes] > 1)
    kinds = len(np.unique(labels.codes[rows]))
    usable = home_of(labels, words) is not None and 1 < kinds < len(np.unique(words.codes[rows]))
    return rows if usable else np.empty(0, np.intp)


def recurring_folds(words: Groups, labels: Groups, count: int, rng: np.random.Generator) -> Folds:
    """Folds that spread the rows of each word, which have one label, so that none is unseen."""
    order = np.lexsort([rng.random(len(words.codes)), words.codes, labels.codes])
    fold = np.empty(len(order), np.intp)
    fold[order] = np.arange(len(order)) % count
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(count)]


def control_labels(labels: Groups, words: Groups, rng: np.random.Generator) -> Groups:
    """One label a word at random, labels in the shares that they have among the rows.

    A label that is too rare for its share of the words has one all the same, at the cost of the
    most frequent one: there must be no more labels than words.
    """
    count = len(words)
    places = ((np.arange(count) + 0.5) * len(labels.codes) / count).astype(np.intp)
    shares = np.bincount(np.sort(labels.codes)[places], minlength=len(labels))
    for rare in np.flatnonzero(shares == 0):
        shares[np.argmax(shares)] -= 1
        shares[rare] = 1
    drawn = rng.permutation(np.repeat(np.arange(len(labels)), shares))
    return Groups(labels.names, drawn[words.codes])


def control_tasks(
    rows: Floats,
    labels: Groups,
    words: Groups,
    *,
    solver: str,
    folds: int,
    tasks: int,
    seed: int,
) -> Control:
    """Compare the labels with control tasks, in folds whose words recur.

    Parameters
    ----------
    rows
        Features of tokens, shape ``[n, d]``.
    labels, words
        Label and word of each token; all tokens of a word have one label.
    solver, folds
        As in `probing.probe`.
    tasks
        Control tasks; each has its own random labels and folds.
    seed
        Of both.

    Raises
    ------
    ValueError
        There are no rows that control tasks can be made from (see `recurring`).
    """
    chosen = recurring(labels, words)
    if not len(chosen):
        message = (
            f"{len(words)} words of {len(labels)} classes have no control task: it needs words of "
            "one label and 2 tokens or more each, of 2 classes, and more of them than classes"
        )
        raise ValueError(message)
    part = Groups.of(words.names[words.codes[chosen]])
    own = Groups.of(labels.names[labels.codes[chosen]])
    features = check_rows(rows[chosen])
    rng = np.random.default_rng(seed)
    right = np.empty((3, tasks, len(chosen)))
    for task in range(tasks):
        parts = recurring_folds(part, own, folds, rng)
        for index, target in enumerate((own, control_labels(own, part, rng))):
            right[index, task] = predict(features, target, parts, solver) == target.codes
    right[2] = right[0] - right[1]
    estimate = right.mean(axis=(1, 2))
    errors = [_error(values, part) for values in right]
    degrees = len(part) - 1
    seen, control = (
        proportion_interval(estimate[k], errors[k], len(part), degrees) for k in range(2)
    )
    intervals = seen, control, t_interval(estimate[2], errors[2], degrees)
    return Control(estimate, intervals, chosen, right)


def _error(values: Floats, words: Groups) -> float:
    """Jackknife error over words of one task, ``se^2`` averaged over tasks as in `probing`."""
    squares = [jackknife(one.mean(), unit_means(one, words)).standard_error ** 2 for one in values]
    return float(np.sqrt(np.mean(squares)))
