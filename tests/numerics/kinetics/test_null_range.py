"""Readings over what nobody knows: known single truths lie inside, and nothing unknown leaves a point."""

import numpy as np
import pytest

from morbids.numerics.kinetics.mixture import SLOW, UNMIXED, Head, Mixture
from morbids.numerics.kinetics.null_range import Unknowns, range_at, read_unknowns
from morbids.numerics.kinetics.protocol import Contrast, read_contrast
from morbids.numerics.tracer import Release, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, WEIGHT

STEP = Contrast((10.0, 40.0), (45.0, 90.0), "StepChange2", K2_PRIME, WEIGHT)
BP_ND = np.array([0.5, 1.6, 2.5])
KNOWN = Unknowns(k2_prime=(K2_PRIME,), k4=(0.3,), heads=(UNMIXED,))


@pytest.mark.parametrize("model", ["StepChange2", "LoganRef"])
def test_with_everything_known_the_range_is_one_value(model: str) -> None:
    contrast = STEP._replace(model=model)  # type: ignore[arg-type]
    found = range_at(read_unknowns(FRAMES, contrast, estimates_k2_prime=False, unknowns=KNOWN), BP_ND)
    np.testing.assert_array_equal(found.null_low, found.null_high)
    for change, expected in ((0.0, found.null_low), (-0.1, found.shown_low)):
        release = Release(45.0, 90.0) if change else None
        curves = simulate_curves(FRAMES, BP_ND, change=change, release=release)
        read, _ = read_contrast(FRAMES, contrast, curves)
        np.testing.assert_allclose(read, expected, atol=0.004)


def test_a_wrong_k2_prime_widens_the_range_and_estimating_it_narrows_it() -> None:
    unknowns = KNOWN._replace(k2_prime=(0.1, 0.14))
    assumed, estimated = (
        range_at(read_unknowns(FRAMES, STEP, estimates_k2_prime=estimates, unknowns=unknowns), BP_ND)
        for estimates in (False, True)
    )
    widths = [found.null_high - found.null_low for found in (assumed, estimated)]
    assert (widths[0] > 5 * widths[1]).all()


def test_what_papers_say_draws_the_estimate_to_itself() -> None:
    unknowns = KNOWN._replace(k2_prime=(0.1,))
    near, far = (
        range_at(read_unknowns(FRAMES, STEP, published=(0.1237, weight), unknowns=unknowns), BP_ND).null_low
        for weight in (0.0, 1.0)
    )
    assumed = range_at(read_unknowns(FRAMES, STEP, estimates_k2_prime=False, unknowns=unknowns), BP_ND)
    np.testing.assert_allclose(far, assumed.null_low, atol=1e-6)
    assert (np.abs(near) < np.abs(far)).all()


def test_slow_dissociation_and_mixture_widen_the_range() -> None:
    whole = range_at(read_unknowns(FRAMES, STEP, unknowns=Unknowns(k2_prime=(0.12,))), BP_ND)
    alone = range_at(read_unknowns(FRAMES, STEP, unknowns=KNOWN), BP_ND)
    assert (whole.null_low < alone.null_low).all()
    assert (whole.null_high > alone.null_high).all()
    assert (whole.shown_high > whole.null_high).all()


def test_a_region_has_the_range_of_its_own_mixture_and_taking_it_out_narrows_it() -> None:
    told = Head((Mixture(), Mixture(0.5, 0.4, 0.1)), Mixture(0.6, 0.2, 0.2))
    unknowns = Unknowns(k2_prime=(0.12,), k4=(0.3,))
    left, taken = (
        range_at(
            read_unknowns(FRAMES, STEP, unknowns=unknowns, told=told, accounted=accounted),
            np.array([1.6, 1.0]),
        )
        for accounted in (False, True)
    )
    assert left.null_low[1] < left.null_low[0]
    worst = [np.maximum(np.abs(found.null_low), np.abs(found.null_high)) for found in (left, taken)]
    assert (worst[1] < 0.8 * worst[0]).all()
    as_told = unknowns._replace(share_errors=(1.0,), slow=(SLOW,))
    exact = range_at(
        read_unknowns(FRAMES, STEP, unknowns=as_told, told=told, accounted=True), np.array([1.6, 1.0])
    )
    np.testing.assert_array_equal(exact.null_low, exact.null_high)


def test_bindings_beyond_any_tissue_have_no_range() -> None:
    found = range_at(read_unknowns(FRAMES, STEP, unknowns=KNOWN), np.array([1.0, 20.0, np.nan]))
    assert np.isfinite(found.null_low).tolist() == [True, False, False]
