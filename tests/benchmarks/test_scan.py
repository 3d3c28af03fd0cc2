"""Figures of the full-size scan."""

import pytest

from benchmarks.observer import RunUse, StepUse
from benchmarks.scan import figures_of

pytestmark = pytest.mark.graph


def test_scans_share_a_step_and_short_steps_are_summed_up() -> None:
    steps = {
        "": StepUse(0.0, 100.0, 4.0, 0.2),
        "participants/sub__01_T1w/extract_brain": StepUse(0.0, 29.9, 28.0, 1.1),
        "participants/sub__01_task__a/correct_motion": StepUse(10.0, 29.9, 15.0, 0.9),
        "participants/sub__01_task__b/correct_motion": StepUse(30.0, 59.9, 25.0, 1.3),
        "participants/sub__01_task__b/mask_brain": StepUse(60.0, 60.0, 0.2, 0.1),
    }
    at_peak = {"": 0.2, "participants/sub__01_task__b/correct_motion": 1.3}
    figures = figures_of(RunUse(0, 120.0, 2.5, 3.5, at_peak, steps))
    assert figures["scan_wall_min"] == pytest.approx(2.0)
    assert figures["scan_peak_gb"] == pytest.approx(2.5)
    assert figures["scan_peak_resident_gb"] == pytest.approx(3.5)
    assert figures["at_peak_scheduler_gb"] == pytest.approx(0.2)
    assert figures["at_peak_sub__01_task__b_correct_motion_gb"] == pytest.approx(1.3)
    assert figures["correct_motion_wall_s"] == pytest.approx(50.0)
    assert figures["correct_motion_processor_s"] == pytest.approx(40.0)
    assert figures["correct_motion_peak_gb"] == pytest.approx(1.3)
    assert figures["scheduler_processor_s"] == pytest.approx(4.0)
    assert figures["other_processor_s"] == pytest.approx(0.2)
    assert "mask_brain_wall_s" not in figures
