import numpy as np
import pytest
from nilearn.mass_univariate._utils import calculate_tfce
from scipy import ndimage

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.clusters import make_lattice
from morbids.numerics.statistics.tfce import enhance


def _integrate_by_steps(
    image: FloatArray, mask: BoolArray, structure: BoolArray, powers: tuple[float, float], n_steps: int
) -> FloatArray:
    """The defining integral by the midpoint rule, threshold by threshold."""
    extent_power, height_power = powers
    scores = np.zeros(image.shape)
    step = np.abs(image[mask]).max() / n_steps
    for height in (np.arange(n_steps) + 0.5) * step:
        for sign in (1, -1):
            labels, _ = ndimage.label((sign * image >= height) & mask, structure)
            extents = np.bincount(labels.ravel()).astype(float)
            extents[0] = 0
            scores += sign * extents[labels] ** extent_power * height**height_power * step
    return scores


@pytest.mark.parametrize(("connectivity", "powers"), [(6, (0.5, 2.0)), (26, (0.5, 2.0)), (6, (1.0, 1.5))])
def test_equals_the_integral_by_brute_force(connectivity: int, powers: tuple[float, float]) -> None:
    rng = np.random.default_rng(connectivity)
    mask = rng.uniform(size=(9, 8, 7)) < 0.85
    image = ndimage.gaussian_filter(rng.normal(size=mask.shape), 0.8) * 10
    structure = ndimage.generate_binary_structure(3, {6: 1, 26: 3}[connectivity])
    scores = enhance(
        image[mask], make_lattice(mask, connectivity), extent_power=powers[0], height_power=powers[1]
    )
    brute = _integrate_by_steps(image, mask, structure, powers, 2000)[mask]
    np.testing.assert_allclose(scores, brute, atol=2e-3 * np.abs(brute).max())


def test_one_block_is_its_extent_and_height_in_closed_form() -> None:
    mask = np.ones((4, 4, 4), dtype=bool)
    image = np.zeros(mask.shape)
    image[1:3, 1:3, 1:3], image[1, 1, 1] = 2.0, 3.0
    scores = np.zeros(mask.shape)
    scores[mask] = enhance(image[mask], make_lattice(mask))
    assert scores[2, 2, 2] == pytest.approx(np.sqrt(8) * 2**3 / 3)
    assert scores[1, 1, 1] == pytest.approx(np.sqrt(8) * 2**3 / 3 + (3**3 - 2**3) / 3)
    assert scores[0, 0, 0] == 0


def test_both_tails_are_enhanced_apart() -> None:
    rng = np.random.default_rng(3)
    mask = np.ones((6, 6, 6), dtype=bool)
    lattice = make_lattice(mask)
    values = rng.normal(size=216)
    np.testing.assert_allclose(enhance(-values, lattice), -enhance(values, lattice))
    np.testing.assert_allclose(
        enhance(values, lattice),
        enhance(np.maximum(values, 0), lattice) + enhance(np.minimum(values, 0), lattice),
    )


def test_order_of_equal_voxels_and_missing_voxels_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    mask = np.ones((6, 6, 6), dtype=bool)
    values = rng.integers(-2, 3, size=216).astype(float)
    scores = enhance(values, make_lattice(mask))
    flipped = np.zeros(mask.shape)
    flipped[mask] = values
    mirrored = enhance(flipped[::-1, ::-1, ::-1].ravel(), make_lattice(mask))
    np.testing.assert_allclose(scores, mirrored[::-1])
    holes = np.where(rng.uniform(size=216) < 0.2, np.nan, values)
    zeros = np.nan_to_num(holes)
    np.testing.assert_allclose(enhance(holes, make_lattice(mask)), enhance(zeros, make_lattice(mask)))
    assert np.all(enhance(np.zeros(216), make_lattice(mask)) == 0)


def test_nilearns_sum_is_this_integral_without_the_height_step() -> None:
    rng = np.random.default_rng(5)
    image = ndimage.gaussian_filter(rng.normal(size=(12, 12, 12)), 1.2)
    image *= 6 / np.abs(image).max()
    mask = np.ones(image.shape, dtype=bool)
    structure = ndimage.generate_binary_structure(3, 1)
    step = 0.01
    theirs = calculate_tfce(image[..., None], structure, dh=step)[..., 0][mask] * step
    np.testing.assert_allclose(
        theirs, enhance(image[mask], make_lattice(mask)), atol=0.01 * np.abs(theirs).max()
    )
