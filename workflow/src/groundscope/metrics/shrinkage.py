"""Linear discriminant functions with a covariance shrunk class by class, for many folds.

The within-class covariance is the sum over classes of their share times the Ledoit-Wolf (2004)
covariance of the class, shrunk after standardising each feature within it: as scikit-learn's
``LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")`` defines it. It is
``sum_c w_c S_c + diag(ridge)`` with S_c the scatter of the class's training rows, so that scatter
matrices taken once serve every fold, less the rows that the fold leaves out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, lstsq

from groundscope.metrics.groups import Floats, Integers
from groundscope.metrics.threads import one_core_each

_HELD, _TOGETHER = 256 * 2**20, 8
# an entry of a class's scatter matrix, bound by memory, takes as long as so many multiplications
_ENTRY = 75

Fit = tuple[Floats, Floats]


def fit_folds(
    rows: Floats, codes: Integers, classes: int, folds: Sequence[Integers], rounding: Floats
) -> Iterator[Fit]:
    """Fit the decision functions of each fold.

    Parameters
    ----------
    rows
        Shape ``[n, d]``, float64.
    codes
        Class of each row, shape ``[n]``.
    classes
        k.
    folds
        Training rows of each fold.
    rounding
        Variance of each feature that may be rounding, shape ``[d]``.

    Yields
    ------
    tuple
        Coefficients ``[d, k]`` and intercepts ``[k]``, minus infinity for a class without training
        rows.
    """
    features = rows.shape[1]
    fewest = min(len(train) for train in folds)
    # scatter matrices pay where they are few, and a fold keeps more rows than it leaves out
    few = classes * _ENTRY < len(folds) * len(rows) and 8 * classes * features**2 <= _HELD
    if few and fewest > max(features, len(rows) / 2):
        scatters = Scatters.of(rows, codes, classes, rounding)
        for start in range(0, len(folds), _TOGETHER):
            yield from scatters.fit(folds[start : start + _TOGETHER])
        return
    for train in folds:
        order = train[np.argsort(codes[train], kind="stable")]
        yield _fit_rows(rows[order], np.bincount(codes[train], minlength=classes), rounding)


@dataclass(frozen=True)
class Shrunk:
    """What one fold knows of its training rows besides scatter matrices.

    Attributes
    ----------
    counts, means
        Of the classes, ``[k]`` and ``[k, d]``.
    weights
        Of the classes' scatter matrices in the covariance, ``[k]``.
    ridge
        Diagonal that is added, ``[d]``.
    """

    counts: Integers
    means: Floats
    weights: Floats
    ridge: Floats

    def decide(self, solved: Floats) -> Fit:
        """Coefficients and intercepts from the means that the covariance was solved for."""
        with np.errstate(divide="ignore"):
            priors = np.log(self.counts / self.counts.sum())
        return solved, priors - 0.5 * np.einsum("kd,dk->k", self.means, solved)


@dataclass(frozen=True)
class Scatters:
    """Rows about the mean of their class, sorted by class, and the scatter matrix of each class.

    Attributes
    ----------
    rows
        Shape ``[n, d]``.
    codes
        Class of each of them.
    places
        Where each row of the caller is among them.
    means, scatter
        Of the classes, ``[k, d]`` and ``[k, d * d]``.
    rounding
        See `fit_folds`.
    """

    rows: Floats
    codes: Integers
    places: Integers
    means: Floats
    scatter: Floats
    rounding: Floats

    @classmethod
    def of(cls, rows: Floats, codes: Integers, classes: int, rounding: Floats) -> "Scatters":
        """Take the scatter matrices of all rows."""
        order = np.argsort(codes, kind="stable")
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        rows, codes = rows[order], codes[order]
        means = np.zeros((classes, rows.shape[1]))
        scatter = np.zeros((classes, rows.shape[1] ** 2))
        for code, own in _by_class(codes, classes):
            means[code] = rows[own].mean(axis=0)
            rows[own] -= means[code]
            scatter[code] = (rows[own].T @ rows[own]).reshape(-1)
        return cls(rows, codes, places, means, scatter, rounding)

    def fit(self, folds: Sequence[Integers]) -> list[Fit]:
        """Fit several folds, whose scatter matrices are summed in one product."""
        with one_core_each(len(folds)) as pool:
            parts, removed = zip(*pool.map(self._shrink, folds), strict=True)
        covariances = np.stack([part.weights for part in parts]) @ self.scatter
        fits = []
        for part, less, flat in zip(parts, removed, covariances, strict=True):
            covariance = flat.reshape(less.shape) - less
            covariance[np.diag_indices(len(covariance))] += part.ridge
            fits.append(part.decide(_solve_positive(covariance, part.means.T)))
        return fits

    def _shrink(self, train: Integers) -> tuple[Shrunk, Floats]:
        """Shrink each class; also what to take from the weighted sum of scatter matrices."""
        kept = np.zeros(len(self.rows), np.bool_)
        kept[self.places[train]] = True
        classes, features = self.means.shape
        counts = np.bincount(self.codes[kept], minlength=classes)
        shifts, weights, ridge = np.zeros_like(self.means), np.zeros(classes), np.zeros(features)
        for code, own in _by_class(self.codes, classes):
            if not counts[code]:
                continue
            rows = self.rows[own][kept[own]]
            shifts[code] = rows.mean(axis=0)
            rows -= shifts[code]
            scatter = None
            if counts[code] >= features:
                out = self.rows[own][~kept[own]]
                scatter = self.scatter[code].reshape(features, features) - out.T @ out
                scatter -= counts[code] * np.outer(shifts[code], shifts[code])
            intensity, own_ridge = _ledoit_wolf(rows, scatter, self.rounding)
            weights[code] = (1 - intensity) / len(train)
            ridge += counts[code] / len(train) * own_ridge
        scale = np.sqrt(weights)
        out = self.rows[~kept]
        out *= scale[self.codes[~kept], None]
        shifts_out = shifts * (scale * np.sqrt(counts))[:, None]
        removed = out.T @ out + shifts_out.T @ shifts_out
        return Shrunk(counts, self.means + shifts, weights, ridge), removed


def _by_class(codes: Integers, classes: int) -> Iterator[tuple[int, slice]]:
    """Rows of each class that has any, where rows are sorted by class."""
    bounds = np.searchsorted(codes, np.arange(classes + 1))
    for code in np.flatnonzero(np.diff(bounds)):
        yield int(code), slice(int(bounds[code]), int(bounds[code + 1]))


def _fit_rows(rows: Floats, counts: Integers, rounding: Floats) -> Fit:
    """Fit from rows sorted by class: the way for fewer rows than features, or many classes."""
    means, weights = np.zeros((len(counts), rows.shape[1])), np.zeros(len(counts))
    centred, ridge = np.empty_like(rows), np.zeros(rows.shape[1])
    for code, own in _by_class(np.repeat(np.arange(len(counts)), counts), len(counts)):
        means[code] = rows[own].mean(axis=0)
        centred[own] = rows[own] - means[code]
        intensity, own_ridge = _ledoit_wolf(centred[own], None, rounding)
        weights[code] = (1 - intensity) / len(rows)
        ridge += counts[code] / len(rows) * own_ridge
        centred[own] *= np.sqrt(weights[code])
    return Shrunk(counts, means, weights, ridge).decide(_solve(centred, ridge, means.T))


def _ledoit_wolf(centred: Floats, scatter: Floats | None, rounding: Floats) -> tuple[float, Floats]:
    """Intensity of a class after standardising, and the diagonal it adds, ``[d]``.

    What is left of features that the class has one value of is rounding, which standardising would
    blow up: it is set to 0, in place.

    Parameters
    ----------
    centred
        Rows about their mean, shape ``[m, d]``.
    scatter
        Their scatter matrix, if known.
    rounding
        See `fit_folds`.
    """
    count, features = centred.shape
    variance = np.einsum("ij,ij->j", centred, centred) / count
    constant = variance <= rounding
    deviation = np.sqrt(np.where(constant, 1.0, variance))
    if constant.any():
        for each in (centred.T,) if scatter is None else (centred.T, scatter, scatter.T):
            each[constant] = 0.0
    scaled = centred * (1 / deviation)
    if scatter is not None:
        gram = scatter / deviation / deviation[:, None]
    else:
        gram = scaled @ scaled.T if count < features else scaled.T @ scaled
    delta = np.vdot(gram, gram) / count**2
    of_rows = count < features
    norms = np.diagonal(gram) if of_rows else np.einsum("ij,ij->i", scaled, scaled)
    mean = (~constant).sum() / features
    beta = (norms @ norms / count - delta) / (features * count)
    distance = (delta - features * mean**2) / features
    beta = min(beta, distance)
    intensity = 0.0 if beta <= 0 else float(beta / distance)
    return intensity, intensity * mean * deviation**2


def _solve(centred: Floats, ridge: Floats, right: Floats) -> Floats:
    """Solve ``(Z'Z + diag(ridge)) B = right`` with Z = `centred`, the cheaper way round."""
    count, features = centred.shape
    if count < features and (ridge > 0).all():
        scaled = centred / ridge
        inner = np.eye(count) + scaled @ centred.T
        image = scaled @ right
        correction = scaled.T @ cho_solve(cho_factor(inner, lower=True), image)
        return np.asarray(right / ridge[:, None] - correction)
    covariance = centred.T @ centred
    covariance[np.diag_indices(features)] += ridge
    return _least(covariance, right) if count < features else _solve_positive(covariance, right)


def _solve_positive(covariance: Floats, right: Floats) -> Floats:
    try:
        # LAPACK takes columns, which those of a transposed symmetric matrix are, uncopied
        return np.asarray(cho_solve(cho_factor(covariance.T, lower=True), right))
    except LinAlgError:
        return _least(covariance, right)


def _least(covariance: Floats, right: Floats) -> Floats:
    """Shortest solution, as scikit-learn takes, where the covariance is singular.

    Nothing is shrunk in classes of two rows, nor where a feature varies within no class.
    """
    return np.asarray(lstsq(covariance, right)[0])
