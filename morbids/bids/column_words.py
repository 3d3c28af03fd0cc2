"""What people call the columns of a table and their values: `LongName` and `Levels` of its sidecar."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from morbids.bids.inheritance import read_json_object

LONGEST_LEVEL = 30
"""`Levels` may hold a label or a description: what is longer is no label of an axis."""


class ColumnWords(NamedTuple):
    """What a column is called, and those of its values that have a label."""

    name: str
    levels: Mapping[str, str] = MappingProxyType({})

    def level(self, value: str) -> str:
        """Label of a value; the value itself where it has none."""
        return self.levels.get(value, value)


def read_column_words(sources: Mapping[str, Path]) -> dict[str, ColumnWords]:
    """Read what columns are called.

    Parameters
    ----------
    sources
        Table of each column; a column that two tables have is `<file>.<column>`. The sidecar of `sub-*_sessions.tsv`
        may lie at the top, as `sessions.json`.

    Raises
    ------
    MorbidsError
        A sidecar cannot be read.
    """
    return {column: _read(column, _sidecar(path)) for column, path in sources.items()}


def describe_values(sidecar: Path, column: str) -> Mapping[str, str]:
    """What `Levels` says of the values of a column, at any length; empty where there is no sidecar."""
    fields = _fields(sidecar, column)
    levels = fields.get("Levels")
    if not isinstance(levels, Mapping):
        return {}
    return {str(value): told for value, level in levels.items() if (told := _description(level))}


def _read(column: str, sidecar: Path) -> ColumnWords:
    plain = column if _fields(sidecar, column) else column.rpartition(".")[2]
    name = _fields(sidecar, plain).get("LongName")
    levels = describe_values(sidecar, plain)
    return ColumnWords(
        name.strip() if isinstance(name, str) and name.strip() else column,
        {value: label for value, label in levels.items() if len(label) <= LONGEST_LEVEL},
    )


def _sidecar(table: Path) -> Path:
    """The JSON of a table: beside it, else at the top of the dataset for the tables of sessions."""
    beside = table.with_suffix(".json")
    return (
        table.parents[1] / "sessions.json"
        if table.stem.endswith("_sessions") and not beside.exists()
        else beside
    )


def _fields(sidecar: Path, column: str) -> Mapping[str, Any]:
    fields = read_json_object(sidecar).get(column) if sidecar.exists() else None
    return fields if isinstance(fields, Mapping) else {}


def _description(level: Any) -> str:
    """A level is its description, or an object that has one."""
    told = level.get("Description", "") if isinstance(level, Mapping) else level
    return told.strip().removesuffix(".") if isinstance(told, str) else ""
