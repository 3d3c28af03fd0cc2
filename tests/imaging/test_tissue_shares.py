"""Shares of tissue at the scanner's resolution: of a phantom with known curves, and of one whose fluid is not told."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from morbids.imaging.images import read_image, write_image
from morbids.imaging.tissue_shares import SlowTissues, find_slow_tissues

FWHM_MM, VOXEL_MM = 5.0, 3.0
SHAPE = (24, 24, 24)
AFFINE = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
CURVES = np.array([[5.0, 2.0, 1.0], [4.0, 3.0, 1.5]])


def tissue_maps(fluid_radius: float) -> np.ndarray:
    """A ball of white matter with a core of fluid, and grey matter around (x, y, z, 3)."""
    axes = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in SHAPE], indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    fluid, grey = radius < fluid_radius, (radius >= 8) & (radius < 11)
    return np.stack([grey, (radius < 8) & ~fluid, fluid], axis=-1).astype(np.float32)


def reference_region(maps: np.ndarray) -> np.ndarray:
    """Grey matter of the top."""
    region = maps[..., 0] > 0.5
    region[:, :, : SHAPE[2] // 2] = False
    return region


def scan(folder: Path, fluid_radius: float) -> tuple[SlowTissues, np.ndarray]:
    """What is found of a phantom, and its shares."""
    maps = tissue_maps(fluid_radius)
    sd = FWHM_MM / np.sqrt(8 * np.log(2)) / VOXEL_MM
    shares = np.stack([ndimage.gaussian_filter(maps[..., k], sd, truncate=5) for k in range(3)], axis=-1)
    paths = [
        write_image(maps[..., k], AFFINE, folder / f"{name}.nii.gz")
        for k, name in enumerate(("gm", "wm", "csf"))
    ]
    pet = write_image((shares @ CURVES.T).astype(np.float32), AFFINE, folder / "pet.nii.gz")
    mask = write_image(np.asarray(maps.any(axis=-1)), AFFINE, folder / "mask.nii.gz")
    reference = write_image(reference_region(maps), AFFINE, folder / "reference.nii.gz")
    found = find_slow_tissues(
        pet, mask, reference, (paths[0], paths[1], paths[2]), (), (FWHM_MM,) * 3, folder
    )
    return found, shares


def test_curves_and_shares_of_a_phantom_are_found(tmp_path: Path) -> None:
    found, shares = scan(tmp_path, fluid_radius=4.0)
    np.testing.assert_allclose(found.curves, CURVES[:, 1:], rtol=0.05)
    measured = read_image(found.shares).values
    inside = tissue_maps(4.0).any(axis=-1)
    assert measured.shape == (*SHAPE, 2)
    # The phantom has edges in the middle of voxels; tissue of people is finer than PET.
    assert np.abs(measured[inside] - shares[inside][:, 1:]).mean() < 0.02
    assert found.notes == ()


def test_fluid_that_is_nowhere_pure_is_left_and_told(tmp_path: Path) -> None:
    found, _ = scan(tmp_path, fluid_radius=0.9)
    np.testing.assert_allclose(found.curves[:, 0], CURVES[:, 1], rtol=0.05)
    assert (found.curves[:, 1] == 0).all()
    assert read_image(found.shares).values[..., 1].max() == 0
    assert found.notes == (
        "The curve of fluid cannot be told at the scanner's resolution: it is left in the curves of regions.",
    )
    assert read_image(found.shares).values[..., 0].max() == pytest.approx(1, abs=0.05)
