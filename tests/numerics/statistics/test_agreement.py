import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from morbids.errors import MorbidsError
from morbids.numerics.statistics.agreement import (
    NO_INTERVAL,
    intraclass,
    lassen,
    percent_change,
    variability,
)

# Six targets, four judges: Shrout & Fleiss 1979, Psychol Bull 86:420, table 2, with their ICC(2,1) and ICC(3,1).
JUDGED = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)


def test_intraclass_correlations_are_those_of_the_paper() -> None:
    agreement, consistency = (intraclass(JUDGED, agreement=one) for one in (True, False))
    assert agreement == pytest.approx((0.29, 0.02, 0.76), abs=0.005)
    assert consistency == pytest.approx((0.71, 0.34, 0.95), abs=0.005)


def test_intraclass_correlation_is_that_of_the_analysis_of_variance() -> None:
    values = (
        np.random.default_rng(3).normal(size=(9, 1))
        + np.random.default_rng(4).normal(0, 0.5, (9, 2))
        + [0, 0.3]
    )
    long = pd.DataFrame({"y": values.ravel(), "who": np.repeat(range(9), 2), "scan": np.tile([0, 1], 9)})
    table = anova_lm(smf.ols("y ~ C(who) + C(scan)", long).fit())
    people, scans, rest = table["mean_sq"]
    expected = (people - rest) / (people + rest + 2 / 9 * (scans - rest))
    assert intraclass(values, agreement=True).value == pytest.approx(expected, rel=1e-9)
    assert intraclass(values, agreement=False).value == pytest.approx(
        (people - rest) / (people + rest), rel=1e-9
    )


def test_the_interval_of_the_intraclass_correlation_covers() -> None:
    """1 000 studies of 12 people with a true ICC(C,1) of .8; three standard errors are .02."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(1000):
        values = rng.normal(0, 2, (12, 1)) + rng.normal(0, 1, (12, 2))
        _, low, high = intraclass(values, agreement=False)
        inside += low <= 0.8 <= high
    assert inside / 1000 == pytest.approx(0.95, abs=0.02)


def test_variability_and_change_are_means_over_people() -> None:
    first, second = np.array([2.0, 1.0, np.nan, 4.0]), np.array([1.8, 1.1, 1.0, 3.0])
    assert variability(first, second).value == pytest.approx(100 * np.mean([0.2 / 1.9, 0.1 / 1.05, 1 / 3.5]))
    change = percent_change(first, second)
    assert change.value == pytest.approx(np.mean([10.0, -10.0, 25.0]))
    assert change.low < change.value < change.high
    assert np.isnan(percent_change(first[:1], second[:1]).value)
    assert intraclass(JUDGED[:2], agreement=True) is NO_INTERVAL


def test_occupancy_is_the_slope_and_the_rest_where_the_line_meets_the_axis() -> None:
    specific = np.array([0.4, 1.0, 2.0, 3.0])
    found = lassen(specific + 0.5, 0.3 * specific + 0.5)
    assert found is not None
    assert found.percent == pytest.approx(70)
    assert found.nondisplaceable == pytest.approx(0.5)
    assert found.r == pytest.approx(1)


def test_regions_of_one_binding_give_no_occupancy() -> None:
    assert lassen(np.array([1.0, 1.2, 1.4, 1.9]), np.ones(4)) is None
    assert lassen(np.array([1.0, 2.0, np.nan, 4.0]), np.ones(4)) is None


def test_one_scan_is_no_repeated_scan() -> None:
    with pytest.raises(MorbidsError, match="no repeated scans"):
        intraclass(np.ones((4, 1)), agreement=True)
