"""A ball of white matter with a core of fluid in a shell of grey matter, as a scanner of known resolution sees it.

Tissue is drawn finer than PET, as a T1w image shows it.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.imaging.images import write_image

FWHM_MM, VOXEL_MM, SPLIT = 5.0, 3.0, 3
N = 24
AFFINE = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
# Of grey matter, white matter and fluid, in two frames.
CURVES = np.array([[5.0, 2.0, 1.0], [4.0, 3.0, 1.5]])


class Phantom(NamedTuple):
    """Files of the phantom; shares (x, y, z, 3) of tissue in PET voxels, and those that the scanner sees."""

    pet: Path
    mask: Path
    tissues: tuple[Path, Path, Path]
    maps: np.ndarray
    shares: np.ndarray


def write_phantom(
    folder: Path, fluid_radius: float, white_radius: float = 8.0, binding_below: float = 0.0
) -> Phantom:
    """Write the phantom.

    Parameters
    ----------
    fluid_radius, white_radius
        In PET voxels.
    binding_below
        By how much more, as part of their curves, grey and white matter below the top hold in the last frame, per voxel
        of depth.
    """
    fine = (np.arange(N * SPLIT) - (N * SPLIT - 1) / 2) / SPLIT
    x, y, z = np.meshgrid(fine, fine, fine, indexing="ij")
    radius = np.sqrt(x**2 + y**2 + z**2)
    fluid, grey = radius < fluid_radius, (radius >= white_radius) & (radius < white_radius + 3)
    drawn = np.stack([grey, (radius < white_radius) & ~fluid, fluid], axis=-1).astype(np.float32)
    sd = FWHM_MM / np.sqrt(8 * np.log(2)) / VOXEL_MM * SPLIT

    def see(tissue: np.ndarray) -> np.ndarray:
        return average(ndimage.gaussian_filter(tissue, (sd, sd, sd, 0), truncate=5))

    deeper = 1 + binding_below * np.clip(white_radius - 2 - z, 0, None)[..., None] * [1, 1, 0]
    frames = np.stack([see(drawn) @ CURVES[0], see(drawn * deeper) @ CURVES[1]], axis=-1)
    fine_affine = np.diag([VOXEL_MM / SPLIT] * 3 + [1.0])
    fine_affine[:3, 3] = (1 / SPLIT - 1) / 2 * VOXEL_MM
    gm, wm, csf = (
        write_image(drawn[..., k], fine_affine, folder / f"{name}.nii.gz")
        for k, name in enumerate(("gm", "wm", "csf"))
    )
    maps = average(drawn)
    return Phantom(
        write_image(frames.astype(np.float32), AFFINE, folder / "pet.nii.gz"),
        write_image(maps.sum(axis=-1) > 0.5, AFFINE, folder / "mask.nii.gz"),
        (gm, wm, csf),
        maps,
        see(drawn),
    )


def average(fine: np.ndarray) -> np.ndarray:
    """Means over PET voxels."""
    split = fine.reshape(N, SPLIT, N, SPLIT, N, SPLIT, -1)
    return np.asarray(split.mean(axis=(1, 3, 5)))
