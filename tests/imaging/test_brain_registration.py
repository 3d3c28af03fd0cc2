"""Parts of the search for the brain on heads drawn from spheres."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.imaging.brain_registration import _depth_mm, _peel, _upper_head_centre_mm
from morbids.imaging.images import Image
from tests.imaging.head_phantom import draw_spheres

pytestmark = pytest.mark.graph

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def test_depth_counts_from_the_skin_and_not_from_the_edge_of_the_field_of_view() -> None:
    head, radius = draw_spheres()
    depth = _depth_mm(head)
    inside = radius < 90
    inside[:, :, :15] = False
    np.testing.assert_allclose(depth[inside], 96 - radius[inside], atol=7)
    assert depth[28, 28, 0] > 40


def test_peeled_head_has_no_scalp() -> None:
    head, radius = draw_spheres()
    peeled = _peel(head._replace(values=head.values / 100), _depth_mm(head)).values
    assert not peeled[radius > 92].any()
    np.testing.assert_allclose(peeled[radius < 72], 1.0)


def test_image_without_a_bright_part_shows_no_head() -> None:
    with pytest.raises(MorbidsError, match="shows no head"):
        _upper_head_centre_mm(Image(np.zeros((8, 8, 8), np.float32), AFFINE, None))
