"""How far each map lies from the others, and what the result would be without it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import write_table
from morbids.group.comparison import WrittenDesign
from morbids.numerics.statistics.designs import fit_design
from morbids.numerics.statistics.influence import leave_each_out, measure_influence
from morbids.reports.figures.group import draw_influence
from morbids.reports.figures.style import write_figure

# Robust standard deviations from the median distance: beyond this a map is far from the group.
FAR = 3.0
COLUMNS = {
    "scan": ("Scan or participant", ""),
    "distance": (
        "Root mean square of deleted studentized residuals over voxels; about 1 for a map like the rest",
        "",
    ),
    "distance_sd": (f"Distance in robust standard deviations from the median; beyond {FAR:g} is far", ""),
    "correlation": ("Correlation over voxels with the mean of the other maps", ""),
    "effect_change": (
        "Change of the effect without this map, root mean square over voxels, in standard errors",
        "",
    ),
    "voxels_missing": ("Voxels of the brain that bind enough and that its map does not know", ""),
    "voxels_lost": ("Those of them that would be tested without this map: no other keeps them out", ""),
    "peak_t_without": ("t (F) at the largest |t| (F) of all maps, without this map", ""),
}


class Influences(NamedTuple):
    """A row per map, and its picture."""

    table: Path
    picture: Path


def measure_each_map(
    maps: Path,
    n_missing: tuple[int, ...],
    n_lost: tuple[int, ...],
    design: WrittenDesign,
    labels: tuple[str, ...],
    out_dir: Path,
) -> Influences:
    """Measure the distance of each map from the group, and refit without it."""
    data = np.load(maps, mmap_mode="r")
    found = measure_influence(data, design.design)
    fit = fit_design(data, design.design)
    height = fit.z if design.judges_z else fit.f if design.several else fit.t
    peak = int(np.nanargmax(np.abs(height))) if np.isfinite(height).any() else 0
    without = leave_each_out(data[:, [peak]], design.design).t
    table = pd.DataFrame(
        {
            "scan": labels,
            "distance": found.distance,
            "distance_sd": found.distance_z,
            "correlation": found.correlation,
            "effect_change": found.effect_change,
            "voxels_missing": n_missing,
            "voxels_lost": n_lost,
            "peak_t_without": without[:, 0],
        }
    )
    table = table.round(4)
    write_table(table, out_dir / "influence.tsv")
    figure = draw_influence(
        found.distance_z,
        found.effect_change,
        labels,
        limit=FAR,
        influence_label="change of the effect without it (SE)",
    )
    return Influences(out_dir / "influence.tsv", write_figure(figure, out_dir / "influence.svg"))
