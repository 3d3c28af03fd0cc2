"""k2' that all regions share: known kinetics, releases, errors, and what papers add."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.kinetics.k2prime import estimate_k2_prime
from morbids.numerics.kinetics.shared_efflux import (
    SharedEfflux,
    combine_k2_prime,
    estimate_shared_k2_prime,
)
from morbids.numerics.kinetics.step import fit_step_change2
from morbids.numerics.tracer import Release, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, WEIGHT, between

BP_ND = np.linspace(0.4, 3.0, 8)
POINTS = between(10, 90)


def estimate(target: np.ndarray, reference: np.ndarray, onset_min: float | None = 45.0) -> SharedEfflux:
    return estimate_shared_k2_prime(
        target, reference, FRAMES, onset_min=onset_min, points=POINTS, inverse_variance=WEIGHT
    )


@pytest.mark.parametrize("change", [0.0, -0.2])
@pytest.mark.parametrize("k2_prime", [0.08, 0.1237, 0.16])
def test_known_kinetics_with_and_without_a_release_everywhere(k2_prime: float, change: float) -> None:
    curves = simulate_curves(
        FRAMES,
        BP_ND,
        r1=0.95,
        k2_prime=k2_prime,
        change=change,
        release=Release(45.0, 90.0),
        kinetics="one_tissue",
    )
    assert estimate(*curves).k2_prime == pytest.approx(k2_prime, rel=0.01)


def test_without_the_step_a_release_is_taken_for_another_k2_prime() -> None:
    curves = simulate_curves(
        FRAMES, BP_ND, k2_prime=0.12, change=-0.1, release=Release(45.0, 90.0), kinetics="one_tissue"
    )
    assert estimate(*curves, onset_min=None).k2_prime > 0.14
    assert estimate_k2_prime(*curves, FRAMES, inverse_variance=WEIGHT).k2_prime > 0.125


@pytest.mark.parametrize("k4", [0.1, 0.3])
def test_the_apparent_k2_prime_makes_less_of_nothing_than_the_true_one(k4: float) -> None:
    curves = simulate_curves(FRAMES, BP_ND, k2_prime=0.12, k4=k4)
    apparent = estimate(*curves).k2_prime
    read = {
        name: fit_step_change2(
            *curves, FRAMES, k2_prime=value, onset_min=45.0, points=POINTS, inverse_variance=WEIGHT
        ).change_percent.mean()
        for name, value in (("apparent", apparent), ("true", 0.12))
    }
    assert apparent < 0.12
    assert abs(read["apparent"]) < 0.8 * abs(read["true"])


def test_the_error_is_what_repeats_scatter_by_also_with_a_noisy_reference() -> None:
    curves = simulate_curves(FRAMES, BP_ND, k2_prime=0.12, kinetics="one_tissue")
    rng = np.random.default_rng(0)

    def repeat(level: float, of_reference: float) -> SharedEfflux:
        target, reference = (
            curve * 1.0 + size * curve.mean(axis=0) * (rng.standard_normal(curve.shape).T / np.sqrt(WEIGHT)).T
            for curve, size in ((curves.target, level), (curves.reference, of_reference))
        )
        return estimate(target, reference)

    for levels in ((0.02, 0.0), (0.01, 0.01)):
        found = [repeat(*levels) for _ in range(60)]
        scatter = np.std([one.k2_prime for one in found])
        told = np.sqrt(np.mean([one.se**2 for one in found]))
        assert 0.65 < told / scatter < 1.4


def test_regions_with_gaps_are_left_out_and_one_alone_is_too_few() -> None:
    curves = simulate_curves(FRAMES, BP_ND, k2_prime=0.12, kinetics="one_tissue")
    target = curves.target.copy()
    target[12, 0] = np.nan
    target[:, 1] = 0.0
    found = estimate(target, curves.reference)
    assert found.n_regions == len(BP_ND) - 2
    assert found.k2_prime == pytest.approx(0.12, rel=0.01)
    with pytest.raises(MorbidsError, match="Only 1 regions tell k2'"):
        estimate(target[:, :3], curves.reference)


def test_scan_and_papers_weigh_by_their_errors() -> None:
    even = combine_k2_prime(SharedEfflux(0.10, 0.02, 9), 0.12, 0.02)
    assert even.k2_prime == pytest.approx(0.11)
    assert even.se == pytest.approx(0.02 / np.sqrt(2))
    assert even.weight_of_scan == pytest.approx(0.5)
    assert even.disagreement == pytest.approx(1 / np.sqrt(2))
    sure = combine_k2_prime(SharedEfflux(0.10, 0.001, 9), 0.12, 0.02)
    assert sure.k2_prime == pytest.approx(0.10, abs=1e-4)
