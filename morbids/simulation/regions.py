"""True binding and delivery of the average person, in template space, and the focal a-priori regions."""

import csv
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import FloatArray, IntArray
from morbids.simulation.grids import Grid, voxel_centres
from morbids.simulation.template import TemplateBrain

REFERENCE_AAL = (5001, 5002, 5011, 5012, 5021, 5022)
"""AAL labels of the usual reference region: calcarine, cuneus, lingual."""
_REFERENCE_NEUROMORPHOMETRICS = (108, 109, 114, 115, 134, 135, 156, 157)
_BORDER_FWHM_MM = 5.0
_EDGE_MM = 1.5
_DEFAULT_R1 = 1.0


class TruthRegion(NamedTuple):
    """A row of truth_regions.tsv: labels of an atlas that share a binding potential and a delivery."""

    name: str
    labels: tuple[int, ...]
    bp_nd: float
    r1: float


class Sphere(NamedTuple):
    """A focal region: one or two centres in MNI mm (right and left), and a radius."""

    name: str
    centres_mm: tuple[tuple[float, float, float], ...]
    radius_mm: float


FOCAL_REGIONS: dict[str, Sphere] = {
    sphere.name: sphere
    for sphere in (
        Sphere("ventral striatum", ((-10, 10, -8), (10, 10, -8)), 7.0),
        Sphere("left ventral striatum", ((-10, 10, -8),), 7.0),
        Sphere("amygdala", ((-22, -4, -18), (22, -4, -18)), 7.5),
        Sphere("midline thalamus", ((0, -14, 8),), 8.0),
        Sphere("periaqueductal grey", ((0, -30, -10),), 7.0),
        Sphere("subgenual anterior cingulate", ((0, 22, -8),), 8.0),
        Sphere("pregenual anterior cingulate", ((0, 40, 6),), 8.5),
        Sphere("anterior insula", ((-35, 20, 0), (35, 20, 0)), 8.0),
    )
}
"""Centres: the project's anatomical choices; radii wide enough to be seen through scanner and smoothing."""

_FOCAL_BINDING = (("midline thalamus", 2.9, 7.0), ("periaqueductal grey", 1.2, 5.0))
"""(region, BP_ND at its centre, radius in mm): hot spots finer than the parcellation."""


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


def build_binding_maps(template: TemplateBrain, occipital_binding: float = 0.0) -> BindingMaps:
    """Spread the regional values over the cortex, with smooth borders, and add the hot spots.

    Parameters
    ----------
    occipital_binding
        Scales the binding of the reference region: 0 makes it an exact reference, 1 as real as in people.
    """
    labels = template.neuromorphometrics
    bp_values, r1_values = np.zeros(256, np.float32), np.full(256, _DEFAULT_R1, np.float32)
    for region in read_truth_regions():
        bp_values[list(region.labels)] = region.bp_nd
        r1_values[list(region.labels)] = region.r1
    grey = _with_values(labels)
    bp_nd = _spread(bp_values[labels], grey, template.grid)
    bp_nd = _add_hot_spots(bp_nd, template.grid)
    occipital = _occipital_share(template)
    bp_nd = bp_nd * (1 - occipital * (1 - occipital_binding))
    return BindingMaps(bp_nd.astype(np.float32), _spread(r1_values[labels], grey, template.grid))


def sphere_share(
    sphere: Sphere, grid: Grid, radius_mm: float | None = None, edge_mm: float = _EDGE_MM
) -> FloatArray:
    """Return 1 inside the sphere(s), 0 outside, a logistic edge between."""
    x, y, z = voxel_centres(grid)
    radius = sphere.radius_mm if radius_mm is None else radius_mm
    share = np.zeros(grid.shape, np.float32)
    for cx, cy, cz in sphere.centres_mm:
        distance = np.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2)
        share = np.maximum(share, 1 / (1 + np.exp(np.clip((distance - radius) / edge_mm, -30, 30))))
    return share.astype(np.float32)


def _with_values(labels: IntArray) -> FloatArray:
    """Mark voxels whose label stands in the table: the others take their neighbours' value."""
    known = [label for region in read_truth_regions() for label in region.labels]
    share: FloatArray = np.isin(labels, known).astype(np.float32)
    return share


def _spread(values: FloatArray, known: FloatArray, grid: Grid) -> FloatArray:
    """Smooth borders between regions, and extrapolate into voxels without a label.

    The nearest region fills the gaps, so that every grey voxel has a value however the sulci run.
    """
    nearest = ndimage.distance_transform_edt(known == 0, return_distances=False, return_indices=True)
    filled = values[tuple(nearest)]
    smooth: FloatArray = ndimage.gaussian_filter(filled, _BORDER_FWHM_MM / 2.355 / grid.voxel_mm[0])
    return smooth


def _add_hot_spots(bp_nd: FloatArray, grid: Grid) -> FloatArray:
    for name, peak, radius_mm in _FOCAL_BINDING:
        share = sphere_share(FOCAL_REGIONS[name], grid, radius_mm)
        bp_nd = bp_nd + share * np.maximum(peak - bp_nd, 0)
    return bp_nd


def _occipital_share(template: TemplateBrain) -> FloatArray:
    """Soft mask of the reference region, 3 mm wider than its labels so that no neighbour's binding leaks in."""
    inside = np.isin(template.aal, REFERENCE_AAL)
    inside |= np.isin(template.neuromorphometrics, _REFERENCE_NEUROMORPHOMETRICS)
    wide = ndimage.distance_transform_edt(~inside) <= 3.0
    share: FloatArray = ndimage.gaussian_filter(wide.astype(np.float32), 1.5)
    return share
