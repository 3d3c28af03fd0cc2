"""The rows of a group analysis: which maps there are, of which kinds, and what is known of each participant."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.column_words import ColumnWords, read_column_words
from morbids.bids.map_history import smoothed_mm
from morbids.bids.map_table import common_folder, find_listed_maps
from morbids.bids.maps import FoundMaps, Kind, MapSelection, find_maps
from morbids.bids.names import entity_label, parse_difference_label, scan_entities, scan_label
from morbids.bids.ratings import read_exclusions
from morbids.bids.rows import MapRow, rows_table
from morbids.bids.stats_model import read_stats_model
from morbids.bids.trait_values import doubt_category
from morbids.bids.traits import JoinedTraits, join_traits, numeric_trait, read_traits, trait
from morbids.errors import ExitCode, MorbidsError
from morbids.group.placed import trait_columns
from morbids.group.windows import window_names
from morbids.settings import GroupSettings, MapKind, OutputSpace, PartialVolume, Study

# Maps by the correction for partial volume that is asked for; the transfer matrix leaves maps as they are.
CORRECTIONS: Mapping[PartialVolume, tuple[dict[str, str | None], ...]] = {
    "none": ({"pvc": None}, {}),
    "gtm": ({"pvc": None},),
    "rbv": ({"pvc": "RBV"},),
}
# Of scans that hold a challenge: the group claims from this model's maps where there are any; others are asked for.
CLAIMED_MODEL = "StepChange2"
# What may be tested, in the order in which it is looked for, by what the user asks for.
KINDS: Mapping[MapKind, tuple[Kind, ...]] = {
    "difference": ("difference", "parameter"),
    "percent": ("percent difference", "parameter"),
    "parameter": ("parameter",),
}
PARAMETER: Kind = "parameter"
# Column of the table of rows that tells the kinds apart.
KIND = "kind"


class RowKind(NamedTuple):
    """Rows that mean the same in every participant.

    Attributes
    ----------
    name, title
        For file names, and for people.
    short
        What tells it from other scans or windows: the task, the session, or the challenge.
    rows
        One per participant.
    lines
        The same rows in the table of rows, with traits.
    runs
        Where runs are averaged, the rows of each run, the first of which are `rows`; empty where they are not.
    """

    name: str
    title: str
    short: str
    rows: tuple[MapRow, ...]
    lines: pd.DataFrame
    runs: tuple[tuple[MapRow, ...], ...] = ()

    @property
    def parts(self) -> tuple[tuple[MapRow, ...], ...]:
        """What each row is the mean of: part after part, a row per participant."""
        return self.runs or (self.rows,)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the rows' scans, without the run where runs are averaged."""
        if not self.runs:
            return tuple(row.label for row in self.rows)
        return tuple(scan_label(scan_entities(_without_run(row.entities))) for row in self.rows)

    def take(self, places: Sequence[int]) -> "RowKind":
        """Some of the rows, in this order."""
        return self._replace(
            rows=tuple(self.rows[place] for place in places),
            lines=self.lines.iloc[list(places)].reset_index(drop=True),
            runs=tuple(tuple(run[place] for place in places) for run in self.runs),
        )


class GroupRows(NamedTuple):
    """All rows of a group run.

    Attributes
    ----------
    found
        Maps that take part, and those left out with the reason.
    kind
        Differences, percent or parameters.
    table
        A line per map with the columns of traits, and `kind`.
    kinds
        The rows by what they mean.
    dataset
        Folder that all maps lie in.
    partial_volume
        The correction that tables of regions are read with.
    words
        What columns of the table and their values are called.
    percent
        Whether maps of single scans are compared in percent, where there are no percent maps of windows.
    """

    found: FoundMaps
    kind: Kind
    table: pd.DataFrame
    kinds: tuple[RowKind, ...]
    dataset: Path
    partial_volume: PartialVolume = "none"
    words: Mapping[str, ColumnWords] = MappingProxyType({})
    percent: bool = False

    def words_of(self, column: str) -> ColumnWords:
        """What a column is called; its own name where nothing says more."""
        return self.words.get(column, ColumnWords(column))

    def values_of(self, trait: str, maps: Sequence[Path]) -> dict[str, float]:
        """A trait as it was measured, of the rows with these maps, by their labels; nothing for no trait."""
        if not trait:
            return {}
        wanted = set(maps)
        values = zip(self.found.rows, self.table[trait].astype(float), strict=True)
        return {row.label: float(value) for row, value in values if row.path in wanted}


def find_rows(
    study: Study, settings: GroupSettings, on_progress: Callable[[int], None] | None = None
) -> GroupRows:
    """Find maps and join them with what is known of the participants.

    Raises
    ------
    MorbidsError
        There are no maps, all are left out, or a column that is asked for is in no table, constant or text.
    """
    if settings.maps_table is not None:
        selection = MapSelection(
            measure=settings.measure,
            filters=study.filters,
            excluded=dict.fromkeys(settings.excluded, "--exclude"),
        )
        kind, found = PARAMETER, find_listed_maps(settings.maps_table, selection)
    else:
        kind, found = _find_maps(study, settings, on_progress)
    if not found.rows:
        reasons = "; ".join(f"{dropped.label}: {dropped.reason}" for dropped in found.dropped[:3])
        raise MorbidsError(
            f"All {len(found.dropped)} maps are left out ({reasons}).",
            "Look at these maps; --keep-flagged takes those with concerns of quality.",
        )
    table, words = _join(study, settings, found.rows)
    rows = [_of_any_run(row) for row in found.rows] if settings.average_runs else found.rows
    grouped = _by_kind(rows)
    names = {row.path: name for name, members in grouped.items() for row in members}
    table[KIND] = [names[row.path] for row in found.rows]
    kinds = tuple(
        RowKind(name, _title(members[0]), _short(members[0]), tuple(members), _lines(table, name))
        for name, members in grouped.items()
    )
    if settings.average_runs:
        kinds = average_runs(kinds)
    dataset = common_folder(found.rows) if settings.maps_table else maps_dataset(study)
    percent = settings.map_kind == "percent" and kind == PARAMETER
    return GroupRows(found, kind, table, kinds, dataset, settings.partial_volume, words, percent)


def average_runs(kinds: Sequence[RowKind]) -> tuple[RowKind, ...]:
    """Make one row of all runs of a participant.

    Every row is the mean of the same number of maps, in all kinds: those of a participant with fewer runs are repeated
    so that each counts alike.

    Raises
    ------
    MorbidsError
        Nobody has two runs of one scan.
    """
    places = [_places_by_participant(kind.rows) for kind in kinds]
    counts = {len(own) for of_kind in places for own in of_kind.values()}
    if counts == {1}:
        raise MorbidsError(
            "--average-runs: nobody has two runs of one scan.",
            "Leave it out, or select the scans that have run- in their names.",
            ExitCode.USAGE,
        )
    n_parts = math.lcm(*counts)
    averaged = []
    for kind, of_kind in zip(kinds, places, strict=True):
        repeated = [[own[part * len(own) // n_parts] for own in of_kind.values()] for part in range(n_parts)]
        parts = [kind.take(part) for part in repeated]
        averaged.append(parts[0]._replace(runs=tuple(part.rows for part in parts)))
    return tuple(averaged)


def doubt_runs(kinds: Sequence[RowKind]) -> tuple[str, ...]:
    """Say who has fewer runs than others where runs are averaged."""
    doubts = []
    for kind in kinds:
        own = [len({run[place].path for run in kind.runs}) for place in range(len(kind.rows))]
        fewer = [label for label, count in zip(kind.labels, own, strict=True) if count < max(own)]
        if fewer:
            doubts.append(
                f"{kind.title}: {len(fewer)} of {len(own)} rows are the mean of fewer than {max(own)} runs "
                f"({', '.join(fewer[:3])}{', ...' if len(fewer) > 3 else ''})."
            )
    return tuple(doubts)


def _places_by_participant(rows: Sequence[MapRow]) -> dict[str, list[int]]:
    """Places of each participant's rows, run after run."""
    places: dict[str, list[int]] = {}
    for place in sorted(range(len(rows)), key=lambda place: (rows[place].participant, rows[place].run)):
        places.setdefault(rows[place].participant, []).append(place)
    return places


def _of_any_run(row: MapRow) -> MapRow:
    """The row with a scan type that does not tell its run."""
    kept = [part for part in row.scan_type.split("_") if not part.startswith("run-")]
    return replace(row, scan_type="_".join(kept))


def _without_run(entities: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in entities.items() if key != "run"}


def maps_dataset(study: Study) -> Path:
    """Return the dataset that maps are read from: another program's, or our own output."""
    return study.derivatives[0] if study.derivatives else study.output_dir


def _find_maps(
    study: Study, settings: GroupSettings, on_progress: Callable[[int], None] | None
) -> tuple[Kind, FoundMaps]:
    """Find maps of the wanted kind in the wanted space, else of what there is: names of others differ."""
    output = _template_space(settings)
    spaces: tuple[dict[str, str | None], ...] = (
        {"space": output.space, "res": output.resolution_label},
        {"space": output.space},
        {},
    )
    absent: list[MorbidsError] = []
    models: tuple[dict[str, str | None], ...] = ({"model": CLAIMED_MODEL}, {})
    if settings.model:
        models = ({"model": settings.model},)
    for kind, space, model, corrected in product(
        KINDS[settings.map_kind], spaces, models, CORRECTIONS[settings.partial_volume]
    ):
        wanted = space | corrected | model
        selection = MapSelection(
            kind=kind,
            measure=settings.measure,
            entities=wanted,
            filters=study.filters,
            excluded=read_exclusions(settings.excluded),
            drop_flagged=not settings.keep_flagged,
        )
        try:
            return kind, find_maps(maps_dataset(study), selection, on_progress)
        except MorbidsError as error:
            if error.exit_code != ExitCode.NOTHING_SELECTED:
                raise
            absent.append(error)
    raise absent[0]


def _template_space(settings: GroupSettings) -> OutputSpace:
    """Return the first output space in which people can be compared."""
    for output in settings.output_spaces:
        if output.is_template:
            return output
    raise MorbidsError(
        f"--output-spaces {settings.output_spaces[0].space} is no template: people cannot be compared in it.",
        "Name a template first, such as MNI152NLin2009cAsym.",
        ExitCode.USAGE,
    )


def _join(
    study: Study, settings: GroupSettings, rows: Sequence[MapRow]
) -> tuple[pd.DataFrame, dict[str, ColumnWords]]:
    """Table of rows with traits, and what these are called; columns that are asked for are there and differ."""
    asked = (*trait_columns(settings), *settings.covariates, *filter(None, [settings.group_column]))
    wanted = asked
    if settings.stats_model is not None:
        wanted = read_stats_model(settings.stats_model, settings.stats_model_node).variables
    if not wanted:
        return rows_table(rows), {}
    joined = join_traits(rows_table(rows), read_traits(study.bids_dir, wanted))
    for name in asked:
        _refuse_constant(joined, name)
    for name in wanted:
        told = joined.table.get(name)
        if name in trait_columns(settings) or (told is not None and pd.api.types.is_numeric_dtype(told)):
            numeric_trait(joined, name)
    return joined.table, read_column_words(
        {name: joined.sources[name] for name in asked if name in joined.sources}
    )


def doubt_columns(table: pd.DataFrame, settings: GroupSettings) -> tuple[str, ...]:
    """Sentences about traits and covariates that look like categories written as numbers."""
    doubts = [
        doubt_category(table[name].astype(float), name)
        for name in dict.fromkeys((*trait_columns(settings), *settings.covariates))
        if pd.api.types.is_numeric_dtype(table[name])
    ]
    return tuple(filter(None, doubts))


def doubt_smoothing(rows: Sequence[MapRow], fwhm_mm: float) -> tuple[str, ...]:
    """Say that maps which were smoothed elsewhere are smoothed again; this program's own sidecars say how they were."""
    if not fwhm_mm:
        return ()
    foreign = [row for row in rows if row.metadata.get("SoftwareName") != "morbids"]
    widths = Counter(width for row in foreign if (width := smoothed_mm(row.entities, row.metadata)))
    return tuple(
        f"{count} maps were smoothed by {width:g} mm before, as their names or sidecars say; --smoothing-fwhm "
        f"{fwhm_mm:g} smooths them again, to about {np.hypot(width, fwhm_mm):.1f} mm. Give 0 to leave them as they are."
        for width, count in sorted(widths.items())
    )


def _refuse_constant(joined: JoinedTraits, name: str) -> None:
    values = trait(joined, name).dropna()
    if values.nunique() < 2:
        told = f"the value {values.iloc[0]} in every row" if len(values) else "no value in any row"
        raise MorbidsError(
            f"{joined.sources.get(name, 'The rows')}: column '{name}' has {told} of the analysis, so nothing can "
            "depend on it.",
            "Leave it out, or select participants that differ in it.",
        )


def _by_kind(rows: Sequence[MapRow]) -> dict[str, list[MapRow]]:
    """Rows by what they show: windows, and the scan type where windows alone do not tell."""
    by_type: dict[tuple[str, str], list[MapRow]] = {}
    for row in rows:
        by_type.setdefault((row.description, row.scan_type), []).append(row)
    described = [description for description, _ in by_type]
    return {
        description
        if description and described.count(description) == 1
        else entity_label(f"{scan_type} {description or members[0].entities['meas']}"): members
        for (description, scan_type), members in by_type.items()
    }


def _lines(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table[KIND] == name].reset_index(drop=True)


def _title(row: MapRow) -> str:
    difference = parse_difference_label(row.description)
    scan = row.scan_type.replace("_", ", ")
    if difference is None:
        return ", ".join(part for part in (scan, row.description, row.entities["meas"]) if part)
    unit = " (%)" if difference.percent else ""
    short, challenge = _short(row), window_names(row, "Challenge")[0]
    # A scan that is called as its challenge need not be named twice.
    scan_first = "" if short.lower() == challenge.lower() else f"{short}: "
    return f"{scan_first}{difference.baseline} − {challenge}{unit}"


def _short(row: MapRow) -> str:
    """Values of the scan type without their entities, else the challenge, else the description."""
    values = [part.partition("-")[2] for part in row.scan_type.split("_") if part]
    return " ".join(values) or next(iter(window_names(row, "Challenge")), row.description)


def places_of(kind: RowKind) -> frozenset[str]:
    """What a kind of row may be called: its task, session, challenge or description."""
    row = kind.rows[0]
    values = {part.partition("-")[2] for part in row.scan_type.split("_") if part}
    return frozenset(values | {*window_names(row, "Challenge"), kind.short, kind.name, row.description}) - {
        ""
    }
