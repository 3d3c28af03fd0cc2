import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from morbids.numerics.statistics.multiple import false_discovery_rate, holm


@pytest.mark.parametrize(("correct", "name"), [(false_discovery_rate, "fdr_bh"), (holm, "holm")])
def test_equals_statsmodels_and_leaves_nan_out(correct, name) -> None:  # type: ignore[no-untyped-def]
    p = np.random.default_rng(1).uniform(size=(5, 8)) ** 3
    p[0, 1] = p[0, 2]
    with_holes = p.copy()
    with_holes[2, 3] = np.nan
    adjusted = correct(with_holes)
    tested = np.isfinite(with_holes)
    np.testing.assert_allclose(adjusted[tested], multipletests(p[tested], method=name)[1])
    assert np.isnan(adjusted[2, 3])


def test_nothing_tested_stays_nan() -> None:
    assert np.isnan(false_discovery_rate(np.full(3, np.nan))).all()
    assert holm(np.empty(0)).size == 0
