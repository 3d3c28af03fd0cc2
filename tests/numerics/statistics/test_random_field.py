import numpy as np
import pytest
from scipy import ndimage, stats

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.random_field import (
    count_resels,
    density,
    estimate_smoothness,
    peak_p,
    peak_threshold,
)

BRAIN = np.array([1, 8.3, 52.7, 480.0])


def sphere_resels(radius_mm: float, fwhm_mm: float) -> FloatArray:
    """Resels of a ball in closed form (Worsley 1996, table I)."""
    ratio = radius_mm / fwhm_mm
    return np.array([1, 4 * ratio, 2 * np.pi * ratio**2, 4 / 3 * np.pi * ratio**3])


def test_two_dimensional_example_of_the_spm_book() -> None:
    # Brett, Penny & Kiebel, Human Brain Function ch. 14: 100 resels in a plane.
    plane = np.array([0, 0, 100.0, 0])
    expected = plane @ density(np.array([2.5, 2.75, 3.8]))
    np.testing.assert_allclose(expected, [1.9, 1.1, 0.049], rtol=0.03)


@pytest.mark.parametrize(
    ("df", "heights", "expected"),
    [
        (10, [3, 4.5, 6, 8], [23.826189887, 6.934304809, 1.894285968, 0.3986282296]),
        (17, [3, 4.5, 6, 8], [15.001430697, 1.989283372, 0.2132024940, 0.01280082163]),
        (40, [3, 4.5, 6, 8], [8.914755633, 0.3721997063, 0.007230045447, 2.850172445e-05]),
        (None, [3, 4, 4.5, 5], [5.323524825, 0.2956706725, 0.04505629578, 0.00520177022]),
    ],
)
def test_expected_euler_characteristic_equals_nipys(
    df: float | None, heights: list[float], expected: list[float]
) -> None:
    # nipy 0.6.1: rft.TStat(dfd=df, search=mu) and rft.Gaussian(search=mu) with mu_d = resels_d (4 log 2)^(d/2).
    np.testing.assert_allclose(BRAIN @ density(np.array(heights), df), expected, rtol=1e-4)


def test_t_field_of_many_degrees_of_freedom_is_gaussian() -> None:
    heights = np.linspace(1, 5, 9)
    np.testing.assert_allclose(density(heights, 1e7), density(heights), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(density(heights, 17)[0], stats.t.sf(heights, 17))


def test_resels_of_a_box_and_of_a_ball() -> None:
    box = np.zeros((12, 14, 16), dtype=bool)
    box[1:11, 1:12, 1:13] = True
    # Between voxel centres the box has the sides 9, 10 and 11.
    a, b, c = 9 / 2, 10 / 2.5, 11 / 4
    np.testing.assert_allclose(
        count_resels(box, np.array([2, 2.5, 4])), [1, a + b + c, a * b + a * c + b * c, a * b * c]
    )
    grid = np.indices((61, 61, 61)) - 30
    ball = (grid**2).sum(axis=0) <= 25.0**2
    # Voxels round the ball's surface up (area and diameter by 3/2), but not its volume.
    resels, exact = count_resels(ball, np.full(3, 8.0)), sphere_resels(25.0, 8.0)
    assert resels[0] == 1
    assert resels[3] == pytest.approx(exact[3], rel=0.1)
    assert resels[2] == pytest.approx(1.5 * exact[2], rel=0.1)
    assert resels[1] == pytest.approx(1.5 * exact[1], rel=0.1)


def test_threshold_and_p_invert_each_other() -> None:
    for df in (17, None):
        for two_tailed in (True, False):
            height = peak_threshold(0.05, BRAIN, df, two_tailed=two_tailed)
            assert peak_p(np.array([height]), BRAIN, df, two_tailed=two_tailed)[0] == pytest.approx(0.05)
    small = peak_threshold(0.05, sphere_resels(4, 8), 17)
    assert stats.t.isf(0.025, 17) < small < peak_threshold(0.05, BRAIN, 17)


def test_p_is_one_for_low_peaks_and_nan_stays() -> None:
    p = peak_p(np.array([0.0, 0.5, -7.0, 7.0, np.nan]), BRAIN, 17)
    assert p[:2].tolist() == [1, 1]
    assert p[2] == p[3] < 0.2
    assert np.isnan(p[4])
    assert peak_p(np.array([-7.0]), BRAIN, 17, two_tailed=False)[0] == 1


@pytest.mark.parametrize("fwhm", [(2.0, 2.5, 3.0), (4.0, 4.0, 6.0)])
def test_finds_the_width_of_simulated_noise(fwhm: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(1)
    sigma = np.array(fwhm) / np.sqrt(8 * np.log(2))
    maps = np.stack(
        [ndimage.gaussian_filter(rng.normal(size=(36, 36, 36)), sigma, truncate=6) for _ in range(12)]
    )
    maps *= rng.uniform(0.5, 2, size=(36, 36, 36))
    mask = np.ones((36, 36, 36), dtype=bool)
    smoothness = estimate_smoothness(maps.reshape(12, -1), np.ones((12, 1)), mask)
    np.testing.assert_allclose(smoothness.fwhm_voxels, fwhm, rtol=0.04)
    np.testing.assert_allclose(smoothness.resels, count_resels(mask, smoothness.fwhm_voxels))


def test_voxels_without_residuals_do_not_count() -> None:
    rng = np.random.default_rng(2)
    maps = ndimage.gaussian_filter1d(rng.normal(size=(10, 4000)), 1.5, axis=1)
    line = np.zeros((4000, 2, 2), dtype=bool)
    line[:, 0, 0] = True
    with pytest.raises(MorbidsError, match="neighbours along axis 2"):
        estimate_smoothness(maps, np.ones((10, 1)), line)
    block = np.ones((10, 10, 40), dtype=bool)
    whole = estimate_smoothness(maps, np.ones((10, 1)), block)
    maps[:, ::7] = np.nan
    holes = estimate_smoothness(maps, np.ones((10, 1)), block)
    assert holes.fwhm_voxels[2] == pytest.approx(whole.fwhm_voxels[2], rel=0.03)


def test_refusals() -> None:
    with pytest.raises(MorbidsError, match="2 degrees of freedom are too few"):
        estimate_smoothness(np.zeros((3, 8)), np.ones((3, 1)), np.ones((2, 2, 2), dtype=bool))
    with pytest.raises(MorbidsError, match="error rate is 5"):
        peak_threshold(5, BRAIN)
