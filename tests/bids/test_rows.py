"""Pairs and tables of rows."""

from pathlib import Path

import pandas as pd
import pytest

from morbids.bids.rows import MapRow, pair_maps, rows_table
from morbids.errors import MorbidsError


def row(participant: str, task: str, session: str = "") -> MapRow:
    entities = {"sub": participant, "task": task, "model": "SRTM", "meas": "BPND", "desc": "aMinusB"}
    if session:
        entities["ses"] = session
    return MapRow(entities, Path(f"sub-{participant}_task-{task}_mimap.nii.gz"), {}, f"task-{task}")


def test_pairs_join_within_participants_and_name_who_lacks_what() -> None:
    first = [row(participant, "late") for participant in ("03", "01", "02")]
    second = [row(participant, "early") for participant in ("02", "03", "04")]
    paired = pair_maps(first, second, ("late", "early"))
    assert [(one.label, two.label) for one, two in paired.pairs] == [
        ("sub-02_task-late", "sub-02_task-early"),
        ("sub-03_task-late", "sub-03_task-early"),
    ]
    assert {dropped.label: dropped.reason for dropped in paired.dropped} == {
        "sub-01_task-late": "the participant has late but no early",
        "sub-04_task-early": "the participant has early but no late",
    }


def test_two_maps_of_one_kind_cannot_be_paired() -> None:
    with pytest.raises(MorbidsError, match="sub-01 has two maps of late"):
        pair_maps([row("01", "late"), row("01", "late")], [row("01", "early")], ("late", "early"))


def test_table_has_a_line_per_map_with_the_entities_of_its_scan() -> None:
    table = rows_table([row("01", "late", "pre"), row("02", "early")])
    assert table["participant_id"].tolist() == ["sub-01", "sub-02"]
    assert table["session_id"].iloc[0] == "ses-pre"
    assert pd.isna(table["session_id"].iloc[1])
    assert table["task"].tolist() == ["late", "early"]
    assert table["scan_type"].tolist() == ["task-late", "task-early"]
    assert set(table["contrast"]) == {"aMinusB"}
    assert set(table["model"]) == {"SRTM"}
