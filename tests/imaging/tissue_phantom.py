"""A ball of white matter with a core of fluid in a shell of grey matter, as a scanner of known resolution sees it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.imaging.images import write_image

FWHM_MM, VOXEL_MM = 5.0, 3.0
SHAPE = (24, 24, 24)
AFFINE = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
# Of grey matter, white matter and fluid, in two frames.
CURVES = np.array([[5.0, 2.0, 1.0], [4.0, 3.0, 1.5]])


class Phantom(NamedTuple):
    """Files of the phantom, its tissue, and the shares (x, y, z, 3) that the scanner sees."""

    pet: Path
    mask: Path
    reference: Path
    tissues: tuple[Path, Path, Path]
    maps: np.ndarray
    shares: np.ndarray


def write_phantom(folder: Path, fluid_radius: float, white_radius: float = 8.0) -> Phantom:
    """Write the phantom; radii in voxels. The reference region is grey matter of the top."""
    axes = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in SHAPE], indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    fluid, grey = radius < fluid_radius, (radius >= white_radius) & (radius < white_radius + 3)
    maps = np.stack([grey, (radius < white_radius) & ~fluid, fluid], axis=-1).astype(np.float32)
    sd = FWHM_MM / np.sqrt(8 * np.log(2)) / VOXEL_MM
    shares = np.stack([ndimage.gaussian_filter(maps[..., k], sd, truncate=5) for k in range(3)], axis=-1)
    gm, wm, csf = (
        write_image(maps[..., k], AFFINE, folder / f"{name}.nii.gz")
        for k, name in enumerate(("gm", "wm", "csf"))
    )
    region = maps[..., 0] > 0.5
    region[:, :, : SHAPE[2] // 2] = False
    return Phantom(
        write_image((shares @ CURVES.T).astype(np.float32), AFFINE, folder / "pet.nii.gz"),
        write_image(np.asarray(maps.any(axis=-1)), AFFINE, folder / "mask.nii.gz"),
        write_image(region, AFFINE, folder / "reference.nii.gz"),
        (gm, wm, csf),
        maps,
        shares,
    )
