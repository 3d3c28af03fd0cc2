"""Grids of cubes on which templates and heads meet."""

import numpy as np
import pytest
from scipy import ndimage

from morbids.imaging.images import Image
from morbids.imaging.template_registration import onto_isotropic_grid
from morbids.imaging.transforms import rigid_matrix

PERIOD_MM = 7.0


def waves(affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Stripes along each axis of the world, from 0 to 1, as wide as cortex."""
    places = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    return np.asarray(0.5 + np.sin(2 * np.pi * places / PERIOD_MM).sum(axis=-1) / 6)


@pytest.mark.parametrize("edges_mm", [(2.0, 2.0, 2.0), (1.7, 1.7, 2.2)])
def test_what_lies_oblique_stays_sharp(edges_mm: tuple[float, float, float]) -> None:
    turn = rigid_matrix(np.array([0.5, 0.3, -0.4, np.deg2rad(8), np.deg2rad(3), np.deg2rad(-4)]))
    affine = turn @ np.diag([*edges_mm, 1.0])
    found = onto_isotropic_grid(Image(waves(affine, (40, 40, 40)), affine, None), 2.0)
    true = waves(found.affine, found.values.shape)
    centre = np.array(true.shape) // 2
    inner = tuple(slice(n - 10, n + 10) for n in centre)
    slope = np.polyfit(true[inner].ravel(), found.values[inner].ravel(), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.06)
    assert np.abs(found.values[inner] - true[inner]).mean() < 0.02


def test_voxels_along_the_axes_are_kept_whatever_their_order() -> None:
    values = np.random.default_rng(0).normal(size=(7, 8, 9)).astype(np.float32)
    edge_mm = 2.0000002  # as headers of single precision have it
    affine = np.array([[0, -edge_mm, 0, 5], [0, 0, edge_mm, 6], [-edge_mm, 0, 0, 7], [0, 0, 0, 1]])
    found = onto_isotropic_grid(Image(values, affine, None), 2.0)
    np.testing.assert_array_equal(np.diag(found.affine), [2, 2, 2, 1])
    np.testing.assert_array_equal(found.values, np.transpose(values, (1, 2, 0))[::-1, :, ::-1])


def test_shares_stay_shares() -> None:
    """Splines swing over at an edge."""
    ball = np.linalg.norm(np.indices((30, 30, 30)) - 14.5, axis=0) < 9
    affine = rigid_matrix(np.deg2rad([0, 0, 0, 20, 10, 5])) @ np.diag([2.0, 2.0, 2.0, 1.0])
    found = onto_isotropic_grid(Image(ball.astype(np.float32), affine, None), 2.0)
    assert found.values.min() == 0
    assert found.values.max() == 1
    assert found.values.sum() == pytest.approx(ball.sum(), rel=0.01)
    assert ndimage.label(found.values > 0.5)[1] == 1
