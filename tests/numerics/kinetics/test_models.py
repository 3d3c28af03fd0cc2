"""One door to all models: names, needs, invariants, bounds and failures."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.model_names import MODEL_NAMES, ModelName
from morbids.numerics.kinetics.models import BLOCK, MODELS, FitOptions, fit_model
from morbids.numerics.kinetics.plasma import PlasmaInput
from morbids.numerics.tracer import BOLUS_INFUSION, plasma_curve, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, WEIGHT, between

OPTIONS = FitOptions(
    points=between(5, 90),
    inverse_variance=WEIGHT,
    k2_prime=K2_PRIME,
    onset_min=45.0,
    bounds={},
    blood_volume=0.0,
)
TIME = np.arange(0.0, 100.0, 0.1)
PLASMA = plasma_curve(TIME, BOLUS_INFUSION)
CURVES = simulate_curves(FRAMES, np.array([0.4, 1.2, 2.5]), r1=1.1, kinetics="one_tissue")


def test_every_name_has_a_model() -> None:
    assert tuple(MODELS) == MODEL_NAMES


def driving(model: ModelName, scale: float = 1.0) -> FloatArray | PlasmaInput:
    return (
        PlasmaInput(TIME, scale * PLASMA, scale * PLASMA)
        if MODELS[model].needs_plasma
        else scale * CURVES.reference
    )


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_results_have_the_promised_parameters(model: ModelName) -> None:
    # One tissue has no second: its rates would be any.
    target = simulate_curves(FRAMES, np.array([0.4, 1.2, 2.5])).target if model == "2TCM" else CURVES.target
    found = fit_model(model, target, driving(model), FRAMES, OPTIONS)
    assert tuple(found.parameters) == MODELS[model].parameters
    assert found.standard_errors.keys() <= found.parameters.keys()
    assert found.n_failed == 0
    for values in (*found.parameters.values(), *found.standard_errors.values()):
        assert values.shape == (3,)
        assert np.isfinite(values).all()


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_scale_order_company_and_precision_change_nothing(model: ModelName) -> None:
    plain = fit_model(model, CURVES.target, driving(model), FRAMES, OPTIONS)
    scaled = fit_model(model, 1e4 * CURVES.target, driving(model, 1e4), FRAMES, OPTIONS)
    turned = fit_model(model, CURVES.target[:, ::-1], driving(model), FRAMES, OPTIONS)
    alone = fit_model(model, CURVES.target[:, 1:2], driving(model), FRAMES, OPTIONS)
    plain_driving = driving(model)
    single_driving = (
        plain_driving if isinstance(plain_driving, PlasmaInput) else plain_driving.astype(np.float32)
    )
    single = fit_model(model, CURVES.target.astype(np.float32), single_driving, FRAMES, OPTIONS)
    for name, values in plain.parameters.items():
        # F and p of noise-free curves are ratios of rounding errors, and so are the rates of a second tissue.
        if name in ("F", "p", "onset", "peak", "BPNDchange", "gamma", "k3", "k4"):
            continue
        np.testing.assert_allclose(scaled.parameters[name], values, rtol=1e-6)
        np.testing.assert_allclose(turned.parameters[name][::-1], values, rtol=1e-6)
        np.testing.assert_allclose(alone.parameters[name], values[1:2], rtol=1e-6)
        np.testing.assert_allclose(single.parameters[name], values, rtol=0.02)


@pytest.mark.parametrize(
    "model",
    [
        m
        for m in MODEL_NAMES
        if m not in ("PatlakRef", "StepChange", "LSSRM", "lpntPET") and not MODELS[m].needs_plasma
    ],
)
def test_a_target_that_is_the_reference_has_binding_0(model: ModelName) -> None:
    found = fit_model(model, CURVES.reference[:, None], CURVES.reference, FRAMES, OPTIONS).parameters
    assert found["BPND"][0] == pytest.approx(0, abs=1e-3)
    if "R1" in found:
        assert found["R1"][0] == pytest.approx(1, abs=1e-3)


def test_blocks_and_threads_change_nothing() -> None:
    n = BLOCK + 7
    many = np.repeat(CURVES.target, n // 3 + 1, axis=1)[:, :n]
    found = fit_model("MRTM2", many, CURVES.reference, FRAMES, OPTIONS, threads=2).parameters["BPND"]
    each = fit_model("MRTM2", *CURVES, FRAMES, OPTIONS).parameters["BPND"]
    np.testing.assert_allclose(found, np.repeat(each, n // 3 + 1)[:n])


def test_values_beyond_their_bounds_are_nan_and_counted() -> None:
    options = FitOptions(k2_prime=K2_PRIME, bounds={"BPND": (-0.5, 2.0), "k2": (0.0, 0.1)})
    found = fit_model("MRTM2", *CURVES, FRAMES, options)
    assert np.isnan(found.parameters["BPND"]).tolist() == [False, False, True]
    assert np.isnan(found.parameters["R1"]).tolist() == [False, False, True]
    # k2 is 0.136: beyond its own bound everywhere, which leaves binding as it is.
    assert np.isnan(found.parameters["k2"]).all()
    assert np.isnan(found.standard_errors["k2"]).all()
    assert np.isnan(found.standard_errors["BPND"]).tolist() == [False, False, True]
    assert found.n_failed == 1


def test_zero_and_nan_voxels_fail_alone() -> None:
    target = CURVES.target.copy()
    target[:, 0] = 0.0
    target[15, 1] = np.nan
    for model in MODEL_NAMES:
        found = fit_model(model, target, driving(model), FRAMES, OPTIONS)
        main = found.parameters[MODELS[model].parameters[0]]
        assert np.isfinite(main[2])
        if model not in ("SUVR", "PatlakRef", "PlasmaPatlak"):
            assert np.isnan(main[:2]).all(), model


@pytest.mark.parametrize("model", ["MRTM2", "SRTM2", "StepChange2"])
def test_models_that_need_k2_prime_say_so(model: ModelName) -> None:
    assert MODELS[model].needs_k2_prime
    with pytest.raises(MorbidsError, match="needs k2'"):
        fit_model(model, *CURVES, FRAMES, FitOptions(onset_min=45.0))


@pytest.mark.parametrize("model", ["StepChange", "StepChange2", "LSSRM", "lpntPET"])
def test_models_that_need_an_onset_say_so(model: ModelName) -> None:
    assert MODELS[model].needs_onset
    with pytest.raises(MorbidsError, match="binding may begin to change"):
        fit_model(model, *CURVES, FRAMES, FitOptions(k2_prime=K2_PRIME))
