import numpy as np
import pytest
from scipy import stats

from morbids.numerics.statistics.symmetry import mean_skewness


def test_the_skewness_of_residuals_is_that_of_scipy() -> None:
    maps = np.random.default_rng(0).exponential(size=(12, 40))
    maps[:, 3] = 1.0
    maps[2, 4] = np.nan
    known = np.delete(maps, (3, 4), axis=1)
    found = mean_skewness(maps, np.ones((12, 1)))
    assert found == pytest.approx(float(stats.skew(known).mean()), rel=1e-6)


def test_symmetric_errors_around_a_slope_have_none() -> None:
    rng = np.random.default_rng(1)
    trait = rng.exponential(size=30)
    maps = 5 * trait[:, None] + rng.standard_normal((30, 2000))
    assert abs(mean_skewness(maps, np.column_stack([np.ones(30), trait]))) < 0.05
    assert np.isnan(mean_skewness(np.ones((5, 3)), np.ones((5, 1))))
