"""Words in a plane, against scikit-learn."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from groundscope.metrics.groups import Groups
from groundscope.metrics.planes import lda_plane, pca_plane, turned_like


def _words(classes: int = 4) -> tuple[np.ndarray, Groups]:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 8))
    codes = np.arange(60) % classes
    rows[np.arange(60), codes] += 3
    return rows, Groups.of(codes)


def test_components_and_their_shares_are_those_of_scikit_learn() -> None:
    """Positions agree up to sign, shares of variance to rounding."""
    rows, _ = _words()
    plane, other = pca_plane(rows), PCA(2)
    theirs = other.fit_transform(rows)
    np.testing.assert_allclose(np.abs(plane.points), np.abs(theirs), atol=1e-9)
    np.testing.assert_allclose(plane.shares, other.explained_variance_ratio_, rtol=1e-9)


def test_discriminant_axes_and_their_shares_are_those_of_scikit_learn() -> None:
    """The svd solver's first two axes and its shares of variance between classes."""
    rows, labels = _words()
    plane, other = lda_plane(rows, labels), LinearDiscriminantAnalysis(solver="svd")
    theirs = other.fit(rows, labels.codes).transform(rows)[:, :2]
    np.testing.assert_allclose(np.abs(plane.points), np.abs(theirs), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(plane.shares, other.explained_variance_ratio_[:2], rtol=1e-6)


def test_two_classes_have_one_axis_and_a_component_of_the_rest() -> None:
    """The second axis is the first component of what the first leaves, without share."""
    rows, labels = _words(2)
    plane = lda_plane(rows, labels)
    theirs = LinearDiscriminantAnalysis().fit(rows, labels.codes).transform(rows)
    np.testing.assert_allclose(np.abs(plane.points[:, :1]), np.abs(theirs), rtol=1e-6, atol=1e-9)
    assert plane.shares[0] == pytest.approx(1.0)
    assert np.isnan(plane.shares[1])
    centred = plane.points - plane.points.mean(axis=0)
    assert float(centred[:, 0] @ centred[:, 1]) == pytest.approx(0.0, abs=1e-7)
    fitted = np.column_stack([np.ones(len(rows)), theirs])
    rest = rows - fitted @ np.linalg.lstsq(fitted, rows, rcond=None)[0]
    greatest = PCA(1).fit(rest).explained_variance_[0]
    assert np.var(plane.points[:, 1], ddof=1) == pytest.approx(greatest)


def test_layers_point_the_same_way() -> None:
    """An axis that a solver returned upside down is turned like that of the layer before."""
    rows, _ = _words()
    first = turned_like(pca_plane(rows), None)
    farthest = np.abs(first.points).argmax(axis=0)
    assert (first.points[farthest, [0, 1]] > 0).all()
    mirrored = turned_like(pca_plane(-rows), first)
    np.testing.assert_allclose(mirrored.points, first.points, atol=1e-9)
