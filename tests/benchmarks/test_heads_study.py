"""Figures of the study on real heads, on numbers that are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import heads_study
from benchmarks.heads_study import region_figures, relative_to_own_reference, summarise
from benchmarks.recovery import ATLAS
from benchmarks.registration import motion_errors
from morbids.bids.names import output_path
from morbids.bids.tables import write_table
from morbids.imaging.images import write_image
from morbids.imaging.transforms import invert, rigid_matrix, write_itk
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
        ("baseline", "Putamen_L", 3.0, 2.0, 2.1, 2.0),
        ("baseline", "Putamen_L", 3.0, 2.0, 1.9, 1.6),
        ("baseline", "Caudate_L", 3.0, 1.0, 1.2, 1.2),
        ("baseline", "Small", 0.5, 1.0, 9.0, 1.0),
        ("baseline", "Calcarine_L", 9.0, 0.0, 0.1, 0.0),
        ("challenge", "Putamen_L", 3.0, 2.0, 9.0, 2.0),
    ]
    columns = ["window", "name", "volume_ml", "true", "recovered", "in_own"]
    figures = region_figures(pd.DataFrame(rows, columns=columns))
    assert figures["study_regions"] == 3
    assert figures["study_bp_within_10_percent"] == pytest.approx(2 / 3)
    assert figures["study_bp_largest_error_percent"] == pytest.approx(20)
    assert figures["study_bp_region_means_within_10_percent"] == pytest.approx(1 / 2)
    # In the program's own regions: 5, 18.75 and 0 %.
    assert figures["study_own_regions_within_10_percent"] == pytest.approx(2 / 3)
    assert figures["study_own_regions_largest_error_percent"] == pytest.approx(18.75)
    assert figures["study_own_regions_region_means_within_10_percent"] == pytest.approx(1 / 2)


def test_truth_is_relative_to_the_reference_region_that_the_program_cut() -> None:
    regions = pd.DataFrame({"scan": ["a", "b"], "true": [1.0, 1.0], "in_own": [1.0, 2.0]})
    own = relative_to_own_reference(regions, pd.Series({"a": 0.0, "b": -0.2}))
    np.testing.assert_allclose(own["true"], [1.0, 1.5])
    np.testing.assert_allclose(own["in_own"], [1.0, 2.75])


def test_the_truth_is_seen_where_the_program_put_its_image(tmp_path: Path) -> None:
    """The program's PET lies 4 mm (a voxel) beside that of the truth, and its regions are its own."""
    truth, results = tmp_path / "truth", tmp_path / "results"
    source = {"sub": "01", "task": "rejection", "trc": "carfentanil"}
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    seen = np.random.default_rng(0).uniform(0, 2, (6, 6, 6)).astype(np.float32)
    entities = {"model": "truth", "meas": "BPND", "desc": "baseline"}
    write_image(seen, affine, output_path(truth, source, "parametric_map", entities))
    beside = rigid_matrix(np.array([4.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    for root, t1w_to_pet in ((truth, np.eye(4)), (results, beside)):
        write_itk(t1w_to_pet, output_path(root, source, "t1w_to_pet"))
    labels = np.zeros((6, 6, 6), np.int32)
    labels[2, 3, 1], labels[3, 3, 1:3] = 1, 2
    seg = {"seg": ATLAS}
    write_image(labels, affine, output_path(results, source, "pet_dseg", seg))
    table = pd.DataFrame({"index": [1, 2], "name": ["One", "Two"]})
    write_table(table, output_path(results, source, "pet_dseg_table", seg))
    found = heads_study.own_regions(truth, results, [source], tmp_path / "own")
    way = heads_study.found_to_true(truth, results, source)[:3, 3] / 4
    shift = round(way[0])
    assert abs(shift) == 1
    assert found["01-rejection-carfentanil", "One"] == pytest.approx(seen[2 + shift, 3, 1])
    assert found["01-rejection-carfentanil", "Two"] == pytest.approx(seen[3 + shift, 3, 1:3].mean())


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
