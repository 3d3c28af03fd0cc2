"""Which questions the group level asks, of which maps: decided before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from morbids.bids.maps import FoundMaps, MapSelection, find_maps
from morbids.bids.names import entity_label, output_path, parse_difference_label
from morbids.bids.rows import MapRow, rows_table, scan_entities
from morbids.bids.traits import join_traits, numeric_trait, read_traits
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.atlases import SPHERES
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import Design, make_design, one_sample, regression
from morbids.settings import Settings, Study

# Folder of the built-in designs: `group/model-differences/`.
BUILT_IN = "differences"


@dataclass(frozen=True)
class Comparison:
    """One question to a set of maps.

    Attributes
    ----------
    name
        Value of `contrast-`.
    title, question
        For people: a heading, and one sentence that says what positive means.
    labels, maps, baselines
        Per row: the scan's name, its difference map, and the baseline's map (for the mask); in one order.
    columns
        Regressors (n_rows,) by name.
    weights
        Of the contrast, by column.
    """

    name: str
    title: str
    question: str
    labels: tuple[str, ...]
    maps: tuple[Path, ...]
    baselines: tuple[Path, ...]
    columns: Mapping[str, tuple[float, ...]]
    weights: Mapping[str, float]

    @property
    def design(self) -> Design:
        """Matrix and contrast."""
        columns = {name: np.array(values) for name, values in self.columns.items()}
        return make_design(columns, self.weights)


@dataclass(frozen=True)
class RegionValues:
    """Tables of regional parameters behind one set of difference maps, per row.

    Attributes
    ----------
    name, title
        As those of the comparison of the mean.
    labels
        The scans.
    baselines, challenges
        `_kinpar.tsv` of the two windows.
    traits
        Per trait, (n_rows,) values; NaN = missing.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    baselines: tuple[Path, ...]
    challenges: tuple[Path, ...]
    traits: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class GroupPlan:
    """All questions of a group run.

    Attributes
    ----------
    found
        Rows, and what was left out with its reason.
    comparisons
        Maps.
    regions
        Tables.
    skipped
        Questions that cannot be asked, by title, with the reason.
    """

    found: FoundMaps
    comparisons: tuple[Comparison, ...]
    regions: tuple[RegionValues, ...]
    skipped: Mapping[str, str]


def plan_group(study: Study, settings: Settings) -> GroupPlan:
    """Find the difference maps and ask of each kind whether its mean differs from zero, and of each trait.

    Raises
    ------
    MorbidsError
        There are no maps, no question can be asked of them, or a trait is in no table.
    """
    output = settings.output_spaces[0]
    wanted: dict[str, str | None] = {"space": output.space, "res": output.resolution_label}
    if settings.model is not None:
        wanted["model"] = settings.model
    found = find_maps(study.output_dir, MapSelection(entities=wanted, filters=study.filters))
    traits = _read_traits(study, found.rows, settings.traits)
    comparisons: list[Comparison] = []
    regions: list[RegionValues] = []
    skipped: dict[str, str] = {}
    for name, rows in _kinds(found.rows).items():
        labels = [row.label for row in rows]
        values = {trait: np.array([column[label] for label in labels]) for trait, column in traits.items()}
        regions.append(_regions(name, rows, study.output_dir, values))
        for trait in ("", *settings.traits):
            title = f"{_title(rows[0])}{f' by {trait}' if trait else ''}"
            try:
                comparisons.append(_compare(name, rows, trait, values, study.output_dir))
            except MorbidsError as error:
                skipped[title] = str(error)
    if not comparisons:
        reasons = " ".join(f"{title}: {reason}" for title, reason in skipped.items())
        raise MorbidsError(f"No group test can be made. {reasons}", exit_code=ExitCode.BAD_DATA)
    return GroupPlan(found, tuple(comparisons), tuple(regions), skipped)


def _kinds(rows: Sequence[MapRow]) -> dict[str, list[MapRow]]:
    """Rows by what they show: windows, and the scan type where windows alone do not tell."""
    by_type: dict[tuple[str, str], list[MapRow]] = {}
    for row in rows:
        by_type.setdefault((row.description, row.scan_type), []).append(row)
    described = [description for description, _ in by_type]
    return {
        description
        if described.count(description) == 1
        else f"{entity_label(scan_type)}{description}": members
        for (description, scan_type), members in by_type.items()
    }


def _title(row: MapRow) -> str:
    difference = parse_difference_label(row.description)
    if difference is None:
        return row.description
    return f"{row.scan_type.partition('-')[2] or difference.challenge}: {difference.baseline} − {difference.challenge}"


def _compare(
    name: str, rows: Sequence[MapRow], trait: str, values: Mapping[str, FloatArray], dataset: Path
) -> Comparison:
    """Ask for the mean of the maps, or for their slope on a trait among the rows that have it."""
    kept = (
        rows
        if not trait
        else [row for row, value in zip(rows, values[trait], strict=True) if np.isfinite(value)]
    )
    if trait:
        known = values[trait][np.isfinite(values[trait])]
        design = regression(known, trait)
        question = (
            f"Does the change of binding go with {trait}? Positive: more activation with a higher {trait}."
        )
    else:
        design = one_sample(len(kept))
        question = "Does binding change from baseline to challenge? Positive: it falls, which is activation."
    return Comparison(
        name=f"{name}By{entity_label(trait)[:1].upper()}{entity_label(trait)[1:]}" if trait else name,
        title=f"{_title(rows[0])}{f' by {trait}' if trait else ''}",
        question=question,
        labels=tuple(row.label for row in kept),
        maps=tuple(row.path for row in kept),
        baselines=tuple(_baseline_map(row, dataset) for row in kept),
        columns={
            column: tuple(map(float, numbers))
            for column, numbers in zip(design.columns, design.matrix.T, strict=True)
        },
        weights={
            column: float(weight)
            for column, weight in zip(design.columns, design.contrast, strict=True)
            if weight
        },
    )


def _regions(
    name: str, rows: Sequence[MapRow], dataset: Path, values: Mapping[str, FloatArray]
) -> RegionValues:
    """Collect the tables of both windows of each row."""
    return RegionValues(
        name=name,
        title=_title(rows[0]),
        labels=tuple(row.label for row in rows),
        baselines=tuple(_kinpar(row, dataset, "Baseline") for row in rows),
        challenges=tuple(_kinpar(row, dataset, "Challenge") for row in rows),
        traits={trait: tuple(map(float, numbers)) for trait, numbers in values.items()},
    )


def _window_name(row: MapRow, role: Literal["Baseline", "Challenge"]) -> str:
    """Name of a window, from the sidecar, else from the map's name."""
    if role in row.metadata:
        return str(row.metadata[role]["name"])
    difference = parse_difference_label(row.description)
    if difference is None:
        raise MorbidsError(f"{row.path} does not say which windows it is a difference of.")
    return difference.baseline if role == "Baseline" else difference.challenge


def _baseline_map(row: MapRow, dataset: Path) -> Path:
    entities = {key: row.entities[key] for key in ("model", "meas", "space", "res") if key in row.entities}
    named = entities | {"desc": _window_name(row, "Baseline")}
    return output_path(dataset, scan_entities(row.entities), "parametric_map", named)


def _kinpar(row: MapRow, dataset: Path, role: Literal["Baseline", "Challenge"]) -> Path:
    named = {"seg": SPHERES, "model": row.entities["model"], "desc": _window_name(row, role)}
    return output_path(dataset, scan_entities(row.entities), "kinpar", named)


def _read_traits(study: Study, rows: Sequence[MapRow], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Value of each trait per scan label; NaN where missing."""
    if not names:
        return {}
    joined = join_traits(rows_table(rows), read_traits(study.bids_dir))
    labels = [row.label for row in rows]
    return {name: dict(zip(labels, numeric_trait(joined, name).astype(float), strict=True)) for name in names}
