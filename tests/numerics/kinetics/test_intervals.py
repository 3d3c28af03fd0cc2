"""Standard errors by moving every frame: known answers, and the scatter of repeated scans."""

import numpy as np
import pytest
from scipy.stats import t as t_distribution

from morbids.numerics.kinetics.estimates import Estimates
from morbids.numerics.kinetics.frame_noise import FrameNoise, estimate_noise
from morbids.numerics.kinetics.intervals import with_sampling_errors
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.weights import inverse_variance
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES

HALF_LIFE_MIN = 20.364
BP_ND = np.array([1.0, 2.0])
CURVES = simulate_curves(FRAMES, BP_ND)


def given(model: ModelName, noise: FrameNoise, options: FitOptions) -> Estimates:
    plain = fit_model(model, CURVES.target, CURVES.reference, FRAMES, options)
    return with_sampling_errors(plain, model, (CURVES.target, CURVES.reference), FRAMES, options, noise)


def test_a_ratio_has_the_error_of_its_two_means() -> None:
    points = FRAMES.mid_min > 60
    options = FitOptions(points=points)
    sd = np.column_stack([0.02 * CURVES.target, 0.03 * CURVES.reference])
    found = given("SUVR", FrameNoise("known", sd**2, 10), options)
    weight = FRAMES.duration_min * points
    by_target = np.sqrt(((weight[:, None] * sd[:, :2]) ** 2).sum(axis=0)) / (weight @ CURVES.target)
    by_reference = np.sqrt(((weight * sd[:, 2]) ** 2).sum()) / (weight @ CURVES.reference)
    np.testing.assert_allclose(
        found.standard_errors["SUVR"] / found.parameters["SUVR"], np.hypot(by_target, by_reference), rtol=1e-3
    )
    share = by_target**2 / (by_target**2 + by_reference**2)
    np.testing.assert_allclose(found.degrees, 10 / (share**2 + (1 - share) ** 2), rtol=1e-2)


def test_without_noise_in_the_reference_degrees_are_those_of_the_target() -> None:
    variance = np.column_stack([(0.01 * CURVES.target) ** 2, np.zeros(FRAMES.n_frames)])
    found = given("MRTM2", FrameNoise("known", variance, 12), FitOptions(k2_prime=0.1237))
    np.testing.assert_allclose(found.degrees, 12)


@pytest.mark.parametrize("model", ["LoganRef", "MRTM1", "SRTM", "StepChange2"])
def test_errors_are_the_scatter_of_repeated_scans_with_a_noisy_reference(model: ModelName) -> None:
    """Unweighted fits of noise that grows with decay: the weights need not know the noise."""
    rng = np.random.default_rng(3)
    sd = np.sqrt(1 / inverse_variance(FRAMES, HALF_LIFE_MIN))[:, None] * 0.01
    sd = sd * np.append(CURVES.target[-8:].mean(axis=0), CURVES.reference[-8:].mean())
    options = FitOptions(points=FRAMES.mid_min > 10, k2_prime=0.1237, onset_min=45.0, bounds={})
    expected = given(model, FrameNoise("known", sd**2, 12), options).standard_errors["BPND"]
    found = []
    for _ in range(150):
        target = CURVES.target + sd[:, :2] * rng.normal(size=CURVES.target.shape)
        reference = CURVES.reference + sd[:, 2] * rng.normal(size=FRAMES.n_frames)
        found.append(fit_model(model, target, reference, FRAMES, options).parameters["BPND"])
    np.testing.assert_allclose(np.std(found, axis=0), expected, rtol=0.2)


def test_a_search_keeps_the_error_of_its_residuals() -> None:
    noise = estimate_noise(np.column_stack([CURVES.target, CURVES.reference]), FRAMES, HALF_LIFE_MIN)
    assert noise is not None
    options = FitOptions(onset_min=45.0)
    plain = fit_model("LSSRM", CURVES.target, CURVES.reference, FRAMES, options)
    assert given("LSSRM", noise, options).standard_errors["BPND"] == pytest.approx(
        plain.standard_errors["BPND"]
    )


def test_tables_hold_intervals_by_the_t_distribution() -> None:
    estimates = Estimates({"BPND": np.array([2.0])}, {"BPND": np.array([0.1])}, 0, np.array([4.0]))
    columns = estimates.columns()
    assert list(columns) == ["BPND", "BPND-se", "BPND-low", "BPND-high", "df"]
    assert columns["BPND-high"][0] - 2.0 == pytest.approx(0.1 * t_distribution.ppf(0.975, 4))
    assert columns["BPND-low"][0] + columns["BPND-high"][0] == pytest.approx(4.0)
