"""Information criteria: against the formula on a known fit, and choosing the model that made the curves."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.kinetics.information import DEPENDENT, check_comparable, compare_models
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, FitOptions
from morbids.numerics.kinetics.weights import inverse_variance
from morbids.numerics.tracer import Release, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES

BP_ND = np.array([1.0, 2.0])


def test_criteria_are_those_of_the_least_squares_fit() -> None:
    curves = simulate_curves(FRAMES, BP_ND)
    rng = np.random.default_rng(2)
    target = curves.target * (1 + 0.02 * rng.normal(size=curves.target.shape))
    weights = inverse_variance(FRAMES, 20.364)
    points = FRAMES.mid_min > 10
    options = FitOptions(points=points, inverse_variance=weights, bounds={})
    found = compare_models(("MRTM1",), target, curves.reference, FRAMES, options)["MRTM1"]
    integrate = integral_matrix(FRAMES)
    root = np.sqrt(weights[points] / weights[points].mean())
    for region in range(2):
        design = np.column_stack(
            [integrate @ curves.reference, curves.reference, integrate @ target[:, region]]
        )[points]
        _, left, *_ = np.linalg.lstsq(design * root[:, None], target[points, region] * root, rcond=None)
        n, k = points.sum(), 4
        expected = n * np.log(left[0] / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
        assert found.aicc[region] == pytest.approx(expected, rel=1e-6)
        assert found.bic[region] - found.aicc[region] == pytest.approx(
            k * np.log(n) - 2 * k - 2 * k * (k + 1) / (n - k - 1)
        )


@pytest.mark.parametrize("released", [False, True])
def test_the_step_wins_where_there_is_one(released: bool) -> None:
    release = Release(45.0, 90.0) if released else None
    curves = simulate_curves(FRAMES, BP_ND, release=release, change=-0.3, kinetics="one_tissue")
    rng = np.random.default_rng(5)
    models: tuple[ModelName, ...] = ("MRTM2", "StepChange2")
    options = FitOptions(k2_prime=0.1237, onset_min=45.0, bounds={})
    wins = []
    for _ in range(40):
        target = curves.target * (1 + 0.005 * rng.normal(size=curves.target.shape))
        found = compare_models(models, target, curves.reference, FRAMES, options)
        wins.append(found["StepChange2"].bic < found["MRTM2"].bic)
    assert np.mean(wins) > 0.9 if released else np.mean(wins) < 0.2


def test_models_of_other_quantities_are_refused() -> None:
    with pytest.raises(MorbidsError, match=r"LoganRef explains int C_T / C_T and MRTM2 C_T.*with MRTM0"):
        check_comparable(("LoganRef", "MRTM2"))
    with pytest.raises(MorbidsError, match="SRTM explains C_T and MRTM1 C_T, by its own integral"):
        check_comparable(("SRTM", "MRTM1"))
    with pytest.raises(MorbidsError, match="SUVR explains a ratio"):
        check_comparable(("SUVR", "PatlakRef"))


def test_every_model_of_a_likelihood_tells_its_r2() -> None:
    assert all("R2" in MODELS[model].parameters for model in DEPENDENT)
