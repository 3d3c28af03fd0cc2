import numpy as np
import pytest
from scipy import ndimage

from morbids.simulation.deformation import random_shape
from morbids.simulation.regions import build_binding_maps, read_truth_regions, region_centres
from morbids.simulation.subject import Phantom, make_t1w, t1w_grid
from morbids.simulation.template import load_template_brain

pytestmark = pytest.mark.graph


def at(phantom: Phantom, values: np.ndarray, point_mm: tuple[float, float, float]) -> float:
    affine = phantom.head.grid.affine
    index = np.round((np.array(point_mm) - affine[:3, 3]) / np.diag(affine)[:3]).astype(int)
    return float(values[tuple(index)])


def test_shares_fill_the_brain(phantom: Phantom) -> None:
    head = phantom.head
    total = head.grey + head.white + head.csf + head.stem
    inside = ndimage.binary_erosion(head.brain, iterations=2)
    np.testing.assert_allclose(total[inside], 1, atol=1e-4)
    litres = head.brain.sum() * head.grid.voxel_ml / 1000
    assert 1.7 < litres < 2.1
    assert 0.5 < (head.grey[head.brain].sum() + head.stem.sum()) / head.brain.sum() < 0.7


def test_layers_stand_in_order_above_the_vertex(phantom: Phantom) -> None:
    heights = np.arange(60, 110, 2.0)
    column = np.array([at(phantom, phantom.head.t1w, (20.0, -20.0, z)) for z in heights])
    brain = np.array([at(phantom, phantom.head.brain, (20.0, -20.0, z)) for z in heights])
    above = column[brain == 0]
    darkest = int(above.argmin())
    skull, scalp = above[: np.argmax(above) + 1].min(), above.max()
    assert skull < 0.3 < 0.9 < scalp
    assert above[-1] == 0 or darkest == len(above) - 1  # air beyond the skin


def test_regional_values_are_those_of_the_table(phantom: Phantom) -> None:
    values = {region.name: region.bp_nd for region in read_truth_regions()}
    bp_nd = phantom.binding.bp_nd
    assert at(phantom, bp_nd, (-28.0, 4.0, 2.0)) == pytest.approx(1.25 * values["putamen"], rel=0.1)
    assert at(phantom, bp_nd, (0.0, -14.0, 8.0)) == pytest.approx(2.9, rel=0.1)
    assert at(phantom, bp_nd, (8.0, -82.0, 4.0)) == 0


def test_reference_region_binds_on_request() -> None:
    template = load_template_brain(2.0)
    real = build_binding_maps(template, occipital_binding=1.0).bp_nd
    index = tuple(((np.array((8.0, -82.0, 4.0)) - template.grid.affine[:3, 3]) / 2).astype(int))
    assert 0.1 < real[index] < 0.8


def test_regions_have_one_or_two_centres() -> None:
    assert len(region_centres("Amygdala")) == 2
    assert len(region_centres("VentralStriatum_L")) == 1
    assert region_centres("VentralStriatum_L")[0, 0] < 0


def test_t1w_is_grainy_and_uneven(phantom: Phantom) -> None:
    rng = np.random.default_rng(3)
    image = make_t1w(rng, phantom.head, random_shape(rng), t1w_grid(4.0))
    air = image[:4, -4:, -4:]
    assert image.dtype == np.int16
    # Rician noise: in air the mean is 1.25 times the standard deviation per channel.
    assert air.mean() == pytest.approx(1.253 * 0.025 * 620, rel=0.15)
    assert 500 < np.percentile(image, 99) < 1300
