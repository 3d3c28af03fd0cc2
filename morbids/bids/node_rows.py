"""What a node of a model takes of the table of rows: which rows, in which groups, which columns, which contrasts."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.names import strip_prefix
from morbids.bids.stats_model import Contrast, Node
from morbids.bids.transformers import numbers, transform
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.designs import INTERCEPT

# What entities are called in the table of rows; pybids' long names, BIDS' short ones.
_COLUMN_OF: Mapping[str, str] = MappingProxyType(
    {
        **{
            "subject": "participant_id",
            "sub": "participant_id",
            "session": "session_id",
            "ses": "session_id",
        },
        **{"trc": "tracer", "rec": "reconstruction", "desc": "contrast", "description": "contrast"},
        "meas": "measure",
        "res": "resolution",
    }
)
_PREFIX_OF: Mapping[str, str] = MappingProxyType({"participant_id": "sub", "session_id": "ses"})
# Values that all rows have: a model's Input may repeat them.
_ALWAYS: Mapping[str, str] = MappingProxyType({"suffix": "mimap", "datatype": "pet", "extension": ".nii.gz"})


class DroppedRow(NamedTuple):
    """A row of the table that a design leaves out, by its position, and why."""

    row: int
    reason: str


def select_rows(table: pd.DataFrame, inputs: Mapping[str, Sequence[str]]) -> IntArray:
    """Positions of the lines that have a wanted value of every variable."""
    wanted = np.ones(len(table), dtype=bool)
    for name, values in inputs.items():
        if name in _ALWAYS:
            wanted &= _ALWAYS[name] in values
            continue
        column = resolve(name, table)
        prefix = _PREFIX_OF.get(column, "")
        plain = {strip_prefix(value, prefix) for value in values}
        wanted &= np.array(
            [strip_prefix(text, prefix) in plain for text in _texts(table[column])], dtype=bool
        )
    return np.flatnonzero(wanted)


def resolve(name: str, table: pd.DataFrame) -> str:
    """Column of the table that an entity or variable is in."""
    column = _COLUMN_OF.get(name, name)
    if column not in table:
        raise MorbidsError(
            f"The rows have no variable '{name}'.", f"They have {', '.join(map(str, table.columns))}."
        )
    return column


def _texts(column: "pd.Series[Any]") -> list[str]:
    """Values as they are written; missing ones as an empty text."""
    return [
        "" if pd.isna(value) else f"{value:g}" if isinstance(value, float) else str(value) for value in column
    ]


def part_rows(
    node: Node, table: pd.DataFrame, rows: IntArray
) -> tuple[list[tuple[dict[str, str], IntArray]], list[DroppedRow]]:
    """Groups of a node in the order of their values, each with its rows; and the rows without a value."""
    if not node.group_by:
        return [({}, rows)], []
    names = node.group_by
    texts = [_texts(table[resolve(name, table)]) for name in names]
    members: dict[tuple[str, ...], list[int]] = {}
    dropped: list[DroppedRow] = []
    for row in rows.tolist():
        key = tuple(text[row] for text in texts)
        if all(key):
            members.setdefault(key, []).append(row)
        else:
            missing = ", ".join(name for name, value in zip(names, key, strict=True) if not value)
            dropped.append(DroppedRow(row, f"{missing} is missing, which parts the rows of '{node.name}'"))
    groups = [(dict(zip(names, key, strict=True)), np.array(members[key])) for key in sorted(members)]
    return groups, dropped


def missing_values(node: Node, lines: pd.DataFrame) -> list[str]:
    """Why each line cannot be used: the columns of the table that the design needs and it lacks."""
    variables = transform(lines, node.instructions)
    needed = sorted(
        {
            source
            for name in _match_columns(node, list(variables.frame.columns))
            if name != INTERCEPT
            for source in variables.sources[name]
        }
    )
    absent = lines[needed].isna()
    return [
        f"{', '.join(name for name in needed if line[name])} is missing" if line.any() else ""
        for _, line in absent.iterrows()
    ]


def design_columns(node: Node, lines: pd.DataFrame) -> dict[str, FloatArray]:
    """Columns by name, each (n_lines,)."""
    frame = transform(lines, node.instructions).frame
    return {
        name: np.ones(len(lines)) if name == INTERCEPT else numbers(frame, name).to_numpy()
        for name in _match_columns(node, list(frame.columns))
    }


def _match_columns(node: Node, available: Sequence[str]) -> list[str]:
    """Names of the design's columns; a pattern with * or ? stands for all variables that it fits."""
    names: list[str] = []
    for wanted in node.columns:
        fitting = (
            [name for name in available if fnmatchcase(name, wanted)] if wanted != INTERCEPT else [wanted]
        )
        if not fitting:
            raise MorbidsError(
                f"There is no variable '{wanted}' for X.", f"The rows have {', '.join(available)}."
            )
        names += [name for name in fitting if name not in names]
    return names


def all_contrasts(node: Node, columns: Sequence[str]) -> tuple[Contrast, ...]:
    """Contrasts as written, then those of single columns."""
    dummies = columns if node.dummy_contrasts is None else node.dummy_contrasts
    return node.contrasts + tuple(Contrast(name, (name,), (1.0,)) for name in dummies)


def weights_of(contrast: Contrast) -> dict[str, float] | list[dict[str, float]]:
    """Weights by column, of F in a row for each sum."""
    if contrast.several:
        return [_by_column(contrast.conditions, row) for row in contrast.several]
    return _by_column(contrast.conditions, contrast.weights)


def _by_column(conditions: Sequence[str], row: Sequence[float]) -> dict[str, float]:
    """Weights by column; a condition that is listed twice has the sum of its weights."""
    weights: dict[str, float] = {}
    for condition, weight in zip(conditions, row, strict=True):
        weights[condition] = weights.get(condition, 0.0) + weight
    return weights
