"""Factors within participants: main effects and interactions of tasks, sessions, runs or windows.

Every participant gives one row for each level that a question compares, made of the maps of the cells: the mean over
the levels of the other factor for a main effect, the difference between its two levels for an interaction. Two levels
are a question of t to one difference per participant; more are repeated measures, tested by F.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.names import capitalised, entity_label
from morbids.bids.rows import MapRow
from morbids.bids.transformers import level_name
from morbids.errors import ExitCode, MorbidsError
from morbids.group.comparison import (
    DIFFERENCE,
    NO_PROTOCOLS,
    Comparison,
    Family,
    Missing,
    Terms,
    write_design,
)
from morbids.group.placed import expected_sign
from morbids.group.question_nodes import Groups, ask_group_column, ask_mean
from morbids.group.questions import compare_asked
from morbids.group.row_sources import Rows, keep_terms, rows_of_kind
from morbids.group.rows import GroupRows, RowKind, places_of
from morbids.group.windows import region_table, window_map
from morbids.numerics.statistics.designs import Design
from morbids.numerics.statistics.factorial import groups_by_conditions, interaction_within, repeated_measures
from morbids.settings import Factor, GroupSettings
from morbids.words import listed

_ENTITIES: Mapping[str, str] = {"task": "task", "session": "ses", "run": "run", "tracer": "trc"}
# Levels of the factor window: of a scan with a challenge.
_WINDOWS = ("baseline", "challenge")
# The factor where none is named: whatever tells the scans of a participant apart.
_SCAN = "scan"

Cell = tuple[str, ...]
Role = Literal["Baseline", "Challenge"]


class _Image(NamedTuple):
    """Maps that one cell of one participant is the mean of, their tables of regions, and what is known of the row.

    There are several where runs are averaged; a table is None where there is none.
    """

    maps: tuple[Path, ...]
    tables: tuple[Path | None, ...]
    known: "pd.Series[Any]"


class _Cells(NamedTuple):
    """All maps of a design within participants.

    Attributes
    ----------
    factors, levels
        Names, and the values of each.
    images
        By participant, then by cell.
    dropped
        Participants who lack a cell.
    """

    factors: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    images: Mapping[str, Mapping[Cell, _Image]]
    dropped: tuple[Missing, ...]


class _Row(NamedTuple):
    """Cells that are added and taken away for one row of every participant, and what the sum is divided by."""

    name: str
    added: tuple[Cell, ...]
    removed: tuple[Cell, ...] = ()
    divisor: int = 1


class _Effect(NamedTuple):
    """A main effect or an interaction: its words, the rows of each participant, and the levels where F tests both.

    `factor` names the columns of the rows.
    """

    factor: str
    name: str
    title: str
    asks: str
    directions: tuple[str, str]
    family: Family
    rows: tuple[_Row, ...]
    both: tuple[tuple[str, ...], ...] = ()


def ask_factors(
    group: GroupRows, settings: GroupSettings, dataset: Path, groups: Groups | None
) -> Iterator[tuple[str, Callable[[], Comparison]]]:
    """Every main effect and interaction, and how they differ between groups, each with what makes the comparison.

    Without `--within`, the scans of a participant are one factor.

    Raises
    ------
    MorbidsError
        More than two factors, one that does not vary, or two maps of one cell.
    """
    cells = _find_cells(group, settings.within, dataset)
    if not cells.images:
        yield " × ".join(cells.factors), partial(_refuse_incomplete, cells)
        return
    if groups and settings.within:
        rows = _make_rows(_mean(cells), cells, group, dataset)
        for end, ask in ask_group_column(groups, rows.lines, settings):
            yield f"{rows.title}{end}", partial(compare_asked, rows, ask)
    for effect in _effects(cells):
        rows = _make_rows(effect, cells, group, dataset)
        if len(effect.rows) > 1:
            yield rows.title, partial(_repeated, effect, rows)
            if groups and not effect.both:
                yield f"{rows.title}{groups.title}", partial(_repeated_by_groups, effect, rows, groups)
            continue
        words = effect.asks, settings, rows.lines, effect.directions
        expected = _expected(effect, group, settings)
        ask_effect = partial(ask_mean, *words, family=effect.family, expected=expected)
        yield rows.title, partial(compare_asked, rows, ask_effect)
        for end, ask in ask_group_column(groups, rows.lines, settings):
            yield f"{rows.title}{end}", partial(compare_asked, rows, ask)


def _expected(effect: _Effect, group: GroupRows, settings: GroupSettings) -> int:
    """Sign that was expected of the change from baseline in every scan; 0 for other effects."""
    signs = {expected_sign(settings, places_of(kind)) for kind in group.kinds}
    return signs.pop() if effect.family == "change" and len(signs) == 1 else 0


def _refuse_incomplete(cells: _Cells) -> Comparison:
    first = cells.dropped[0]
    raise MorbidsError(
        f"Nobody has a map of every {' and '.join(cells.factors)} ({first.label}: {first.reason}).",
        "Select scans that participants share.",
    )


def _find_cells(group: GroupRows, within: Sequence[Factor], dataset: Path) -> _Cells:
    """Sort the maps into cells; participants who lack one are dropped."""
    factors: tuple[str, ...] = tuple(dict.fromkeys(within)) or (_SCAN,)
    if len(factors) > len(_WINDOWS):
        raise MorbidsError(
            f"--within names {len(factors)} factors: {', '.join(factors)}.",
            "Name one or two, and select scans of one level of the others, such as with --session-label.",
            ExitCode.USAGE,
        )
    images: dict[str, dict[Cell, _Image]] = {}
    found = list(_images(group, factors, dataset))
    levels = tuple(tuple(sorted({cell[place] for _, cell, _ in found})) for place in range(len(factors)))
    _refuse_constant(factors, levels)
    for person, cell, image in found:
        earlier = images.setdefault(person, {}).setdefault(cell, image)
        if earlier.maps != image.maps:
            raise MorbidsError(
                f"sub-{person} has two maps of {' '.join(cell)}: {earlier.maps[0].name} and {image.maps[0].name}.",
                "Name what tells them apart with --within, select some of the scans, or add --average-runs.",
                ExitCode.USAGE,
            )
    return _Cells(factors, levels, *_complete(images, set(product(*levels))))


def _images(group: GroupRows, factors: tuple[str, ...], dataset: Path) -> Iterator[tuple[str, Cell, _Image]]:
    """Participant, cell and map of every row; with windows as a factor, both maps of a difference."""
    for kind in group.kinds:
        for place, row in enumerate(kind.rows):
            known = kind.lines.iloc[place]
            for window in _WINDOWS if "window" in factors else ("",):
                cell = tuple(window if one == "window" else _level(row, kind, one, group) for one in factors)
                images = [_image(part[place], window, group, dataset) for part in kind.parts]
                maps, tables = zip(*images, strict=True)
                yield row.participant, cell, _Image(maps, tables, known)


def _image(row: MapRow, window: str, group: GroupRows, dataset: Path) -> tuple[Path, Path | None]:
    """Map of a row, or of one of its windows, and its table of regions."""
    if not window:
        return row.path, None
    role: Role = "Baseline" if window == _WINDOWS[0] else "Challenge"
    path = window_map(row, role)
    if path is None or not path.exists():
        raise MorbidsError(
            f"--within window: {row.path.name} is no difference whose {window} map is there.",
            "Name other factors, or run the participant level with windows.",
            ExitCode.USAGE,
        )
    return path, region_table(row, role, dataset, group.partial_volume)


def _level(row: MapRow, kind: RowKind, factor: str, group: GroupRows) -> str:
    if factor != _SCAN:
        return row.entities.get(_ENTITIES[factor], "none")
    return kind.short if [one.short for one in group.kinds].count(kind.short) == 1 else kind.name


def _refuse_constant(factors: tuple[str, ...], levels: tuple[tuple[str, ...], ...]) -> None:
    for factor, values in zip(factors, levels, strict=True):
        if len(values) < 2:
            raise MorbidsError(
                f"--within {factor}: all maps have the same {factor}, {', '.join(values)}.",
                "Name what differs between the scans of a participant.",
                ExitCode.USAGE,
            )


def _complete(
    images: Mapping[str, Mapping[Cell, _Image]], wanted: set[Cell]
) -> tuple[Mapping[str, Mapping[Cell, _Image]], tuple[Missing, ...]]:
    """Participants who have every cell; and the others, with what they lack."""
    lacking = {person: sorted(wanted - set(own)) for person, own in sorted(images.items())}
    dropped = tuple(
        Missing(f"sub-{person}", f"no map of {', '.join(map(' '.join, cells))}")
        for person, cells in lacking.items()
        if cells
    )
    return {person: images[person] for person, cells in lacking.items() if not cells}, dropped


def _mean(cells: _Cells) -> _Effect:
    """Mean over all scans of a participant, which groups are compared in; with windows, of both."""
    every = tuple(product(*cells.levels))
    title = f"mean over {listed(cells.factors)}"
    rows = (_Row("", every, (), len(every)),)
    return _Effect("", "mean", title, "", ("higher", "lower"), "between", rows)


def _effects(cells: _Cells) -> Iterator[_Effect]:
    """Main effects of the factors, then their interaction."""
    for place in range(len(cells.factors)):
        yield _main(cells, place)
    if len(cells.factors) == len(_WINDOWS):
        yield _interaction(cells)


def _main(cells: _Cells, place: int) -> _Effect:
    """Levels of one factor, each the mean over the levels of the other."""
    factor, levels = cells.factors[place], cells.levels[place]
    of_level = [tuple(cell for cell in product(*cells.levels) if cell[place] == level) for level in levels]
    n_each = len(of_level[0])
    others = [name for name in cells.factors if name != factor]
    over = f", mean over {others[0]}" if others else ""
    named = entity_label(f"among {factor}s" if not others else f"main {factor}")
    if len(levels) > len(_WINDOWS):
        rows = tuple(_Row(level, added, (), n_each) for level, added in zip(levels, of_level, strict=True))
        asks = f"Do the maps differ among {listed(levels)} within participants{over}? F does not say which."
        return _Effect(factor, named, f"{factor}: {listed(levels)}{over}", asks, DIFFERENCE, "between", rows)
    first, second = levels
    rows = (_Row("", of_level[0], of_level[1], n_each),)
    directions, family = _directions(factor, levels)
    asks = f"Does binding differ within participants{over}? Positive: {directions[0]}."
    return _Effect(factor, named, f"{factor}: {first} − {second}{over}", asks, directions, family, rows)


def _directions(factor: str, levels: tuple[str, ...]) -> tuple[tuple[str, str], Family]:
    if factor == "window":
        return ("activation", "deactivation"), "change"
    return (f"higher in {levels[0]}", f"higher in {levels[1]}"), "between"


def _interaction(cells: _Cells) -> _Effect:
    """Whether the effect of one factor depends on the other."""
    named = entity_label(" by ".join(cells.factors))
    title = " × ".join(cells.factors)
    asks = f"Does the effect of {cells.factors[1]} depend on {cells.factors[0]} within participants?"
    two = [len(levels) == len(_WINDOWS) for levels in cells.levels]
    if not any(two):
        rows = tuple(_Row(" ".join(cell), (cell,)) for cell in product(*cells.levels))
        return _Effect("", named, title, asks, DIFFERENCE, "between", rows, cells.levels)
    place = 1 - two[::-1].index(True)
    factor = cells.factors[1 - place]
    low, high = cells.levels[place]
    differences = [_difference(level, place, low, high) for level in cells.levels[1 - place]]
    if not all(two):
        return _Effect(factor, named, title, asks, DIFFERENCE, "between", tuple(differences))
    one, other = differences
    row = _Row("", one.added + other.removed, one.removed + other.added)
    what = "activation" if cells.factors[place] == "window" else f"{low} − {high}"
    directions = (f"more {what} in {one.name}", f"more {what} in {other.name}")
    return _Effect(factor, named, title, f"{asks} Positive: {directions[0]}.", directions, "between", (row,))


def _difference(level: str, place: int, low: str, high: str) -> _Row:
    """One level of a factor: the difference between the two levels of the other, which stands at `place`."""
    pair = [(level, own) if place else (own, level) for own in (low, high)]
    return _Row(level, (pair[0],), (pair[1],))


def _make_rows(effect: _Effect, cells: _Cells, group: GroupRows, dataset: Path) -> Rows:
    """Rows of an effect, participant by participant."""
    people = list(cells.images.items())
    like = rows_of_kind(group.kinds[0], group, dataset)
    own = [(images, row) for _, images in people for row in effect.rows]

    n_parts = like.maps.divisor

    def files(name: Literal["added", "removed"], what: Literal["maps", "tables"]) -> tuple[Any, ...]:
        terms = product(range(len(getattr(effect.rows[0], name))), range(n_parts))
        return tuple(
            getattr(images[getattr(row, name)[term]], what)[part]
            for term, part in terms
            for images, row in own
        )

    divisor = effect.rows[0].divisor * n_parts
    tables = Terms(files("added", "tables"), files("removed", "tables"), divisor)
    ends = [f"_{row.name}" if row.name else "" for row in effect.rows]
    first = [next(iter(images.values())).known for _, images in people for _ in effect.rows]
    return like._replace(
        name=effect.name,
        title=effect.title,
        labels=tuple(f"sub-{person}{end}" for person, _ in people for end in ends),
        lines=pd.DataFrame(first).reset_index(drop=True),
        maps=Terms(files("added", "maps"), files("removed", "maps"), divisor),
        binding=tuple(
            dict.fromkeys(path for kind in group.kinds for path in rows_of_kind(kind, group, dataset).binding)
        ),
        tables=tables if None not in tables.files else Terms(),
        quantity=like.quantity if "window" not in cells.factors else _of_window(like.quantity),
        protocols=NO_PROTOCOLS,
        unpaired=cells.dropped,
    )


def _of_window(quantity: str) -> str:
    """What the maps of single windows hold, whose differences are a change (in percent)."""
    return quantity.removeprefix("change of ").removesuffix(" (%)")


def _repeated(effect: _Effect, rows: Rows) -> Comparison:
    """Repeated measures of the rows of each participant."""
    n_people = len(rows.labels) // len(effect.rows)
    if effect.both:
        return _write(effect, rows, interaction_within(n_people, *effect.both))
    return _write(effect, rows, repeated_measures(n_people, _conditions(effect)))


def _repeated_by_groups(effect: _Effect, rows: Rows, groups: Groups) -> Comparison:
    """How repeated measures differ between groups; whose group is not known is left out."""
    n_each, column = len(effect.rows), groups.column
    known = rows.lines[column].notna().to_numpy()
    kept = np.flatnonzero(known).tolist()
    left_out = tuple(
        Missing(rows.labels[row], f"{column} is missing") for row in np.flatnonzero(~known)[::n_each]
    )
    taken = rows._replace(
        name=f"{rows.name}By{capitalised(entity_label(column))}",
        title=f"{rows.title}{groups.title}",
        labels=tuple(rows.labels[row] for row in kept),
        maps=keep_terms(rows.maps, kept, len(rows.labels)),
        tables=keep_terms(rows.tables, kept, len(rows.labels)),
        unpaired=(*rows.unpaired, *left_out),
    )
    of_people = [level_name(value) for value in rows.lines[column][known][::n_each]]
    design = groups_by_conditions(of_people, _conditions(effect))
    asks = (
        f"Do the differences among {listed([row.name for row in effect.rows])} depend on {groups.words.name}?"
    )
    return _write(effect._replace(asks=asks, family="group"), taken, design)


def _conditions(effect: _Effect) -> list[str]:
    return [f"{effect.factor}.{row.name}" for row in effect.rows]


def _write(effect: _Effect, rows: Rows, design: Design) -> Comparison:
    return Comparison(
        model=rows.model,
        name=rows.name,
        title=rows.title,
        question=effect.asks,
        quantity=rows.quantity,
        directions=effect.directions,
        labels=rows.labels,
        maps=rows.maps,
        binding=rows.binding,
        tables=rows.tables,
        design=write_design(design),
        dropped=rows.unpaired,
        family=effect.family,
    )
