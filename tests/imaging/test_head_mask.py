"""Masks of the head: threshold, largest part, holes, distances in mm."""

import numpy as np
import pytest

from morbids.imaging.head_mask import cut_area_cm2, dilate_mm, otsu_mask, otsu_threshold
from morbids.imaging.images import Image


def test_largest_bright_part_without_holes() -> None:
    volume = np.random.default_rng(0).normal(0, 1, (24, 24, 24))
    volume[4:16, 4:16, 4:16] += 50
    volume[9:11, 9:11, 9:11] -= 50
    volume[20:22, 20:22, 20:22] += 50
    volume[0, 0, 0] = np.nan
    expected = np.zeros(volume.shape, dtype=bool)
    expected[4:16, 4:16, 4:16] = True
    np.testing.assert_array_equal(otsu_mask(volume), expected)
    assert otsu_threshold(volume) == pytest.approx(25, abs=22)


def test_nothing_bright_gives_an_empty_mask() -> None:
    assert not otsu_mask(np.zeros((4, 4, 4))).any()


def test_dilation_is_a_distance_in_mm() -> None:
    mask = np.zeros((11, 11, 11), dtype=bool)
    assert not dilate_mm(mask, 5.0, np.ones(3)).any()
    mask[5, 5, 5] = True
    grown = dilate_mm(mask, 4.0, np.array([1.0, 2.0, 4.0]))
    assert grown[1:10, 5, 5].all()
    assert not grown[0, 5, 5]
    assert grown[5, :, 5].sum() == 5
    assert grown[5, 5, :].sum() == 3


def test_area_of_a_mask_at_the_edge_of_the_field_of_view() -> None:
    """Slices that are empty lie outside the field of view, and the mask may go on there."""
    values = np.ones((30, 30, 30), np.float32)
    values[:, :, 20:] = np.nan
    mask = np.zeros(values.shape, dtype=bool)
    mask[5:15, 5:10, 8:25] = True
    image = Image(values, np.diag([2.0, 4.0, 1.0, 1.0]), None)
    assert cut_area_cm2(mask, image) == pytest.approx(10 * 5 * 2 * 4 / 100)
    assert cut_area_cm2(mask[..., ::-1], image._replace(values=values[..., ::-1])) == pytest.approx(4.0)
    mask[:, :, 19:] = False
    assert cut_area_cm2(mask, image) == 0
    assert cut_area_cm2(mask, image._replace(values=np.zeros_like(values))) == 0
