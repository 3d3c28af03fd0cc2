"""The built-in questions: of each kind of map its mean, its slope on traits, two groups; and kinds against kinds.

Each is written as a node of a BIDS Stats Model, so that rows with missing values, text columns and designs that
cannot be estimated are treated as in a model file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.group_designs import GroupDesign, build_designs
from morbids.bids.maps import Kind
from morbids.bids.names import entity_label, output_path
from morbids.bids.rows import MapRow, pair_maps, scan_entities
from morbids.bids.stats_model import Contrast, Node, StatsModel
from morbids.bids.transformers import Factor, Instruction, Scale, level_name
from morbids.errors import ExitCode, MorbidsError
from morbids.group.comparison import (
    DIFFERENCES,
    NO_PROTOCOLS,
    PARAMETERS,
    Comparison,
    Family,
    Missing,
    Protocols,
    Terms,
    write_design,
)
from morbids.group.placed import check_places, expected_sign, traits_of
from morbids.group.rows import GroupRows, RowKind, contrast_of, places_of, region_table, window_map
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.correlation import FEWEST_ROWS
from morbids.numerics.statistics.designs import INTERCEPT, variance_inflation
from morbids.settings import GroupSettings, PartialVolume

# Inflation of the variance of what is tested: told beyond the first (the usual bound), refused beyond the second.
INFLATED, INSEPARABLE = 5.0, 1000.0


class Words(NamedTuple):
    """What a comparison is called.

    Attributes
    ----------
    name, title
        For file names, and for people.
    asks
        A sentence that says what positive means.
    directions
        Of clusters of positive and of negative effect.
    second_group
        Column of the second group where variances may differ; empty for equal ones.
    family
        What kind of question it is.
    expected
        Sign of the effect that is expected; 0 for either.
    """

    name: str
    title: str
    asks: str
    directions: tuple[str, str]
    second_group: str = ""
    family: Family = "model"
    expected: int = 0


class Question(NamedTuple):
    """What is asked of the rows of a kind: a design with one contrast; name and title are added to the kind's.

    `trait` is the column whose slope it is, empty for other questions.
    """

    words: Words
    node: Node
    trait: str = ""


class Rows(NamedTuple):
    """Rows of a comparison before a design leaves some out: what their images are made of, and what is known."""

    name: str
    title: str
    labels: tuple[str, ...]
    lines: pd.DataFrame
    maps: Terms
    binding: tuple[Path, ...]
    tables: Terms
    quantity: str
    model: str
    protocols: Protocols = NO_PROTOCOLS
    unpaired: tuple[Missing, ...] = ()


class Asked(NamedTuple):
    """Comparisons, and by title the reasons why some cannot be made."""

    comparisons: tuple[Comparison, ...]
    skipped: Mapping[str, str]


def ask_built_in(group: GroupRows, dataset: Path, settings: GroupSettings) -> Asked:
    """Make every built-in comparison that can be made.

    Raises
    ------
    MorbidsError
        The column of groups has not two values.
    """
    if settings.group_column:
        _levels(settings.group_column, group.table)
    comparisons: list[Comparison] = []
    skipped: dict[str, str] = {}
    alone = len(group.kinds) == 1 and not settings.traits and not settings.group_column
    check_places(settings, {kind.title: places_of(kind) for kind in group.kinds})
    for kind in group.kinds:
        rows = rows_of_kind(kind, group, dataset)
        for title, ask in _questions(
            rows.lines, settings, kind, differences=group.kind != "parameter", alone=alone
        ):
            try:
                comparisons.append(compare(rows, ask()))
            except MorbidsError as error:
                skipped[f"{rows.title}{title}"] = str(error)
    more = "higher" if group.kind == "parameter" else "more activation"
    for first, second in combinations(group.kinds, 2):
        between = (f"{more} in {first.short}", f"{more} in {second.short}")
        for rows, asks in _pairs(first, second, group, dataset):
            try:
                question = _mean(asks, settings, rows.lines, between, family="between")
                comparisons.append(compare(rows, question))
            except MorbidsError as error:
                skipped[rows.title] = str(error)
    return Asked(tuple(comparisons), skipped)


def compare(rows: Rows, question: Question) -> Comparison:
    """Build the design of a question and keep the rows that it can use.

    Raises
    ------
    MorbidsError
        The design cannot be estimated.
    """
    words = question.words
    full = words._replace(name=f"{rows.name}{words.name}", title=f"{rows.title}{words.title}")
    (design,) = build_designs(StatsModel(rows.model, (question.node,)), rows.lines).designs
    if question.trait:
        _refuse_correlation(rows.lines[question.trait].to_numpy(dtype=float))
    return write_comparison(rows, design, 0, full, question.trait)


def write_comparison(
    rows: Rows, design: GroupDesign, contrast: int, words: Words, trait: str = ""
) -> Comparison:
    """Put the rows of a design and one of its contrasts together."""
    kept = design.rows.tolist()
    n_rows = len(rows.labels)
    return Comparison(
        model=rows.model,
        name=words.name,
        title=words.title,
        question=words.asks,
        quantity=rows.quantity,
        directions=words.directions,
        labels=tuple(rows.labels[row] for row in kept),
        maps=_keep(rows.maps, kept, n_rows),
        binding=rows.binding,
        tables=_keep(rows.tables, kept, n_rows),
        design=write_design(design.contrasts[contrast].design, words.second_group),
        trait=trait,
        dropped=(
            *(Missing(rows.labels[one.row], one.reason) for one in design.dropped),
            *rows.unpaired,
        ),
        family=words.family,
        expected=words.expected,
        protocols=rows.protocols._replace(tables=_keep(rows.protocols.tables, kept, n_rows)),
        notes=tuple(_judge_collinear(design, contrast, words.title)),
    )


def _judge_collinear(design: GroupDesign, contrast: int, title: str) -> Iterator[str]:
    """Say where the other columns leave little of what is tested; refuse it where they leave next to nothing."""
    tested = design.contrasts[contrast].design
    inflation = variance_inflation(tested.matrix, tested.contrast)
    if inflation > INSEPARABLE:
        raise MorbidsError(
            f"The columns {', '.join(tested.columns)} are nearly collinear: the others explain "
            f"{100 * (1 - 1 / inflation):.3f} % of what is tested.",
            "Leave one of them out.",
        )
    if inflation > INFLATED:
        yield (
            f"{title}: the other columns of the design explain {100 * (1 - 1 / inflation):.0f} % of what is tested, "
            f"which makes its variance {inflation:.0f} times as large: its effect can hardly be told from theirs."
        )


def _refuse_correlation(values: FloatArray) -> None:
    """Refuse a slope on a trait that few know or that is all the same."""
    present = values[np.isfinite(values)]
    if len(present) < FEWEST_ROWS or np.ptp(present) == 0:
        raise MorbidsError(
            f"{len(present)} scans have a value, or all the same; a correlation needs {FEWEST_ROWS} that differ.",
            "Fill in the column.",
        )


def _keep(terms: Terms, kept: Sequence[int], n_rows: int) -> Terms:
    added, removed = (
        tuple(files[start + row] for start in range(0, len(files), n_rows) for row in kept) for files in terms
    )
    return Terms(added, removed)


def rows_of_kind(kind: RowKind, group: GroupRows, dataset: Path) -> Rows:
    """Rows of one kind as they are."""
    difference = group.kind != "parameter"
    measure = kind.rows[0].entities["meas"]
    binding = (
        [window_map(row, "Baseline") for row in kind.rows] if difference else [r.path for r in kind.rows]
    )
    tables = _tables(kind.rows, dataset, group.partial_volume) if group.kind == "difference" else Terms()
    return Rows(
        name=kind.name,
        title=kind.title,
        labels=tuple(row.label for row in kind.rows),
        lines=kind.lines,
        maps=Terms(tuple(row.path for row in kind.rows)),
        binding=tuple(path for path in binding if path is not None),
        tables=tables,
        quantity=_quantity(measure, group.kind),
        model=DIFFERENCES if difference else PARAMETERS,
        protocols=_protocols(kind.rows, dataset) if difference else NO_PROTOCOLS,
    )


def _quantity(measure: str, kind: Kind) -> str:
    """What the maps hold, as people write it."""
    symbol = {"BPND": "BP_ND"}.get(measure, measure)
    return {"difference": f"change of {symbol}", "percent difference": f"change of {symbol} (%)"}.get(
        kind, symbol
    )


def _tables(rows: Sequence[MapRow], dataset: Path, partial_volume: PartialVolume) -> Terms:
    """Tables of a-priori regions of both windows; none unless all are there."""
    added = [region_table(row, "Baseline", dataset, partial_volume) for row in rows]
    removed = [region_table(row, "Challenge", dataset, partial_volume) for row in rows]
    complete_added = tuple(path for path in added if path is not None)
    complete_removed = tuple(path for path in removed if path is not None)
    complete = len(complete_added) == len(complete_removed) == len(rows)
    return Terms(complete_added, complete_removed) if complete else Terms()


def _protocols(rows: Sequence[MapRow], dataset: Path) -> Protocols:
    """Tables of what the scans' protocols read of nothing, by region or else by tissue; none unless all are there."""
    for role in ("null_range", "calibration"):
        paths = tuple(output_path(dataset, scan_entities(row.entities), role) for row in rows)
        if all(path.exists() for path in paths):
            return Protocols(Terms(paths), (contrast_of(rows[0]), ""))
    return NO_PROTOCOLS


def _pairs(first: RowKind, second: RowKind, group: GroupRows, dataset: Path) -> Iterator[tuple[Rows, str]]:
    """One kind against another within participants: the maps as they are, and challenge against challenge."""
    if group.kind == "parameter" and first.rows[0].description != second.rows[0].description:
        return
    paired = pair_maps(first.rows, second.rows, (first.title, second.title))
    if not paired.pairs:
        return
    unpaired = tuple(Missing(one.label, one.reason) for one in paired.dropped)
    kinds = tuple(
        kind._replace(
            rows=tuple(pair[place] for pair in paired.pairs),
            lines=kind.lines.iloc[[kind.rows.index(pair[place]) for pair in paired.pairs]].reset_index(
                drop=True
            ),
        )
        for place, kind in enumerate((first, second))
    )
    one, other = (rows_of_kind(kind, group, dataset) for kind in kinds)
    against = f"{entity_label(first.short)}Against{_capital(entity_label(second.short))}"
    labels = tuple(f"sub-{pair[0].participant}" for pair in paired.pairs)
    # Regions that only one of the two has tables of are measured on the maps, for both alike.
    tables = Terms(one.tables.added + other.tables.removed, one.tables.removed + other.tables.added)
    rows = one._replace(
        name=against,
        title=f"{first.short} against {second.short}",
        labels=labels,
        maps=Terms(one.maps.added, other.maps.added),
        binding=one.binding + other.binding,
        tables=tables if one.tables.added and other.tables.added else Terms(),
        protocols=_against(one.protocols, other.protocols),
        unpaired=unpaired,
    )
    if group.kind == "parameter":
        yield rows, f"Does binding differ within participants? Positive: higher in {first.short}."
        return
    yield rows, f"Does the change differ within participants? Positive: more activation in {first.short}."
    if group.kind == "difference" and first.rows[0].scan_type != second.rows[0].scan_type:
        late = _late(rows, kinds[0].rows, kinds[1].rows, one, other)
        if late is not None:
            yield (
                late,
                (
                    "Late against late: does binding during the challenges differ within participants? Positive: "
                    f"lower in {first.short}, which is more activation."
                ),
            )


def _against(one: Protocols, other: Protocols) -> Protocols:
    """What the protocols make of a difference between two kinds of scan."""
    if not (one.tables.added and other.tables.added):
        return NO_PROTOCOLS
    tables = Terms(one.tables.added, other.tables.added)
    return Protocols(tables, (one.contrasts[0], other.contrasts[0]))


def _late(
    rows: Rows, first: Sequence[MapRow], second: Sequence[MapRow], one: Rows, other: Rows
) -> Rows | None:
    """Maps of the challenge windows alone; None where they are not all there."""
    challenges = [[window_map(row, "Challenge") for row in kind] for kind in (first, second)]
    there = [tuple(path for path in paths if path is not None and path.exists()) for paths in challenges]
    if any(len(paths) < len(rows.labels) for paths in there):
        return None
    tables = Terms(other.tables.removed, one.tables.removed) if rows.tables.added else Terms()
    return rows._replace(
        name=f"{rows.name}Late",
        title=f"{rows.title}: late against late",
        maps=Terms(there[1], there[0]),
        tables=tables,
        protocols=NO_PROTOCOLS,
    )


def _questions(
    lines: pd.DataFrame, settings: GroupSettings, kind: RowKind, *, differences: bool, alone: bool
) -> Iterator[tuple[str, Callable[[], Question]]]:
    """Questions to one kind, with the end of their titles; the mean of parameters only when nothing else is asked."""
    if differences:
        asks = "Does binding change from baseline to challenge? Positive: it falls, which is activation."
        expected = expected_sign(settings, places_of(kind))
        yield "", partial(_mean, asks, settings, lines, family="change", expected=expected)
    elif alone:
        asks = "Does the mean differ from 0? Positive: it is higher."
        yield "", partial(_mean, asks, settings, lines, ("above 0", "below 0"), family="change")
    for trait in traits_of(settings, places_of(kind)):
        yield f" by {trait}", partial(_slope, trait, settings, lines)
    if settings.group_column:
        yield f": groups of {settings.group_column}", partial(_two_groups, settings, lines)


def _mean(
    asks: str,
    settings: GroupSettings,
    lines: pd.DataFrame,
    directions: tuple[str, str] = ("activation", "deactivation"),
    *,
    family: Family,
    expected: int = 0,
) -> Question:
    covariates = _covariates(settings, lines)
    node = Node(
        "mean",
        (INTERCEPT, *covariates.columns),
        instructions=covariates.instructions,
        contrasts=(Contrast("mean", (INTERCEPT,), (1.0,)),),
    )
    words = Words("", "", asks, directions, family=family, expected=expected)
    return Question(words, node)


def _slope(trait: str, settings: GroupSettings, lines: pd.DataFrame) -> Question:
    covariates = _covariates(settings, lines, of_interest=trait)
    node = Node(
        "slope",
        (INTERCEPT, trait, *covariates.columns),
        instructions=(Scale((trait,), (trait,), rescale=False), *covariates.instructions),
        contrasts=(Contrast("slope", (trait,), (1.0,)),),
    )
    asks = f"Do the maps go with {trait}? Positive: higher values, such as more activation, with a higher {trait}."
    directions = (f"rises with {trait}", f"falls with {trait}")
    name = f"By{_capital(entity_label(trait))}"
    return Question(Words(name, f" by {trait}", asks, directions, family="trait"), node, trait)


def _levels(column: str, lines: pd.DataFrame) -> tuple[str, str]:
    """Return the two values of a column.

    Raises
    ------
    MorbidsError
        There are more or fewer.
    """
    levels = sorted({level_name(value) for value in lines[column].dropna()})
    if len(levels) != 2:
        raise MorbidsError(
            f"The column '{column}' has the values {', '.join(levels)}.",
            "--group-column compares two groups; write more of them as a BIDS Stats Model.",
            ExitCode.USAGE,
        )
    return levels[0], levels[1]


def _two_groups(settings: GroupSettings, lines: pd.DataFrame) -> Question:
    column = settings.group_column
    first, second = _levels(column, lines.dropna(subset=[*settings.covariates]))
    covariates = _covariates(settings, lines, of_interest=column)
    columns = tuple(f"{column}.{level}" for level in (first, second))
    node = Node(
        "groups",
        (*columns, *covariates.columns),
        instructions=(Factor((column,)), *covariates.instructions),
        contrasts=(Contrast("difference", columns, (-1.0, 1.0)),),
    )
    suffix = f"{_capital(entity_label(second))}Minus{_capital(entity_label(first))}"
    words = Words(
        suffix,
        f": {column} {second} − {first}",
        f"Do the maps differ between groups? Positive: higher in {column} {second} than in {first}.",
        (f"higher in {second}", f"higher in {first}"),
        "" if settings.equal_variances else columns[1],
        family="group",
    )
    return Question(words, node)


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


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
