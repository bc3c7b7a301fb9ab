"""Linear discriminant analysis, fitted many times on subsets of the same rows.

Two estimators, both with class shares as priors, defined as in scikit-learn's
``LinearDiscriminantAnalysis`` so that predictions are the same:

- ``shrinkage``: within-class covariance = sum over classes of prior times the Ledoit-Wolf (2004)
  covariance of the class, shrunk after standardising each feature within the class;
- ``svd``: pooled within-class covariance, directions with a standard deviation below 1e-4 (after
  standardising) dropped, no shrinkage.

Folds do not go back to the rows for what is a sum over them: counts, class sums and the scatter
matrix are taken once, and each fold subtracts those of its test rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky, eigh, solve_triangular, svd

from groundscope.metrics import shrinkage
from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.variation import check_varies_within, rounding_of, vary

SOLVERS = ("shrinkage", "svd")
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Discriminant:
    """Linear decision functions, ``rows @ coefficients + intercept``.

    Attributes
    ----------
    coefficients
        Shape ``[d, k]``.
    intercept
        Shape ``[k]``; minus infinity for a class without training rows.
    projection
        Discriminant axes, shape ``[d, at most k - 1]``, strongest first; empty for shrinkage.
    """

    coefficients: Floats
    intercept: Floats
    projection: Floats

    def predict(self, rows: Floats) -> Integers:
        """Class of each row, shape ``[n]``."""
        scores = rows @ self.coefficients + self.intercept
        return np.asarray(np.argmax(scores, axis=1), np.intp)


@dataclass(frozen=True)
class Moments:
    """Sums over rows: ``counts`` [k], ``sums`` [k, d], ``scatter`` [d, d] (about the origin)."""

    counts: Floats
    sums: Floats
    scatter: Floats

    @classmethod
    def of(cls, rows: Floats, codes: Integers, classes: int) -> "Moments":
        """Take the sums of some rows."""
        counts = np.bincount(codes, minlength=classes).astype(np.float64)
        sums = np.zeros((classes, rows.shape[1]))
        if len(rows):
            present = Groups.of(codes)
            sums[present.names.astype(np.intp)] = present.sums(rows)
        return cls(counts, sums, rows.T @ rows)

    def minus(self, other: "Moments") -> "Moments":
        """Subtract the rows of `other`."""
        return Moments(
            self.counts - other.counts, self.sums - other.sums, self.scatter - other.scatter
        )

    @property
    def rounding(self) -> Floats:
        """Variance that sums, and differences of them, do not tell from none, shape ``[d]``."""
        return np.asarray(1e-14 * np.diagonal(self.scatter) / self.counts.sum())


def _class_means(counts: Floats, sums: Floats) -> Floats:
    return np.asarray(sums / np.maximum(counts, 1.0)[:, None])


def _between(
    means: Floats,
    counts: Floats,
    whiten: Callable[[Floats], Floats],
    unwhiten: Callable[[Floats], Floats],
) -> Discriminant:
    """Decision functions from class means.

    Parameters
    ----------
    means, counts
        Of the classes, ``[k, d]`` and ``[k]``.
    whiten
        ``V -> V W``: to coordinates of unit covariance within classes, ``[m, d]`` to ``[m, r]``.
    unwhiten
        ``A -> W A'``: from axes in those coordinates to the features, ``[m, r]`` to ``[d, m]``.
    """
    priors = counts / counts.sum()
    centre = priors @ means
    white = whiten(means - centre)
    _, strengths, axes = svd(np.sqrt(counts)[:, None] * white, full_matrices=False)
    kept = axes[: int((strengths > _TOLERANCE * strengths[0]).sum())]
    scores = white @ kept.T
    projection = unwhiten(kept)
    coefficients = projection @ scores.T
    with np.errstate(divide="ignore"):
        intercept = -0.5 * (scores**2).sum(axis=1) + np.log(priors) - centre @ coefficients
    return Discriminant(coefficients, intercept, projection)


def _by_matrix(means: Floats, counts: Floats, matrix: Floats) -> Discriminant:
    return _between(means, counts, lambda rows: rows @ matrix, lambda axes: matrix @ axes.T)


def fit_svd(moments: Moments, rounding: Floats) -> Discriminant:
    """Fit the ``svd`` estimator from sums; `rounding` is that of the features."""
    means = _class_means(moments.counts, moments.sums)
    total = moments.counts.sum()
    within = moments.scatter - (means * moments.counts[:, None]).T @ means
    variance = np.diagonal(within) / total
    constant = variance <= rounding
    within[constant] = within[:, constant] = 0.0
    scale = np.sqrt(np.where(constant, 1.0, variance))
    correlation = within / (scale * total)
    correlation /= scale[:, None]
    less = correlation.copy()
    less[np.diag_indices(len(less))] -= _TOLERANCE**2
    try:
        # positive definite after this subtraction: every direction is above the tolerance; LAPACK
        # takes columns, which those of a transposed symmetric matrix are, uncopied
        cholesky(less.T, lower=True, overwrite_a=True)
    except LinAlgError:
        values, vectors = eigh(correlation)
        keep = values > _TOLERANCE**2
        matrix = vectors[:, keep] / np.sqrt(values[keep]) / scale[:, None]
        return _by_matrix(means, moments.counts, matrix)
    factor = cholesky(correlation.T, lower=True, overwrite_a=True)
    return _between(
        means,
        moments.counts,
        lambda rows: solve_triangular(factor, (rows / scale).T, lower=True).T,
        lambda axes: solve_triangular(factor, axes.T, lower=True, trans="T") / scale[:, None],
    )


def fit_svd_rows(rows: Floats, codes: Integers, classes: int, rounding: Floats) -> Discriminant:
    """Fit the ``svd`` estimator from rows: the way for fewer rows than features."""
    counts = np.bincount(codes, minlength=classes).astype(np.float64)
    moments = Moments.of(rows, codes, classes) if len(rows) > rows.shape[1] else None
    if moments is not None:
        return fit_svd(moments, np.maximum(rounding, moments.rounding))
    labels = Groups.of(codes)
    means = np.zeros((classes, rows.shape[1]))
    means[labels.names.astype(np.intp)] = labels.means(rows)
    centred = rows - means[codes]
    variance = centred.var(axis=0)
    constant = variance <= rounding
    centred[:, constant] = 0.0
    scale = np.sqrt(np.where(constant, 1.0, variance))
    centred /= scale * np.sqrt(len(rows))
    # squared singular values, from the smaller side; of few rows LAPACK's other way is the slower
    values, vectors = np.linalg.eigh(centred @ centred.T)
    keep = values > _TOLERANCE**2
    matrix = centred.T @ (vectors[:, keep] / values[keep]) / scale[:, None]
    return _by_matrix(means, counts, matrix)


def held_out(
    rows: Floats,
    codes: Integers,
    classes: int,
    folds: Sequence[tuple[Integers, Integers]],
    solver: str,
) -> list[Integers]:
    """Predicted class of the test rows of each fold.

    Parameters
    ----------
    rows
        Shape ``[n, d]``, float64.
    codes
        Class of each row, shape ``[n]``.
    classes
        k.
    folds
        (training rows, test rows) of each fold.
    solver
        ``shrinkage`` or ``svd``.

    Raises
    ------
    ValueError
        Unknown solver, or training rows of a fold that do not differ within classes.
    """
    if solver not in SOLVERS:
        message = f"solver must be one of {', '.join(SOLVERS)}, got {solver!r}"
        raise ValueError(message)
    rounding = rounding_of(rows)
    rows = rows - rows.mean(axis=0)
    spread = np.vdot(rows, rows) / len(rows)
    for train, _ in folds:
        if not vary(rows, codes, train, float(spread) * len(train)):
            message = (
                f"a fold trains on {len(train)} rows that are one vector in each class: LDA needs "
                "two words with different vectors in a class of each fold: take more words a class"
            )
            raise ValueError(message)
    if solver == "shrinkage":
        fits = shrinkage.fit_folds(rows, codes, classes, [train for train, _ in folds], rounding)
        none = np.empty((rows.shape[1], 0))
        return [
            Discriminant(coefficients, intercept, none).predict(rows[test])
            for (coefficients, intercept), (_, test) in zip(fits, folds, strict=True)
        ]
    whole: Moments | None = None
    predictions = []
    for train, test in folds:
        if len(train) <= rows.shape[1]:
            fitted = fit_svd_rows(rows[train], codes[train], classes, rounding)
        else:
            if whole is None:
                whole = Moments.of(rows, codes, classes)
            out = np.setdiff1d(np.arange(len(rows)), train, assume_unique=True)
            rest = whole.minus(Moments.of(rows[out], codes[out], classes))
            fitted = fit_svd(rest, np.maximum(rounding, whole.rounding))
        predictions.append(fitted.predict(rows[test]))
    return predictions


def project(rows: Floats, labels: Groups) -> Floats:
    """Coordinates on the discriminant axes, fitted on these same rows (in sample).

    Parameters
    ----------
    rows
        Shape ``[n, d]``.
    labels
        Class of each row.

    Returns
    -------
    numpy.ndarray
        Shape ``[n, min(k - 1, d)]`` or fewer if classes coincide.

    Raises
    ------
    ValueError
        The rows of each class are one vector.
    """
    check_varies_within(rows, labels)
    centred = rows - rows.mean(axis=0)
    axes = fit_svd_rows(centred, labels.codes, len(labels), rounding_of(rows)).projection
    return np.asarray(centred @ axes)
