"""Columns and their values are called as the sidecars of their tables say."""

import json
from pathlib import Path

import pytest

from morbids.bids.column_words import ColumnWords, describe_values, read_column_words
from morbids.errors import MorbidsError


def test_names_and_short_levels_of_a_sidecar_are_taken(tmp_path: Path) -> None:
    table = tmp_path / "participants.tsv"
    fields = {
        "sex": {"LongName": "Sex", "Levels": {"F": "female", "M": {"Description": "male."}}},
        "site": {"Levels": {"1": "A university hospital with a scanner of the last century", "2": "Bonn"}},
        "odd": "text",
    }
    table.with_suffix(".json").write_text(json.dumps(fields))
    words = read_column_words(dict.fromkeys(("sex", "site", "odd", "age"), table))
    assert words["sex"] == ColumnWords("Sex", {"F": "female", "M": "male"})
    assert words["sex"].level("M") == "male"
    assert words["sex"].level("other") == "other"
    assert words["site"] == ColumnWords("site", {"2": "Bonn"})
    assert words["odd"] == ColumnWords("odd")
    assert words["age"] == ColumnWords("age")
    assert describe_values(table.with_suffix(".json"), "site")["1"].startswith("A university hospital")


def test_columns_of_two_tables_and_tables_of_sessions_have_their_own_sidecars(tmp_path: Path) -> None:
    phenotype = tmp_path / "phenotype" / "er89.tsv"
    phenotype.parent.mkdir()
    phenotype.with_suffix(".json").write_text('{"total": {"LongName": "Ego resiliency"}}')
    (tmp_path / "sessions.json").write_text('{"pain": {"LongName": "Pain rating"}}')
    sources = {"er89.total": phenotype, "pain": tmp_path / "sub-*" / "sub-*_sessions.tsv"}
    words = read_column_words(sources)
    assert words["er89.total"].name == "Ego resiliency"
    assert words["pain"].name == "Pain rating"


def test_a_table_without_sidecar_has_plain_names(tmp_path: Path) -> None:
    assert read_column_words({"a.age": tmp_path / "a.tsv"})["a.age"] == ColumnWords("a.age")
    assert describe_values(tmp_path / "events.json", "trial_type") == {}


def test_a_sidecar_that_is_broken_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(MorbidsError, match=r"a\.json is not valid JSON"):
        read_column_words({"age": tmp_path / "a.tsv"})
