"""BIDS Stats Models: what a model file asks for, read and refused where morbids cannot do it."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import bsmschema.models as schema
from pydantic import BaseModel, ValidationError

from morbids.bids.inheritance import read_json_object
from morbids.bids.stats_instructions import read_instruction
from morbids.bids.transformers import Instruction
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.statistics.designs import INTERCEPT


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of columns, tested with t; or several of them, tested at once with F.

    Attributes
    ----------
    name
        Of the test.
    conditions
        Columns.
    weights
        Of the columns, for t; empty for F.
    several
        Weights of the columns in each sum that F tests.
    """

    name: str
    conditions: tuple[str, ...]
    weights: tuple[float, ...]
    several: tuple[tuple[float, ...], ...] = ()


Level = Literal["Run", "Session", "Subject", "Dataset"]
_LEVELS: tuple[Level, ...] = ("Run", "Session", "Subject", "Dataset")


@dataclass(frozen=True)
class Node:
    """One model of all rows, or of each part of them.

    Attributes
    ----------
    name
        Of the results' folder.
    level
        `Dataset` tests; the others hand sums of a participant's maps on.
    columns
        Columns of the design: `INTERCEPT`, variables, or patterns with * and ?.
    group_by
        Variables whose values part the rows into separate models.
    instructions
        Transformers, in order, applied to the rows of each model.
    contrasts
        What is tested.
    dummy_contrasts
        Columns that are tested one by one; None = every column.
    """

    name: str
    columns: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    dummy_contrasts: tuple[str, ...] | None = ()
    level: Level = "Dataset"


@dataclass(frozen=True)
class Edge:
    """Results of one node that are the rows of another: those with these values."""

    source: str
    destination: str
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class StatsModel:
    """A model file: which rows (values by entity or variable), the nodes that analyse them, and what leads to what."""

    name: str
    nodes: tuple[Node, ...]
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    description: str = ""
    edges: tuple[Edge, ...] = ()

    def edge_to(self, node: Node) -> Edge | None:
        """Where the rows of a node come from; None for the maps themselves."""
        return next((edge for edge in self.edges if edge.destination == node.name), None)

    def node(self, name: str) -> Node:
        """Return a node by its name."""
        return next(node for node in self.nodes if node.name == name)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names and patterns that may be columns of tables of traits: other tables need not be read."""
        return tuple(
            dict.fromkeys(
                [
                    *self.inputs,
                    *(name for edge in self.edges for name in edge.filters),
                    *(name for node in self.nodes for name in (*node.group_by, *node.columns)),
                    *(name for node in self.nodes for step in node.instructions for name in step.inputs),
                ]
            )
        )


def read_stats_model(path: Path, first: str = "") -> StatsModel:
    """Read a BIDS Stats Model, or what of it begins at a node: the maps are then the results of the nodes before.

    Parameters
    ----------
    first
        Name of that node; all nodes when empty.

    Raises
    ------
    MorbidsError
        The file is no valid BIDS Stats Model, has no such node, or asks for something that morbids does not do.
    """
    try:
        content = read_json_object(path)
        model = schema.BIDSStatsModel.model_validate(content)
        _refuse_unknown_keys(content)
        taken = _names_from(model, first)
        nodes = tuple(
            _read_node(node, f"Nodes[{n}]") for n, node in enumerate(model.Nodes) if node.Name in taken
        )
        _refuse_same_names(nodes)
        written = [(n, edge) for n, edge in enumerate(model.Edges or []) if not first or edge.Source in taken]
        edges = _read_edges(written, nodes) if written else _follow_levels(nodes)
    except ValidationError as error:
        raise MorbidsError(
            f"{path} is not a valid BIDS Stats Model: {_explain(error)}.",
            "The specification of BIDS Stats Models lists the fields of each object.",
            ExitCode.USAGE,
        ) from error
    except MorbidsError as error:
        if str(path) in error.message:
            raise
        raise MorbidsError(f"{path}: {error.message}", error.hint, ExitCode.USAGE) from error
    inputs = {name: tuple(map(str, values)) for name, values in (model.Input or {}).items()}
    return StatsModel(model.Name, nodes, inputs, model.Description or "", edges)


def _names_from(model: schema.BIDSStatsModel, first: str) -> frozenset[str]:
    """Names of a node and of those that its results lead to, along the edges, else in the order of the file."""
    names = [node.Name for node in model.Nodes]
    if not first:
        return frozenset(names)
    if first not in names:
        raise MorbidsError(f"There is no node '{first}' to begin at.", f"Nodes are {', '.join(names)}.")
    if not model.Edges:
        return frozenset(names[names.index(first) :])
    reached, left = {first}, {first}
    while left:
        left = {edge.Destination for edge in model.Edges if edge.Source in left} - reached
        reached |= left
    return frozenset(reached)


def _refuse_same_names(nodes: Sequence[Node]) -> None:
    twice = [name for name, count in Counter(node.name for node in nodes).items() if count > 1]
    if twice:
        raise MorbidsError(f"Two nodes are called '{twice[0]}'.", "Give each its own name.")
    if not any(node.level == "Dataset" for node in nodes):
        raise MorbidsError(
            "There is no node of Level Dataset.", "Write one: nothing is tested within participants."
        )


def _follow_levels(nodes: Sequence[Node]) -> tuple[Edge, ...]:
    """Edges of a model that names none: each node takes the results of the node before it of a lower level."""
    edges: list[Edge] = []
    for n, node in enumerate(nodes):
        lower = [one for one in nodes[:n] if _LEVELS.index(one.level) < _LEVELS.index(node.level)]
        if lower:
            edges.append(Edge(lower[-1].name, node.name))
    _refuse_dead_ends(nodes, edges)
    return tuple(edges)


def _read_edges(written: Sequence[tuple[int, schema.Edge]], nodes: Sequence[Node]) -> tuple[Edge, ...]:
    """Edges, each with its number in the file."""
    level = {node.name: _LEVELS.index(node.level) for node in nodes}
    edges: list[Edge] = []
    for n, edge in written:
        where = f"Edges[{n}]"
        for name in (edge.Source, edge.Destination):
            if name not in level:
                raise MorbidsError(
                    f"{where} names '{name}', which is no node.", f"Nodes are {', '.join(level)}."
                )
        if level[edge.Source] >= level[edge.Destination]:
            raise _refusal(
                f"{where} from '{edge.Source}' to '{edge.Destination}'",
                "an edge leads to a higher level: from Run to Session, Subject and Dataset.",
            )
        if any(one.destination == edge.Destination for one in edges):
            raise _refusal(
                f"{where}: a second edge to '{edge.Destination}'", "write a node of its own for each source."
            )
        filters = {name: tuple(map(str, values)) for name, values in (edge.Filter or {}).items()}
        edges.append(Edge(edge.Source, edge.Destination, filters))
    _refuse_dead_ends(nodes, edges)
    return tuple(edges)


def _refuse_dead_ends(nodes: Sequence[Node], edges: Sequence[Edge]) -> None:
    sources = {edge.source for edge in edges}
    for node in nodes:
        if node.level != "Dataset" and node.name not in sources:
            raise MorbidsError(
                f"The results of the node '{node.name}' lead nowhere.",
                "Add an edge to a node of Level Dataset, or leave the node out.",
            )


def _refusal(where: str, remedy: str) -> MorbidsError:
    return MorbidsError(f"{where} is not supported.", remedy[0].upper() + remedy[1:], ExitCode.USAGE)


def _explain(error: ValidationError) -> str:
    """The first problem that the schema finds, with its place."""
    problem = error.errors()[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    return f"{place.lstrip('.')}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _refuse_unknown_keys(content: Mapping[str, Any]) -> None:
    """The schema lets unknown keys pass; a misspelt one must not change a model silently."""
    _check_keys("the model", schema.BIDSStatsModel, content)
    for n, node in enumerate(content["Nodes"]):
        where = f"Nodes[{n}]"
        _check_keys(where, schema.Node, node)
        parts: list[tuple[str, type[BaseModel]]] = [
            ("Model", schema.Model),
            ("Transformations", schema.Transformations),
            ("DummyContrasts", schema.DummyContrasts),
        ]
        for key, kind in parts:
            _check_keys(f"{where}.{key}", kind, node.get(key) or {})
        for c, contrast in enumerate(node.get("Contrasts") or []):
            _check_keys(f"{where}.Contrasts[{c}]", schema.Contrast, contrast)
    for n, edge in enumerate(content.get("Edges") or []):
        _check_keys(f"Edges[{n}]", schema.Edge, edge)


def _check_keys(where: str, kind: type[BaseModel], content: Mapping[str, Any]) -> None:
    for key in content:
        if key not in kind.model_fields:
            known = ", ".join(name for name in kind.model_fields if name != "model_config")
            raise MorbidsError(f"{where} has the unknown key '{key}'.", f"Keys are {known}.")


def _read_node(node: schema.Node, where: str) -> Node:
    if node.Level == "Run" and list(node.Model.X) != [1]:
        raise _refusal(
            f"{where}.Level 'Run' with X {', '.join(map(str, node.Model.X))}",
            "the time series of a run were modelled when its map was made: begin with nodes of Level Session, Subject "
            "or Dataset over the maps.",
        )
    if node.Model.Type != "glm":
        raise _refusal(
            f"{where}.Model.Type '{node.Model.Type}'", "use glm: the maps of a participant weigh alike."
        )
    for key in ("Formula", "HRF", "Options", "Software"):
        if getattr(node.Model, key) is not None:
            raise _refusal(f"{where}.Model.{key}", "list the columns of the design in X, and leave it out.")
    columns = tuple(INTERCEPT if column == 1 else str(column) for column in node.Model.X)
    if not columns or len(set(columns)) < len(columns):
        raise MorbidsError(f"{where}.Model.X is empty or names a column twice.", "List each column once.")
    steps = node.Transformations.Instructions if node.Transformations else []
    contrasts, dummies = _read_contrasts(node, where)
    return Node(
        name=node.Name,
        columns=columns,
        group_by=tuple(node.GroupBy),
        instructions=tuple(
            read_instruction(step, f"{where}.Transformations.Instructions[{n}]")
            for n, step in enumerate(steps)
        ),
        contrasts=contrasts,
        dummy_contrasts=dummies,
        level=node.Level,
    )


def _read_contrasts(node: schema.Node, where: str) -> tuple[tuple[Contrast, ...], tuple[str, ...] | None]:
    contrasts = tuple(
        _read_contrast(contrast, f"{where}.Contrasts[{n}]", node.Level)
        for n, contrast in enumerate(node.Contrasts or [])
    )
    dummies: tuple[str, ...] | None = ()
    if node.DummyContrasts is not None:
        tests = ("t",) if node.Level == "Dataset" else ("t", "pass")
        _check_test(node.DummyContrasts.Test, f"{where}.DummyContrasts", tests)
        wanted = node.DummyContrasts.Contrasts
        dummies = None if wanted is None else tuple(INTERCEPT if c == 1 else str(c) for c in wanted)
    if not contrasts and dummies == ():
        raise MorbidsError(
            f"{where} has no contrast.", 'Add Contrasts, or "DummyContrasts": {"Test": "t"} for every column.'
        )
    names = Counter([contrast.name for contrast in contrasts] + list(dummies or ()))
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise MorbidsError(f"{where} has two contrasts called '{twice[0]}'.", "Give each its own name.")
    return contrasts, dummies


def _check_test(test: str, where: str, known: tuple[str, ...]) -> None:
    if test not in known:
        raise _refusal(f"{where}.Test '{test}'", f"write {' or '.join(known)}.")


def _read_contrast(contrast: schema.Contrast, where: str, level: Level) -> Contrast:
    # Within a participant a contrast is an estimate that is handed on, which F has none of.
    _check_test(contrast.Test, where, ("t", "F") if level == "Dataset" else ("t", "pass"))
    conditions = tuple(INTERCEPT if c == 1 else str(c) for c in contrast.ConditionList)
    # The schema lets through one list of numbers, or a list for each row.
    if not contrast.Weights or not isinstance(contrast.Weights[0], list):
        row = _read_row(contrast, contrast.Weights, where)
        if contrast.Test != "F":
            return Contrast(contrast.Name, conditions, row)
        return Contrast(contrast.Name, conditions, (), (row,))
    if contrast.Test != "F":
        raise MorbidsError(
            f"{where} '{contrast.Name}' has a list of {len(contrast.Weights)} rows of weights for t.",
            "Write Test F, or one row.",
        )
    rows = tuple(_read_row(contrast, row, where) for row in contrast.Weights)
    return Contrast(contrast.Name, conditions, (), rows)


def _read_row(contrast: schema.Contrast, row: Any, where: str) -> tuple[float, ...]:
    """One weighted sum of a contrast."""
    if len(row) != len(contrast.ConditionList):
        raise MorbidsError(
            f"{where} '{contrast.Name}' has {len(contrast.ConditionList)} conditions and {len(row)} weights.",
            "Give one weight for each condition.",
        )
    weights = tuple(_read_weight(weight, where) for weight in row)
    if not any(weights):
        raise MorbidsError(
            f"{where} '{contrast.Name}' has no weight other than 0.", "Give a condition a weight."
        )
    return weights


def _read_weight(weight: object, where: str) -> float:
    """A number, or a fraction as text such as `1/3`."""
    try:
        value = float(Fraction(weight)) if isinstance(weight, int | float | str) else math.nan
    except (ValueError, ZeroDivisionError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise MorbidsError(
            f"{where} has the weight {weight!r}.",
            'Weights are numbers or fractions such as "1/3", in one list; of an F, in a list for each row.',
        )
    return value
