"""Slices show what lies at their world coordinates, whatever the image's grid."""

from pathlib import Path

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.reports.figures.slices import (
    Bounds,
    Counts,
    Cut,
    Volume,
    brain_mosaic,
    even_cuts,
    lay_out,
    load_volume,
    mask_bounds,
    sample,
)
from tests.reports.conftest import BRAIN_CENTRE_MM, BRAIN_RADII_MM, Head, oblique_affine, save, world_grid

BOX = Bounds(np.array([-40.0, -50.0, -20.0]), np.array([40.0, 30.0, 30.0]))


def test_pixels_hold_the_value_at_their_world_coordinates_on_an_oblique_grid() -> None:
    affine = oblique_affine()
    x, y, z = world_grid(affine)
    volume = Volume(x + 10 * y + 100 * z, affine)
    mosaic = lay_out(BOX, [[Cut("axial", 7.0)], [Cut("coronal", -5.0)], [Cut("sagittal", 3.0)]], pixel_mm=2.0)
    canvas = sample(mosaic, volume)
    axial, coronal, sagittal = mosaic.tiles
    # The upper left pixel's centre lies one mm inside the box; left is left, front and top are up.
    assert canvas[axial.top, axial.left] == pytest.approx(-39 + 10 * 29 + 100 * 7, abs=0.05)
    assert canvas[coronal.top, coronal.left] == pytest.approx(-39 + 10 * -5 + 100 * 29, abs=0.05)
    assert canvas[sagittal.top, sagittal.left] == pytest.approx(3 + 10 * -49 + 100 * 29, abs=0.05)
    right = axial.left + axial.width - 1
    assert canvas[axial.top, right] - canvas[axial.top, axial.left] == pytest.approx(78, abs=0.05)


def test_gaps_and_places_outside_the_image_are_nan() -> None:
    volume = Volume(np.ones((4, 4, 4)), np.eye(4))
    mosaic = lay_out(BOX, [[Cut("axial", 2.0)]], pixel_mm=1.0)
    canvas = sample(mosaic, volume)
    assert np.nansum(canvas) == 9  # 3 x 3 pixel centres lie between the 4 x 4 voxel centres
    assert np.isnan(canvas[0]).all()


def test_tiles_neither_overlap_nor_leave_the_canvas() -> None:
    mosaic = lay_out(BOX, even_cuts(BOX, Counts(3, 3, 2)), pixel_mm=2.0)
    used = np.zeros(mosaic.shape, dtype=int)
    for tile in mosaic.tiles:
        assert tile.top + tile.height <= mosaic.shape[0]
        assert tile.left + tile.width <= mosaic.shape[1]
        used[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
    assert used.max() == 1
    assert [tile.cut.position_mm for tile in mosaic.tiles[:3]] == [-20.0, 5.0, 30.0]


def test_rows_that_are_not_justified_keep_their_slices_together() -> None:
    cuts = [Cut("axial", 0.0, "a peak"), Cut("axial", 1.0)]
    mosaic = lay_out(BOX, [[*cuts, *cuts], cuts], pixel_mm=2.0, gap_mm=4.0, justified=False)
    first, second = mosaic.tiles[4:]
    assert second.left - (first.left + first.width) == 2
    assert first.top > mosaic.tiles[0].top + mosaic.tiles[0].height + 2  # room for the name


def test_bounds_follow_the_mask_and_cuts_stay_away_from_its_edge(head: Head) -> None:
    mask = load_volume(head.mask)
    bounds = mask_bounds(mask, 0.0)
    np.testing.assert_allclose(bounds.low_mm, BRAIN_CENTRE_MM - BRAIN_RADII_MM, atol=5)
    np.testing.assert_allclose(bounds.high_mm, BRAIN_CENTRE_MM + BRAIN_RADII_MM, atol=5)
    axial = [tile.cut.position_mm for tile in brain_mosaic(mask).tiles if tile.cut.orientation == "axial"]
    assert len(axial) == 7
    assert bounds.low_mm[2] + 5 < axial[0]
    assert axial[-1] < bounds.high_mm[2] - 5


def test_nearest_keeps_labels_whole(head: Head) -> None:
    canvas = sample(brain_mosaic(load_volume(head.mask)), load_volume(head.dseg), "nearest")
    assert set(np.unique(canvas[np.isfinite(canvas)])) == {0.0, 1.0, 2.0}


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(MorbidsError, match="mask of a picture is empty"):
        mask_bounds(Volume(np.zeros((3, 3, 3)), np.eye(4)))


def test_a_series_is_refused_but_a_single_volume_is_not(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"pet.nii has the shape \(3, 3, 3, 2\)"):
        load_volume(save(np.zeros((3, 3, 3, 2), np.float32), np.eye(4), tmp_path / "pet.nii"))
    single = save(np.ones((3, 3, 3, 1), np.float32), np.eye(4), tmp_path / "single.nii")
    assert load_volume(single).values.shape == (3, 3, 3)
