"""The quality of all scans side by side."""

import numpy as np
import pandas as pd
import pytest

from morbids.bids.names import output_path
from morbids.bids.tables import read_table, write_table
from morbids.group.plan import plan_group
from morbids.group.quality_table import collect_quality, report_quality, robust_z
from morbids.reports.pages import Folded, Rating, Table
from morbids.reports.strips import Strips
from morbids.settings import GroupSettings, Study
from tests.bids.conftest import DatasetMaker
from tests.bids.test_maps import write_study
from tests.participant.studies import make_study


def write_quality_of(study: Study, number: int, displacement: float, concern: str | None) -> None:
    path = output_path(study.output_dir, {"sub": f"{number:02d}", "task": "rejection"}, "quality")
    row = ["head motion", "largest framewise displacement", displacement, concern]
    write_table(pd.DataFrame([row], columns=["step", "measure", "value", "concern"]), path)


def test_the_group_page_shows_all_scans_and_what_is_unusual(dataset: DatasetMaker) -> None:
    study = make_study(dataset.root.parent)
    write_study(study.output_dir, 8)
    for number in range(1, 8):
        write_quality_of(
            study, number, 9.0 if number == 3 else 1.0 + number / 10, "It moved." if number == 3 else None
        )
    planned = plan_group(study, GroupSettings())
    for number in range(1, 8):
        output_path(study.output_dir, {"sub": f"{number:02d}"}, "participant_page").touch()
    _, strips, shown, folded = report_quality(planned, study)
    assert isinstance(shown, Table)
    assert isinstance(strips, Strips)
    (strip,) = strips.strips
    assert [(point.label, point.value) for point in strip.points if point.far] == [
        ("sub-03_task-rejection", 9.0)
    ]
    assert strip.points[0].page == study.output_dir / "sub-01.html"
    assert isinstance(folded, Folded)
    (rating,) = folded.blocks
    assert isinstance(rating, Rating)
    assert [scan.text for scan in rating.scans] == [f"sub-{n:02d}_task-rejection" for n in range(1, 8)]
    assert shown.columns == ("Scan", "Largest displacement (mm)", "Unusual", "Concern")
    assert len(shown.rows) == 7
    flagged = [row for row in shown.rows if row[2]]
    assert [(row[0], row[3]) for row in flagged] == [("sub-03_task-rejection", "It moved.")]
    assert shown.file is not None
    written = read_table(shown.file)
    assert written["unusual"].notna().sum() == 1


def test_scans_without_tables_or_with_those_of_others_are_left_out(dataset: DatasetMaker) -> None:
    study = make_study(dataset.root.parent)
    write_study(study.output_dir, 3)
    assert report_quality(plan_group(study, GroupSettings()), study) == ()
    foreign = output_path(study.output_dir, {"sub": "01", "task": "rejection"}, "quality")
    foreign.write_text("concern\nn/a\n")
    assert collect_quality(study.output_dir, ["sub-01_task-rejection", "sub-02_task-rejection"]).empty


def test_robust_distance_needs_scans_and_spread() -> None:
    rng = np.random.default_rng(0)
    usual = rng.normal(5, 1, 2000)
    z = robust_z(np.column_stack([usual, np.ones(2000), np.where(np.arange(2000) < 3, usual, np.nan)]))
    assert z[:, 0].std() == pytest.approx(1, abs=0.06)
    assert not z[:, 1:].any()
