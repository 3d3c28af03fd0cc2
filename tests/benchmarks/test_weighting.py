"""The statistics that the benchmark of weights compares: each is that of another library."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from benchmarks.weighting import SHAPE, mixed_effects, plain_t, pseudo_t

RNG = np.random.default_rng(8)
MAPS = RNG.normal(0.5, 1, (9, 512))
ERRORS = RNG.uniform(0.2, 2.0, (9, 1))


def test_mixed_effects_are_those_of_statsmodels() -> None:
    """Where people differ more than their errors; elsewhere the variance between them is 0 here, and below it there."""
    wide = 3 * MAPS
    t = mixed_effects(wide, ERRORS)
    for voxel in range(5):
        reference = combine_effects(wide[:, voxel], ERRORS[:, 0], method_re="dl", use_t=True)
        expected = reference.mean_effect_re / reference.sd_eff_w_re_hksj
        assert t[voxel] == pytest.approx(expected, rel=1e-6)


def test_without_differences_between_errors_weights_change_nothing() -> None:
    equal = np.full((9, 1), 0.3)
    np.testing.assert_allclose(mixed_effects(MAPS, equal), plain_t(MAPS, equal), rtol=1e-9)
    np.testing.assert_allclose(plain_t(MAPS, equal), stats.ttest_1samp(MAPS, 0).statistic, rtol=1e-9)


def test_pseudo_t_divides_by_a_smooth_variance() -> None:
    ratio = (plain_t(MAPS, ERRORS) / pseudo_t(MAPS, ERRORS)) ** 2
    own = MAPS.var(axis=0, ddof=1)
    smooth = (ratio * own).reshape(SHAPE)
    assert smooth.std() < 0.2 * own.std()
    assert smooth.mean() == pytest.approx(own.mean(), rel=1e-6)
