"""From a model and the table of rows to design matrices: which rows, which columns, which contrasts."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.names import entity_label, strip_prefix
from morbids.bids.stats_model import Contrast, Node, StatsModel
from morbids.bids.transformers import numbers, transform
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.designs import INTERCEPT, Design, make_design

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


class NamedDesign(NamedTuple):
    """One t or F test: what it is called, and its design with the weights of the contrast."""

    name: str
    design: Design


class DroppedRow(NamedTuple):
    """A row of the table that a design leaves out, by its position, and why."""

    row: int
    reason: str


class GroupDesign(NamedTuple):
    """One model of one group of rows.

    Attributes
    ----------
    node
        Name of the node.
    group
        Values of its GroupBy variables; empty when all rows are one group.
    rows
        (n_rows,) positions in the table, in its order.
    contrasts
        Tests, each with the same (n_rows, n_columns) matrix; the constant column is `intercept`.
    dropped
        Rows of this group that lack a value.
    """

    node: str
    group: dict[str, str]
    rows: IntArray
    contrasts: tuple[NamedDesign, ...]
    dropped: tuple[DroppedRow, ...]

    @property
    def label(self) -> str:
        """Name of the design: node and group in camel case, fit for a file name."""
        return entity_label(" ".join([self.node, *self.group.values()]))


class Designs(NamedTuple):
    """All designs of a model, and the selected rows that no design could place."""

    designs: tuple[GroupDesign, ...]
    dropped: tuple[DroppedRow, ...]


def build_designs(model: StatsModel, table: pd.DataFrame) -> Designs:
    """Make the designs of every node and group.

    Parameters
    ----------
    model
        Read from a file, or written in code.
    table
        A line per map (`rows_table` joined with traits).

    Raises
    ------
    MorbidsError
        A name is not in the table, a variable is text or constant, a participant has two maps in one model, or
        a design cannot be estimated; the message names node, group and columns.
    """
    rows = _selected_rows(table, model.inputs)
    if not len(rows):
        listed = ", ".join(f"{name} {' or '.join(values)}" for name, values in model.inputs.items())
        raise MorbidsError(
            f"No map fits the Input of the model '{model.name}' ({listed}).",
            "Compare it with the table of rows.",
            ExitCode.NOTHING_SELECTED,
        )
    designs: list[GroupDesign] = []
    dropped: list[DroppedRow] = []
    for node in model.nodes:
        groups, without = _groups(node, table, rows)
        dropped += without
        designs += [_build_design(node, group, table, members) for group, members in groups]
    return Designs(tuple(designs), tuple(dropped))


def _selected_rows(table: pd.DataFrame, inputs: Mapping[str, Sequence[str]]) -> IntArray:
    """Positions of the lines that have a wanted value of every variable."""
    wanted = np.ones(len(table), dtype=bool)
    for name, values in inputs.items():
        if name in _ALWAYS:
            wanted &= _ALWAYS[name] in values
            continue
        column = _resolve(name, table)
        prefix = _PREFIX_OF.get(column, "")
        plain = {strip_prefix(value, prefix) for value in values}
        wanted &= np.array(
            [strip_prefix(text, prefix) in plain for text in _texts(table[column])], dtype=bool
        )
    return np.flatnonzero(wanted)


def _resolve(name: str, table: pd.DataFrame) -> str:
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


def _groups(
    node: Node, table: pd.DataFrame, rows: IntArray
) -> tuple[list[tuple[dict[str, str], IntArray]], list[DroppedRow]]:
    """Groups of a node in the order of their values, each with its rows; and the rows without a value."""
    if not node.group_by:
        return [({}, rows)], []
    names = node.group_by
    texts = [_texts(table[_resolve(name, table)]) for name in names]
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


def _build_design(node: Node, group: dict[str, str], table: pd.DataFrame, rows: IntArray) -> GroupDesign:
    """Design of one group; errors say of which."""
    try:
        return _design_of_rows(node, group, table, rows)
    except MorbidsError as error:
        values = ", ".join(f"{name} {value}" for name, value in group.items())
        where = f"Model '{node.name}'" + (f" ({values})" if values else "")
        raise MorbidsError(f"{where}: {error.message}", error.hint, error.exit_code) from error


def _design_of_rows(node: Node, group: dict[str, str], table: pd.DataFrame, rows: IntArray) -> GroupDesign:
    reasons = _missing_values(node, table.iloc[rows])
    dropped = tuple(DroppedRow(int(row), reason) for row, reason in zip(rows, reasons, strict=True) if reason)
    kept = rows[[not reason for reason in reasons]]
    lines = table.iloc[kept]
    if lines.empty:
        raise MorbidsError(
            f"No row has a value of every variable ({dropped[0].reason}).",
            "Complete the tables of the study.",
        )
    _refuse_repeated_participants(lines)
    # Again without the incomplete rows: means, deviations and levels are those of the rows analysed.
    columns = _design_columns(node, lines)
    contrasts = tuple(
        NamedDesign(contrast.name, make_design(columns, _weights(contrast)))
        for contrast in _all_contrasts(node, tuple(columns))
    )
    return GroupDesign(node.name, group, kept, contrasts, dropped)


def _missing_values(node: Node, lines: pd.DataFrame) -> list[str]:
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


def _design_columns(node: Node, lines: pd.DataFrame) -> dict[str, FloatArray]:
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


def _refuse_repeated_participants(lines: pd.DataFrame) -> None:
    """Rows of one model are independent: sign flips and t tests assume so."""
    repeated = lines["participant_id"][lines["participant_id"].duplicated()]
    if len(repeated):
        count = int((lines["participant_id"] == repeated.iloc[0]).sum())
        raise MorbidsError(
            f"{repeated.iloc[0]} has {count} maps among the rows, which are then not independent.",
            'Part them with GroupBy (such as ["task", "contrast"]), select with Input, or analyse difference maps.',
        )


def _all_contrasts(node: Node, columns: Sequence[str]) -> tuple[Contrast, ...]:
    """Contrasts as written, then those of single columns."""
    dummies = columns if node.dummy_contrasts is None else node.dummy_contrasts
    return node.contrasts + tuple(Contrast(name, (name,), (1.0,)) for name in dummies)


def _weights(contrast: Contrast) -> dict[str, float] | list[dict[str, float]]:
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
