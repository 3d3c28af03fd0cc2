"""Parts of the search for the brain on heads drawn from spheres."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.imaging.brain_registration import _depth_mm, _peel, _settle_edge, _upper_head_centre_mm
from morbids.imaging.head_mask import signed_distance_mm
from morbids.imaging.images import Image
from morbids.numerics.arrays import FloatArray

pytestmark = pytest.mark.graph

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def draw_head() -> tuple[Image, FloatArray]:
    """Draw a head of 96 mm radius, cut below: scalp of 8 mm, skull, brain of 76 mm; and distances from the centre."""
    index = np.indices((56, 56, 44)) * 4.0
    radius = np.sqrt((index[0] - 112) ** 2 + (index[1] - 112) ** 2 + (index[2] - 60) ** 2)
    values = np.select([radius < 76, radius < 88, radius < 96], [100.0, 10.0, 250.0], 0.0)
    return Image(values.astype(np.float32), AFFINE, None), radius


def test_depth_counts_from_the_skin_and_not_from_the_edge_of_the_field_of_view() -> None:
    head, radius = draw_head()
    depth = _depth_mm(head)
    inside = radius < 90
    inside[:, :, :15] = False
    np.testing.assert_allclose(depth[inside], 96 - radius[inside], atol=7)
    assert depth[28, 28, 0] > 40


def test_peeled_head_has_no_scalp_and_an_even_brain() -> None:
    head, radius = draw_head()
    bias = np.linspace(0.6, 1.4, 56, dtype=np.float32)[:, None, None]
    peeled = _peel(head._replace(values=head.values * bias), _depth_mm(head)).values
    assert not peeled[radius > 92].any()
    raw, even = (values[12:44, 28, 15] for values in (head.values * bias, peeled))
    assert raw.min() < 0.65 * raw.max()
    assert even.min() > 0.74 * even.max()


def test_settled_edge_is_smooth_keeps_out_of_the_scalp_and_leaves_a_brain_near_a_cut_face() -> None:
    head, radius = draw_head()
    true = signed_distance_mm(radius < 76, AFFINE)
    rough = signed_distance_mm(radius < 72, AFFINE)
    depth = _depth_mm(head)
    voxel_mm = head.voxel_mm
    settled = _settle_edge(true, rough, depth, voxel_mm) > 0
    assert 2 * (settled & (radius < 76)).sum() / (settled.sum() + (radius < 76).sum()) > 0.97
    leaked = true.copy()
    leaked[radius > 60] = np.where(head.values[radius > 60] > 0, 5.0, leaked[radius > 60])
    assert not (_settle_edge(leaked, rough, depth, voxel_mm) > 0)[radius > 88].any()
    assert (_settle_edge(true, rough, np.zeros_like(depth), voxel_mm) > 0)[radius < 64].all()


def test_image_without_a_bright_part_shows_no_head() -> None:
    with pytest.raises(MorbidsError, match="shows no head"):
        _upper_head_centre_mm(Image(np.zeros((8, 8, 8), np.float32), AFFINE, None))
