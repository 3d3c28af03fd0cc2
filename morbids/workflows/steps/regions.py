"""Group tests on regions: differences of two windows, and how they go with traits."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.names import entity_label
from morbids.bids.tables import read_table, write_table
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.correlation import Correlations, correlate
from morbids.numerics.statistics.regions import RegionTests, compare_pairs
from morbids.reports.figures.group import draw_correlation, draw_forest
from morbids.reports.figures.style import write_figure
from morbids.workflows.group_plan import RegionValues

# The correlations drawn: those with the smallest p.
N_DRAWN = 3


class RegionResults(NamedTuple):
    """Tests of every region: `values` (a row per scan), `tests` (a row per region), and their picture."""

    values: Path
    tests: Path
    picture: Path


class Correlated(NamedTuple):
    """Correlations of every trait with every region, and pictures of the strongest, by `desc`."""

    correlations: Path
    pictures: dict[str, Path]


class Differences(NamedTuple):
    """Region names and baseline, challenge (n_rows, n_regions)."""

    names: tuple[str, ...]
    baseline: FloatArray
    challenge: FloatArray


def read_differences(regions: RegionValues, parameter: str) -> Differences:
    """Read a parameter of both windows from every row's tables.

    Raises
    ------
    MorbidsError
        A table is not there or names other regions than the first.
    """
    names: tuple[str, ...] = ()
    values: dict[str, list[FloatArray]] = {"baseline": [], "challenge": []}
    for kind, paths in (("baseline", regions.baselines), ("challenge", regions.challenges)):
        for path in paths:
            table = read_table(path, ("name", parameter))
            found = tuple(table["name"])
            names = names or found
            if found != names:
                raise MorbidsError(
                    f"{path} names other regions than the tables before it.",
                    "Run all scans with one version.",
                )
            values[kind].append(table[parameter].to_numpy(dtype=float))
    return Differences(names, np.stack(values["baseline"]), np.stack(values["challenge"]))


def compare_regions(regions: RegionValues, parameter: str, label: str, out_dir: Path) -> RegionResults:
    """Test baseline minus challenge in every region, two-tailed, Holm and FDR over the regions."""
    found = read_differences(regions, parameter)
    tests = compare_pairs(found.baseline, found.challenge)
    per_scan = pd.DataFrame(found.baseline - found.challenge, columns=list(found.names))
    per_scan.insert(0, "scan", regions.labels)
    write_table(per_scan, out_dir / "values.tsv")
    write_table(_test_table(found.names, tests), out_dir / "tests.tsv")
    figure = draw_forest(tests, found.names, label=label)
    return RegionResults(
        out_dir / "values.tsv", out_dir / "tests.tsv", write_figure(figure, out_dir / "forest.svg")
    )


def correlate_regions(
    regions: RegionValues, parameter: str, label: str, n_permutations: int, seed: int, out_dir: Path
) -> Correlated:
    """Correlate every trait with the difference in every region: both Pearson and Spearman."""
    found = read_differences(regions, parameter)
    difference = found.baseline - found.challenge
    tables, pictures = [], {}
    for trait, values in regions.traits.items():
        known = np.array(values)
        pearson, spearman = (
            correlate(known, difference, method, n_permutations=n_permutations, seed=seed)
            for method in ("pearson", "spearman")
        )
        tables.append(_correlation_table(trait, found.names, pearson, spearman))
        for region in np.argsort(np.nan_to_num(pearson.p_permutation, nan=2))[:N_DRAWN]:
            if not np.isfinite(pearson.r[region]):
                continue
            figure = draw_correlation(
                known,
                difference[:, region],
                regions.labels,
                trait_label=trait,
                effect_label=f"{found.names[region]}: {label}",
                note=f"r = {pearson.r[region]:.2f}, p (permutation) = {pearson.p_permutation[region]:.3g}",
            )
            name = picture_name(trait, found.names[region])
            pictures[name] = write_figure(figure, out_dir / f"{name}.svg")
    write_table(pd.concat(tables, ignore_index=True), out_dir / "correlations.tsv")
    return Correlated(out_dir / "correlations.tsv", pictures)


def picture_name(trait: str, region: str) -> str:
    """Value of `desc-` of the picture of one correlation."""
    return entity_label(f"{trait} {region}")


def _test_table(names: tuple[str, ...], tests: RegionTests) -> pd.DataFrame:
    return pd.DataFrame({"name": names, **tests._asdict()})


def _correlation_table(
    trait: str, names: tuple[str, ...], pearson: Correlations, spearman: Correlations
) -> pd.DataFrame:
    columns: dict[str, object] = {"trait": trait, "name": names, "kind": "independent region"}
    columns |= pearson._asdict()
    columns |= {"rho": spearman.r, "rho_p_permutation": spearman.p_permutation}
    return pd.DataFrame(columns)
