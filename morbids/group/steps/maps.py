"""Maps of many scans as one matrix: smoothed, and cut down to the voxels that every map knows."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.smoothing import smooth_volume
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

# NIfTI code of template space.
MNI_CODE = 4


class Stack(NamedTuple):
    """All maps of a comparison.

    Attributes
    ----------
    maps
        (n_rows, n_voxels) float32, `.npy`, so that it can be mapped into memory.
    mask
        The voxels, in the order of `image[mask]`.
    n_voxels
        Their number.
    mask_rule
        How the mask came about, in words.
    """

    maps: Path
    mask: Path
    n_voxels: int
    mask_rule: str


def stack_maps(
    added: Sequence[Path],
    removed: Sequence[Path],
    binding: Sequence[Path],
    n_rows: int,
    template_mask: Path,
    fwhm_mm: float,
    least_binding: float,
    out_dir: Path,
) -> Stack:
    """Make each row's map, smooth it, and keep brain voxels that all rows know and that bind enough.

    Parameters
    ----------
    added, removed
        Maps of the terms of each row (see `Terms`).
    binding
        Maps whose mean limits the mask; those that are not there (other software) do not.
    fwhm_mm
        Of the smoothing; 0 for none.
    least_binding
        Smallest mean of `binding`, as the original study had.

    Raises
    ------
    MorbidsError
        No voxel remains.
    """
    first = read_image(added[0])
    inside = _brain(template_mask, first)
    for path in (*added, *removed):
        inside &= np.isfinite(read_map(path))
    there = [path for path in binding if path.exists()]
    rule = f"brain, known in all {n_rows} rows"
    if there:
        mean = sum((np.nan_to_num(read_map(path)) for path in there), np.zeros(inside.shape, np.float32))
        inside &= mean / len(there) >= least_binding
        rule += f", mean of {len(there)} maps at least {least_binding:g}"
    else:
        rule += "; no baseline maps, so --mask-threshold was not applied"
    if not inside.any():
        raise MorbidsError(
            f"No voxel remains for {added[0].name} and the other maps ({rule}).",
            "Lower --mask-threshold, or look at the participants' maps.",
        )
    stacked = np.lib.format.open_memmap(
        out_dir / "maps.npy", mode="w+", dtype=np.float32, shape=(n_rows, int(inside.sum()))
    )
    for row in range(n_rows):
        volume = sum((read_map(path) for path in added[row::n_rows]), np.zeros(inside.shape, np.float32))
        volume = volume - sum((read_map(path) for path in removed[row::n_rows]), np.zeros_like(volume))
        stacked[row] = smooth_volume(volume, fwhm_mm, first.voxel_mm)[inside]
    stacked.flush()
    mask = write_image(inside, first.affine, out_dir / "mask.nii.gz", code=MNI_CODE)
    return Stack(out_dir / "maps.npy", mask, int(inside.sum()), rule)


def read_map(path: Path) -> FloatArray:
    """Read a map; where no voxel is NaN, exact zeros are what other software writes for "unknown"."""
    values = read_image(path).values
    return values if np.isnan(values).any() else np.where(values == 0, np.nan, values).astype(np.float32)


def write_map(values: FloatArray | IntArray, mask: Image, path: Path) -> Path:
    """Write (n_voxels,) values of a mask as an image, NaN outside; labels stay whole numbers, 0 outside."""
    inside = mask.values > 0.5
    whole = np.issubdtype(values.dtype, np.integer)
    volume = np.zeros(inside.shape, np.int32) if whole else np.full(inside.shape, np.nan, np.float32)
    volume[inside] = values
    return write_image(volume, mask.affine, path, code=MNI_CODE)


def _brain(template_mask: Path, like: Image) -> BoolArray:
    """Read the template's brain on the grid of the maps, which other software may have chosen otherwise."""
    brain = read_image(template_mask)
    to_brain = np.linalg.inv(brain.affine) @ like.affine
    sampled = ndimage.affine_transform(
        brain.values, to_brain[:3, :3], to_brain[:3, 3], output_shape=like.values.shape, order=1
    )
    return np.asarray(sampled > 0.5)
