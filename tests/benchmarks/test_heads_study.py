"""Figures of the study on real heads, on numbers that are known."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import heads_study
from benchmarks.heads_study import region_figures, relative_to_own_reference, summarise
from benchmarks.registration import motion_errors
from morbids.imaging.transforms import invert, rigid_matrix
from morbids.simulation.settings import protocol_frames


def test_without_heads_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert heads_study.run(True, None) is None
    assert "SKIPPED" in capsys.readouterr().out


def test_scans_with_concerns_count_as_flagged() -> None:
    table = pd.DataFrame(
        {
            "reference_bp": [0.1, -0.2],
            "pet_to_t1w_mm": [0.2, 0.4],
            "motion_late_mm": [0.1, 0.2],
            "concerns": ["", "The mask is doubtful."],
        }
    )
    figures = summarise(table)
    assert figures["study_flagged"] == 1
    assert figures["study_reference_bp_largest"] == 0.2
    assert figures["study_pet_to_t1w_mean_mm"] == pytest.approx(0.3)
    assert figures["study_pet_to_t1w_max_mm"] == 0.4


def test_errors_of_regions_are_those_at_baseline_of_large_ones_that_bind() -> None:
    rows = [
        ("baseline", "Putamen_L", 3.0, 2.0, 2.1),
        ("baseline", "Putamen_L", 3.0, 2.0, 1.9),
        ("baseline", "Caudate_L", 3.0, 1.0, 1.2),
        ("baseline", "Small", 0.5, 1.0, 9.0),
        ("baseline", "Calcarine_L", 9.0, 0.0, 0.1),
        ("challenge", "Putamen_L", 3.0, 2.0, 9.0),
    ]
    figures = region_figures(pd.DataFrame(rows, columns=["window", "name", "volume_ml", "true", "recovered"]))
    assert figures["study_regions"] == 3
    assert figures["study_bp_within_10_percent"] == pytest.approx(2 / 3)
    assert figures["study_bp_largest_error_percent"] == pytest.approx(20)
    assert figures["study_bp_region_means_within_10_percent"] == pytest.approx(1 / 2)


def test_truth_is_relative_to_the_reference_region_that_the_program_cut() -> None:
    regions = pd.DataFrame({"scan": ["a", "b"], "true": [1.0, 1.0]})
    own = relative_to_own_reference(regions, pd.Series({"a": 0.0, "b": -0.2}))
    np.testing.assert_allclose(own["true"], [1.0, 1.5])


def test_motion_is_judged_wherever_the_reference_lies() -> None:
    """All frames found 5 mm from where they truly lie agree with the truth, except the one that does not."""
    frames = protocol_frames()
    rng = np.random.default_rng(0)
    true = np.stack([rigid_matrix(pose) for pose in rng.normal(0, [1, 1, 1, 0.01, 0.01, 0.01], (21, 6))])
    elsewhere = rigid_matrix(np.array([3.0, 4.0, 0.0, 0.05, 0.0, 0.0]))
    found = true @ elsewhere
    found[-1] = found[-1] @ rigid_matrix(np.array([0.0, 0.0, 2.0, 0.0, 0.0, 0.0]))
    errors, petref_to_truth = motion_errors(found, true, frames, rng.normal(0, 40, (50, 3)))
    np.testing.assert_allclose(petref_to_truth, elsewhere, atol=1e-9)
    assert np.isnan(errors[frames.duration_min < 1]).all()
    assert np.nanmax(errors[:-1]) < 1e-9
    assert errors[-1] == pytest.approx(2)
    np.testing.assert_allclose(invert(true[0]) @ found[0], elsewhere, atol=1e-9)
