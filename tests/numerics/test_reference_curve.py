"""A reference region that binds is told from flow, from cerebrospinal fluid, and from noise."""

import numpy as np
import pytest

from morbids.numerics.arrays import FloatArray
from morbids.numerics.reference_curve import compare_retention
from morbids.numerics.tracer import Schedule, simulate_curves
from morbids.simulation.settings import protocol_frames

FRAMES = protocol_frames()
SCHEDULES = {"bolus": Schedule(1.0), "infusion": Schedule(0.5, 90.0)}


def curves_of(bp_nd: float, r1: float = 1.0, schedule: str = "infusion") -> FloatArray:
    curves = simulate_curves(
        FRAMES, np.array([bp_nd]), r1=np.array([r1]), k2_prime=0.1237, schedule=SCHEDULES[schedule]
    )
    return curves.target[:, 0]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_reference_that_binds_keeps_tracer_longer(schedule: str) -> None:
    tissue = np.stack([curves_of(0.0, schedule=schedule), curves_of(1.0, schedule=schedule)], axis=1)
    for bp_nd, expected in ((0.0, False), (0.3, True)):
        found = compare_retention(tissue, curves_of(bp_nd, schedule=schedule), FRAMES)
        assert found.below.tolist() == [expected, False]
    # At equilibrium the ratio of free tissue to a reference with BP_ND 0.3 is 1 / 1.3.
    assert found.late_ratio[0] == pytest.approx(1 / 1.3, abs=0.06)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_flow_and_fluid_are_no_binding(schedule: str) -> None:
    free = curves_of(0.0, schedule=schedule)
    tissue = np.stack(
        [0.7 * free, *(curves_of(bp, r1, schedule) for bp in (0.0, 0.1, 0.5) for r1 in (0.8, 1.2))], axis=1
    )
    assert not compare_retention(tissue, free, FRAMES).below.any()


def test_noise_of_a_few_percent_raises_no_alarm() -> None:
    rng = np.random.default_rng(0)
    tissue = np.repeat(curves_of(0.05)[:, None], 200, axis=1)
    noisy = tissue * (1 + 0.05 * rng.standard_normal(tissue.shape))
    assert compare_retention(noisy, curves_of(0.0), FRAMES).below.mean() < 0.01


def test_a_scan_that_begins_late_has_no_drift() -> None:
    late = FRAMES.start_min >= 20
    frames = FRAMES._replace(start_min=FRAMES.start_min[late], duration_min=FRAMES.duration_min[late])
    found = compare_retention(curves_of(0.0)[late, None], curves_of(0.3)[late], frames)
    assert found.late_ratio[0] < 0.9
    assert np.isnan(found.drift).all()
    assert not found.below.any()
