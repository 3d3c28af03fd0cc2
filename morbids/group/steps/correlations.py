"""How regions go with traits; and, called circular, how significant clusters do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from morbids.bids.names import entity_label
from morbids.bids.tables import read_table, write_table
from morbids.group.regions import readable_region
from morbids.group.steps.regions import Values, read_values, tidy
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.correlation import Correlations, correlate
from morbids.numerics.statistics.multiple import holm
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
    "r": ("Pearson correlation", ""),
    "ci_low": ("Lower end of its 95 % confidence interval (Fisher)", ""),
    "ci_high": ("Upper end of its 95 % confidence interval", ""),
    "p": ("Two-tailed p of r from t", ""),
    "p_permutation": ("Two-tailed p of r by permutation of the trait", ""),
    "p_holm": ("That p, Holm over the regions of this trait", ""),
    "p_holm_all": ("That p, Holm over all regions and all traits of the table", ""),
    "p_fdr": ("That p, Benjamini-Hochberg over the regions of this trait", ""),
    "rho": ("Spearman correlation", ""),
    "rho_p_permutation": ("Two-tailed p of rho by permutation", ""),
}


class Correlated(NamedTuple):
    """Correlations of every trait, and pictures of the strongest, by `desc`."""

    correlations: Path
    pictures: dict[str, Path]


def correlate_regions(
    values: Path,
    scores: Mapping[str, tuple[float, ...]],
    quantity: str,
    n_permutations: int,
    seed: int,
    out_dir: Path,
) -> Correlated:
    """Correlate every trait with every region, by Pearson and by Spearman."""
    table = read_values(values)
    return _correlate(table, scores, INDEPENDENT, quantity, (n_permutations, seed), out_dir)


def correlate_clusters(
    maps: Path,
    mask: Path,
    cluster_maps: Mapping[str, Path],
    clusters: Path,
    labels: tuple[str, ...],
    scores: Mapping[str, tuple[float, ...]],
    quantity: str,
    n_permutations: int,
    seed: int,
    out_dir: Path,
) -> Correlated:
    """Correlate every trait with the mean of each significant cluster: circular, and called so."""
    listed = read_table(clusters)
    passing = listed[listed["passes"].notna()] if len(listed) else listed
    number = read_image(cluster_maps["clusters"]).values[read_image(mask).values > 0.5]
    data = np.load(maps, mmap_mode="r")
    means = [data[:, number == cluster].mean(axis=1, dtype=float) for cluster in passing["cluster"]]
    names = tuple(_cluster_name(row) for row in passing.to_dict("records"))
    if not names:
        write_table(pd.DataFrame(columns=list(COLUMNS)), out_dir / "correlations.tsv")
        return Correlated(out_dir / "correlations.tsv", {})
    table = Values(names, labels, np.stack(means, axis=1))
    return _correlate(table, scores, CIRCULAR, quantity, (n_permutations, seed), out_dir)


def picture_name(kind: Kind, trait: str, rank: int) -> str:
    """Value of `desc-` of the picture of a correlation."""
    return entity_label(f"{kind.partition(' ')[0]} {trait} {rank + 1}")


def _correlate(
    table: Values,
    scores: Mapping[str, tuple[float, ...]],
    kind: Kind,
    quantity: str,
    permutations: tuple[int, int],
    out_dir: Path,
) -> Correlated:
    n_permutations, seed = permutations
    tables, pictures = [], {}
    for trait, numbers in scores.items():
        known = np.array(numbers)
        pearson, spearman = (
            correlate(known, table.values, method, n_permutations=n_permutations, seed=seed)
            for method in ("pearson", "spearman")
        )
        tables.append(_table(trait, table.names, kind, pearson, spearman))
        strongest = np.argsort(np.nan_to_num(pearson.p_permutation, nan=2))[:N_DRAWN]
        for rank, place in enumerate(strongest):
            if np.isfinite(pearson.r[place]):
                name = picture_name(kind, trait, rank)
                drawn = _Drawn(trait, known, quantity, kind, pearson.r[place], pearson.p_permutation[place])
                pictures[name] = write_figure(_draw(table, int(place), drawn), out_dir / f"{name}.svg")
    joined = pd.concat(tables, ignore_index=True)
    joined["p_holm_all"] = holm(joined["p_permutation"].to_numpy(dtype=float))
    write_table(tidy(joined[list(COLUMNS)]), out_dir / "correlations.tsv")
    return Correlated(out_dir / "correlations.tsv", pictures)


def _table(
    trait: str, names: tuple[str, ...], kind: Kind, pearson: Correlations, spearman: Correlations
) -> pd.DataFrame:
    columns: dict[str, object] = {"trait": trait, "name": names, "kind": kind}
    columns["label"] = [_label(name, kind) for name in names]
    columns |= pearson._asdict()
    return pd.DataFrame(columns | {"rho": spearman.r, "rho_p_permutation": spearman.p_permutation})


class _Drawn(NamedTuple):
    """What a scatter plot shows and says."""

    trait: str
    known: FloatArray
    quantity: str
    kind: Kind
    r: float
    p: float


def _draw(table: Values, place: int, drawn: _Drawn) -> Figure:
    told = f"r = {drawn.r:.2f}"
    return draw_correlation(
        drawn.known,
        table.values[:, place],
        table.labels,
        trait_label=drawn.trait,
        effect_label=f"{_label(table.names[place], drawn.kind)}: {drawn.quantity}",
        note=f"{told}, p (permutation) = {drawn.p:.3g}" if drawn.kind == INDEPENDENT else f"circular: {told}",
    )


def _label(name: str, kind: Kind) -> str:
    return readable_region(name) if kind == INDEPENDENT else name


def _cluster_name(row: Mapping[object, object]) -> str:
    label = str(row["AAL"]) if isinstance(row["AAL"], str) else "unlabelled"
    return f"cluster {row['cluster']}, {label.replace('_', ' ')}"
