"""Results of the statistics, and tables on disk, as tables of a page."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.statistics.correlation import Correlations
from morbids.numerics.statistics.regions import RegionTests
from morbids.reports.numbers import format_interval
from morbids.reports.pages import Badge, Cell, PValue, Table

# Columns of probabilities in the tables of the group level.
_P_COLUMN: Final = re.compile(r"(^|_)p(_|$)")


class ClusterRow(NamedTuple):
    """A peak of a cluster.

    Attributes
    ----------
    activation
        True for activation, False for deactivation.
    extent_mm3
        Volume of the cluster; None for its further peaks.
    x_mm, y_mm, z_mm
        MNI coordinates of the peak.
    statistic, p_corrected
        Value at the peak and its corrected p.
    labels
        One name per atlas.
    """

    activation: bool
    extent_mm3: float | None
    x_mm: float
    y_mm: float
    z_mm: float
    statistic: float
    p_corrected: float | None
    labels: tuple[str, ...]


def cluster_table(
    clusters: Sequence[ClusterRow],
    atlases: Sequence[str],
    *,
    statistic: str,
    correction: str,
    file: Path | None = None,
) -> Table:
    """Clusters and their peaks; `correction` names what the p values are corrected by."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            "activation" if row.activation else "deactivation",
            "" if row.extent_mm3 is None else round(row.extent_mm3),
            round(row.x_mm),
            round(row.y_mm),
            round(row.z_mm),
            row.statistic,
            "" if row.p_corrected is None else PValue(row.p_corrected),
            *row.labels,
        )
        for row in clusters
    )
    columns = ("Direction", "Volume (mm³)", "x", "y", "z", statistic, f"p ({correction})", *atlases)
    return Table(columns, rows, "Clusters and peaks, MNI mm", file)


def region_table(tests: RegionTests, regions: Sequence[str], *, unit: str, file: Path | None = None) -> Table:
    """One row per region: effect with its 95 % interval, t, p, corrected p, Hedges' g."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            int(tests.n[index]),
            float(tests.effect[index]),
            format_interval(float(tests.ci_low[index]), float(tests.ci_high[index])),
            float(tests.t[index]),
            float(tests.df[index]),
            PValue(float(tests.p[index])),
            PValue(float(tests.p_holm[index])),
            PValue(float(tests.p_fdr[index])),
            float(tests.hedges_g[index]),
        )
        for index, name in enumerate(regions)
    )
    columns = (
        "Region",
        "n",
        f"Effect ({unit})",
        "95 % interval",
        "t",
        "df",
        "p",
        "p (Holm)",
        "p (FDR)",
        "Hedges' g",
    )
    return Table(columns, rows, "Tests in the a-priori regions, two-tailed", file)


def correlation_table(
    pearson: Correlations,
    spearman: Correlations,
    regions: Sequence[str],
    *,
    trait: str,
    circular: bool = False,
    file: Path | None = None,
) -> Table:
    """Correlations of one trait with each region; circular ones carry the word in every row."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            Badge("flag", "circular") if circular else "independent",
            int(pearson.n[index]),
            float(pearson.r[index]),
            format_interval(float(pearson.ci_low[index]), float(pearson.ci_high[index])),
            PValue(float(pearson.p_permutation[index])),
            PValue(float(pearson.p_holm[index])),
            float(spearman.r[index]),
            PValue(float(spearman.p_permutation[index])),
        )
        for index, name in enumerate(regions)
    )
    columns = ("Region", "Kind", "n", "r", "95 % interval", "p", "p (Holm)", "rho", "p (rho)")
    title = (
        f"Correlation with {trait}: Pearson's r, Spearman's rho, p by permutation, Holm's over the regions"
    )
    return Table(columns, rows, title, file)


def read_table(path: Path, caption: str, columns: Mapping[str, str] | None = None) -> Table:
    """A TSV file as a table: numbers, p values (`p`, `p_holm`, ...), the word circular as a warning, n/a.

    Parameters
    ----------
    path
        File with a heading.
    caption
        Title of the table.
    columns
        Which columns to show, and what to call them; all with their own names when not given.

    Raises
    ------
    MorbidsError
        When the file has no heading or lacks one of the columns.
    """
    with path.open(newline="", encoding="utf-8-sig") as stream:
        lines = list(csv.reader(stream, delimiter="\t"))
    if not lines:
        raise MorbidsError(f"The table {path} is empty.", "It needs at least a heading.", ExitCode.BAD_DATA)
    heading, *body = lines
    shown = columns or {name: name for name in heading}
    missing = [name for name in shown if name not in heading]
    if missing:
        raise MorbidsError(
            f"The table {path} has no column {', '.join(missing)}.",
            f"It has: {', '.join(heading)}.",
            ExitCode.BAD_DATA,
        )
    places = [heading.index(name) for name in shown]
    rows = tuple(tuple(_parse(line[place], heading[place]) for place in places) for line in body if line)
    return Table(tuple(shown.values()), rows, caption, path)


def _parse(text: str, column: str) -> Cell:
    if text in {"n/a", ""}:
        return None
    if text == "circular":
        return Badge("flag", text)
    try:
        if _P_COLUMN.search(column):
            return PValue(float(text))
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text
