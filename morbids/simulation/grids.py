"""Voxel grids, and pulling arrays from one grid to another through transforms."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk

from morbids.imaging.resampling import index_transform, resample_volume
from morbids.numerics.affines import voxel_edges_mm, voxel_volume_ml
from morbids.numerics.arrays import FloatArray, IntArray

THREADS = 2


class Grid(NamedTuple):
    """Where the voxels of an array lie.

    Attributes
    ----------
    shape
        Number of voxels along each axis.
    affine
        (4, 4) from voxel index to RAS mm.
    """

    shape: tuple[int, int, int]
    affine: FloatArray

    @property
    def voxel_mm(self) -> FloatArray:
        """(3,) edge lengths of a voxel in mm."""
        return voxel_edges_mm(self.affine)

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in mL."""
        return voxel_volume_ml(self.affine)


def make_grid(low_mm: Sequence[float], high_mm: Sequence[float], voxel_mm: float) -> Grid:
    """Isotropic RAS grid whose voxel centres run from `low_mm` to at least `high_mm`."""
    extent = np.asarray(high_mm, dtype=float) - np.asarray(low_mm, dtype=float)
    nx, ny, nz = (int(n) for n in np.ceil(extent / voxel_mm - 1e-9) + 1)
    affine = np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])
    affine[:3, 3] = low_mm
    return Grid((nx, ny, nz), affine)


def centred_grid(
    shape: tuple[int, int, int], signed_voxel_mm: Sequence[float], centre_mm: FloatArray
) -> Grid:
    """Grid around a centre; a negative voxel edge flips that axis (scanners often store x from right to left)."""
    affine = np.diag([*signed_voxel_mm, 1.0])
    affine[:3, 3] = centre_mm - np.asarray(signed_voxel_mm) * (np.asarray(shape) - 1) / 2
    return Grid(shape, affine)


def voxel_centres(grid: Grid) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return x, y, z in RAS mm, broadcastable to the shape of a grid whose axes are not rotated."""
    axes = [
        grid.affine[axis, axis] * np.arange(length) + grid.affine[axis, 3]
        for axis, length in enumerate(grid.shape)
    ]
    return axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]


def crop(
    grid: Grid, low_mm: Sequence[float] | FloatArray, high_mm: Sequence[float] | FloatArray
) -> tuple[tuple[slice, slice, slice], Grid]:
    """Box of a RAS grid: the slices that cut it out of an array, and its own grid."""
    origin = grid.affine[:3, 3]
    first = np.clip(np.floor((np.asarray(low_mm) - origin) / grid.voxel_mm), 0, grid.shape).astype(int)
    last = np.clip(np.ceil((np.asarray(high_mm) - origin) / grid.voxel_mm) + 1, first, grid.shape).astype(int)
    affine = grid.affine.copy()
    affine[:3, 3] = origin + first * grid.voxel_mm
    nx, ny, nz = (int(length) for length in last - first)
    box = (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2]))
    return box, Grid((nx, ny, nz), affine)


def pull(
    values: FloatArray | IntArray,
    source: Grid,
    target: Grid,
    chain: Sequence[FloatArray | sitk.Transform] = (),
    nearest: bool = False,
) -> FloatArray:
    """Sample an array of one grid at the voxel centres of another.

    Parameters
    ----------
    values
        Array on `source`.
    chain
        Transforms in the order in which the image passes them; each maps points of its target to points of
        its source: matrices (4, 4) in RAS mm, or ITK transforms (LPS).
    nearest
        Take the nearest voxel (labels) instead of interpolating linearly.

    Returns
    -------
    FloatArray
        float32 of the target's shape; 0 outside the source.
    """
    transform = index_transform(chain, target.affine, source.affine)
    return resample_volume(
        values.astype(np.float32, copy=False),
        target.shape,
        transform,
        "nearest" if nearest else "linear",
        THREADS,
    )
