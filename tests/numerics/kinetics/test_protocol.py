"""Calibration of the demo protocol shows the traps that the tests of traps show."""

import numpy as np
import pytest

from morbids.numerics.kinetics.protocol import Contrast, KineticGrid, calibrate_contrast, spread_of
from tests.numerics.kinetics.protocol import FRAMES

GRID = KineticGrid(bp_nd=(1.6,), r1=(1.0,), k4=(0.1, 0.3), shapes=("step", "gamma"), tissues=("unmixed",))


def test_late_against_early_windows() -> None:
    table = calibrate_contrast(FRAMES, Contrast((10.0, 40.0), (45.0, 90.0)), grid=GRID)
    assert table.shape == ("step", "gamma", "step", "gamma")
    np.testing.assert_array_equal(table.k4, [0.1, 0.1, 0.3, 0.3])
    # A contrast is baseline minus challenge: what windows fabricate looks like deactivation.
    np.testing.assert_allclose(table.null_percent, [-3.3, -3.3, -0.2, -0.2], atol=0.2)
    assert table.recovered[2] == pytest.approx(0.87, abs=0.02)
    assert table.recovered[3] < 0.6 < table.recovered[0]


def test_no_k2_prime_fabricates() -> None:
    without = Contrast((5.0, 40.0), (45.0, 90.0), k2_prime=None)
    null = calibrate_contrast(FRAMES, without, grid=GRID).null_percent
    np.testing.assert_allclose(null, [-83, -83, -55, -55], atol=1)


def test_displacement_size_hardly_matters() -> None:
    contrast = Contrast((10.0, 40.0), (45.0, 90.0))
    small, large = (
        calibrate_contrast(FRAMES, contrast, change=change, grid=GRID).recovered for change in (-0.02, 0.2)
    )
    np.testing.assert_allclose(small, large, rtol=0.15)


def test_mixed_tissue_fabricates_and_a_perfect_reading_of_it_recovers() -> None:
    grid = GRID._replace(k4=(0.3,), shapes=("step",), tissues=("unmixed", "mixed"))
    table = calibrate_contrast(FRAMES, Contrast((10.0, 40.0), (45.0, 90.0), "StepChange2"), grid=grid)
    assert table.tissue == ("unmixed", "mixed")
    assert abs(table.null_percent[0]) < 0.5 < 1 < abs(table.null_percent[1])
    np.testing.assert_allclose(table.recovered, 1, atol=0.1)


def test_spread_is_over_the_chosen_rows() -> None:
    values = np.array([1.0, 5.0, 3.0, np.nan])
    assert spread_of(values) == (3.0, 1.0, 5.0)
    assert spread_of(values, np.array([True, False, False, False])) == (1.0, 1.0, 1.0)
