"""White matter and fluid taken out of curves: exact where they are known, and the estimate stays that of the whole."""

from dataclasses import replace

import numpy as np
import pytest

from morbids.numerics.kinetics.efflux_choice import choose_k2_prime
from morbids.numerics.kinetics.mixture import SLOW, Head, Mixture, mix, simulate_tissues, slow_tissue
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.slow_tissue import MOST_SHARE, TAKEN, SlowTissue, by_tissue, tissues_alone
from morbids.numerics.tracer import BOLUS_INFUSION, Release
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, WEIGHT, between

BP_ND = np.array([1.0, 2.5])
HEAD = Head((Mixture(0.6, 0.3, 0.1),), Mixture(0.7, 0.15, 0.15))
OPTIONS = FitOptions(
    points=between(10, 90), inverse_variance=WEIGHT, k2_prime=K2_PRIME, onset_min=45.0, bounds={}
)


def perfect(bp_nd: np.ndarray) -> np.ndarray:
    """BP_ND that a perfect reading of the mixed image shows: distribution volumes add up."""
    (grey, white, fluid), reference = HEAD.regions[0], HEAD.reference
    volume = grey * (1 + bp_nd) + white * 1.15 + fluid
    return np.asarray(volume / (reference.grey + reference.white * 1.15 + reference.fluid) - 1)


@pytest.mark.parametrize("model", ["StepChange2", "LoganRef"])
def test_an_estimate_is_that_of_a_perfect_reading_of_the_image(model: ModelName) -> None:
    tissues = simulate_tissues(FRAMES, BP_ND, k2_prime=K2_PRIME, k4=5.0, schedule=BOLUS_INFUSION)
    curves = mix(tissues, HEAD)
    options = replace(OPTIONS, slow=slow_tissue(tissues, HEAD))
    found = fit_model(model, *curves, FRAMES, options).parameters
    np.testing.assert_allclose(found["BPND"], perfect(BP_ND), rtol=0.02)
    plain = fit_model(model, *curves, FRAMES, OPTIONS).parameters
    assert (np.abs(found["BPND"] / perfect(BP_ND) - 1) < np.abs(plain["BPND"] / perfect(BP_ND) - 1)).all()


def test_a_change_is_read_as_the_image_holds_it() -> None:
    tissues = simulate_tissues(
        FRAMES,
        BP_ND,
        k2_prime=K2_PRIME,
        k4=5.0,
        schedule=BOLUS_INFUSION,
        change=-0.1,
        release=Release(45.0, 90.0),
    )
    curves, slow = mix(tissues, HEAD), replace(slow_tissue(tissues, HEAD), part=(1.0, 1.0))
    options = replace(OPTIONS, slow=slow)
    found = fit_model("StepChange2", *curves, FRAMES, options)
    true = 100 * (perfect(0.9 * BP_ND) / perfect(BP_ND) - 1)
    np.testing.assert_allclose(found.parameters["BPNDchange"], true, rtol=0.04)
    rest = fit_model(
        "StepChange2", slow.out_of(curves.target), slow.out_of_reference(curves.reference), FRAMES, OPTIONS
    )
    # The same change over another baseline: relative errors agree.
    np.testing.assert_allclose(
        found.standard_errors["BPNDchange"] / found.parameters["BPNDchange"],
        rest.standard_errors["BPNDchange"] / rest.parameters["BPNDchange"],
        rtol=1e-6,
    )


def test_white_matter_that_binds_elsewhere_misleads_less_if_a_part_is_taken() -> None:
    """That of the reference region binds nothing, other does: nothing happens, and regions disagree."""
    tissues = simulate_tissues(
        FRAMES,
        BP_ND,
        k2_prime=K2_PRIME,
        k4=0.3,
        schedule=BOLUS_INFUSION,
        slow=SLOW._replace(white=(0.0, 0.5), white_elsewhere=(0.5, 0.5)),
    )
    target, reference = mix(tissues, HEAD)
    spread = []
    for part in ((1.0, 1.0), TAKEN):
        slow = replace(slow_tissue(tissues, HEAD), part=part)
        k2_prime = choose_k2_prime(
            target,
            reference,
            FRAMES,
            onset_min=45.0,
            points=OPTIONS.points,
            inverse_variance=WEIGHT,
            slow=slow,
        ).value
        options = replace(OPTIONS, slow=slow, k2_prime=k2_prime)
        spread.append(
            np.ptp(fit_model("StepChange2", target, reference, FRAMES, options).parameters["BPNDchange"])
        )
    assert spread[1] < 0.85 * spread[0]


def test_nothing_slow_changes_nothing_and_blocks_keep_their_shares() -> None:
    tissues = simulate_tissues(FRAMES, BP_ND, k2_prime=K2_PRIME, k4=0.3, schedule=BOLUS_INFUSION)
    curves = mix(tissues, HEAD)
    slow = slow_tissue(tissues, HEAD)
    none = SlowTissue(slow.curves, 0 * slow.share, 0 * slow.of_reference)
    plain, with_none = (
        fit_model("StepChange2", *curves, FRAMES, replace(OPTIONS, slow=s)).columns() for s in (None, none)
    )
    for name, values in plain.items():
        np.testing.assert_allclose(with_none[name], values, rtol=1e-9, err_msg=name)
    many = np.tile(curves.target, 4100)
    share = np.zeros((many.shape[1], 3))
    share[-1] = 0.3, 0.0, 0.1
    options = replace(OPTIONS, slow=SlowTissue(slow.curves, share, none.of_reference))
    found = fit_model("StepChange2", many, curves.reference, FRAMES, options).parameters["BPND"]
    assert np.ptp(found[:-1:2]) < 1e-9
    assert found[-1] != pytest.approx(found[-3], rel=1e-3)


def test_shares_are_limited_and_unknown_ones_are_none() -> None:
    share = np.array([[0.6, 0.6], [np.nan, 0.1], [-0.1, 0.2]])
    limited = SlowTissue(np.ones((3, 2)), share, np.array([0.2, 0.1])).limited()
    np.testing.assert_allclose(limited.share, [[MOST_SHARE / 2] * 2, [0.0, 0.1], [0.0, 0.2]])
    np.testing.assert_allclose(limited.of_reference, [0.2, 0.1])


def test_the_same_part_of_targets_and_of_the_reference_region_is_taken() -> None:
    slow = SlowTissue(np.ones((3, 2)), np.array([[0.4, 0.1]]), np.array([0.2, 0.1]), (0.5, 1.0))
    np.testing.assert_allclose(slow.taken().share, [[0.2, 0.1]])
    np.testing.assert_allclose(slow.taken().of_reference, [0.1, 0.1])
    of_kinds = SlowTissue(np.ones((3, 3)), np.array([[0.1, 0.3, 0.1]]), np.array([0.2, 0.0, 0.1]), (0.5, 1.0))
    np.testing.assert_allclose(of_kinds.taken().share, [[0.05, 0.15, 0.1]])
    np.testing.assert_allclose(by_tissue(of_kinds.share), [[0.4, 0.1]])
    np.testing.assert_allclose(by_tissue(of_kinds.of_reference), [0.2, 0.1])


def test_tissues_are_found_behind_their_mixtures() -> None:
    alone = np.array([[1.0, 0.5, 0.2], [2.0, 0.6, 0.3]])
    mixing = np.array([[0.9, 0.1, 0.0], [0.02, 0.98, 0.0], [0.2, 0.0, 0.7]])
    np.testing.assert_allclose(tissues_alone(alone @ mixing.T, mixing), alone)
