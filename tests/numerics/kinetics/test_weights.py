"""Weights follow counts, and help."""

import numpy as np
import pytest

from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.weights import inverse_variance
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, WEIGHT, between, with_noise


def test_weights_grow_with_length_and_fall_by_half_per_half_life() -> None:
    frames = Frames(np.array([0.0, 5.0, 20.0, 25.0]), np.array([5.0, 10.0, 5.0, 5.0]))
    weight = inverse_variance(frames, half_life_min=20.0)
    assert weight.mean() == pytest.approx(1)
    assert weight[2] / weight[0] == pytest.approx(0.5)
    assert weight[1] / weight[0] == pytest.approx(2 * 2 ** (-7.5 / 20))


@pytest.mark.parametrize("model", ["LoganRef", "MRTM1", "MRTM2", "SRTM", "SRTM2"])
def test_weights_reduce_the_error_of_noisy_fits(model: ModelName) -> None:
    curves = simulate_curves(FRAMES, np.array([1.6]), kinetics="one_tissue")
    noisy = with_noise(curves.target[:, 0], 0.05, 3000)
    points = between(10, 90) if model == "LoganRef" else None

    def spread(weight: object) -> float:
        options = FitOptions(
            points=points, k2_prime=K2_PRIME, inverse_variance=None if weight is None else np.asarray(weight)
        )
        found = fit_model(model, noisy, curves.reference, FRAMES, options).parameters["BPND"]
        return float(np.sqrt(np.nanmean((found - 1.6) ** 2)))

    assert spread(WEIGHT) < 0.98 * spread(None)
    # Upside down they do harm: the test would notice.
    assert spread(1 / WEIGHT) > 1.1 * spread(WEIGHT)
