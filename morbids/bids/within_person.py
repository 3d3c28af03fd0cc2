"""Nodes of a model within participants (Run, Session, Subject): each result is a weighted sum of a person's maps.

A node is least squares over the few maps of each of its groups. What it hands on are the estimates of its contrasts,
c' (X'X)^-1 X' maps, such as a mean of runs or the difference of two sessions; nothing is tested within a person.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.node_rows import (
    DroppedRow,
    all_contrasts,
    design_columns,
    missing_values,
    part_rows,
    resolve,
    weights_of,
)
from morbids.bids.stats_model import Contrast, Node
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.designs import INTERCEPT

_ESTIMABLE = 1e-8


class Combined(NamedTuple):
    """Rows that are weighted sums of maps.

    Attributes
    ----------
    table
        A line per row: what its maps have in common; `contrast` is that of the node.
    weights
        (n_rows, n_maps) of every map of the table of maps.
    dropped
        Maps of participants of whom a node can make no row, and why.
    """

    table: pd.DataFrame
    weights: FloatArray
    dropped: tuple[DroppedRow, ...] = ()


def maps_as_rows(table: pd.DataFrame, rows: IntArray) -> Combined:
    """Each of the selected maps as a row of its own."""
    return Combined(table.iloc[rows].reset_index(drop=True), np.eye(len(table))[rows])


def combine_rows(node: Node, given: Combined) -> Combined:
    """Estimate the contrasts of a node in every group of its rows.

    Raises
    ------
    MorbidsError
        A group holds several participants, or no group has the maps that a contrast needs.
    """
    if "participant_id" not in {resolve(name, given.table) for name in node.group_by}:
        raise MorbidsError(
            f"The node '{node.name}' of Level {node.level} does not part participants.",
            'Add "subject" to its GroupBy, or write Level Dataset.',
            ExitCode.USAGE,
        )
    groups, without = part_rows(node, given.table, np.arange(len(given.table)))
    dropped = [*given.dropped, *(_whole(given, np.array([one.row]), one.reason) for one in without)]
    shared = _in_common(given.table, [members for _, members in groups])
    lines: list[dict[Hashable, object]] = []
    weights: list[FloatArray] = []
    failures: list[MorbidsError] = []
    for _, members in groups:
        try:
            made = _estimate(node, given.table.iloc[members])
        except MorbidsError as error:
            failures.append(error)
            dropped.append(_whole(given, members, f"'{node.name}': {error.message}"))
            continue
        for name, row in made:
            lines.append(dict(given.table.iloc[members[0]][shared]) | {"contrast": name})
            weights.append(row @ given.weights[members])
    if not lines:
        raise MorbidsError(
            f"Model '{node.name}': {failures[0].message}", failures[0].hint, failures[0].exit_code
        )
    return Combined(pd.DataFrame(lines), np.array(weights), tuple(dropped))


def _estimate(node: Node, lines: pd.DataFrame) -> list[tuple[str, FloatArray]]:
    """Name and (n_lines,) weights of each contrast of one group."""
    known = np.array([not reason for reason in missing_values(node, lines)])
    if not known.any():
        raise MorbidsError("no map has a value of every variable.", "Complete the tables of the study.")
    columns = design_columns(node, lines[known])
    matrix = np.column_stack(list(columns.values()))
    inverse = np.linalg.pinv(matrix)
    made: list[tuple[str, FloatArray]] = []
    for contrast in all_contrasts(node, tuple(columns)):
        sums = weights_of(contrast)
        absent = [name for name in contrast.conditions if name not in columns]
        if absent or not isinstance(sums, dict):
            raise MorbidsError(
                f"the contrast '{contrast.name}' needs the column '{absent[0]}', which these maps do not have.",
                "Select participants with all maps, or name the columns of the model.",
            )
        wanted = np.array([sums.get(name, 0.0) for name in columns])
        own = wanted @ inverse
        if not np.allclose(own @ matrix, wanted, atol=_ESTIMABLE):
            raise MorbidsError(
                f"the contrast '{contrast.name}' cannot be estimated from {len(matrix)} maps.",
                "Select participants with all maps, or leave columns out of X.",
            )
        row = np.zeros(len(lines))
        row[known] = own
        made.append((_name_of(contrast, lines), row))
    return made


def _name_of(contrast: Contrast, lines: pd.DataFrame) -> str:
    """Name of a result; the mean of maps of one contrast keeps its name."""
    names = lines["contrast"].unique()
    return str(names[0]) if contrast.name == INTERCEPT and len(names) == 1 else contrast.name


def _in_common(table: pd.DataFrame, groups: Sequence[IntArray]) -> list[str]:
    """Columns that never differ within a group; the others are no property of what is made of its maps."""
    return [
        name
        for name in map(str, table.columns)
        if all(table[name].iloc[members].nunique(dropna=False) == 1 for members in groups)
    ]


def _whole(given: Combined, members: IntArray, reason: str) -> DroppedRow:
    """The first map of rows that are left out."""
    return DroppedRow(int(np.flatnonzero(np.any(given.weights[members] != 0, axis=0))[0]), reason)
