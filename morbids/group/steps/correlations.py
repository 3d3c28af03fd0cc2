"""How regions go with a trait: the slope of a comparison as correlations, and, called circular, of claimed clusters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from morbids.bids.names import entity_label
from morbids.bids.tables import write_table
from morbids.group.comparison import Terms, WrittenDesign, sum_terms
from morbids.group.regions import readable_region
from morbids.group.steps.maps import read_map
from morbids.group.steps.regions import Values, average_sides, read_values, tidy
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.correlation import correlate, remove_covariates
from morbids.numerics.statistics.designs import INTERCEPT
from morbids.reports.figures.group import draw_correlation
from morbids.reports.figures.style import write_figure

Kind = Literal["independent region", "circular"]
INDEPENDENT: Final = "independent region"
CIRCULAR: Final = "circular"
# Correlations drawn for each trait: those with the smallest p.
N_DRAWN = 2
COLUMNS = {
    "trait": ("Column of the study's tables", ""),
    "name": ("Region, or cluster with the label of its peak", ""),
    "label": ("Its name for people", ""),
    "kind": (f"`{INDEPENDENT}`, or `{CIRCULAR}`: values come from a cluster that these data selected", ""),
    "n": ("Rows with both values", ""),
    "r": ("Pearson correlation; partial where there are covariates", ""),
    "ci_low": ("Lower end of its 95 % confidence interval (Fisher)", ""),
    "ci_high": ("Upper end of its 95 % confidence interval", ""),
    "p": ("Two-tailed p of r, which is that of the slope", ""),
    "p_page": ("That p corrected for all tests of the page; n/a for circular ones", ""),
    "rho": ("Spearman correlation; partial where there are covariates", ""),
    "rho_p_permutation": ("Two-tailed p of rho by permutation", ""),
    "rho_p_holm": ("The same, Holm over the regions", ""),
}


class Correlated(NamedTuple):
    """Correlations of the trait, and pictures of the strongest, by `desc`."""

    correlations: Path
    pictures: dict[str, Path]


class Slope(NamedTuple):
    """The slope that is given as a correlation.

    Attributes
    ----------
    design, column, words
        Of the slope, whose slope it is, and what that is called: the other columns are covariates.
    quantity
        What the maps hold.
    n_permutations, seed
        Of Spearman's correlation.
    """

    design: WrittenDesign
    column: str
    words: str
    quantity: str
    n_permutations: int
    seed: int


def correlate_regions(
    values: Path, slope: Slope, p_page: Mapping[str, float], average: bool, out_dir: Path
) -> Correlated:
    """Give the slope of every region as a correlation, by Pearson and by Spearman.

    Parameters
    ----------
    p_page
        Corrected p by region, from the claims.
    average
        Whether left and right are one region.
    """
    table = average_sides(read_values(values)) if average else read_values(values)
    return _correlate(table, _Asked(slope, INDEPENDENT, dict(p_page)), out_dir)


def correlate_clusters(
    terms: Terms,
    labels: tuple[str, ...],
    clusters: Path,
    names: Mapping[int, str],
    slope: Slope,
    out_dir: Path,
) -> Correlated:
    """Correlate the trait with the mean of each claimed cluster: circular, and called so.

    Parameters
    ----------
    terms
        Maps of the rows, measured as they are.
    clusters
        Image of cluster numbers.
    names
        Of the claimed clusters, by number.
    """
    number = read_image(clusters).values
    added, removed = (
        [
            np.array([np.nanmean(volume[number == cluster]) for cluster in names])
            for volume in map(read_map, paths)
        ]
        for paths in (terms.added, terms.removed)
    )
    table = Values(tuple(names.values()), labels, sum_terms(terms, added, removed, len(labels)))
    return _correlate(table, _Asked(slope, CIRCULAR, {}), out_dir)


def picture_name(kind: Kind, trait: str, rank: int) -> str:
    """Value of `desc-` of the picture of a correlation."""
    return entity_label(f"{kind.partition(' ')[0]} {trait} {rank + 1}")


class _Asked(NamedTuple):
    """What is correlated: the slope, in which kind of place, with corrected p by place."""

    slope: Slope
    kind: Kind
    p_page: dict[str, float]


def _correlate(table: Values, asked: _Asked, out_dir: Path) -> Correlated:
    slope = asked.slope
    columns_of = slope.design.columns
    others = [column for name, column in columns_of.items() if name not in (INTERCEPT, slope.column)]
    known = np.array(columns_of[slope.column])
    covariates = np.array(others, dtype=float).reshape(len(others), len(known)).T
    pearson, spearman = (
        correlate(
            known,
            table.values,
            method,
            covariates=covariates if others else None,
            n_permutations=slope.n_permutations,
            seed=slope.seed,
        )
        for method in ("pearson", "spearman")
    )
    columns: dict[str, Any] = {
        "trait": slope.column,
        "name": table.names,
        "label": [_label(name, asked.kind) for name in table.names],
        "kind": asked.kind,
        "p_page": [asked.p_page.get(name, np.nan) for name in table.names],
        "rho": spearman.r,
        "rho_p_permutation": spearman.p_permutation,
        "rho_p_holm": spearman.p_holm,
    }
    told = pd.DataFrame(pearson._asdict() | columns)[list(COLUMNS)]
    write_table(tidy(told), out_dir / "correlations.tsv")
    pictures = {}
    strongest = [place for place in np.argsort(pearson.p) if np.isfinite(pearson.p[place])][:N_DRAWN]
    for rank, place in enumerate(strongest):
        name = picture_name(asked.kind, slope.column, rank)
        figure = _draw(table, int(place), known, covariates, _note(told, int(place), asked, len(others)))
        pictures[name] = write_figure(figure, out_dir / f"{name}.svg")
    return Correlated(out_dir / "correlations.tsv", pictures)


def _note(told: pd.DataFrame, place: int, asked: _Asked, n_covariates: int) -> tuple[str, str, str]:
    """Words on both axes and above the plot: what it shows, of how many, and why this one."""
    row = told.iloc[place]
    partial = "partial r" if n_covariates else "r"
    chosen = f"one of the {min(N_DRAWN, len(told))} smallest p of {len(told)}"
    if asked.kind == CIRCULAR:
        above = f"circular: {partial} = {row['r']:.2f}, n = {row['n']}; {chosen}"
    else:
        page = f", corrected {row['p_page']:.3g}" if np.isfinite(row["p_page"]) else ""
        above = f"{partial} = {row['r']:.2f}, p = {row['p']:.3g}{page}, n = {row['n']}\n{chosen} regions"
    beside = " (without covariates)" if n_covariates else ""
    return f"{asked.slope.words}{beside}", f"{row['label']}: {asked.slope.quantity}{beside}", above


def _draw(
    table: Values, place: int, known: FloatArray, covariates: FloatArray, words: tuple[str, str, str]
) -> Figure:
    """Scatter plot of what covariates leave; of the values themselves without any."""
    values = table.values[:, place]
    x, y = np.full((2, len(values)), np.nan)
    rows = np.isfinite(values)
    beside = covariates[rows] if covariates.size else np.empty((int(rows.sum()), 0))
    x[rows] = known[rows] if not covariates.size else remove_covariates(known[rows], beside)
    y[rows] = values[rows] if not covariates.size else remove_covariates(values[rows], beside)
    trait_label, effect_label, note = words
    return draw_correlation(x, y, table.labels, trait_label=trait_label, effect_label=effect_label, note=note)


def _label(name: str, kind: Kind) -> str:
    return readable_region(name) if kind == INDEPENDENT else name
