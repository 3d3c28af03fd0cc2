"""Edges of brains in heads drawn from spheres."""

import numpy as np

from morbids.imaging.brain_edge import MOST_TRIMMED_MM, settle_edge, trim_to_tissue
from morbids.imaging.brain_registration import _depth_mm
from morbids.imaging.head_mask import signed_distance_mm
from tests.imaging.head_phantom import draw_spheres


def test_settled_edge_is_smooth_keeps_out_of_the_scalp_and_leaves_a_brain_near_a_cut_face() -> None:
    head, radius = draw_spheres()
    true = signed_distance_mm(radius < 76, head.affine)
    rough = signed_distance_mm(radius < 72, head.affine)
    depth = _depth_mm(head)
    voxel_mm = head.voxel_mm
    settled = settle_edge(true, rough, depth, voxel_mm) > 0
    assert 2 * (settled & (radius < 76)).sum() / (settled.sum() + (radius < 76).sum()) > 0.97
    leaked = true.copy()
    leaked[radius > 60] = np.where(head.values[radius > 60] > 0, 5.0, leaked[radius > 60])
    assert not (settle_edge(leaked, rough, depth, voxel_mm) > 0)[radius > 88].any()
    assert (settle_edge(true, rough, np.zeros_like(depth), voxel_mm) > 0)[radius < 64].all()


def test_mask_that_holds_skull_is_trimmed_to_tissue() -> None:
    """The mask is 4 mm too large; under the brain's surface lies a gap as wide as a fissure."""
    head, radius = draw_spheres()
    gap = (np.abs(np.indices(radius.shape)[0] * 4.0 - 112) < 10) & (radius > 60)
    values = np.where(gap & (radius < 76), 20, head.values)
    brain = radius < 76
    trimmed = trim_to_tissue(signed_distance_mm(radius < 80, head.affine), head._replace(values=values)) > 0
    assert trimmed.sum() < (radius < 80).sum()
    assert (trimmed & brain).sum() > 0.97 * brain.sum()
    assert trimmed.sum() < 1.05 * brain.sum()
    assert trimmed[gap & (radius < 72)].mean() > 0.95


def test_skull_that_marrow_brightens_is_trimmed() -> None:
    """No fluid parts the brain from its skull, which is brighter than half of white matter."""
    head, radius = draw_spheres()
    white = np.percentile(head.values[radius < 76], 75)
    values = np.where((radius >= 76) & (radius < 84), 0.52 * white, head.values)
    trimmed = trim_to_tissue(signed_distance_mm(radius < 80, head.affine), head._replace(values=values)) > 0
    assert (trimmed & (radius < 76)).sum() > 0.97 * (radius < 76).sum()
    assert trimmed.sum() < 1.05 * (radius < 76).sum()


def test_dark_lesion_at_the_surface_stays_in_the_mask() -> None:
    head, radius = draw_spheres()
    lesion = (np.indices(radius.shape)[0] * 4.0 > 150) & (radius < 76)
    distance = signed_distance_mm(radius < 76, head.affine)
    trimmed = trim_to_tissue(distance, head._replace(values=np.where(lesion, 20, head.values))) > 0
    assert trimmed[distance > MOST_TRIMMED_MM].all()


def test_mask_without_tissue_is_left_alone() -> None:
    head, radius = draw_spheres()
    distance = signed_distance_mm(radius < 2, head.affine)
    np.testing.assert_array_equal(trim_to_tissue(distance, head), distance)
