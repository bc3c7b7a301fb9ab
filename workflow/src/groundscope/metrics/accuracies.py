"""Accuracy and balanced accuracy of held-out predictions, without each word, and intervals."""

import numpy as np

from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.intervals import Interval, proportion_interval
from groundscope.metrics.jackknife import degrees_of_freedom, jackknife, unit_means

MEASURES = ("accuracy", "balanced-accuracy")
# Words of a class below which its jackknife variance is not enough.
_FEW = 10


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


def accuracy_interval(correct: Floats, labels: Groups, words: Groups, estimate: Floats) -> Interval:
    """Wilson interval whose error is that of one repeat: ``se^2`` is the mean over repeats.

    A word's outcome varies between repeats because the training words do. Averaging repeats first
    would drop that part of the variance, and the interval would cover too rarely (simulated: 81 to
    93 percent with 80 to 110 words; as it is here, 94 to 98).

    Words of unequal sizes have twice `degrees_of_freedom`, which are those of normal outcomes: the
    factor was taken by simulation (with 1, 98 to 100 percent; with 2, 94 to 98; with 3, 91 to 97).

    Few words of a class are often all right or all wrong, and then seem to have no error, though
    the class makes 1 / k of the balanced accuracy. So a class of fewer than 10 words has the mean
    and the variance v of its share under a uniform prior where that variance is the larger one. Of
    both follows for how many words the balanced accuracy stands: with the share as it is, next to 1
    a word that is wrong would leave fewer, and a lower limit far below that of more errors. Where
    there is such a class, degrees of freedom are ``(sum v)^2 / sum (v^2 / d)`` over classes of d
    each (Satterthwaite 1946). Without one, where all are right, it stands for as many words as have
    its variance, ``k^2 / sum (1 / m)`` for classes of m.

    Parameters
    ----------
    correct
        Whether each row was classified correctly in each repeat, shape ``[repeats, n]``.
    labels, words
        Class and word of each row.
    estimate
        `accuracies`, mean over repeats, shape ``[2]``.
    """
    overall = _degrees(words)
    variance = np.zeros(2)
    for values in correct:
        without = without_words(values, labels, words)
        variance += jackknife(estimate, without).standard_error ** 2 / len(correct)
    classes = [words.only(labels.codes == code) for code in range(len(labels))]
    of_classes = [
        _of_class(correct[:, labels.codes == code], own) for code, own in enumerate(classes)
    ]
    found, raised, share, own_degrees = np.array(of_classes).T
    variance[1] += (raised - found).sum() / len(labels) ** 2
    degrees = np.full(2, overall, np.float64)
    if any(len(own) < _FEW for own in classes):
        together = raised.sum() ** 2 / (raised**2 / own_degrees).sum()
        degrees[1] = min(overall, together)
    units = np.array([len(words), len(labels) ** 2 / (1 / (own_degrees + 1)).sum()])
    expected = np.array([estimate[0], share.mean()])
    return proportion_interval(estimate, np.sqrt(variance), units, degrees, expected)


def _of_class(correct: Floats, words: Groups) -> tuple[float, float, float, float]:
    """Variance of a class's share by jackknife, and as it is taken, its mean there, and degrees."""
    degrees, mean = _degrees(words), float(correct.mean())
    errors = [jackknife(one.mean(), unit_means(one, words)).standard_error for one in correct]
    found = float(np.mean(np.square(errors)))
    share = ((degrees + 1) * correct.mean(axis=1) + 1) / (degrees + 3)
    least = float((share * (1 - share)).mean() / (degrees + 4))
    if len(words) >= _FEW or found >= least:
        return found, found, mean, degrees
    return found, least, float(share.mean()), degrees


def _degrees(words: Groups) -> float:
    return min(2 * degrees_of_freedom(words.sizes), len(words) - 1)
