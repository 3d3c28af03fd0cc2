"""Questions to rows that are one per participant: their mean, its slope on a trait, groups; each beside covariates.

Each is written as a node of a BIDS Stats Model, so that rows with missing values, text columns and designs that
cannot be estimated are treated as in a model file.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import NamedTuple

import pandas as pd

from morbids.bids.column_words import ColumnWords
from morbids.bids.names import capitalised, entity_label
from morbids.bids.stats_model import Contrast, Node
from morbids.bids.transformers import Factor, Instruction, Scale, level_name
from morbids.errors import ExitCode, MorbidsError
from morbids.group.comparison import DIFFERENCE, Family
from morbids.group.questions import Question, Trait, Words
from morbids.numerics.statistics.designs import INTERCEPT
from morbids.settings import GroupSettings


def ask_mean(
    asks: str,
    settings: GroupSettings,
    lines: pd.DataFrame,
    directions: tuple[str, str] = ("activation", "deactivation"),
    *,
    family: Family,
    expected: int = 0,
) -> Question:
    """Whether the mean differs from 0."""
    covariates = _covariates(settings, lines)
    node = Node(
        "mean",
        (INTERCEPT, *covariates.columns),
        instructions=covariates.instructions,
        contrasts=(Contrast("mean", (INTERCEPT,), (1.0,)),),
    )
    words = Words("", "", asks, directions, family=family, expected=expected)
    return Question(words, node)


def ask_slope(trait: Trait, settings: GroupSettings, lines: pd.DataFrame) -> Question:
    """Whether the maps go with a trait."""
    column, words = trait
    covariates = _covariates(settings, lines, of_interest=column)
    node = Node(
        "slope",
        (INTERCEPT, column, *covariates.columns),
        instructions=(Scale((column,), (column,), rescale=False), *covariates.instructions),
        contrasts=(Contrast("slope", (column,), (1.0,)),),
    )
    asks = f"Do the maps go with {words}? Positive: higher values, such as more activation, with a higher {words}."
    directions = (f"rises with {words}", f"falls with {words}")
    name = f"By{capitalised(entity_label(column))}"
    return Question(Words(name, f" by {words}", asks, directions, family="trait"), node, trait)


class Groups(NamedTuple):
    """A column of groups: its values in their order, and what it and they are called."""

    column: str
    levels: tuple[str, ...]
    words: ColumnWords

    @property
    def title(self) -> str:
        """The end of a title."""
        return f": groups of {self.words.name}"

    def difference(self, first: str, second: str) -> str:
        """Two groups, as they are subtracted."""
        return f"{self.words.level(second)} − {self.words.level(first)}"


def find_groups(column: str, lines: pd.DataFrame, words: ColumnWords) -> Groups:
    """Find the groups of a column.

    Raises
    ------
    MorbidsError
        There is one, or as many as could be groups of one person.
    """
    known = lines.drop_duplicates("participant_id")[column].dropna()
    levels = sorted({level_name(value) for value in known})
    if len(levels) < 2 or 2 * len(levels) > len(known):
        listed = ", ".join(levels[:6]) + (" ..." if len(levels) > 6 else "")
        raise MorbidsError(
            f"The column '{column}' has the values {listed}: {len(levels)} groups of {len(known)} participants.",
            "--group-column compares two groups or more, of two participants or more; --trait takes a number as it is.",
            ExitCode.USAGE,
        )
    return Groups(column, tuple(levels), words)


def ask_groups(groups: Groups, settings: GroupSettings, lines: pd.DataFrame) -> Question:
    """Whether any of three groups or more differs from the others."""
    column = settings.group_column
    covariates = _covariates(settings, lines, of_interest=column)
    columns = tuple(f"{column}.{level}" for level in _present((), settings, lines))
    tested = tuple(
        tuple({columns[0]: -1.0, other: 1.0}.get(name, 0.0) for name in columns) for other in columns[1:]
    )
    node = Node(
        "groups",
        (*columns, *covariates.columns),
        instructions=(Factor((column,)), *covariates.instructions),
        contrasts=(Contrast("differences", columns, (), tested),),
    )
    words = Words(
        f"Among{capitalised(entity_label(column))}",
        groups.title,
        f"Do the maps differ among the {len(columns)} groups of {groups.words.name}? F says that some differ, not "
        "which.",
        DIFFERENCE,
        family="group",
    )
    return Question(words, node)


def _present(wanted: Sequence[str], settings: GroupSettings, lines: pd.DataFrame) -> list[str]:
    """Groups of the rows that a design can use, the wanted ones among them."""
    column = settings.group_column
    usable = lines.dropna(subset=[*settings.covariates])[column].dropna()
    levels = sorted({level_name(value) for value in usable})
    if len(levels) < 2 or not set(wanted) <= set(levels):
        raise MorbidsError(
            f"The column '{column}' has the values {', '.join(levels)} in the rows that can be used.",
            "Complete the tables of the study, or leave covariates out.",
        )
    return levels


def ask_two_groups(
    groups: Groups, pair: tuple[str, str], settings: GroupSettings, lines: pd.DataFrame
) -> Question:
    """How one group differs from another; the others of the column, if any, stand beside them."""
    column, (first, second) = groups.column, pair
    covariates = _covariates(settings, lines, of_interest=column)
    columns = tuple(f"{column}.{level}" for level in (first, second))
    present = _present((first, second), settings, lines)
    others = tuple(f"{column}.{level}" for level in present if level not in (first, second))
    node = Node(
        "groups",
        (*columns, *others, *covariates.columns),
        instructions=(Factor((column,)), *covariates.instructions),
        contrasts=(Contrast("difference", columns, (-1.0, 1.0)),),
    )
    first_called, second_called = (groups.words.level(level) for level in pair)
    suffix = f"{capitalised(entity_label(second))}Minus{capitalised(entity_label(first))}"
    words = Words(
        suffix,
        f": {groups.words.name} {groups.difference(first, second)}",
        f"Do the maps differ between groups? Positive: higher in {groups.words.name} {second_called} than in "
        f"{first_called}.",
        (f"higher in {second_called}", f"higher in {first_called}"),
        "" if settings.equal_variances or others else columns[1],
        family="group",
    )
    return Question(words, node)


def ask_group_column(
    groups: Groups | None, lines: pd.DataFrame, settings: GroupSettings
) -> Iterator[tuple[str, Callable[[], Question]]]:
    """Whether groups differ, with the end of the title: each pair of them, and of three or more any."""
    if groups is None:
        return
    several = len(groups.levels) > 2
    if several:
        yield groups.title, partial(ask_groups, groups, settings, lines)
    for pair in combinations(groups.levels, 2):
        title = groups.title + (f", {groups.difference(*pair)}" if several else "")
        yield title, partial(ask_two_groups, groups, pair, settings, lines)


class _Covariates(NamedTuple):
    columns: tuple[str, ...]
    instructions: tuple[Instruction, ...]


def _covariates(settings: GroupSettings, lines: pd.DataFrame, of_interest: str = "") -> _Covariates:
    """Columns of no interest, without their means; text as one column for each level but the first.

    Levels are those of the rows that the design can use: of others there would be no column.
    """
    names = [name for name in settings.covariates if name != of_interest]
    complete = lines.dropna(subset=[*names, *filter(None, [of_interest])])
    columns: list[str] = []
    factors: list[str] = []
    for name in names:
        if pd.api.types.is_numeric_dtype(lines[name]):
            columns.append(name)
        else:
            levels = sorted({level_name(value) for value in complete[name]})
            columns += [f"{name}.{level}" for level in levels[1:]]
            factors.append(name)
    instructions: list[Instruction] = [Factor((name,), "drop_one") for name in factors]
    if columns:
        instructions.append(Scale(tuple(columns), tuple(columns), rescale=False))
    return _Covariates(tuple(columns), tuple(instructions))
