"""Standard errors cover: 68 % and 95 % within 5 points, for every model that estimates binding."""

import numpy as np
import pytest

from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import fit_linear
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, WEIGHT, between, with_noise

N_REPEATS = 6000


@pytest.mark.parametrize("bp_nd", [0.5, 1.6, 3.0])
@pytest.mark.parametrize("model", ["LoganRef", "MRTM0", "MRTM1", "MRTM2", "SRTM", "SRTM2"])
def test_standard_errors_cover(model: ModelName, bp_nd: float) -> None:
    curves = simulate_curves(FRAMES, np.array([bp_nd]), r1=1.1, kinetics="one_tissue")
    noisy = with_noise(curves.target[:, 0], 0.01, N_REPEATS)
    points = between(10, 90) if model in ("LoganRef", "MRTM0") else None
    options = FitOptions(points=points, inverse_variance=WEIGHT, k2_prime=K2_PRIME)
    found = fit_model(model, noisy, curves.reference, FRAMES, options)
    distance = np.abs(found.parameters["BPND"] - bp_nd) / found.standard_errors["BPND"]
    assert np.mean(distance < 1.0) == pytest.approx(0.683, abs=0.05)
    assert np.mean(distance < 1.96) == pytest.approx(0.95, abs=0.05)
    if "R1" in found.parameters and model != "MRTM0":
        distance = np.abs(found.parameters["R1"] - 1.1) / found.standard_errors["R1"]
        assert np.mean(distance < 1.0) == pytest.approx(0.683, abs=0.05)


@pytest.mark.parametrize("window", [(10, 40), (45, 90)])
def test_standard_errors_cover_in_a_window(window: tuple[float, float]) -> None:
    """Noise of frames before the window is in its integrals too."""
    curves = simulate_curves(FRAMES, np.array([1.6]), kinetics="one_tissue")
    noisy = with_noise(curves.target[:, 0], 0.01, N_REPEATS)
    options = FitOptions(points=between(*window), inverse_variance=WEIGHT, k2_prime=K2_PRIME)
    found = fit_model("MRTM2", noisy, curves.reference, FRAMES, options)
    true_spread = np.std(found.parameters["BPND"])
    typical = np.sqrt(np.mean(found.standard_errors["BPND"] ** 2))
    assert typical == pytest.approx(true_spread, rel=0.1)


def test_ordinary_least_squares_would_promise_too_much() -> None:
    """Why the propagation exists: without it the errors of MRTM2 are half of the true spread."""
    curves = simulate_curves(FRAMES, np.array([1.6]), kinetics="one_tissue")
    noisy = with_noise(curves.target[:, 0], 0.01, N_REPEATS)
    integrate = integral_matrix(FRAMES)
    delivery = (integrate @ curves.reference + curves.reference / K2_PRIME)[:, None]
    naive = fit_linear([delivery, integrate @ noisy], noisy, WEIGHT)
    k2, loss = naive.coefficients
    promised = np.median(naive.standard_error([-1 / loss, k2 / loss**2]))
    assert promised < 0.6 * np.std(-k2 / loss)
