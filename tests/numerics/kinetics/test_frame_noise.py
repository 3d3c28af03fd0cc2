"""The noise of frames from curves alone: its size, its profile, and when it cannot be told."""

import numpy as np
import pytest

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.frame_noise import LEAST_DEGREES, MOST_TERMS, estimate_noise
from morbids.numerics.tracer import Schedule, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES

HALF_LIFE_MIN = 20.364
BP_ND = np.array([0.5, 1.0, 2.0, 3.0])


def curves(bolus: float) -> FloatArray:
    found = simulate_curves(FRAMES, BP_ND, schedule=Schedule(bolus))
    return np.column_stack([found.target, found.reference])


def shapes(course: FloatArray) -> dict[str, FloatArray]:
    decay, duration = np.exp2(FRAMES.mid_min / HALF_LIFE_MIN)[:, None], FRAMES.duration_min[:, None]
    return {
        "counts: decay / duration": np.sqrt(decay / duration) + 0 * course,
        "equal": np.ones_like(course),
        "activity, in percent": course,
    }


@pytest.mark.parametrize("bolus", [1.0, 0.5])
@pytest.mark.parametrize("profile", ["counts: decay / duration", "equal", "activity, in percent"])
def test_size_and_profile_are_found(bolus: float, profile: str) -> None:
    course = curves(bolus)
    shape = shapes(course)[profile]
    sd = 0.03 * shape / np.sqrt((shape**2).mean(axis=0)) * course.mean(axis=0)
    rng = np.random.default_rng(4)
    found = [
        estimate_noise(course + sd * rng.normal(size=course.shape), FRAMES, HALF_LIFE_MIN) for _ in range(40)
    ]
    named = [noise.profile for noise in found if noise is not None]
    assert max(set(named), key=named.count) == profile
    size = np.mean(
        [(noise.variance / sd**2)[FRAMES.mid_min > 5].mean() for noise in found if noise is not None]
    )
    assert size == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("bolus", [1.0, 0.5])
def test_a_curve_without_noise_has_next_to_none(bolus: float) -> None:
    noise = estimate_noise(curves(bolus), FRAMES, HALF_LIFE_MIN)
    assert noise is not None
    late = FRAMES.mid_min > 10
    assert (np.sqrt(noise.variance[late].mean(axis=0)) < 0.005 * curves(bolus)[late].mean(axis=0)).all()
    assert noise.degrees == FRAMES.n_frames - MOST_TERMS


def test_scaling_the_curves_scales_the_noise() -> None:
    noisy = curves(1.0) * (1 + 0.02 * np.random.default_rng(0).normal(size=(FRAMES.n_frames, 5)))
    one, thousand = (estimate_noise(factor * noisy, FRAMES, HALF_LIFE_MIN) for factor in (1.0, 1e3))
    assert one is not None
    assert thousand is not None
    np.testing.assert_allclose(thousand.variance, 1e6 * one.variance)
    assert thousand.profile == one.profile


@pytest.mark.parametrize("nothing", [np.nan, 0.0, -1.0])
def test_a_region_without_a_curve_has_no_noise_and_hurts_no_other(nothing: float) -> None:
    noisy = curves(1.0) * (1 + 0.02 * np.random.default_rng(0).normal(size=(FRAMES.n_frames, 5)))
    lost = np.column_stack([noisy[:, :2], np.full(FRAMES.n_frames, nothing), noisy[:, 2:]])
    whole, part = (estimate_noise(values, FRAMES, HALF_LIFE_MIN) for values in (noisy, lost))
    assert whole is not None
    assert part is not None
    np.testing.assert_allclose(np.delete(part.variance, 2, axis=1), whole.variance)
    assert np.isnan(part.variance[:, 2]).all()
    assert estimate_noise(np.full((FRAMES.n_frames, 2), nothing), FRAMES, HALF_LIFE_MIN) is None


def test_a_scan_of_twelve_frames_tells_its_noise_with_fewer_terms() -> None:
    end = np.array([1, 2, 4, 6, 9, 13, 20, 30, 40, 50, 60, 70.0])
    frames = Frames(np.append(0.0, end[:-1]), np.diff(end, prepend=0.0))
    found = simulate_curves(frames, BP_ND)
    course = np.column_stack([found.target, found.reference])
    rng = np.random.default_rng(6)
    size = []
    for _ in range(40):
        noise = estimate_noise(course + 0.002 * rng.normal(size=course.shape), frames, HALF_LIFE_MIN)
        assert noise is not None
        assert noise.degrees == LEAST_DEGREES
        size.append(noise.variance.mean() / 0.002**2)
    assert 0.85 < np.mean(size) < 1.5


def test_few_frames_do_not_tell_their_noise() -> None:
    few = Frames(FRAMES.start_min[-11:], FRAMES.duration_min[-11:])
    assert estimate_noise(curves(1.0)[-11:], few, HALF_LIFE_MIN) is None
