"""What a scan is expected to cost."""

from dataclasses import replace

import pytest

from morbids.participant.collection import plan_study
from morbids.participant.cost import estimate_cost, total_minutes
from morbids.participant.plan import USUAL_T1W_VOXELS, ScanPlan
from morbids.settings import ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import make_study, write_scan


@pytest.fixture
def plans(dataset: DatasetMaker) -> tuple[ScanPlan, ...]:
    """Two scans of one participant."""
    for task in ("rejection", "acceptance"):
        write_scan(dataset, "01", task)
    return plan_study(make_study(dataset.root.parent), ScanSettings()).scans


def test_a_large_t1w_image_costs_more(plans: tuple[ScanPlan, ...]) -> None:
    small = estimate_cost(plans[0])
    large = estimate_cost(replace(plans[0], t1w=replace(plans[0].t1w, n_voxels=USUAL_T1W_VOXELS)))
    assert small.memory_gb == 1.1
    assert small.t1w_min < 1e-3
    assert 1.1 < large.memory_gb < 1.4
    assert large.t1w_min == pytest.approx(52 / 60)
    assert large.scan_min == small.scan_min


def test_a_t1w_image_counts_once_and_processors_share(plans: tuple[ScanPlan, ...]) -> None:
    usual = [replace(plan, t1w=replace(plan.t1w, n_voxels=USUAL_T1W_VOXELS)) for plan in plans]
    costs = {plan.scan.pet: estimate_cost(plan) for plan in usual}
    scan_min = costs[usual[0].scan.pet].scan_min
    assert total_minutes(usual, costs, 1) == pytest.approx(52 / 60 + 2 * scan_min)
    assert total_minutes(usual, costs, 100) == pytest.approx(52 / 60 + scan_min)
    assert total_minutes([], costs, 2) == 0
