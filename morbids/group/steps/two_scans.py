"""Two scans of the same people in every region: change in percent, agreement, and occupancy over regions."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import write_table
from morbids.group.comparison import Terms, is_reference
from morbids.group.regions import Sphere, readable_region
from morbids.group.steps.regions import SCAN, Values, average_sides, measure_spheres, read_values, tidy
from morbids.numerics.statistics.agreement import (
    Interval,
    Occupancy,
    intraclass,
    lassen,
    percent_change,
    variability,
)
from morbids.reports.figures.style import write_figure
from morbids.reports.figures.two_scans import draw_lassen

_ESTIMATES = {
    "change_percent": "Mean fall from the reference scan, in percent of it",
    "variability_percent": "Test-retest variability: mean of |difference| in percent of the mean of both",
    "icc_agreement": "Intraclass correlation ICC(A,1): a difference between the scans' means is disagreement",
    "icc_consistency": "Intraclass correlation ICC(C,1): it is not",
}
RETEST_COLUMNS = {
    "name": ("Region", ""),
    "label": ("Its name for people", ""),
    "n": ("Participants with both values", ""),
    "reference": ("Scan that the other is compared with", ""),
    "other": ("The other scan", ""),
    "mean_reference": ("Mean of the reference scan, in the unit of the maps", ""),
    "mean_other": ("Mean of the other scan", ""),
    **{
        name: (told, "")
        for estimate, words in _ESTIMATES.items()
        for name, told in {
            estimate: words,
            f"{estimate}_low": "Lower end of its 95 % confidence interval",
            f"{estimate}_high": "Upper end of its 95 % confidence interval",
        }.items()
    },
}
OCCUPANCY_COLUMNS = {
    SCAN: ("Participant", ""),
    "occupancy_percent": ("Slope of the Lassen plot over regions; n/a where regions do not span a range", ""),
    "standard_error_percent": ("Its standard error", ""),
    "nondisplaceable": ("Where the line meets the axis: binding that nothing displaces; 0 for BP_ND", ""),
    "r": ("Correlation of the plot", ""),
}


class TwoScans(NamedTuple):
    """Change and agreement, a row per region; occupancy, a row per participant; its plot."""

    retest: Path
    occupancy: Path
    lassen: Path


def compare_two_scans(
    added: Sequence[Path],
    removed: Sequence[Path],
    names: tuple[str, str],
    labels: tuple[str, ...],
    spheres: tuple[Sphere, ...],
    average: bool,
    out_dir: Path,
) -> TwoScans:
    """Compare the scans of each participant in spheres of the maps as they are.

    Parameters
    ----------
    added, removed
        Maps of the two scans of each participant, run after run.
    names
        What the two scans are called: one that is named like a baseline is the reference, else the first.
    average
        Whether left and right are one region.
    """
    scans = [
        _measure(paths, labels, spheres, out_dir / folder, average=average)
        for folder, paths in (("first", added), ("second", removed))
    ]
    if not is_reference(*names):
        scans, names = scans[::-1], names[::-1]
    reference, other = scans
    rows = [_row(reference, other, place, names) for place in range(len(reference.names))]
    write_table(tidy(pd.DataFrame(rows, columns=list(RETEST_COLUMNS))), out_dir / "retest.tsv")
    lines = [lassen(*pair) for pair in zip(reference.values, other.values, strict=True)]
    table = pd.DataFrame([_occupancy(line) for line in lines], columns=list(OCCUPANCY_COLUMNS)[1:])
    table.insert(0, SCAN, labels)
    write_table(tidy(table), out_dir / "occupancy.tsv")
    figure = draw_lassen(reference.values, reference.values - other.values, lines, names)
    return TwoScans(
        out_dir / "retest.tsv", out_dir / "occupancy.tsv", write_figure(figure, out_dir / "lassen.svg")
    )


def _measure(
    paths: Sequence[Path],
    labels: tuple[str, ...],
    spheres: tuple[Sphere, ...],
    folder: Path,
    *,
    average: bool,
) -> Values:
    folder.mkdir(exist_ok=True)
    terms = Terms(tuple(paths), (), len(paths) // len(labels))
    values = read_values(measure_spheres(terms, labels, spheres, folder).values)
    return average_sides(values) if average else values


def _row(reference: Values, other: Values, place: int, names: tuple[str, str]) -> dict[str, object]:
    """One region."""
    first, second = reference.values[:, place], other.values[:, place]
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    both = np.column_stack([first, second])
    estimates = {
        "change_percent": percent_change(first, second),
        "variability_percent": variability(first, second),
        "icc_agreement": intraclass(both, agreement=True),
        "icc_consistency": intraclass(both, agreement=False),
    }
    name = reference.names[place]
    told = {"name": name, "label": readable_region(name), "n": int(known.sum())}
    means = {"mean_reference": first.mean(), "mean_other": second.mean()} if known.any() else {}
    numbers = {
        key: value for estimate, one in estimates.items() for key, value in _columns(estimate, one).items()
    }
    return told | {"reference": names[0], "other": names[1]} | means | numbers


def _columns(estimate: str, interval: Interval) -> dict[str, float]:
    return {estimate: interval.value, f"{estimate}_low": interval.low, f"{estimate}_high": interval.high}


def _occupancy(line: Occupancy | None) -> tuple[float, ...]:
    if line is None:
        return (np.nan,) * (len(OCCUPANCY_COLUMNS) - 1)
    return line.percent, line.standard_error_percent, line.nondisplaceable, line.r
