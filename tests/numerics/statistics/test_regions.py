import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from morbids.errors import MorbidsError
from morbids.numerics.statistics.regions import compare_groups, compare_pairs, compare_with_zero


def test_pairs_equal_scipys_with_interval_and_corrections() -> None:
    rng = np.random.default_rng(1)
    baseline = rng.normal(2, 0.4, size=(18, 5))
    challenge = baseline * 0.95 + rng.normal(0, 0.1, size=(18, 5))
    tests = compare_pairs(baseline, challenge, confidence=0.9)
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
    tests = compare_groups(values, second)
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
    tests = compare_with_zero(values)
    assert tests.n.tolist() == [5, 1, 6, 6]
    assert tests.p[0] == pytest.approx(stats.ttest_1samp(values[[0, 2, 3, 4, 5], 0], 0).pvalue)
    assert np.isnan(tests.p).tolist() == [False, True, True, False]
    np.testing.assert_array_equal(np.isnan(tests.p_holm), np.isnan(tests.p))
    too_few = compare_groups(values, np.array([True] + [False] * 5))
    assert np.isnan(too_few.p).all()


def test_refusals() -> None:
    with pytest.raises(MorbidsError, match=r"shapes \(3, 2\) and \(4, 2\)"):
        compare_pairs(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(MorbidsError, match="1 row of region values"):
        compare_with_zero(np.ones((1, 2)))
