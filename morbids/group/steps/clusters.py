"""The table of clusters and their peaks, with what every map says there and what atlases call the place."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from morbids.imaging.images import Image
from morbids.imaging.naming import AtlasNames
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.clusters import Clusters
from morbids.numerics.statistics.methods import ALPHA, METHODS

# Atlases that name peaks; the first one names clusters on pages and pictures.
NAMING = ("AAL", "HarvardOxford")
# Smaller clusters are listed only when they pass a correction: half a resolution element of a PET group map.
SMALLEST_CLUSTER_MM3 = 80.0
# Maps that a peak is described by, before its corrected p: column, map, decimals (None: six digits).
PEAK_COLUMNS: tuple[tuple[str, str, int | None], ...] = (
    ("pseudo_t", "pseudot", 3),
    ("t", "t", 3),
    ("f", "F", 3),
    ("z", "z", 3),
    ("effect", "effect", None),
    ("hedges_g", "g", 3),
    ("p_uncorrected", "p", None),
)
DESCRIPTIONS: Mapping[str, tuple[str, str]] = {
    "cluster": ("Number of the cluster, the largest first, as in the map of clusters", ""),
    "direction": ("Sign of the effect in words", ""),
    "extent_mm3": ("Volume of the cluster, in its first row", "mm^3"),
    "x_mm": ("Peak, to the right", "mm"),
    "y_mm": ("Peak, to the front", "mm"),
    "z_mm": ("Peak, upwards", "mm"),
    "pseudo_t": ("t with a smoothed variance, whose clusters and permutations these are", ""),
    "t": ("Student's or Welch's t", ""),
    "f": ("F of several contrasts at once", ""),
    "z": (
        "Normal deviate with the tail area of t or F; of Welch's test, of t with one ratio of variances",
        "",
    ),
    "effect": ("Contrast of the parameters, in the unit of the maps", ""),
    "hedges_g": ("Effect in standard deviations, corrected for small samples", ""),
    "p_uncorrected": ("p of F, or two-tailed p of t", ""),
    **{method.column: (method.column_description, "") for method in METHODS.values()},
    "passes": ("Corrections that the cluster passes at .05; empty for none", ""),
    **{
        atlas: (f"Label of the atlas {atlas} at the peak, or the nearest within 6 mm", "") for atlas in NAMING
    },
}


def tabulate_clusters(
    clusters: Clusters,
    values: Mapping[str, FloatArray],
    grid: tuple[Image, IntArray],
    names: Mapping[str, AtlasNames],
    directions: tuple[str, str],
) -> pd.DataFrame:
    """Make a row per peak; the cluster's own numbers stand in its first row.

    Parameters
    ----------
    clusters
        Found on the map.
    values
        (n_voxels,) maps by `stat-`.
    grid
        The mask, and the (n_voxels, 3) indices of its voxels.
    names
        Atlases.
    directions
        What positive and negative clusters are called.
    """
    image, voxels = grid
    voxel_mm3 = 1000 * image.voxel_ml
    passes = {
        cluster: _passed(clusters.labels == cluster, values) for cluster in np.unique(clusters.peak_cluster)
    }
    rows: list[dict[str, Any]] = []
    for place, cluster in enumerate(clusters.peak_cluster):
        extent_mm3 = float(clusters.extent[cluster - 1] * voxel_mm3)
        if extent_mm3 < SMALLEST_CLUSTER_MM3 and not passes[cluster]:
            continue
        voxel = clusters.peak_voxel[place]
        first = not rows or rows[-1]["cluster"] != cluster
        mm = image.affine[:3, :3] @ voxels[voxel] + image.affine[:3, 3]
        row: dict[str, Any] = {
            "cluster": int(cluster),
            "direction": directions[0] if clusters.sign[cluster - 1] > 0 else directions[1],
            "extent_mm3": round(extent_mm3, 1) if first else None,
            **{f"{axis}_mm": round(float(value), 1) for axis, value in zip("xyz", mm, strict=True)},
        }
        for column, stat, decimals in PEAK_COLUMNS:
            if stat in values:
                row[column] = _rounded(float(values[stat][voxel]), decimals)
        for method in METHODS.values():
            if method.stat in values and (first or method.kind == "voxel"):
                row[method.column] = _rounded(float(values[method.stat][voxel]), None)
        row["passes"] = ", ".join(passes[cluster]) if first else None
        rows.append(row | {atlas: known.at(mm) for atlas, known in names.items()})
    return pd.DataFrame(rows, columns=list(columns_of(values)))


def columns_of(statistics: Collection[str]) -> dict[str, tuple[str, str]]:
    """Columns of the table where these maps are made, each with its description and unit."""
    peaks = [column for column, stat, _ in PEAK_COLUMNS if stat in statistics]
    corrected = [method.column for method in METHODS.values() if method.stat in statistics]
    places = ["cluster", "direction", "extent_mm3", "x_mm", "y_mm", "z_mm"]
    return {name: DESCRIPTIONS[name] for name in (*places, *peaks, *corrected, "passes", *NAMING)}


def _passed(inside: FloatArray, values: Mapping[str, FloatArray]) -> list[str]:
    """Corrections that some voxel of a cluster passes."""
    return [
        method.brief
        for method in METHODS.values()
        if method.stat in values and (values[method.stat][inside] <= ALPHA).any()
    ]


def _rounded(value: float, decimals: int | None) -> float:
    """Without the noise of binary numbers: some decimals, or six significant digits."""
    return round(value, decimals) if decimals is not None else float(f"{value:.6g}")
