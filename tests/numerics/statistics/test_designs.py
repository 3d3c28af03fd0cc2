import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from morbids.errors import MorbidsError
from morbids.numerics.statistics.designs import (
    choose_exchange,
    fit_design,
    make_design,
    one_sample,
    regression,
    split_by_contrast,
    two_sample,
)

RNG = np.random.default_rng(1)
AGE = RNG.normal(40, 10, size=16)
SECOND = np.arange(16) >= 7
MAPS = RNG.normal(size=(16, 6)) + 0.05 * AGE[:, None] + SECOND[:, None]


def test_one_sample_tests_the_mean_also_beside_demeaned_covariates() -> None:
    fit = fit_design(MAPS, one_sample(16, {"age": AGE}))
    plain = fit_design(MAPS, one_sample(16))
    np.testing.assert_allclose(fit.effect, MAPS.mean(axis=0))
    np.testing.assert_allclose(plain.t, stats.ttest_1samp(MAPS, 0).statistic)
    reference = sm.OLS(MAPS[:, 0], sm.add_constant(AGE - AGE.mean())).fit()
    assert fit.t[0] == pytest.approx(reference.tvalues[0])


def test_two_samples_with_equal_and_unequal_variances() -> None:
    for equal in (True, False):
        fit = fit_design(MAPS, two_sample(SECOND, equal_variances=equal))
        reference = stats.ttest_ind(MAPS[SECOND], MAPS[~SECOND], equal_var=equal)
        np.testing.assert_allclose(fit.t, reference.statistic)
        np.testing.assert_allclose(fit.p, reference.pvalue)
    adjusted = fit_design(MAPS, two_sample(SECOND, {"age": AGE}))
    model = sm.OLS(MAPS[:, 2], np.column_stack([np.ones(16), SECOND, AGE])).fit()
    assert adjusted.t[2] == pytest.approx(model.tvalues[1])


def test_regression_on_a_trait_beyond_covariates() -> None:
    trait = AGE + RNG.normal(size=16)
    fit = fit_design(MAPS, regression(trait, "resiliency", {"age": AGE}))
    model = sm.OLS(MAPS[:, 3], np.column_stack([np.ones(16), trait, AGE])).fit()
    assert fit.effect[3] == pytest.approx(model.params[1])
    assert fit.t[3] == pytest.approx(model.tvalues[1])


def test_signs_are_flipped_only_where_the_mean_is_tested() -> None:
    assert one_sample(16, {"age": AGE}).exchange == "signs"
    assert two_sample(SECOND, {"age": AGE}).exchange == "orders"
    assert regression(AGE, "age").exchange == "orders"
    # Two indicator columns without an intercept: each mean is a mean, their difference is not.
    groups = np.column_stack([~SECOND, SECOND]).astype(float)
    assert choose_exchange(groups, np.array([0.0, 1.0])) == "signs"
    assert choose_exchange(groups, np.array([-1.0, 1.0])) == "orders"


def test_split_by_contrast_keeps_the_statistic() -> None:
    matrix = np.column_stack([np.ones(16), AGE, SECOND, RNG.normal(size=16)])
    contrast = np.array([0.0, 0.1, -1.0, 0.5])
    interest, null_model = split_by_contrast(matrix, contrast)
    model = sm.OLS(MAPS[:, 0], np.column_stack([interest, null_model])).fit()
    assert model.tvalues[0] == pytest.approx(sm.OLS(MAPS[:, 0], matrix).fit().t_test(contrast).tvalue.item())
    np.testing.assert_allclose(interest @ null_model, 0, atol=1e-12)


def test_refusals() -> None:
    with pytest.raises(MorbidsError, match="at least 3 maps and was given 2"):
        one_sample(2)
    with pytest.raises(MorbidsError, match="'age' has the value 4 in every row"):
        regression(np.full(9, 4.0), "age")
    with pytest.raises(MorbidsError, match="'age' has 1 missing values"):
        one_sample(3, {"age": np.array([1.0, np.nan, 2.0])})
    with pytest.raises(MorbidsError, match="columns 'age', 'months' depend"):
        one_sample(16, {"age": AGE, "months": 12 * AGE})
    with pytest.raises(MorbidsError, match="'men' and 'women' have 16 and 0 maps"):
        two_sample(np.zeros(16, dtype=bool), names=("men", "women"))
    with pytest.raises(MorbidsError, match="names 'iq', which is no column"):
        make_design({"intercept": np.ones(5)}, {"iq": 1})
