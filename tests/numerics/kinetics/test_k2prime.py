"""k2' from regions: right where the model holds, from those regions that know it."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.kinetics.k2prime import estimate_k2_prime
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, WEIGHT, with_noise


@pytest.mark.parametrize("model", ["SRTM", "MRTM1"])
@pytest.mark.parametrize("k2_prime", [0.08, 0.1237, 0.16])
def test_known_kinetics(model: ModelName, k2_prime: float) -> None:
    curves = simulate_curves(FRAMES, np.linspace(0, 3, 12), r1=0.95, k2_prime=k2_prime, kinetics="one_tissue")
    found = estimate_k2_prime(*curves, FRAMES, model=model, inverse_variance=WEIGHT)
    assert found.k2_prime == pytest.approx(k2_prime, rel=3e-3)
    assert found.spread < 0.002 * k2_prime
    assert not found.used[:5].any()
    assert found.used[7:].all()


def test_noisy_regions_are_outvoted() -> None:
    curves = simulate_curves(FRAMES, np.full(1, 2.0), k2_prime=0.1, kinetics="one_tissue")
    good = with_noise(curves.target[:, 0], 0.005, 6)
    bad = with_noise(curves.target[:, 0], 0.1, 6, seed=1)
    found = estimate_k2_prime(np.hstack([good, bad]), curves.reference, FRAMES, inverse_variance=WEIGHT)
    assert found.k2_prime == pytest.approx(0.1, rel=0.03)
    assert found.regional.shape == (12,)
    assert np.nanmedian(found.regional_se[:6]) < np.nanmedian(found.regional_se[6:])


def test_regions_without_binding_are_an_error() -> None:
    curves = simulate_curves(FRAMES, np.zeros(3), kinetics="one_tissue")
    with pytest.raises(MorbidsError, match="No region binds enough"):
        estimate_k2_prime(*curves, FRAMES)
