"""What the page says of one comparison, from what a test has left."""

import json
from pathlib import Path
from typing import Any

import pytest

from morbids.bids.names import sidecar_path
from morbids.group.claims import judge_claims
from morbids.group.contrast_page import report_contrast
from morbids.group.contrast_results import ContrastResults
from morbids.group.outputs import GroupOutputs
from morbids.group.plan import plan_group
from morbids.reports.pages import Cell, Facts
from morbids.settings import GroupSettings, Study
from tests.bids.conftest import DatasetMaker
from tests.bids.test_maps import write_study
from tests.participant.studies import make_study

SETTINGS = GroupSettings(group_column="site", contrasts=("baselineMinusRejectionAmongSite",))
TEST: dict[str, Any] = {
    "NumberOfVoxels": 1234,
    "Mask": "brain, known in all 9 rows",
    "RandomField": "too few maps",
    "Tests": [],
}


@pytest.fixture
def outputs(dataset: DatasetMaker) -> GroupOutputs:
    """Of three groups of three."""
    study: Study = make_study(dataset.root.parent)
    write_study(study.output_dir, 9)
    lines = [f"sub-{n + 1:02d}\t{'abc'[n % 3]}" for n in range(9)]
    dataset.text("participants.tsv", "\n".join(["participant_id\tsite", *lines]) + "\n")
    plan = plan_group(study, SETTINGS)
    (comparison,) = plan.comparisons
    return GroupOutputs(comparison, plan, study, SETTINGS)


def facts(outputs: GroupOutputs, test: dict[str, Any]) -> dict[str, Cell]:
    path = outputs.sidecar_of_test
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"Test": TEST | test}))
    report = report_contrast(ContrastResults(outputs, judge_claims([], "max-t")))
    return next(dict(block.items) for block in report.maps if isinstance(block, Facts))


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ({"DegreesOfFreedom": 6.0, "DegreesOfFreedomTested": 2}, "2, 6"),
        ({"DegreesOfFreedom": 5.25, "DegreesOfFreedomRange": [4.0, 6.0]}, "5.25 (median; 4.0 to 6.0)"),
    ],
    ids=["F", "Welch"],
)
def test_degrees_of_freedom_are_told_once(outputs: GroupOutputs, test: dict[str, Any], told: str) -> None:
    found = facts(outputs, test)
    assert found["degrees of freedom"] == told
    assert found["random field"] == "too few maps"


def test_a_test_that_failed_is_told_and_nothing_is_shown(outputs: GroupOutputs) -> None:
    assert not Path(sidecar_path(outputs.path("clusters"))).exists()
    report = report_contrast(ContrastResults(outputs, judge_claims([], "max-t")))
    assert report.answers[0] == "the test failed"
    assert not report.claimed
    shown = (*report.clusters, *report.regions, *report.sensitivity, *report.influence)
    assert not shown
