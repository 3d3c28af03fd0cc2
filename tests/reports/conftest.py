"""A coarse head whose geometry is known: an ellipsoidal brain in world space, on an oblique grid."""

from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import pytest

from morbids.numerics.arrays import FloatArray

BRAIN_CENTRE_MM = np.array([0.0, -20.0, 10.0])
BRAIN_RADII_MM = np.array([60.0, 80.0, 60.0])


class Head(NamedTuple):
    """Files of one head: T1w, brain mask, tissue labels, a map whose sign is that of world x."""

    t1w: Path
    mask: Path
    dseg: Path
    signed: Path


def oblique_affine(voxel_mm: float = 5.0) -> FloatArray:
    """A grid turned by 20 degrees about z, with its first axis running to the left."""
    angle = np.deg2rad(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-voxel_mm, voxel_mm, voxel_mm])
    affine[:3, 3] = BRAIN_CENTRE_MM - affine[:3, :3] @ np.full(3, 23.5)
    return affine


def world_grid(affine: FloatArray, size: int = 48) -> FloatArray:
    """World coordinates (3, size, size, size) of every voxel."""
    voxels = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"))
    return np.asarray(np.einsum("ij,jabc->iabc", affine[:3, :3], voxels) + affine[:3, 3, None, None, None])


def save(values: FloatArray, affine: FloatArray, path: Path) -> Path:
    """Write a NIfTI image."""
    nib.save(nib.Nifti1Image(values, affine), path)
    return path


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Head:
    folder = tmp_path_factory.mktemp("head")
    affine = oblique_affine()
    world = world_grid(affine)
    offsets = (world - BRAIN_CENTRE_MM[:, None, None, None]) / BRAIN_RADII_MM[:, None, None, None]
    radius = np.sqrt((offsets**2).sum(axis=0))
    brain = radius < 1
    labels = np.where(radius < 0.7, 2, 1) * brain
    rng = np.random.default_rng(0)
    t1w = 100.0 * (labels == 2) + 70.0 * (labels == 1) + 60.0 * ((radius > 1.1) & (radius < 1.2))
    return Head(
        save((t1w + rng.normal(0, 2, t1w.shape)).astype(np.float32), affine, folder / "T1w.nii.gz"),
        save(brain.astype(np.uint8), affine, folder / "mask.nii.gz"),
        save(labels.astype(np.uint8), affine, folder / "dseg.nii.gz"),
        save(np.where(brain, world[0] / 60, np.nan).astype(np.float32), affine, folder / "signed.nii.gz"),
    )
