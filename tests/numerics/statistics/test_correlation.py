import itertools

import numpy as np
import pytest
from scipy import stats

from morbids.errors import MorbidsError
from morbids.numerics.statistics.correlation import Method, correlate


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_equals_scipys(method: Method) -> None:
    rng = np.random.default_rng(1)
    trait, values = rng.normal(size=18), rng.normal(size=(18, 4))
    values[:, 0] += trait
    values[4, 1] = np.nan
    found = correlate(trait, values, method, n_permutations=2000)
    for region in range(4):
        known = np.isfinite(values[:, region])
        x, y = trait[known], values[known, region]
        reference = stats.pearsonr(x, y) if method == "pearson" else stats.spearmanr(x, y)
        assert found.r[region] == pytest.approx(reference.statistic)
        assert found.p[region] == pytest.approx(reference.pvalue, rel=1e-6)
        assert found.p_permutation[region] == pytest.approx(reference.pvalue, abs=0.04)
    assert found.n.tolist() == [18, 17, 18, 18]


def test_interval_of_pearson_equals_scipys() -> None:
    rng = np.random.default_rng(2)
    trait, values = rng.normal(size=18), rng.normal(size=(18, 1))
    found = correlate(trait, values, confidence=0.9, n_permutations=10)
    reference = stats.pearsonr(trait, values[:, 0]).confidence_interval(0.9)
    assert (found.ci_low[0], found.ci_high[0]) == pytest.approx((reference.low, reference.high))


def test_few_rows_are_enumerated() -> None:
    rng = np.random.default_rng(3)
    trait, values = rng.normal(size=6), rng.normal(size=6)
    found = correlate(trait, values[:, None], n_permutations=720)
    observed = abs(np.corrcoef(trait, values)[0, 1])
    orders = itertools.permutations(trait)
    exact = np.mean([abs(np.corrcoef(order, values)[0, 1]) >= observed - 1e-12 for order in orders])
    assert found.p_permutation[0] == pytest.approx(exact)


def test_interval_of_spearman_covers_as_promised() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 300))
    y = 0.6 * x + 0.8 * rng.normal(size=(60, 300))
    truth = 6 / np.pi * np.arcsin(0.6 / 2)
    covered = 0
    for draw in range(300):
        found = correlate(x[:, draw], y[:, [draw]], "spearman", n_permutations=1)
        covered += int(found.ci_low[0] <= truth <= found.ci_high[0])
    assert 0.91 <= covered / 300 <= 0.985


def test_permutation_p_is_uniform_without_correlation() -> None:
    rng = np.random.default_rng(5)
    found = correlate(rng.normal(size=12), rng.exponential(size=(12, 300)), n_permutations=199)
    assert stats.kstest(found.p_permutation, "uniform").pvalue > 0.01


def test_constant_regions_are_nan_and_constant_traits_refused() -> None:
    values = np.column_stack([np.ones(6), np.arange(6.0), [1, 2, 3, np.nan, np.nan, np.nan]])
    found = correlate(np.arange(6.0), values)
    assert np.isnan(found.r).tolist() == [True, False, True]
    assert found.r[1] == pytest.approx(1)
    with pytest.raises(MorbidsError, match="has the value 3 in every row"):
        correlate(np.full(6, 3.0), values)
    with pytest.raises(MorbidsError, match="has 2 finite values"):
        correlate(np.array([1, 2, np.nan]), values[:3])
