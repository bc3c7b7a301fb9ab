"""Sums of distances between rows and sets of rows, without holding all distances of many rows.

Cosine: ``n_c - u_i' S_c`` with S_c the sum of the set's unit vectors, exact in O(n k d). Euclidean:
by blocks of rows, so that no ``[n, n]`` matrix is held.
"""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from groundscope.metrics.groups import Floats, Integers

METRICS = ("cosine", "euclidean")
_BLOCK = 1024
# rows whose distances are made sooner than a sparse product is set up
_FEW = 256
_EPS = float(np.finfo(np.float64).eps)
# sums of distances that are made together: 64 MiB
_HELD = 2**23


class Distances:
    """Sums of distances between rows, cosine or Euclidean, of one layer.

    Parameters
    ----------
    features
        Shape ``[n, d]``.
    metric
        ``cosine`` or ``euclidean``.

    Raises
    ------
    ValueError
        Values that are not finite, rows that are all the same, or a zero vector (cosine).
    """

    def __init__(self, features: Floats, metric: str) -> None:
        rows = np.asarray(features, np.float64)
        if metric not in METRICS:
            message = f"metric must be one of {', '.join(METRICS)}, got {metric!r}"
            raise ValueError(message)
        squares = np.vecdot(rows, rows)
        if not np.isfinite(squares).all():
            message = "the features hold values that are not finite: distances need finite ones"
            raise ValueError(message)
        if all((each == rows[0]).all() for each in rows):
            message = (
                f"all {len(rows)} rows are the same vector: a silhouette needs rows that differ"
            )
            raise ValueError(message)
        self._cosine = metric == "cosine"
        if self._cosine:
            if (squares == 0).any():
                message = (
                    f"row {int(np.argmin(squares))} is the zero vector, which has no cosine: "
                    "leave its word out, or take metric euclidean"
                )
                raise ValueError(message)
            self._rows, self._scale = rows, 1 / np.sqrt(squares)
        else:
            # distances do not depend on the origin; squares lose less near it
            self._rows = rows - rows.mean(axis=0)
            self._squares = np.vecdot(self._rows, self._rows)
        count, width = rows.shape
        # sums of cosines need no distances, and few dimensions of many rows make them cheaper
        few = self._cosine and 2 * width < count and count > _FEW
        self._all = None if few or count > 2 * _BLOCK else self._block(slice(None))

    def _block(self, part: slice) -> Floats:
        # in place, where it can be: a temporary takes longer to make than to fill
        products = self._rows[part] @ self._rows.T
        if self._cosine:
            products *= self._scale[part, None]
            products *= self._scale
            distances = np.subtract(1.0, products, out=products)
            np.maximum(distances, 0.0, out=distances)
        else:
            products *= 2
            distances = self._squares[part, None] + self._squares
            distances -= products
            np.sqrt(np.maximum(distances, 0.0, out=distances), out=distances)
        own = np.arange(len(self._rows))[part]
        distances[np.arange(len(own)), own] = 0.0
        return np.asarray(distances)

    def sums(self, sets: Integers, count: int) -> Floats:
        """Sum of distances of every row to the rows of each set, for several divisions into sets.

        Euclidean distances of many rows are made anew for each call, not for each division.

        Parameters
        ----------
        sets
            Set of each row in each division, -1 for none; shape ``[divisions, n]``.
        count
            Sets in a division, m.

        Returns
        -------
        numpy.ndarray
            Shape ``[divisions, n, m]``; 0 where it may be `rounding`.
        """
        result = np.empty((*sets.shape, count))
        if self._cosine and self._all is None:
            for sums, division in zip(result, sets, strict=True):
                self._from_cosines(division, sums)
            return result
        indicators = [_indicator(division, count) for division in sets]
        for start in range(0, len(self._rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            distances = self._block(part) if self._all is None else self._all[part]
            for sums, indicator in zip(result, indicators, strict=True):
                np.matmul(distances, indicator, out=sums[part])
        if self._cosine:
            for sums, indicator in zip(result, indicators, strict=True):
                without_rounding(sums, self.rounding(indicator.sum(axis=0)))
        return result

    def rounding(self, sizes: Integers | Floats) -> Floats:
        """Bound what rounding makes of a sum of distances to so many rows, of shape ``[m]``.

        A sum of s unit vectors is known to ``s eps / 2`` of itself, and a cosine to a few eps:
        ``eps s (s + 16) / 2``. Sums below are 0, for rows that are the same vector: silhouettes
        would divide the last bit of one by that of another. The bound is 0 if Euclidean.
        """
        return _EPS / 2 * sizes * (sizes + 16.0) * self._cosine

    def _from_cosines(self, sets: Integers, sums: Floats) -> None:
        chosen = np.flatnonzero(sets >= 0)
        shape = sums.shape[::-1]
        members = csr_array((self._scale[chosen], (sets[chosen], chosen)), shape)
        np.matmul(self._rows, (members @ self._rows).T, out=sums)
        sums *= -self._scale[:, None]
        sizes = np.bincount(sets[chosen], minlength=len(members.indptr) - 1)
        sums += sizes
        without_rounding(sums, self.rounding(sizes))


def without_rounding(sums: Floats, rounding: Floats) -> None:
    """Set to 0, in place, the sums of distances that are no larger than their rounding."""
    lost = sums <= rounding
    # hardly ever: a product with the mask takes twice as long
    if lost.any():
        sums[lost] = 0.0


def _indicator(sets: Integers, count: int) -> Floats:
    """Which rows belong to which set, 0 or 1, shape ``[n, m]``."""
    chosen = np.flatnonzero(sets >= 0)
    indicator = np.zeros((len(sets), count))
    indicator[chosen, sets[chosen]] = 1.0
    return indicator


def room(each: int) -> int:
    """Divisions or sets that have room at once where each takes so many sums, at least one."""
    return max(1, _HELD // each)


def together(count: int, each: int) -> Iterator[range]:
    """Cut a count of divisions into ranges that have room at once, each of so many sums."""
    for start in range(0, count, room(each)):
        yield range(start, min(start + room(each), count))
