"""Sums of distances between rows and sets of rows, without holding all distances of many rows.

Cosine: ``n_c - u_i' S_c`` with S_c the sum of the set's unit vectors, exact in O(n k d). Euclidean:
by blocks of rows, so that no ``[n, n]`` matrix is held.
"""

import numpy as np

from groundscope.metrics.groups import Floats

METRICS = ("cosine", "euclidean")
_BLOCK = 1024


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
        if not np.isfinite(rows).all():
            message = "the features hold values that are not finite: distances need finite ones"
            raise ValueError(message)
        if not (rows != rows[0]).any():
            message = (
                f"all {len(rows)} rows are the same vector: a silhouette needs rows that differ"
            )
            raise ValueError(message)
        self.cosine = metric == "cosine"
        if self.cosine:
            norms = np.linalg.norm(rows, axis=1)
            if (norms == 0).any():
                message = (
                    f"row {int(np.argmin(norms))} is the zero vector, which has no cosine: "
                    "leave its word out, or take metric euclidean"
                )
                raise ValueError(message)
            self.rows = rows / norms[:, None]
        else:
            # distances do not depend on the origin; squares lose less near it
            self.rows = rows - rows.mean(axis=0)
            self._squares = np.einsum("ij,ij->i", self.rows, self.rows)
        count, width = rows.shape
        # sums of cosines need no distances, and few dimensions make them the cheaper way
        few = self.cosine and 2 * width < count
        self._all = None if few or count > 2 * _BLOCK else self._block(slice(None))

    def _block(self, part: slice) -> Floats:
        products = self.rows[part] @ self.rows.T
        if self.cosine:
            distances = 1.0 - products
        else:
            squared = self._squares[part, None] + self._squares - 2 * products
            distances = np.sqrt(np.maximum(squared, 0.0))
        own = np.arange(len(self.rows))[part]
        distances[np.arange(len(own)), own] = 0.0
        return np.asarray(np.maximum(distances, 0.0))

    def sums(self, indicator: Floats) -> Floats:
        """Sum of distances of every row to the rows of each set, ``[n, m]`` to ``[n, m]``.

        Parameters
        ----------
        indicator
            Which rows belong to which set: 0 or 1, shape ``[n, m]``.
        """
        if self._all is not None:
            return self._all @ indicator
        if self.cosine:
            sums: Floats = indicator.sum(axis=0) - self.rows @ (self.rows.T @ indicator)
            return sums
        result = np.empty(indicator.shape)
        for start in range(0, len(self.rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            result[part] = self._block(part) @ indicator
        return result
