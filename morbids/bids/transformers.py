"""The transformers of BIDS Stats Models (`pybids-transforms-v1`) that morbids knows, on a table of rows."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import pandas as pd

from morbids.errors import MorbidsError

Constraint = Literal["none", "drop_one", "mean_zero"]


@dataclass(frozen=True)
class Factor:
    """One column of zeros and ones for each level of a variable, which it replaces.

    `drop_one` leaves out the reference level; `mean_zero` also codes its rows -1, so that each column sums to 0
    over the levels and an intercept is their unweighted mean (pybids writes -1 / (levels - 1), which is the same
    for two levels only). The reference is the first level in sorted order unless named.
    """

    inputs: tuple[str, ...]
    constraint: Constraint = "none"
    reference_level: str | None = None
    separator: str = "."


@dataclass(frozen=True)
class Scale:
    """Subtract the mean, divide by the standard deviation (n - 1), or both; missing values stay missing."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    demean: bool = True
    rescale: bool = True


@dataclass(frozen=True)
class Product:
    """Row by row product of variables."""

    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Rename:
    """Give variables other names."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


Instruction = Factor | Scale | Product | Rename


class Variables(NamedTuple):
    """Variables of the rows, and the columns of the table that each was made of."""

    frame: pd.DataFrame
    sources: dict[str, frozenset[str]]


def transform(table: pd.DataFrame, instructions: tuple[Instruction, ...]) -> Variables:
    """Apply instructions one after the other.

    Raises
    ------
    MorbidsError
        An instruction names a variable that is not there, text where numbers are needed, a constant to be
        scaled, or a level that does not occur.
    """
    variables = Variables(table.copy(), {name: frozenset({name}) for name in table.columns})
    for instruction in instructions:
        match instruction:
            case Factor():
                variables = _factor(variables, instruction)
            case Scale():
                variables = _scale(variables, instruction)
            case Product():
                variables = _product(variables, instruction)
            case Rename():
                variables = _rename(variables, instruction)
    return variables


def numbers(frame: pd.DataFrame, name: str) -> "pd.Series[float]":
    """Return a variable as numbers.

    Raises
    ------
    MorbidsError
        It is not in the table, or holds text.
    """
    column = _column(frame, name)
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        example = column.dropna()
        raise MorbidsError(
            f"The variable '{name}' holds text"
            + (f" ('{example.iloc[0]}')." if len(example) else " or nothing at all."),
            f'Make columns of its levels first: {{"Name": "Factor", "Input": ["{name}"]}}.',
        )
    return column.astype(float)


def level_name(value: object) -> str:
    """What a level of a factor is called: whole numbers without their point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[float]":
    if name not in frame:
        raise MorbidsError(
            f"There is no variable '{name}'.",
            f"The rows have {', '.join(map(str, frame.columns))}.",
        )
    column: pd.Series[float] = frame[name]
    return column


def _factor(variables: Variables, factor: Factor) -> Variables:
    frame, sources = variables.frame.copy(), dict(variables.sources)
    for name in factor.inputs:
        column = _column(frame, name).map(level_name, na_action="ignore")
        levels = sorted(column.dropna().unique())
        coded = pd.DataFrame({level: (column == level).astype(float) for level in levels}, index=frame.index)
        coded[column.isna()] = float("nan")
        if factor.constraint != "none":
            reference = _reference_level(name, levels, factor.reference_level)
            if factor.constraint == "mean_zero":
                coded[column == reference] = -1
            coded = coded.drop(columns=reference)
        coded.columns = [f"{name}{factor.separator}{level}" for level in coded.columns]
        sources |= {str(new): sources[name] for new in coded.columns}
        frame = pd.concat([frame.drop(columns=name), coded], axis=1)
    return Variables(frame, sources)


def _reference_level(name: str, levels: list[str], wanted: str | None) -> str:
    if len(levels) < 2:
        raise MorbidsError(
            f"The variable '{name}' has {'no level' if not levels else f'only the level {levels[0]!r}'}.",
            "A constrained Factor needs two levels at least; leave the variable out.",
        )
    if wanted is not None and wanted not in levels:
        raise MorbidsError(
            f"The reference level '{wanted}' of '{name}' does not occur.", f"Levels are {', '.join(levels)}."
        )
    return levels[0] if wanted is None else wanted


def _scale(variables: Variables, scale: Scale) -> Variables:
    frame, sources = variables.frame.copy(), dict(variables.sources)
    for name, output in zip(scale.inputs, scale.outputs, strict=True):
        column = numbers(frame, name)
        if column.nunique() < 2:
            value = column.dropna()
            raise MorbidsError(
                f"The variable '{name}' is {'missing' if value.empty else format(value.iloc[0], 'g')} in every "
                "row, so it cannot be scaled.",
                "Leave it out of the model, or select rows that differ in it.",
            )
        if scale.demean:
            column = column - column.mean()
        if scale.rescale:
            column = column / column.std()
        frame[output] = column
        sources[output] = sources[name]
    return Variables(frame, sources)


def _product(variables: Variables, product: Product) -> Variables:
    frame = variables.frame.copy()
    value = numbers(frame, product.inputs[0])
    for name in product.inputs[1:]:
        value = value * numbers(frame, name)
    frame[product.output] = value
    made_of = frozenset().union(*(variables.sources[name] for name in product.inputs))
    return Variables(frame, {**variables.sources, product.output: made_of})


def _rename(variables: Variables, rename: Rename) -> Variables:
    frame, sources = variables.frame, dict(variables.sources)
    for name, output in zip(rename.inputs, rename.outputs, strict=True):
        _column(frame, name)
        if output in frame:
            raise MorbidsError(
                f"Rename cannot call '{name}' '{output}': there is a variable of that name.",
                "Choose another name.",
            )
        frame = frame.rename(columns={name: output})
        sources[output] = sources[name]
    return Variables(frame, sources)
