"""Write the files of a dataset: the same study gives the same bytes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from morbids.bids.names import sidecar_path
from morbids.bids.tables import write_table
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.simulation.grids import Grid

_LARGEST_INT16 = 32000
SCANNER_CODE, MNI_CODE = 1, 4


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_rows(rows: Sequence[Mapping[str, str | float]], metadata: Mapping[str, Any], path: Path) -> None:
    """Write a TSV file with its JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(pd.DataFrame(list(rows)), path)
    write_json(metadata, sidecar_path(path))


def write_scanned(values: FloatArray | IntArray, grid: Grid, path: Path) -> None:
    """Write an image as scanners store it: 16-bit integers with one scale factor.

    Parameters
    ----------
    values
        (x, y, z) or (x, y, z, n_frames); integers are stored as they are.
    """
    slope = 1.0
    stored = values
    if not np.issubdtype(values.dtype, np.integer):
        slope = max(float(np.abs(values).max()), 1e-6) / _LARGEST_INT16
        stored = np.empty(values.shape, np.int16, order="F")
        for i in range(
            values.shape[-1]
        ):  # frame by frame: a whole scan in double precision would fill the memory
            stored[..., i] = np.round(values[..., i] / slope)
    image = _image(stored, grid, SCANNER_CODE)
    image.header.set_slope_inter(slope, 0.0)
    _save(image, path)


def write_map(values: FloatArray | IntArray, grid: Grid, path: Path, code: int = SCANNER_CODE) -> None:
    """Write a map of the truth: float32, or the integers it holds."""
    stored = values if np.issubdtype(values.dtype, np.integer) else values.astype(np.float32)
    _save(_image(stored, grid, code), path)


def _image(stored: FloatArray | IntArray, grid: Grid, code: int) -> nib.Nifti1Image:
    image = nib.Nifti1Image(stored, grid.affine)
    image.set_sform(grid.affine, code)
    image.set_qform(grid.affine, code)
    image.header.set_xyzt_units("mm", "sec" if stored.ndim == 4 else None)
    return image


def _save(image: nib.Nifti1Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # nibabel writes gzip without a time stamp and at its fastest level, so bytes repeat and time is spent elsewhere.
    nib.save(image, path)
