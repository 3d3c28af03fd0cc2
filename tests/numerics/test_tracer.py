"""The simulated curves against an adaptive solver, closed forms and known limits."""

from typing import Literal

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.tracer import PLASMA_RATES, Release, Schedule, plasma_curve, simulate_curves

DURATION = np.array([0.5] * 4 + [1.0] * 3 + [2.5] * 2 + [5.0] * 8 + [10.0] * 4)
FRAMES = Frames(np.cumsum(DURATION) - DURATION, DURATION)


def adaptive_means(bp_nd: float, r1: float, schedule: Schedule, release: Release) -> FloatArray:
    """Frame means by an adaptive solver that knows plasma, free and bound tracer as one system."""
    k2, k4, change = 0.11 * r1, 0.2, -0.3

    def slope(time: float, state: FloatArray) -> FloatArray:
        binding = k4 * (bp_nd * (1 + change * release.at(np.array(time))) * state[3] - state[4])
        infusion = (1 - schedule.bolus_fraction) / schedule.infusion_min * (time < schedule.infusion_min)
        plasma = PLASMA_RATES @ state[:3] + [infusion, 0, 0]
        return np.array([*plasma, k2 * (state[0] - state[3]) - binding, binding, state[3] + state[4]])

    start = [schedule.bolus_fraction, 0, 0, 0, 0, 0]
    solution = solve_ivp(slope, (0, 90), start, rtol=1e-8, atol=1e-11, max_step=0.5, dense_output=True)
    assert solution.sol is not None
    return np.asarray(np.diff(solution.sol(np.append(0, FRAMES.end_min))[5]) / FRAMES.duration_min)


@pytest.mark.parametrize("shape", ["step", "ramp", "gamma"])
@pytest.mark.parametrize("schedule", [Schedule(), Schedule(1.0, 1.0), Schedule(0.3, 60.0)])
def test_curves_agree_with_an_adaptive_solver(
    shape: Literal["step", "ramp", "gamma"], schedule: Schedule
) -> None:
    release = Release(45.0, 69.0, shape)
    curves = simulate_curves(
        FRAMES,
        np.array([1.6]),
        r1=1.2,
        k2_prime=0.11,
        k4=0.2,
        schedule=schedule,
        change=-0.3,
        release=release,
    )
    expected = adaptive_means(1.6, 1.2, schedule, release)
    np.testing.assert_allclose(curves.target[:, 0], expected, rtol=2e-4)


def test_a_target_like_the_reference_has_its_curve() -> None:
    curves = simulate_curves(FRAMES, np.zeros(2), r1=1.0)
    np.testing.assert_allclose(curves.target, np.column_stack([curves.reference] * 2), rtol=1e-12)


def test_slow_equilibrium_reaches_the_binding_potential() -> None:
    hours = Frames(np.arange(0, 800, 40.0), np.full(20, 40.0))
    curves = simulate_curves(hours, np.array([0.5, 2.0]), schedule=Schedule(0.5, 800.0))
    np.testing.assert_allclose(curves.target[-1] / curves.reference[-1] - 1, [0.5, 2.0], rtol=0.01)


def test_fast_binding_is_the_one_tissue_model() -> None:
    two = simulate_curves(FRAMES, np.array([1.0]), k4=15.0, kinetics="two_tissue")
    one = simulate_curves(FRAMES, np.array([1.0]), kinetics="one_tissue")
    np.testing.assert_allclose(two.target[4:], one.target[4:], rtol=0.01)


def test_binding_changes_only_after_the_onset_and_in_its_direction() -> None:
    rest = simulate_curves(FRAMES, np.array([2.0, 2.0]))
    moved = simulate_curves(
        FRAMES, np.array([2.0, 2.0]), change=np.array([-0.1, 0.1]), release=Release(45.0, 90.0)
    )
    before = FRAMES.end_min <= 45
    np.testing.assert_allclose(moved.target[before], rest.target[before], rtol=1e-6)
    assert (moved.target[~before, 0] < rest.target[~before, 0]).all()
    assert (moved.target[~before, 1] > rest.target[~before, 1]).all()


def test_no_activity_before_injection_and_late_first_frames_match_early_ones() -> None:
    early = Frames(np.array([-5.0, 0.0, 30.0]), np.array([5.0, 30.0, 30.0]))
    late = Frames(early.start_min[2:], early.duration_min[2:])
    whole = simulate_curves(early, np.array([1.0])).target
    assert whole[0, 0] == 0
    np.testing.assert_allclose(simulate_curves(late, np.array([1.0])).target, whole[2:], rtol=1e-6)


def test_plasma_starts_at_the_bolus_and_conserves_the_infused_tracer() -> None:
    assert plasma_curve(np.array([-1.0, 0.0]), Schedule(0.4, 90.0)) == pytest.approx([0.0, 0.4])
    # What leaves the body at k10 sums to the whole dose, however it was given.
    time = np.linspace(0, 4000, 400_001)
    for schedule in (Schedule(), Schedule(1.0)):
        eliminated = 0.12 * np.trapezoid(plasma_curve(time, schedule), time)
        assert eliminated == pytest.approx(1.0, rel=2e-3)


def test_release_shapes_have_their_landmarks() -> None:
    time = np.array([44.0, 45.0, 51.0, 57.0, 69.0, 80.0])
    np.testing.assert_allclose(Release(45, 69, "step").at(time), [0, 1, 1, 1, 0, 0])
    np.testing.assert_allclose(Release(45, 69, "ramp").at(time), [0, 0, 0.25, 0.5, 1, 1])
    gamma = Release(45, 69, "gamma").at(time)
    assert gamma[:3] == pytest.approx([0, 0, 1])
    assert gamma[4] == pytest.approx(0.04, abs=0.002)
