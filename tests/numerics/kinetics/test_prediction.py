"""A noise-free curve is predicted by its own estimates."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.prediction import predict_curves
from morbids.numerics.tracer import Release, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES


@pytest.mark.parametrize("model", ["LoganRef", "MRTM1", "MRTM2", "SRTM"])
def test_estimates_of_exact_curves_give_the_curves_back(model: ModelName) -> None:
    curves = simulate_curves(FRAMES, np.array([0.5, 1.6, 2.5]), k2_prime=0.12, kinetics="one_tissue")
    late = FRAMES.mid_min >= 30
    options = FitOptions(points=late, k2_prime=0.12)
    estimates = fit_model(model, curves.target, curves.reference, FRAMES, options)
    expected = predict_curves(estimates.parameters, curves.target, curves.reference, FRAMES, 0.12)
    np.testing.assert_allclose(expected[late], curves.target[late], rtol=0.01)


@pytest.mark.parametrize("model", ["StepChange", "StepChange2"])
def test_a_step_of_binding_is_predicted_from_before_to_after(model: ModelName) -> None:
    release = Release(45.0, 90.0, "step")
    curves = simulate_curves(
        FRAMES, np.array([1.0, 2.5]), k2_prime=0.12, kinetics="one_tissue", release=release, change=-0.2
    )
    options = FitOptions(points=FRAMES.mid_min >= 10, k2_prime=0.12, onset_min=45.0)
    estimates = fit_model(model, curves.target, curves.reference, FRAMES, options)
    expected = predict_curves(estimates.parameters, curves.target, curves.reference, FRAMES, 0.12, 45.0)
    late = FRAMES.mid_min >= 10
    np.testing.assert_allclose(expected[late], curves.target[late], rtol=0.01)
    without = predict_curves(estimates.parameters, curves.target, curves.reference, FRAMES, 0.12)
    assert np.abs(without[-1] / curves.target[-1] - 1).min() > 0.05


def test_an_estimate_that_failed_predicts_nothing() -> None:
    curves = simulate_curves(FRAMES, np.array([1.0]), kinetics="one_tissue")
    unknown = {"BPND": np.array([np.nan]), "R1": np.ones(1), "k2": np.full(1, 0.1)}
    assert np.isnan(predict_curves(unknown, curves.target, curves.reference, FRAMES)).all()


def test_other_parameters_are_refused() -> None:
    curves = simulate_curves(FRAMES, np.array([1.0]), kinetics="one_tissue")
    with pytest.raises(MorbidsError, match="No curve can be predicted from SUVR"):
        predict_curves({"SUVR": np.ones(1)}, curves.target, curves.reference, FRAMES)
