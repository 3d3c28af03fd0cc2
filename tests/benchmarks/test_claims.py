"""The benchmark of claims stands on studies that are what they say, and on another judge."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.mapped.bias import mixed_tissue_bias
from benchmarks.mapped.reference import Contrast, judge_by_reference
from benchmarks.mapped.studies import skew

pytestmark = pytest.mark.graph


@pytest.mark.parametrize("skewness", [0.0, 0.5, 2.0])
def test_errors_have_the_skewness_that_is_asked_for(skewness: float) -> None:
    values = skew(np.random.default_rng(0).standard_normal(400_000), skewness)
    assert (values.mean(), values.std()) == pytest.approx((0, 1), abs=0.02)
    assert stats.skew(values) == pytest.approx(skewness, abs=0.15)


def test_mixed_tissue_reads_a_deactivation_that_is_none() -> None:
    assert -0.15 < mixed_tissue_bias(2.5) < mixed_tissue_bias(1.2) < -0.02


def test_the_reference_finds_what_is_large_and_rarely_what_is_not() -> None:
    rng = np.random.default_rng(1)
    trait = rng.standard_normal(18)
    maps, regions = rng.standard_normal((2, 18, 40))
    contrasts = [
        Contrast("null", maps, regions[:, :5]),
        Contrast("mean", maps + 3.0, regions[:, :5] + [4, 0, 0, 0, 0]),
        Contrast(
            "slope", maps + 5 * trait[:, None], regions[:, :5] + 5 * trait[:, None] * [1, 0, 0, 0, 0], trait
        ),
    ]
    found = judge_by_reference(contrasts, 0.05, 0)
    assert found.regions == {("mean", 0), ("slope", 0)}
    assert found.maps == {"mean", "slope"}
