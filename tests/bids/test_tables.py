"""TSV files: reading, writing, events."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from morbids.bids.tables import read_events, read_table, read_texts, write_table
from morbids.bids.windows import Event
from morbids.errors import ExitCode, MorbidsError


def test_a_table_survives_writing_and_reading(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["putamen", "vermis"], "BPND": [1.85, math.nan], "n_id": ["01", "02"]})
    write_table(table, tmp_path / "deep" / "x_kinpar.tsv")
    assert (
        tmp_path / "deep" / "x_kinpar.tsv"
    ).read_text() == "name\tBPND\tn_id\nputamen\t1.85\t01\nvermis\tn/a\t02\n"
    pd.testing.assert_frame_equal(read_table(tmp_path / "deep" / "x_kinpar.tsv"), table)


def test_identifiers_stay_text_and_numbers_become_numbers(tmp_path: Path) -> None:
    path = tmp_path / "participants.tsv"
    path.write_bytes("\ufeffparticipant_id\tage\tsex\n001\t20\tF\n002\tn/a\tM\n".encode())
    table = read_table(path)
    assert table["participant_id"].tolist() == ["001", "002"]
    assert table["age"].sum() == 20
    assert table["sex"].tolist() == ["F", "M"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"table.tsv is empty"),
        ("onset,duration\n1,2\n", r"table.tsv is separated by commas: its first line is 'onset,duration'"),
        ("onset\tx\n1\t2\t3\n", r"table.tsv has rows with more cells than the 2 column names"),
        ("onset\tx\n1\t2\n1\t2\t3\t4\n", r"table.tsv cannot be read as a table: .*saw 4"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "table.tsv"
    path.write_text(content)
    with pytest.raises(MorbidsError, match=message):
        read_table(path, required=("onset",))


def test_texts_of_a_column_are_those_of_the_whole_table(tmp_path: Path) -> None:
    concerns = ["Motion of 9 mm.", None, 'It says "far", and more.', None, "5"]
    write_table(pd.DataFrame({"check": list("abcde"), "concern": concerns}), tmp_path / "x.tsv")
    assert read_texts(tmp_path / "x.tsv", "concern") == [text for text in concerns if text]
    with pytest.raises(MorbidsError, match=r"x\.tsv has no column 'concerns'"):
        read_texts(tmp_path / "x.tsv", "concerns")
    (tmp_path / "x.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MorbidsError, match=r"x\.tsv cannot be read as a table"):
        read_texts(tmp_path / "x.tsv", "concern")


def test_an_unfetched_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "participants.tsv"
    path.symlink_to("../.git/annex/objects/MD5")
    with pytest.raises(MorbidsError, match=r"datalad get .*participants.tsv"):
        read_table(path)


def test_an_unwritable_folder_has_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(MorbidsError, match=r"x.tsv cannot be written: File exists") as caught:
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "file" / "x.tsv")
    assert caught.value.exit_code == ExitCode.CANNOT_WRITE


def test_events_keep_missing_durations(tmp_path: Path) -> None:
    path = tmp_path / "sub-01_task-x_events.tsv"
    path.write_text("onset\tduration\ttrial_type\n600\t1800\tbaseline\n2700\tn/a\tn/a\n")
    first, second = read_events(path)
    assert first == Event(600, 1800, "baseline")
    assert second.onset_s == 2700
    assert math.isnan(second.duration_s)
    assert second.trial_type == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("onset\ttrial_type\n1\tx\n", r"events.tsv has no column 'duration'"),
        ("onset\tduration\nsoon\t1\n", r"events.tsv: column onset holds 'soon'"),
        ("onset\tduration\nn/a\t1\n", r"events.tsv: an onset is missing"),
        ("onset\tduration\n1\t-5\n", r"events.tsv: a duration is -5 s"),
    ],
)
def test_wrong_events_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "events.tsv"
    path.write_text(content)
    with pytest.raises(MorbidsError, match=message):
        read_events(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.floats(allow_infinity=False), st.from_regex(r"[0-9]{1,4}", fullmatch=True)), min_size=1
    )
)
def test_any_numbers_and_labels_survive_writing_and_reading(
    tmp_path: Path, rows: list[tuple[float, str]]
) -> None:
    table = pd.DataFrame(rows, columns=["value", "participant_id"])
    write_table(table, tmp_path / "x.tsv")
    found = read_table(tmp_path / "x.tsv")
    assert found["participant_id"].tolist() == table["participant_id"].tolist()
    np.testing.assert_array_equal(found["value"].astype(float), table["value"])
