"""BIDS Stats Models: what a model file asks for, read and refused where morbids cannot do it."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import bsmschema.models as schema
from pydantic import BaseModel, ValidationError

from morbids.bids.inheritance import read_json_object
from morbids.bids.transformers import Factor, Instruction, Product, Rename, Scale, level_name
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


@dataclass(frozen=True)
class Node:
    """One model of all rows, or of each part of them.

    Attributes
    ----------
    name
        Of the results' folder.
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


@dataclass(frozen=True)
class StatsModel:
    """A model file: which rows (values by entity or variable), and the nodes that analyse them."""

    name: str
    nodes: tuple[Node, ...]
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    description: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names and patterns that may be columns of tables of traits: other tables need not be read."""
        return tuple(
            dict.fromkeys(
                [
                    *self.inputs,
                    *(name for node in self.nodes for name in (*node.group_by, *node.columns)),
                    *(name for node in self.nodes for step in node.instructions for name in step.inputs),
                ]
            )
        )


def read_stats_model(path: Path) -> StatsModel:
    """Read a BIDS Stats Model.

    Raises
    ------
    MorbidsError
        The file is no valid BIDS Stats Model, or asks for something that morbids does not do.
    """
    try:
        content = read_json_object(path)
        model = schema.BIDSStatsModel.model_validate(content)
        _refuse_unknown_keys(content)
        if content.get("Edges"):
            raise _refusal("Edges", "each node is applied to the maps themselves: leave Edges out.")
        nodes = tuple(_read_node(node, f"Nodes[{n}]") for n, node in enumerate(model.Nodes))
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
    if not nodes:
        raise MorbidsError(f"{path}: Nodes is empty.", "Write one node of Level Dataset.", ExitCode.USAGE)
    twice = [name for name, count in Counter(node.name for node in nodes).items() if count > 1]
    if twice:
        raise MorbidsError(
            f"{path}: two nodes are called '{twice[0]}'.", "Give each its own name.", ExitCode.USAGE
        )
    inputs = {name: tuple(map(str, values)) for name, values in (model.Input or {}).items()}
    return StatsModel(model.Name, nodes, inputs, model.Description or "")


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


def _check_keys(where: str, kind: type[BaseModel], content: Mapping[str, Any]) -> None:
    for key in content:
        if key not in kind.model_fields:
            known = ", ".join(name for name in kind.model_fields if name != "model_config")
            raise MorbidsError(f"{where} has the unknown key '{key}'.", f"Keys are {known}.")


def _read_node(node: schema.Node, where: str) -> Node:
    if node.Level != "Dataset":
        raise _refusal(
            f"{where}.Level '{node.Level}'",
            "maps of single scans are already there: write nodes of Level Dataset over them.",
        )
    if node.Model.Type != "glm":
        raise _refusal(f"{where}.Model.Type '{node.Model.Type}'", "use glm.")
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
            _read_instruction(step, f"{where}.Transformations.Instructions[{n}]")
            for n, step in enumerate(steps)
        ),
        contrasts=contrasts,
        dummy_contrasts=dummies,
    )


def _read_contrasts(node: schema.Node, where: str) -> tuple[tuple[Contrast, ...], tuple[str, ...] | None]:
    contrasts = tuple(
        _read_contrast(contrast, f"{where}.Contrasts[{n}]") for n, contrast in enumerate(node.Contrasts or [])
    )
    dummies: tuple[str, ...] | None = ()
    if node.DummyContrasts is not None:
        _check_test(node.DummyContrasts.Test, f"{where}.DummyContrasts", ("t",))
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


def _read_contrast(contrast: schema.Contrast, where: str) -> Contrast:
    _check_test(contrast.Test, where, ("t", "F"))
    conditions = tuple(INTERCEPT if c == 1 else str(c) for c in contrast.ConditionList)
    # The schema lets through one list of numbers, or a list for each row.
    if not contrast.Weights or not isinstance(contrast.Weights[0], list):
        row = _read_row(contrast, contrast.Weights, where)
        if contrast.Test == "t":
            return Contrast(contrast.Name, conditions, row)
        return Contrast(contrast.Name, conditions, (), (row,))
    if contrast.Test == "t":
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


def _read_instruction(step: object, where: str) -> Instruction:
    name = str(step.get("Name", "")) if isinstance(step, Mapping) else ""
    if not isinstance(step, Mapping) or name not in _TRANSFORMERS:
        raise MorbidsError(
            f"{where}: the transformer '{name}' is not supported.",
            f"Use {', '.join(_TRANSFORMERS)}, or compute the variable in participants.tsv or phenotype/.",
        )
    transformer = _TRANSFORMERS[name]
    for key in step:
        if key not in ("Name", "Description", *transformer.keys):
            raise MorbidsError(
                f"{where}: {name} has the unknown key '{key}'.", f"Keys are {', '.join(transformer.keys)}."
            )
    return transformer.read(step, _names(step.get("Input"), f"{where}.Input"), where)


def _read_factor(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Factor:
    constraint = step.get("Constraint", "none")
    if constraint not in ("none", "drop_one", "mean_zero"):
        raise MorbidsError(f"{where}.Constraint is {constraint!r}.", "It is none, drop_one or mean_zero.")
    reference = step.get("RefLevel")
    if reference is not None and constraint == "none":
        raise MorbidsError(
            f"{where}.RefLevel has no use without a constraint.", "Add Constraint drop_one or mean_zero."
        )
    separator = str(step.get("Sep", "."))
    return Factor(inputs, constraint, None if reference is None else level_name(reference), separator)


def _read_scale(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Scale:
    flags = {key: step.get(key, True) for key in ("Demean", "Rescale")}
    if not all(isinstance(flag, bool) for flag in flags.values()) or not any(flags.values()):
        raise MorbidsError(
            f"{where}: Demean is {flags['Demean']!r} and Rescale is {flags['Rescale']!r}.",
            "Each is true or false, and one of them must be true.",
        )
    if step.get("ReplaceMissing", "off") not in ("off", None):
        raise MorbidsError(
            f"{where}.ReplaceMissing is {step['ReplaceMissing']!r}, which makes up values.",
            "Leave it out: rows with missing values are left out and listed.",
        )
    return Scale(inputs, _outputs(step, inputs, where), flags["Demean"], flags["Rescale"])


def _read_demean(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Scale:
    return Scale(inputs, _outputs(step, inputs, where), demean=True, rescale=False)


def _read_product(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Product:
    outputs = _names(step.get("Output"), f"{where}.Output")
    if len(inputs) < 2 or len(outputs) != 1:
        raise MorbidsError(
            f"{where}: Product has {len(inputs)} inputs and {len(outputs)} outputs.",
            "It takes two or more variables and makes one.",
        )
    return Product(inputs, outputs[0])


def _read_rename(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Rename:
    if "Output" not in step:
        raise MorbidsError(f"{where}: Rename has no Output.", "Give one new name for each variable.")
    return Rename(inputs, _outputs(step, inputs, where))


def _outputs(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> tuple[str, ...]:
    """New names, as many as inputs; the inputs' own where none are given."""
    if step.get("Output") is None:
        return inputs
    outputs = _names(step["Output"], f"{where}.Output")
    if len(outputs) != len(inputs):
        raise MorbidsError(
            f"{where} has {len(inputs)} inputs and {len(outputs)} outputs.",
            "Give one new name for each variable.",
        )
    return outputs


def _names(value: object, where: str) -> tuple[str, ...]:
    """One name or a list of names."""
    names: Sequence[object] = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if not names or not all(isinstance(name, str) and name for name in names):
        raise MorbidsError(f"{where} is {value!r}.", "It must be a list of names of variables.")
    return tuple(str(name) for name in names)


class _Transformer(NamedTuple):
    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any], tuple[str, ...], str], Instruction]


_TRANSFORMERS: Mapping[str, _Transformer] = MappingProxyType(
    {
        "Factor": _Transformer(("Input", "Constraint", "RefLevel", "Sep"), _read_factor),
        "Scale": _Transformer(("Input", "Demean", "Rescale", "ReplaceMissing", "Output"), _read_scale),
        "Demean": _Transformer(("Input", "Output"), _read_demean),
        "Product": _Transformer(("Input", "Output"), _read_product),
        "Rename": _Transformer(("Input", "Output"), _read_rename),
    }
)
