"""Memory that is declared: enough for what was measured, and growing with the image."""

from dataclasses import replace

import pytest

from morbids.errors import MorbidsError
from morbids.participant.collection import plan_study
from morbids.participant.memory import (
    EXTRACT_BRAIN,
    LEAST_GB,
    NORMALIZE,
    SEGMENT,
    Need,
    check_memory,
    find_largest_step,
)
from morbids.settings import ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import make_study, write_scan

T1W_1_MM, T1W_07_MM = 192 * 240 * 240, 256 * 320 * 320
MEASURED_GB = [
    (EXTRACT_BRAIN, T1W_1_MM, 0.8),
    (EXTRACT_BRAIN, T1W_07_MM, 0.92),
    (NORMALIZE, T1W_1_MM, 1.0),
    (NORMALIZE, T1W_07_MM, 1.79),
    (SEGMENT, T1W_1_MM, 1.0),
    (SEGMENT, T1W_07_MM, 1.92),
]


@pytest.mark.parametrize(("need", "n_values", "peak_gb"), MEASURED_GB)
def test_declared_memory_covers_what_was_measured(need: Need, n_values: int, peak_gb: float) -> None:
    assert peak_gb < need.gb(n_values) < 1.35 * peak_gb


def test_the_largest_step_is_found_and_compared_with_what_there_is(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    (plan,) = plan_study(make_study(dataset.root.parent), ScanSettings()).scans
    assert find_largest_step(plan) == ("fit maps", LEAST_GB)
    check_memory(plan, 2.0)
    large = replace(plan, t1w=replace(plan.t1w, n_voxels=T1W_07_MM))
    assert find_largest_step(large) == ("segment tissue", SEGMENT.gb(T1W_07_MM))
    with pytest.raises(
        MorbidsError, match=r"T1w.nii.gz has 26.2 million voxels: the step segment tissue needs 2.2 GB"
    ):
        check_memory(large, 2.0)
