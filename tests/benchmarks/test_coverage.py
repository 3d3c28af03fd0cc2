"""The generator of the coverage benchmark: known binding, noise of the size that is asked for, intervals that hold."""

import numpy as np
import pytest

from benchmarks.coverage import (
    BP_ND,
    ESTIMATORS,
    FRAMES,
    INFUSED,
    K2_PRIME,
    KINDS,
    MID,
    measure,
    noise_shape,
    simulate,
)
from morbids.numerics.kinetics.models import FitOptions, fit_model

pytestmark = pytest.mark.graph


@pytest.mark.parametrize("infused", INFUSED)
def test_the_generator_has_the_binding_that_it_says(infused: float) -> None:
    curves = simulate(infused)
    options = FitOptions(points=MID > 20, k2_prime=K2_PRIME)
    found = fit_model("LoganRef", curves[:, :-1], curves[:, -1], FRAMES, options).parameters["BPND"]
    np.testing.assert_allclose(found, BP_ND, rtol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_every_kind_has_one_size(kind: str) -> None:
    curves = simulate(0.0)
    late = MID > 10
    size = np.sqrt((noise_shape(kind, curves)[late] ** 2).mean(axis=0))
    np.testing.assert_allclose(size, curves[late].mean(axis=0))


def test_intervals_of_a_few_repetitions_hold() -> None:
    curves = simulate(0.0)
    rng = np.random.default_rng(0)
    noisy = curves + 0.01 * noise_shape("decay", curves) * rng.normal(size=(25, *curves.shape))
    ours, residual = measure(ESTIMATORS["LoganRef_45-90_unweighted"], noisy)
    assert ours >= 0.88
    assert residual < ours - 0.05
