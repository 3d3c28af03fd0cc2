"""Searches of small volumes that were chosen beforehand, each corrected for its own voxels only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import ndimage

from morbids.bids.tables import write_table
from morbids.group.comparison import StatisticName, WrittenDesign
from morbids.group.regions import SmallVolumes, readable_region
from morbids.group.steps.permutations import EXHAUSTIVE_UP_TO
from morbids.group.steps.regions import draw_sphere, tidy
from morbids.imaging.images import Image, read_image
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.designs import fit_design
from morbids.numerics.statistics.multiple import holm
from morbids.numerics.statistics.permutation import Measurement, corrected_p, find_null_maxima
from morbids.numerics.statistics.plan import PermutationPlan, plan_design
from morbids.numerics.statistics.random_field import count_resels, peak_p
from morbids.numerics.statistics.rearranged import observed_t, prepare_model

UNION = "all together"
_ONLY: Mapping[StatisticName, tuple[str, ...]] = {"t": ("t", "effect", "p_random_field"), "F": ("f",)}
COLUMNS = {
    "name": ("Small volume; `all together` is the union of those listed", ""),
    "label": ("Its name for people", ""),
    "volume_mm3": ("Volume of its tested voxels", "mm^3"),
    "x_mm": ("Place of the largest |t| (|z| where variances differ), to the right", "mm"),
    "y_mm": ("to the front", "mm"),
    "z_mm": ("upwards", "mm"),
    "t": ("t there (Student's or Welch's)", ""),
    "f": ("F there", ""),
    "effect": ("Effect there, in the unit of the maps", ""),
    "p_uncorrected": ("p of that F, or two-tailed p of that t", ""),
    "p_small_volume": ("Family-wise p within the volume, permutation of the largest |t| or F", ""),
    "p_holm": ("The same, Holm over the volumes", ""),
    "p_random_field": ("Family-wise p within the volume, random field theory", ""),
}


def columns_of(statistic: StatisticName) -> dict[str, tuple[str, str]]:
    """Columns of a search by t or by F, each with its description and unit."""
    others = [name for other, names in _ONLY.items() if other != statistic for name in names]
    return {name: told for name, told in COLUMNS.items() if name not in others}


class Searched(NamedTuple):
    """A row per small volume."""

    table: Path


@dataclass(frozen=True)
class _Search:
    """What every volume is searched with."""

    data: FloatArray
    inside: BoolArray
    image: Image
    design: WrittenDesign
    plan: PermutationPlan
    fwhm_voxels: FloatArray | None


def search_small_volumes(
    maps: Path,
    mask: Path,
    summary: dict[str, Any],
    design: WrittenDesign,
    volumes: SmallVolumes,
    n_permutations: int,
    seed: int,
    out_dir: Path,
) -> Searched:
    """Find the largest |t| of each volume and correct it for the volume.

    Parameters
    ----------
    summary
        Of the whole brain: the width of its noise serves the random fields.
    """
    image = read_image(mask)
    inside = image.values > 0.5
    plan = plan_design(design.design, n_permutations, seed=seed, exhaustive_up_to=EXHAUSTIVE_UP_TO)
    search = _Search(np.load(maps, mmap_mode="r"), inside, image, design, plan, _width(summary, image))
    rows = []
    union = np.zeros_like(inside)
    for name, volume in _draw(volumes, image):
        union |= volume & inside
        rows.append({"name": name} | _search(search, volume & inside))
    if len(rows) > 1:
        rows.append({"name": UNION} | _search(search, union))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    alone = table["name"] != UNION
    table["p_holm"] = np.nan
    table.loc[alone, "p_holm"] = holm(table.loc[alone, "p_small_volume"].to_numpy(dtype=float))
    table["label"] = [readable_region(name) for name in table["name"]]
    write_table(tidy(table[list(columns_of(design.statistic))]), out_dir / "small_volumes.tsv")
    return Searched(out_dir / "small_volumes.tsv")


def _draw(volumes: SmallVolumes, grid: Image) -> Iterator[tuple[str, BoolArray]]:
    """Every volume on the grid of the maps."""
    for sphere in volumes.spheres:
        yield sphere.name, draw_sphere(sphere, grid)
    for name, path in volumes.masks.items():
        image = read_image(path)
        to_image = np.linalg.inv(image.affine) @ grid.affine
        sampled = ndimage.affine_transform(
            np.nan_to_num(image.values),
            to_image[:3, :3],
            to_image[:3, 3],
            output_shape=grid.values.shape,
            order=0,
        )
        yield name, sampled > 0.5


def _search(search: _Search, volume: BoolArray) -> dict[str, Any]:
    """The largest |t| of one volume; missing values where no voxel can be tested."""
    image, design = search.image, search.design
    own = np.array(search.data[:, volume[search.inside]], dtype=float)
    fit = fit_design(own, design.design)
    if not np.isfinite(fit.p).any():
        return {"volume_mm3": 0.0}
    model = prepare_model(own, design.design)
    height = observed_t(model) if design.judges_z else fit.f if design.several else fit.t
    peak = int(np.nanargmax(np.abs(height)))
    null = find_null_maxima(model, search.plan, search.plan.pieces(1)[0], Measurement())
    mm = image.affine[:3, :3] @ np.argwhere(volume)[peak] + image.affine[:3, 3]
    return {
        "volume_mm3": round(float(volume.sum() * 1000 * image.voxel_ml), 1),
        **{f"{axis}_mm": round(float(value), 1) for axis, value in zip("xyz", mm, strict=True)},
        "t": round(float(fit.t[peak]), 3),
        "f": round(float(fit.f[peak]), 3),
        "effect": float(f"{fit.effect[peak]:.6g}"),
        "p_uncorrected": float(f"{fit.p[peak]:.6g}"),
        "p_small_volume": float(f"{corrected_p(height[peak], null.maxima['t']):.6g}"),
        "p_random_field": _random_field(search, volume, fit.t[peak]),
    }


def _width(summary: dict[str, Any], image: Image) -> FloatArray | None:
    """(3,) width of the whole brain's noise in voxels; None where it could not be estimated."""
    return np.array(summary["FWHMmm"]) / image.voxel_mm if "FWHMmm" in summary else None


def _random_field(search: _Search, volume: BoolArray, height: float) -> float | None:
    """P of a t; none where degrees of freedom differ between voxels, which is no field of t."""
    if search.fwhm_voxels is None or search.design.why_not("random-field"):
        return None
    resels = count_resels(volume, search.fwhm_voxels)
    return float(f"{peak_p(np.array([height]), resels, search.design.df)[0]:.6g}")
