"""Values of a-priori regions in every row, and the tests of a comparison on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table, write_table
from morbids.errors import MorbidsError
from morbids.group.comparison import StatisticName, Terms, WrittenDesign, sum_terms
from morbids.group.regions import Sphere, readable_region
from morbids.group.steps.maps import read_map
from morbids.imaging.images import Image, read_image
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.statistics.regions import RegionTests, compare_design
from morbids.reports.figures.group import draw_forest, draw_strip
from morbids.reports.figures.style import write_figure

SCAN = "scan"
COLUMNS = {
    "name": ("Region", ""),
    "label": ("Its name for people", ""),
    "n": ("Rows with a value", ""),
    "effect": ("Contrast of the means or slope, in the unit of the values", ""),
    "standard_error": ("Standard error of the effect", ""),
    "ci_low": ("Lower end of the 95 % confidence interval", ""),
    "ci_high": ("Upper end of the 95 % confidence interval", ""),
    "t": ("Statistic", ""),
    "df": ("Degrees of freedom", ""),
    "f": ("F of several contrasts at once", ""),
    "df_tested": ("How many these are: the first degrees of freedom of F", ""),
    "p": ("p, uncorrected; of t two-tailed", ""),
    "hedges_g": ("Effect in standard deviations, corrected for small samples", ""),
    "p_holm": ("p, Holm over the regions (family-wise)", ""),
    "p_fdr": ("p, Benjamini-Hochberg over the regions (false discovery rate)", ""),
}


# Columns of one statistic that the other has not.
_ONLY: Mapping[StatisticName, tuple[str, ...]] = {
    "t": ("effect", "standard_error", "ci_low", "ci_high", "t", "hedges_g"),
    "F": ("f", "df_tested"),
}


def columns_of(statistic: StatisticName) -> dict[str, tuple[str, str]]:
    """Columns of the tests by t or by F, each with its description and unit."""
    others = [name for other, names in _ONLY.items() if other != statistic for name in names]
    return {name: told for name, told in COLUMNS.items() if name not in others}


class RegionValues(NamedTuple):
    """Value of every region in every row: a row per scan, a column per region."""

    values: Path


class RegionResults(NamedTuple):
    """Tests of every region, and of every side of it."""

    tests: Path
    sides: Path


class RegionPictures(NamedTuple):
    """Effects of the regions with their intervals, and every row's values."""

    forest: Path
    strip: Path


def read_tables(
    terms: Terms,
    labels: tuple[str, ...],
    parameter: str,
    out_dir: Path,
) -> RegionValues:
    """Read a parameter from the terms' tables of regional estimates (see `Terms`).

    Raises
    ------
    MorbidsError
        A table cannot be read, or names other regions than the first.
    """
    names: tuple[str, ...] = ()
    values: list[list[FloatArray]] = []
    for paths in (terms.added, terms.removed):
        values.append([])
        for path in paths:
            table = read_table(path, ("name", parameter))
            found = tuple(map(str, table["name"]))
            names = names or found
            if found != names:
                raise MorbidsError(
                    f"{path} names other regions than the tables before it.",
                    "Run all scans with one version.",
                )
            values[-1].append(table[parameter].to_numpy(dtype=float))
    return _write_values(sum_terms(terms, values[0], values[1], len(labels)), names, labels, out_dir)


def measure_spheres(
    terms: Terms,
    labels: tuple[str, ...],
    spheres: tuple[Sphere, ...],
    out_dir: Path,
) -> RegionValues:
    """Take the mean of the terms' maps, as they are, in every sphere; NaN where a map knows no voxel of it."""
    grid = read_image(terms.added[0])
    inside = [draw_sphere(sphere, grid) for sphere in spheres]
    added, removed = (
        [means_of(read_map(path), inside) for path in paths] for paths in (terms.added, terms.removed)
    )
    names = tuple(sphere.name for sphere in spheres)
    return _write_values(sum_terms(terms, added, removed, len(labels)), names, labels, out_dir)


def mean_in_spheres(paths: Sequence[Path], spheres: tuple[Sphere, ...], *, average: bool) -> dict[str, float]:
    """Mean of maps in each sphere, of left and right together where asked; maps that are not there are passed over."""
    there = [path for path in paths if path.exists()]
    if not there:
        return {}
    grid = read_image(there[0])
    inside = [draw_sphere(sphere, grid) for sphere in spheres]
    values = np.stack([means_of(read_map(path), inside) for path in there])
    table = Values(tuple(sphere.name for sphere in spheres), tuple(map(str, there)), values)
    table = average_sides(table) if average else table
    return dict(zip(table.names, np.nanmean(table.values, axis=0).tolist(), strict=True))


def compare_regions(values: Path, design: WrittenDesign, average: bool, out_dir: Path) -> RegionResults:
    """Test the comparison's contrasts in every region, t two-tailed, Holm and FDR over the regions.

    `average` joins left and right for the tests, and the sides are tested beside them.
    """
    sides = read_values(values)
    table = average_sides(sides) if average else sides
    _test(table, design, out_dir / "tests.tsv")
    _test(sides, design, out_dir / "sides.tsv")
    return RegionResults(out_dir / "tests.tsv", out_dir / "sides.tsv")


def picture_regions(
    values: Path,
    tests: Path,
    p_page: Mapping[str, float],
    average: bool,
    quantity: str,
    directions: tuple[str, str],
    out_dir: Path,
) -> RegionPictures:
    """Draw the tests of the regions with the corrected p of the claims, by region, and the values.

    `directions` say what a positive and a negative effect mean.
    """
    table = read_table(tests, tuple(columns_of("t"))).assign(f=np.nan)
    drawn = RegionTests(*(table[name].to_numpy() for name in RegionTests._fields))
    corrected = np.array([p_page.get(name, np.nan) for name in table["name"]])
    figure = draw_forest(drawn, list(table["label"]), directions, corrected, label=quantity)
    forest = write_figure(figure, out_dir / "forest.svg")
    each = average_sides(read_values(values)) if average else read_values(values)
    strip = draw_strip(each.values, list(table["label"]), label=quantity, joined=False)
    return RegionPictures(forest, write_figure(strip, out_dir / "strip.svg"))


def _test(table: "Values", design: WrittenDesign, out: Path) -> None:
    """Write the tests of all regions."""
    tests = compare_design(table.values, design.design)
    labels = [readable_region(name) for name in table.names]
    told = {"name": table.names, "label": labels, "df_tested": len(design.several), **tests._asdict()}
    write_table(tidy(pd.DataFrame(told)[list(columns_of(design.statistic))]), out)


class Values(NamedTuple):
    """Region names, scan labels, and values (n_rows, n_regions)."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    values: FloatArray


def read_values(path: Path) -> Values:
    """Read what `read_tables` or `measure_spheres` wrote."""
    table = read_table(path, (SCAN,))
    names = tuple(name for name in table.columns if name != SCAN)
    return Values(names, tuple(table[SCAN]), table[list(names)].to_numpy(dtype=float))


def average_sides(table: Values) -> Values:
    """Put the mean of left and right in the place of the two; a row that lacks a side has no mean."""
    sides: dict[str, list[int]] = {}
    for place, name in enumerate(table.names):
        paired = name.endswith(("_L", "_R")) and {f"{name[:-2]}_L", f"{name[:-2]}_R"} <= set(table.names)
        sides.setdefault(name[:-2] if paired else name, []).append(place)
    means = [table.values[:, places].mean(axis=1) for places in sides.values()]
    return Values(tuple(sides), table.labels, np.stack(means, axis=1))


def draw_sphere(sphere: Sphere, grid: Image) -> BoolArray:
    """Voxels whose centre lies in a sphere; of one that is smaller than a voxel, the voxel that it is in."""
    voxels = np.moveaxis(np.indices(grid.values.shape), 0, -1)
    places = voxels @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    inside = np.square(places - np.array(sphere.centre_mm)).sum(axis=-1) <= sphere.radius_mm**2
    if not inside.any():
        middle = np.linalg.solve(grid.affine, [*sphere.centre_mm, 1.0])[:3].round().astype(int)
        if np.all((middle >= 0) & (middle < grid.values.shape)):
            inside[tuple(middle)] = True
    return np.asarray(inside)


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Round real numbers to six significant digits: beyond them they are noise of binary numbers."""
    return table.map(lambda value: float(f"{value:.6g}") if isinstance(value, float) else value)


def _write_values(
    values: FloatArray, names: tuple[str, ...], labels: tuple[str, ...], out_dir: Path
) -> RegionValues:
    table = pd.DataFrame(values, columns=list(names))
    table.insert(0, SCAN, labels)
    write_table(tidy(table), out_dir / "values.tsv")
    return RegionValues(out_dir / "values.tsv")


def means_of(volume: FloatArray, inside: Sequence[BoolArray | tuple[IntArray, ...]]) -> FloatArray:
    """(n,) mean of a map in each of several volumes, masks or indices; NaN where it knows no voxel of it."""
    known = [volume[voxels][np.isfinite(volume[voxels])] for voxels in inside]
    return np.array([float(values.mean()) if len(values) else np.nan for values in known])
