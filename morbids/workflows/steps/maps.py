"""Maps of many scans as one matrix: smoothed, and cut down to the voxels that every map knows."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.smoothing import smooth_volume
from morbids.numerics.arrays import BoolArray, FloatArray

# NIfTI code of template space.
MNI_CODE = 4


class Stack(NamedTuple):
    """All maps of a comparison.

    Attributes
    ----------
    maps
        (n_maps, n_voxels) float32, `.npy`, so that it can be mapped into memory.
    mask
        The voxels, in the order of `image[mask]`.
    n_voxels
        Their number.
    """

    maps: Path
    mask: Path
    n_voxels: int


def stack_maps(
    maps: Sequence[Path],
    baselines: Sequence[Path],
    template_mask: Path,
    fwhm_mm: float,
    least_binding: float,
    out_dir: Path,
) -> Stack:
    """Smooth maps, and keep brain voxels that all of them know and whose mean baseline binds enough.

    Parameters
    ----------
    maps, baselines
        One of each per row; a baseline that is not there (maps of other software) does not limit the mask.
    fwhm_mm
        Of the smoothing; 0 for none.
    least_binding
        Smallest mean of the baselines, as the original study had.

    Raises
    ------
    MorbidsError
        No voxel remains.
    """
    first = read_image(maps[0])
    inside = _brain(template_mask, first)
    binding, n_baselines = np.zeros(first.values.shape, dtype=np.float32), 0
    smoothed: list[FloatArray] = []
    for path in maps:
        volume = smooth_volume(read_image(path).values, fwhm_mm, first.voxel_mm)
        inside &= np.isfinite(volume)
        smoothed.append(volume.astype(np.float32))
    for path in baselines:
        if path.exists():
            binding += np.nan_to_num(read_image(path).values)
            n_baselines += 1
    if n_baselines:
        inside &= binding / n_baselines >= least_binding
    if not inside.any():
        raise MorbidsError(
            f"No voxel is in the brain, known in all {len(maps)} maps and bound above {least_binding:g}.",
            "Lower --mask-threshold, or look at the participants' maps.",
        )
    stacked = np.stack([volume[inside] for volume in smoothed])
    np.save(out_dir / "maps.npy", stacked)
    mask = write_image(inside, first.affine, out_dir / "mask.nii.gz", code=MNI_CODE)
    return Stack(out_dir / "maps.npy", mask, int(inside.sum()))


def write_map(values: FloatArray, mask: Image, path: Path) -> Path:
    """Write (n_voxels,) values of a mask as an image, NaN outside."""
    inside = mask.values > 0.5
    volume = np.full(inside.shape, np.nan, dtype=np.float32)
    volume[inside] = values
    return write_image(volume, mask.affine, path, code=MNI_CODE)


def _brain(template_mask: Path, like: Image) -> BoolArray:
    """Read the template's brain; every voxel where the template has another grid than the maps (other software)."""
    brain = read_image(template_mask)
    same = brain.values.shape == like.values.shape and np.allclose(brain.affine, like.affine, atol=1e-3)
    return brain.values > 0.5 if same else np.ones(like.values.shape, dtype=bool)
