"""From a model and the table of rows to design matrices: which rows, which columns, which contrasts."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.names import entity_label
from morbids.bids.node_rows import (
    DroppedRow,
    all_contrasts,
    design_columns,
    missing_values,
    part_rows,
    select_rows,
    weights_of,
)
from morbids.bids.stats_model import Node, StatsModel
from morbids.bids.within_person import Combined, combine_rows, maps_as_rows
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import IntArray
from morbids.numerics.statistics.designs import Design, make_design


class NamedDesign(NamedTuple):
    """One t or F test: what it is called, and its design with the weights of the contrast."""

    name: str
    design: Design


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
    source
        What the rows are, where nodes within participants made them of several maps; None for maps as they are.
    """

    node: str
    group: dict[str, str]
    rows: IntArray
    contrasts: tuple[NamedDesign, ...]
    dropped: tuple[DroppedRow, ...]
    source: Combined | None = None

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
    rows = select_rows(table, model.inputs)
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
        if node.level != "Dataset":
            continue
        source = _rows_of_source(model, node, table, rows)
        lines, own = (table, rows) if source is None else (source.table, np.arange(len(source.table)))
        groups, without = part_rows(node, lines, own)
        dropped += without if source is None else source.dropped
        built = [_build_design(node, group, lines, members) for group, members in groups]
        designs += [one._replace(source=source) for one in built]
    return Designs(tuple(designs), tuple(dropped))


def _rows_of_source(model: StatsModel, node: Node, table: pd.DataFrame, rows: IntArray) -> Combined | None:
    """What the nodes before it make of the maps; None where it takes the maps as they are."""
    edge = model.edge_to(node)
    if edge is None:
        return None
    before = model.node(edge.source)
    given = _rows_of_source(model, before, table, rows) or maps_as_rows(table, rows)
    made = combine_rows(before, given)
    kept = select_rows(made.table, edge.filters)
    if not len(kept):
        raise MorbidsError(
            f"No result of '{edge.source}' fits the Filter of the edge to '{node.name}'.",
            "Compare it with the contrasts of that node.",
            ExitCode.USAGE,
        )
    return Combined(made.table.iloc[kept].reset_index(drop=True), made.weights[kept], made.dropped)


def _build_design(node: Node, group: dict[str, str], table: pd.DataFrame, rows: IntArray) -> GroupDesign:
    """Design of one group; errors say of which."""
    try:
        return _design_of_rows(node, group, table, rows)
    except MorbidsError as error:
        values = ", ".join(f"{name} {value}" for name, value in group.items())
        where = f"Model '{node.name}'" + (f" ({values})" if values else "")
        raise MorbidsError(f"{where}: {error.message}", error.hint, error.exit_code) from error


def _design_of_rows(node: Node, group: dict[str, str], table: pd.DataFrame, rows: IntArray) -> GroupDesign:
    reasons = missing_values(node, table.iloc[rows])
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
    columns = design_columns(node, lines)
    contrasts = tuple(
        NamedDesign(contrast.name, make_design(columns, weights_of(contrast)))
        for contrast in all_contrasts(node, tuple(columns))
    )
    return GroupDesign(node.name, group, kept, contrasts, dropped)


def _refuse_repeated_participants(lines: pd.DataFrame) -> None:
    """Rows of one model are independent: sign flips and t tests assume so."""
    repeated = lines["participant_id"][lines["participant_id"].duplicated()]
    if len(repeated):
        count = int((lines["participant_id"] == repeated.iloc[0]).sum())
        raise MorbidsError(
            f"{repeated.iloc[0]} has {count} maps among the rows, which are then not independent.",
            'Part them with GroupBy (such as ["task", "contrast"]), select with Input, or join them in a node of '
            "Level Subject.",
        )
