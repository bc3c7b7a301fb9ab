"""Words in a plane: the first two principal components, or the first two discriminant axes."""

from dataclasses import dataclass

import numpy as np

from groundscope.metrics.discriminant import project
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.spaces import principal_components


@dataclass(frozen=True)
class Plane:
    """Positions of rows in a plane.

    Attributes
    ----------
    points
        Shape ``[n, 2]``.
    shares
        Of the variance (PCA) or of the variance between classes (LDA) along each axis, 0 to 1; NaN
        for an axis that is not one of the space.
    """

    points: Floats
    shares: Floats


def pca_plane(rows: Floats) -> Plane:
    """First two principal components of rows of shape ``[n, d]``; each sign is arbitrary.

    Raises
    ------
    ValueError
        The rows vary in fewer than two directions.
    """
    points = principal_components(rows, 2)
    total = np.var(np.asarray(rows, np.float64), axis=0).sum()
    return Plane(points, np.var(points, axis=0) / total)


def lda_plane(rows: Floats, labels: Groups) -> Plane:
    """First two discriminant axes of `labels`, fitted on these same rows (in sample).

    Where there is one axis only, as for two classes, the second is the first principal component
    of what that axis leaves, and its share is missing.
    """
    rows = np.asarray(rows, np.float64)
    axes = project(rows, labels)
    between = (labels.sizes[:, None] * labels.means(axes) ** 2).sum(axis=0)
    shares = between / between.sum()
    if axes.shape[1] > 1:
        return Plane(axes[:, :2], shares[:2])
    centred = rows - rows.mean(axis=0)
    along = axes - axes.mean(axis=0)
    rest = centred - along @ (along.T @ centred) / (along**2).sum()
    return Plane(np.hstack([axes, principal_components(rest, 1)]), np.array([shares[0], np.nan]))


def turned_like(plane: Plane, previous: Plane | None) -> Plane:
    """Plane whose axes point the way those of `previous` do, over the same rows.

    Without `previous`, the row farthest out along each axis is positive.
    """
    if previous is None:
        farthest = np.abs(plane.points).argmax(axis=0)
        signs = np.sign(plane.points[farthest, [0, 1]])
    else:
        signs = np.sign((plane.points * previous.points).sum(axis=0))
    return Plane(plane.points * np.where(signs == 0, 1.0, signs), plane.shares)
