"""Masks of the head: threshold, largest part, holes, distances in mm."""

import numpy as np
import pytest

from morbids.imaging.head_mask import cut_area_cm2, dilate_mm, mask_head, otsu_threshold
from morbids.imaging.images import Image
from morbids.numerics.arrays import BoolArray, FloatArray

pytestmark = pytest.mark.graph

VOXEL_MM = np.full(3, 4.0)


def draw_head(scalp: float, brain: float, noise: float = 0.0) -> tuple[FloatArray, BoolArray]:
    """Draw a head of 160 mm, cut below and above: scalp of 8 mm, dark skull of 12 mm, brain; and what of it shows."""
    index = np.indices((52, 52, 30)) * 4.0 + 2.0
    radius = np.sqrt(((index[:2] - 104) ** 2).sum(axis=0) + (index[2] - 50) ** 2 / 2)
    volume = np.select([radius < 60, radius < 72, radius < 80], [brain, 0.0, scalp], 0.0)
    shown = radius < (80 if scalp > brain / 2 else 60)
    return volume + np.random.default_rng(0).normal(0, noise, volume.shape), shown


@pytest.mark.parametrize(
    ("scalp", "brain"), [(10.0, 0.5), (10.0, 6.0), (10.0, 10.0), (3.0, 10.0), (0.0, 10.0), (10.0, 0.0)]
)
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_head_holds_scalp_and_brain_whatever_the_tracer_shows(
    scalp: float, brain: float, noise: float
) -> None:
    volume, head = draw_head(scalp, brain, noise)
    found = mask_head(volume, VOXEL_MM)
    assert (found & head).sum() > 0.97 * head.sum()
    assert (found & ~dilate_mm(head, 8.0, VOXEL_MM)).sum() == 0


def test_scalp_that_shows_on_one_side_only_does_not_hide_the_brain() -> None:
    volume, head = draw_head(10.0, 6.0)
    volume[:26][volume[:26] == 10] = 0
    assert (mask_head(volume, VOXEL_MM) & head)[28:].sum() > 0.97 * head[28:].sum()


def test_a_hot_spot_does_not_hide_the_head() -> None:
    volume, head = draw_head(4.0, 10.0)
    volume[24:27, 30:33, 14:17] = 5000
    assert (mask_head(volume, VOXEL_MM) & head).sum() > 0.97 * head.sum()


def test_specks_are_no_head() -> None:
    volume = np.random.default_rng(0).normal(0, 1, (24, 24, 24))
    volume[4:16, 4:16, 4:16] += 50
    volume[9:11, 9:11, 9:11] -= 50
    volume[20:22, 20:22, 20:22] += 50
    volume[0, 0, 0] = np.nan
    expected = np.zeros(volume.shape, dtype=bool)
    expected[4:16, 4:16, 4:16] = True
    np.testing.assert_array_equal(mask_head(volume, VOXEL_MM), expected)
    assert otsu_threshold(volume) == pytest.approx(25, abs=22)


def test_nothing_bright_gives_an_empty_mask() -> None:
    assert not mask_head(np.zeros((4, 4, 4)), VOXEL_MM).any()


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


def test_a_mask_grows_by_its_distance_also_at_the_edge_of_the_image() -> None:
    mask = np.zeros((20, 14, 12), dtype=bool)
    mask[0:3, 6, 9:12] = True
    voxel_mm = np.array([2.0, 3.0, 1.5])
    index = np.argwhere(np.ones_like(mask)) * voxel_mm
    apart = np.linalg.norm(index[:, None] - np.argwhere(mask)[None] * voxel_mm, axis=-1).min(axis=1)
    np.testing.assert_array_equal(dilate_mm(mask, 5.0, voxel_mm).ravel(), apart <= 5.0)


def test_what_a_slice_encloses_is_head_and_what_reaches_its_edge_is_not() -> None:
    volume = np.zeros((40, 40, 40))
    volume[4:36, 4:36, :] = 9.0
    # A hole that only slices across the third axis enclose, wider than gaps that are closed; one that reaches the edge.
    volume[12:28, 12:28, :] = 0.0
    volume[:6, 18:22, :] = 0.0
    found = mask_head(volume, np.full(3, 4.0))
    assert found[12:28, 12:28].all()
    assert not found[:4].any()
