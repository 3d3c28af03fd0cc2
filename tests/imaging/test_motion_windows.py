"""Motion in windows: distances by hand, runs apart, and the reason for the bounds worked out."""

import numpy as np
import pytest

from morbids.imaging.motion_windows import measure_windows
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.graphical import fit_logan_ref
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, between

DURATION_MIN = np.array([5.0, 5.0, 10.0, 5.0, 5.0, 10.0])
FIRST, SECOND = np.arange(6) < 3, np.arange(6) >= 3
ONE_RUN = np.zeros(6, dtype=int)


def along_x(shifts_mm: list[float]) -> FloatArray:
    """Positions of four points in each frame, moved along x."""
    points = np.random.default_rng(0).normal(0, 50, (4, 3))
    return np.asarray(points + np.array(shifts_mm)[:, None, None] * [1.0, 0.0, 0.0])


def test_distances_within_and_between_windows() -> None:
    positions = along_x([0.0, 2.0, 0.0, 8.0, 8.0, 9.0])
    found = measure_windows(
        positions, DURATION_MIN, {"baseline": FIRST, "task": SECOND}, [("baseline", "task")], ONE_RUN
    )
    assert found.within_mm == pytest.approx(2.0)
    # Means weighted by duration: 0.5 and 8.5 mm.
    assert found.between_mm == pytest.approx(8.0)
    assert found.concern == (
        "The head lies 8.0 mm apart in the windows baseline and task (at most 5 mm expected): attenuation, corrected "
        "for one position, makes a difference between them.",
    )


def test_a_jump_within_a_window_is_told_with_its_frames() -> None:
    positions = along_x([0.0, 0.0, 0.0, 0.0, 0.0, 10.0])
    found = measure_windows(positions, DURATION_MIN, {"task": SECOND}, [], ONE_RUN)
    assert found.between_mm is None
    assert found.concern[0].startswith(
        "The head lies 10.0 mm apart in frames 5, 6 of the window task (at most 5 mm"
    )


def test_frames_without_an_estimate_count_for_nothing() -> None:
    positions = along_x([0.0, 50.0, 1.0, 2.0, 2.0, 2.0])
    positions[1] = np.nan
    found = measure_windows(
        positions, DURATION_MIN, {"baseline": FIRST, "task": SECOND}, [("baseline", "task")], ONE_RUN
    )
    assert found.within_mm == pytest.approx(1.0)
    assert found.concern == ()


def test_runs_have_an_attenuation_map_each() -> None:
    positions = along_x([0.0, 1.0, 0.0, 30.0, 30.0, 30.0])
    windows = {"baseline": FIRST, "task": SECOND}
    found = measure_windows(positions, DURATION_MIN, windows, [("baseline", "task")], np.repeat([0, 1], 3))
    assert found.within_mm == pytest.approx(1.0)
    assert found.between_mm is None
    assert found.concern == ()


def chord_mm(point_mm: FloatArray, directions: FloatArray, centre_mm: FloatArray) -> FloatArray:
    """Length of lines through a point within an ellipse of 150 by 190 mm."""
    axes = np.array([75.0, 95.0])
    along, off = directions / axes, (point_mm - centre_mm) / axes
    square, half = (along**2).sum(axis=1), along @ off
    return np.asarray(2 * np.sqrt(np.clip(half**2 - square * (off @ off - 1), 0, None)) / square)


def test_five_mm_of_motion_are_eight_percent_at_the_cortex() -> None:
    """A point source: reconstruction averages the wrong factors of all lines through it; water at 511 keV."""
    angle = np.linspace(0, np.pi, 721)[:-1]
    directions = np.column_stack([np.cos(angle), np.sin(angle)])
    moved, still = np.array([5.0, 0.0]), np.zeros(2)

    def bias(place_mm: FloatArray) -> float:
        wrong = chord_mm(place_mm + moved, directions, still) - chord_mm(place_mm + moved, directions, moved)
        return 100 * float(np.exp(0.0096 * wrong).mean() - 1)

    assert bias(np.array([-0.9 * 75, 0.0])) == pytest.approx(8, abs=0.6)
    assert bias(np.array([0.9 * 75, 0.0])) == pytest.approx(-8, abs=0.6)
    assert abs(bias(still)) < 0.5


def test_that_activity_as_binding() -> None:
    late = between(45, 90)
    curves = simulate_curves(FRAMES, np.array([1.6]))

    def binding(gain_from_min: float) -> float:
        target = curves.target * np.where(FRAMES.mid_min >= gain_from_min, 1.08, 1.0)[:, None]
        return float(fit_logan_ref(target, curves.reference, FRAMES, k2_prime=K2_PRIME, points=late).bp_nd[0])

    assert 100 * (binding(45) / binding(1000) - 1) == pytest.approx(12, abs=1)
    assert 100 * (binding(60) / binding(1000) - 1) == pytest.approx(20, abs=1)
