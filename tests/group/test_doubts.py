"""Doubts at the top of the group page."""

from dataclasses import replace

import pandas as pd

from morbids.bids.tables import write_table
from morbids.bids.writing import write_json
from morbids.group.doubts import report_doubts
from morbids.group.outputs import GroupOutputs
from morbids.group.plan import plan_group
from morbids.settings import GroupSettings
from tests.bids.conftest import DatasetMaker
from tests.bids.test_maps import write_study
from tests.participant.studies import make_study


def test_a_map_that_alone_takes_many_voxels_is_named_with_the_remedy(dataset: DatasetMaker) -> None:
    study = make_study(dataset.root.parent)
    write_study(study.output_dir, 4)
    settings = GroupSettings()
    plan = plan_group(study, settings)
    outputs = [GroupOutputs(comparison, plan, study, settings) for comparison in plan.comparisons]
    assert not report_doubts(plan, outputs)
    first = outputs[0]
    lost = {"scan": list(first.comparison.labels), "voxels_lost": [0, 2026, 10, 0]}
    write_table(pd.DataFrame(lost), first.path("influence"))
    write_json(first.sidecar_of_test, {"Test": {"NumberOfVoxels": 1672}})
    note, alert = report_doubts(replace(plan, notes=("Look.",)), outputs)
    assert note.sentence == "Look."
    assert "sub-02_task-acceptance alone takes 2026 of 3698 voxels (55 %)" in alert.sentence
    assert "--exclude sub-02_task-acceptance" in alert.remedy
