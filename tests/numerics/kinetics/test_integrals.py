"""Running integrals against those of the same curve in frames twenty times finer."""

import numpy as np
import pytest

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.tracer import Schedule, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES


def fine_integrals(frames: Frames, schedule: Schedule) -> tuple[FloatArray, FloatArray]:
    """Frame means of a curve and of its running integral, from 20 parts of every frame."""
    length = np.repeat(frames.duration_min / 20, 20)
    start = np.repeat(frames.start_min, 20) + length * np.tile(np.arange(20), frames.n_frames)
    curve = simulate_curves(Frames(start, length), np.array([2.0]), schedule=schedule).target[:, 0]
    running = np.cumsum(curve * length) - curve * length / 2
    return curve.reshape(-1, 20).mean(axis=1), running.reshape(-1, 20).mean(axis=1)


@pytest.mark.parametrize("schedule", [Schedule(), Schedule(1.0)])
def test_integrals_of_contiguous_frames(schedule: Schedule) -> None:
    curve, expected = fine_integrals(FRAMES, schedule)
    computed = integral_matrix(FRAMES) @ curve
    np.testing.assert_allclose(computed[2:], expected[2:], rtol=5e-4)
    # Trapezoids over the mid-times, the usual way, are ten times farther off.
    mid = np.append(0.0, FRAMES.mid_min)
    trapezoids = np.cumsum(np.diff(mid) * (curve + np.append(0.0, curve[:-1])) / 2)
    ours, usual = (np.abs(x[8:] / expected[8:] - 1).max() for x in (computed, trapezoids))
    assert usual > 10 * ours


def test_a_straight_line_is_integrated_exactly() -> None:
    line = 2.0 + 3.0 * FRAMES.mid_min
    mean_square = FRAMES.mid_min**2 + FRAMES.duration_min**2 / 12
    np.testing.assert_allclose(integral_matrix(FRAMES) @ line, 2.0 * FRAMES.mid_min + 1.5 * mean_square)


def test_a_gap_is_bridged_by_a_straight_line() -> None:
    without = np.delete(np.arange(FRAMES.n_frames), [14, 15])
    gappy = Frames(FRAMES.start_min[without], FRAMES.duration_min[without])
    line = 50.0 - 0.2 * FRAMES.mid_min
    np.testing.assert_allclose(
        integral_matrix(gappy) @ line[without], (integral_matrix(FRAMES) @ line)[without], rtol=1e-12
    )


def test_a_late_first_frame_counts_a_rise_from_zero() -> None:
    late = Frames(np.array([4.0, 6.0, 8.0]), np.full(3, 2.0))
    np.testing.assert_allclose(integral_matrix(late) @ late.mid_min, late.mid_min**2 / 2 + 4 / 24)


def test_time_before_injection_adds_nothing() -> None:
    early = Frames(np.append(-2.0, FRAMES.start_min), np.append(2.0, FRAMES.duration_min))
    curve, expected = fine_integrals(FRAMES, Schedule())
    np.testing.assert_allclose((integral_matrix(early) @ np.append(0.0, curve))[3:], expected[2:], rtol=2e-3)


def test_two_frames_have_no_slope() -> None:
    two = Frames(np.array([0.0, 2.0]), np.array([2.0, 4.0]))
    np.testing.assert_allclose(integral_matrix(two) @ [1.0, 3.0], [1.0, 8.0])
