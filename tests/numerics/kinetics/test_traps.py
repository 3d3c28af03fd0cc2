"""Three ways of reading a windowed contrast wrongly, each shown wrong, and ours beside it.

50 % bolus and 50 % infusion unless a test says otherwise; frame means without noise.
"""

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid

from morbids.numerics.arrays import BoolArray
from morbids.numerics.kinetics.displacement import fit_step_change
from morbids.numerics.kinetics.graphical import fit_logan_ref
from morbids.numerics.tracer import Curves, Release, Schedule, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, between

EARLY, LATE = between(10, 40), between(45, 90)


def bp_nd(curves: Curves, points: BoolArray, k2_prime: float | None = K2_PRIME) -> float:
    """Ours: integrals from injection, points from the window."""
    fit = fit_logan_ref(curves.target, curves.reference, FRAMES, k2_prime=k2_prime, points=points)
    return float(fit.bp_nd[0])


def bp_nd_of_cut_data(curves: Curves, points: BoolArray) -> float:
    """The trap: frames outside the window are dropped first, so that integrals start at the window."""
    target, reference, time = curves.target[points, 0], curves.reference[points], FRAMES.mid_min[points]
    area_target, area_reference = (cumulative_trapezoid(c, time, initial=0) for c in (target, reference))
    slope = np.polyfit((area_reference + reference / K2_PRIME) / target, area_target / target, 1)[0]
    return float(slope - 1)


def test_trap_1_cutting_before_integrating() -> None:
    """A bolus, BP_ND 2.0 for 90 min: cut data read +21 %, and a true -15 % as +10 %."""
    bolus = Schedule(bolus_fraction=1.0)
    constant = simulate_curves(FRAMES, np.array([2.0]), schedule=bolus)
    lowered = simulate_curves(
        FRAMES, np.array([2.0]), schedule=bolus, change=-0.15, release=Release(45.0, 90.0)
    )

    def percent(of: Curves, cut: bool) -> float:
        early, late = (bp_nd_of_cut_data(of, w) if cut else bp_nd(of, w) for w in (EARLY, LATE))
        return 100 * (late / early - 1)

    assert percent(constant, cut=True) == pytest.approx(21.3, abs=0.5)
    assert percent(lowered, cut=True) == pytest.approx(10.5, abs=0.5)
    assert bp_nd(constant, EARLY) == pytest.approx(2.0, rel=0.005)
    assert bp_nd(constant, LATE) == pytest.approx(2.0, rel=0.005)
    assert percent(constant, cut=False) == pytest.approx(0.2, abs=0.1)
    # The right direction, though history (trap 3) hides half of it after a bolus.
    assert percent(lowered, cut=False) == pytest.approx(-7.5, abs=0.3)


def test_full_history_in_bolus_infusion_reads_most_of_a_change() -> None:
    lowered = simulate_curves(FRAMES, np.array([2.0]), change=-0.15, release=Release(45.0, 90.0))
    assert 100 * (bp_nd(lowered, LATE) / bp_nd(lowered, EARLY) - 1) == pytest.approx(-13.0, abs=0.3)


@pytest.mark.parametrize(
    ("k4", "without", "with_k2_prime", "from_10_min"),
    [(0.3, 55, 0.6, 0.2), (0.1, 83, 9, 3.3), (0.05, 136, 36, 18)],
)
def test_trap_2_no_k2_prime(k4: float, without: float, with_k2_prime: float, from_10_min: float) -> None:
    """No release at all, BP_ND 1.6: late against early windows fabricate a rise without k2'."""
    curves = simulate_curves(FRAMES, np.array([1.6]), k4=k4)

    def percent(start_min: float, k2_prime: float | None) -> float:
        return 100 * (bp_nd(curves, LATE, k2_prime) / bp_nd(curves, between(start_min, 40), k2_prime) - 1)

    assert percent(5, None) == pytest.approx(without, abs=1)
    assert percent(5, K2_PRIME) == pytest.approx(with_k2_prime, abs=0.5)
    assert percent(10, K2_PRIME) == pytest.approx(from_10_min, abs=0.5)


@pytest.mark.parametrize(("end_min", "windowed"), [(90.0, -8.7), (69.0, -6.0), (60.0, -3.4)])
def test_trap_3_history(end_min: float, windowed: float) -> None:
    """A true -10 % from 45 min: the late window carries what came before; the step model does not."""
    rest = simulate_curves(FRAMES, np.array([1.6]))
    moved = simulate_curves(FRAMES, np.array([1.6]), change=-0.1, release=Release(45.0, end_min))
    assert 100 * (bp_nd(moved, LATE) / bp_nd(rest, LATE) - 1) == pytest.approx(windowed, abs=0.2)
    if end_min == 90.0:
        step = fit_step_change(*moved, FRAMES, onset_min=45.0, points=between(10, 90))
        assert step.change_percent[0] == pytest.approx(-10.0, abs=1.0)


def test_early_frames_fabricate_displacement_that_t_star_avoids() -> None:
    """No release, two tissues, a bolus: the first minutes bend the curve as a release would."""
    curves = simulate_curves(FRAMES, np.array([1.0]), schedule=Schedule(1.0))
    all_frames, after_t_star = (
        fit_step_change(*curves, FRAMES, onset_min=45.0, points=points).change_percent[0]
        for points in (None, between(10, 90))
    )
    assert all_frames < -5
    assert after_t_star == pytest.approx(0, abs=0.5)
