"""The built-in questions: of each kind of map its mean, its slope on traits, groups; and kinds against kinds."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from pathlib import Path

import pandas as pd

from morbids.errors import ExitCode, MorbidsError
from morbids.group.comparison import Comparison
from morbids.group.factors import ask_factors
from morbids.group.pairs import pair_kinds
from morbids.group.placed import check_places, expected_sign, traits_of, traits_of_pair
from morbids.group.question_nodes import Groups, ask_group_column, ask_mean, ask_slope, find_groups
from morbids.group.questions import Asked, Question, Trait, compare_asked
from morbids.group.row_sources import Rows, rows_of_kind
from morbids.group.rows import GroupRows, RowKind, places_of
from morbids.settings import GroupSettings

# A title, and what makes the comparison or says why it cannot be made.
Asking = tuple[str, Callable[[], Comparison]]


def ask_built_in(group: GroupRows, dataset: Path, settings: GroupSettings) -> Asked:
    """Make every built-in comparison that can be made.

    Raises
    ------
    MorbidsError
        The column of groups has one value, or an option names scans or factors that are not there.
    """
    column = settings.group_column
    groups = find_groups(column, group.table, group.words_of(column)) if column else None
    check_places(settings, {kind.title: places_of(kind) for kind in group.kinds})
    if group.percent and settings.within:
        raise MorbidsError(
            "--maps percent cannot be combined with --within, whose effects are not of one scan.",
            "Leave --within out: pairs of scans are compared in percent.",
            ExitCode.USAGE,
        )
    comparisons: list[Comparison] = []
    skipped: dict[str, str] = {}
    for title, make in _askings(group, dataset, settings, groups):
        try:
            comparisons.append(make())
        except MorbidsError as error:
            skipped[title] = str(error)
    if group.percent and not comparisons and not skipped:
        skipped["--maps percent"] = (
            "there are no percent maps of windows, and nobody has two scans of one parameter."
        )
    return Asked(tuple(comparisons), skipped)


def _askings(
    group: GroupRows, dataset: Path, settings: GroupSettings, groups: Groups | None
) -> Iterator[Asking]:
    """Every question: of one kind after the other, then within participants."""
    alone = len(group.kinds) == 1 and not settings.traits and not settings.group_column
    for kind in () if group.percent else group.kinds:
        rows = rows_of_kind(kind, group, dataset)
        # Factors within participants compare groups in the mean over all scans, and in each effect.
        of_groups = () if settings.within else ask_group_column(groups, rows.lines, settings)
        for title, ask in (*_of_kind(rows.lines, settings, kind, group, alone=alone), *of_groups):
            yield f"{rows.title}{title}", partial(compare_asked, rows, ask)
    if settings.within:
        yield from ask_factors(group, settings, dataset, groups)
        return
    alike = tuple(
        kind for kind in group.kinds if group.kind != "parameter" or _same_window(kind, group.kinds[0])
    )
    if len(alike) > 2 and not group.percent:
        yield from ask_factors(group._replace(kinds=alike), settings, dataset, groups)
    for first, second in combinations(group.kinds, 2):
        for rows, asks in pair_kinds(first, second, group, dataset):
            yield from _of_pair(rows, asks, (first, second), group, settings)
            for title, ask in ask_group_column(groups, rows.lines, settings):
                yield f"{rows.title}{title}", partial(compare_asked, rows, ask)


def _same_window(one: RowKind, other: RowKind) -> bool:
    return one.rows[0].description == other.rows[0].description


def _of_kind(
    lines: pd.DataFrame, settings: GroupSettings, kind: RowKind, group: GroupRows, *, alone: bool
) -> Iterator[tuple[str, Callable[[], Question]]]:
    """Questions to one kind, with the end of their titles; the mean of parameters only when nothing else is asked."""
    if group.kind != "parameter":
        asks = "Does binding change from baseline to challenge? Positive: it falls, which is activation."
        expected = expected_sign(settings, places_of(kind))
        yield "", partial(ask_mean, asks, settings, lines, family="change", expected=expected)
    elif alone:
        asks = "Does the mean differ from 0? Positive: it is higher."
        yield "", partial(ask_mean, asks, settings, lines, ("above 0", "below 0"), family="change")
    for column in traits_of(settings, places_of(kind)):
        trait = Trait(column, group.words_of(column).name)
        yield f" by {trait.words}", partial(ask_slope, trait, settings, lines)


def _of_pair(
    rows: Rows, asks: str, kinds: tuple[RowKind, RowKind], group: GroupRows, settings: GroupSettings
) -> Iterator[Asking]:
    """Questions to the difference between two kinds: its mean, and whether it goes with traits."""
    more = "higher" if group.kind == "parameter" else "more activation"
    first, second = kinds
    between = (f"{more} in {first.short}", f"{more} in {second.short}")
    yield (
        rows.title,
        partial(
            compare_asked, rows, partial(ask_mean, asks, settings, rows.lines, between, family="between")
        ),
    )
    for column in traits_of_pair(settings, places_of(first), places_of(second)):
        trait = Trait(column, group.words_of(column).name)
        yield (
            f"{rows.title} by {trait.words}",
            partial(compare_asked, rows, partial(ask_slope, trait, settings, rows.lines)),
        )
