"""True binding and delivery of the average person, in template space, and the focal a-priori regions."""

import csv
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.imaging.atlases import sphere_table
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.simulation.grids import Grid, crop, voxel_centres
from morbids.simulation.template import TemplateBrain

REFERENCE_AAL = (5001, 5002, 5011, 5012, 5021, 5022)
"""AAL labels of the usual reference region: calcarine, cuneus, lingual."""
_REFERENCE_NEUROMORPHOMETRICS = (108, 109, 114, 115, 134, 135, 156, 157)
_BORDER_FWHM_MM = 5.0
_EDGE_MM = 1.5
_DEFAULT_R1 = 1.0
_TISSUE_OVER_SEEN = 1.25
"""The table's values were seen through a scanner and smoothing; grey matter itself binds more."""
_BRAIN_LOW_MM, _BRAIN_HIGH_MM = (-78.0, -112.0, -76.0), (78.0, 80.0, 86.0)


class TruthRegion(NamedTuple):
    """A row of truth_regions.tsv: labels of an atlas that share a binding potential and a delivery."""

    name: str
    labels: tuple[int, ...]
    bp_nd: float
    r1: float


RELEASE_RADII_MM = {
    "VentralStriatum": 7.0,
    "Amygdala": 7.5,
    "MidlineThalamus": 8.0,
    "PAG": 7.0,
    "sgACC": 8.0,
    "pgACC": 8.5,
    "AnteriorInsula": 8.0,
}
"""Where a region releases: wider than the spheres that are tabulated, to be seen through scanner and smoothing."""

_HOT_SPOTS = (("MidlineThalamus", 2.9, 7.0), ("PAG", 1.2, 5.0))
"""(region, BP_ND at its centre, radius in mm): binding finer than the parcellation."""


class BindingMaps(NamedTuple):
    """The average person: (x, y, z) on the template's grid, meaningful wherever there is brain tissue."""

    bp_nd: FloatArray
    r1: FloatArray


def read_truth_regions() -> tuple[TruthRegion, ...]:
    """Read the table of regional truth (values: METHODS section 9)."""
    text = files("morbids").joinpath("data/truth_regions.tsv").read_text()
    return tuple(
        TruthRegion(
            row["region"],
            tuple(int(label) for label in row["labels"].split(",")),
            float(row["bp_nd"]),
            float(row["r1"]),
        )
        for row in csv.DictReader(text.splitlines(), delimiter="\t")
    )


class Parcels(NamedTuple):
    """What tells where binding differs, (x, y, z) on one grid.

    Attributes
    ----------
    neuromorphometrics, aal
        Labels.
    spots
        Share of each hot spot.
    """

    neuromorphometrics: IntArray
    aal: IntArray
    spots: Mapping[str, FloatArray]


def build_binding_maps(template: TemplateBrain, occipital_binding: float = 0.0) -> BindingMaps:
    """Binding of the average person on the template's grid; parameters as of `spread_binding`."""
    # Only the box around the brain: distance transforms of the whole head would take half a minute.
    box, grid = crop(template.grid, _BRAIN_LOW_MM, _BRAIN_HIGH_MM)
    parcels = Parcels(template.neuromorphometrics[box], template.aal[box], hot_spot_shares(grid))
    bp_nd, r1 = spread_binding(parcels, grid, occipital_binding)
    whole = BindingMaps(np.zeros(template.grid.shape, np.float32), np.ones(template.grid.shape, np.float32))
    whole.bp_nd[box], whole.r1[box] = bp_nd, r1
    return whole


def spread_binding(parcels: Parcels, grid: Grid, occipital_binding: float = 0.0) -> BindingMaps:
    """Spread the regional values over the cortex, with smooth borders, and add the hot spots.

    Parameters
    ----------
    occipital_binding
        Scales the binding of the reference region: 0 makes it an exact reference, 1 as real as in people.
    """
    labels = parcels.neuromorphometrics
    bp_values, r1_values = np.zeros(256, np.float32), np.full(256, _DEFAULT_R1, np.float32)
    for region in read_truth_regions():
        bp_values[list(region.labels)] = _TISSUE_OVER_SEEN * region.bp_nd
        r1_values[list(region.labels)] = region.r1
    nearest = _nearest_listed(labels)
    bp_nd, r1 = (_soften(values[labels][nearest], grid) for values in (bp_values, r1_values))
    for spot, peak, _ in _HOT_SPOTS:
        bp_nd = bp_nd + parcels.spots[spot] * np.maximum(peak - bp_nd, 0)
    bp_nd *= 1 - _occipital_share(labels, parcels.aal, grid) * (1 - occipital_binding)
    return BindingMaps(bp_nd, r1)


def hot_spot_shares(grid: Grid) -> dict[str, FloatArray]:
    """Share of every hot spot on a grid in template space."""
    return {region: sphere_share(region, grid, radius_mm) for region, _, radius_mm in _HOT_SPOTS}


def region_centres(region: str) -> FloatArray:
    """Centres (n, 3) in MNI mm of an a-priori region: both sides of `Amygdala`, one of `Amygdala_L`."""
    table = sphere_table()
    rows = [name == region or name.startswith(f"{region}_") for name in table["name"]]
    centres: FloatArray = table.loc[rows, ["x", "y", "z"]].to_numpy(dtype=float)
    return centres


def release_radius_mm(region: str) -> float:
    """Radius of the volume that releases around each centre of a region."""
    return RELEASE_RADII_MM[region.partition("_")[0]]


def sphere_share(region: str, grid: Grid, radius_mm: float) -> FloatArray:
    """Return 1 inside the sphere(s) of a region, 0 outside, a logistic edge between."""
    x, y, z = voxel_centres(grid)
    share = np.zeros(grid.shape, np.float32)
    for cx, cy, cz in region_centres(region):
        distance = np.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2)
        share = np.maximum(share, 1 / (1 + np.exp(np.clip((distance - radius_mm) / _EDGE_MM, -30, 30))))
    return share.astype(np.float32)


def _nearest_listed(labels: IntArray) -> tuple[IntArray, ...]:
    """Index of the nearest voxel whose label stands in the table: every grey voxel gets a value that way."""
    listed = [label for region in read_truth_regions() for label in region.labels]
    unlisted = ~np.isin(labels, listed)
    return tuple(ndimage.distance_transform_edt(unlisted, return_distances=False, return_indices=True))


def _soften(values: FloatArray, grid: Grid) -> FloatArray:
    """Smooth the borders between regions."""
    smooth: FloatArray = ndimage.gaussian_filter(values, _BORDER_FWHM_MM / 2.355 / grid.voxel_mm)
    return smooth


def _occipital_share(neuromorphometrics: IntArray, aal: IntArray, grid: Grid) -> FloatArray:
    """Soft mask of the reference region, 3 mm wider than its labels so that no neighbour's binding leaks in."""
    inside = np.isin(aal, REFERENCE_AAL) | np.isin(neuromorphometrics, _REFERENCE_NEUROMORPHOMETRICS)
    wide = ndimage.distance_transform_edt(~inside, sampling=grid.voxel_mm) <= 3.0
    share: FloatArray = ndimage.gaussian_filter(wide.astype(np.float32), 1.5 / grid.voxel_mm)
    return share
