import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from morbids.errors import MorbidsError
from morbids.numerics.statistics.designs import one_sample, two_sample
from morbids.numerics.statistics.regions import compare_design


def test_pairs_equal_scipys_with_interval_and_corrections() -> None:
    rng = np.random.default_rng(1)
    baseline = rng.normal(2, 0.4, size=(18, 5))
    challenge = baseline * 0.95 + rng.normal(0, 0.1, size=(18, 5))
    tests = compare_design(baseline - challenge, one_sample(18), confidence=0.9)
    for region in range(5):
        reference = stats.ttest_rel(baseline[:, region], challenge[:, region])
        assert tests.t[region] == pytest.approx(reference.statistic)
        assert tests.p[region] == pytest.approx(reference.pvalue)
        interval = reference.confidence_interval(0.9)
        assert (tests.ci_low[region], tests.ci_high[region]) == pytest.approx((interval.low, interval.high))
    np.testing.assert_allclose(tests.p_holm, multipletests(tests.p, method="holm")[1])
    np.testing.assert_allclose(tests.p_fdr, multipletests(tests.p, method="fdr_bh")[1])
    assert np.all(tests.effect > 0)


def test_groups_equal_welch() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(14, 3))
    second = np.arange(14) % 3 == 0
    values[0, 1] = np.nan
    tests = compare_design(values, two_sample(second, equal_variances=False))
    for region in range(3):
        known = np.isfinite(values[:, region])
        reference = stats.ttest_ind(
            values[known & second, region], values[known & ~second, region], equal_var=False
        )
        assert tests.p[region] == pytest.approx(reference.pvalue)
        interval = reference.confidence_interval()
        assert (tests.ci_low[region], tests.ci_high[region]) == pytest.approx((interval.low, interval.high))


def test_missing_rows_are_dropped_by_region_and_untestable_regions_are_nan() -> None:
    values = np.random.default_rng(3).normal(size=(6, 4))
    values[1, 0], values[1:, 1], values[:, 2] = np.nan, np.nan, 1.5
    tests = compare_design(values, one_sample(6))
    assert tests.n.tolist() == [5, 1, 6, 6]
    assert tests.p[0] == pytest.approx(stats.ttest_1samp(values[[0, 2, 3, 4, 5], 0], 0).pvalue)
    assert np.isnan(tests.p).tolist() == [False, True, True, False]
    np.testing.assert_array_equal(np.isnan(tests.p_holm), np.isnan(tests.p))
    with pytest.raises(MorbidsError, match="5 and 1 maps"):
        two_sample(np.arange(6) == 0, equal_variances=False)
    groups = compare_design(values, two_sample(np.arange(6) < 3, equal_variances=False))
    assert np.isnan(groups.p[1:3]).all(), "one row in all, and no scatter"


def test_other_numbers_of_rows_are_refused() -> None:
    with pytest.raises(MorbidsError, match="3 rows of region values but 4"):
        compare_design(np.ones((3, 2)), one_sample(4))
