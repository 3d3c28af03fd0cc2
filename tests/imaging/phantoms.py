"""Small heads whose geometry and activity are known, made in place of scans."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from morbids.imaging.images import write_image
from morbids.imaging.transforms import invert
from morbids.numerics.arrays import BoolArray, FloatArray

PET_AFFINE = np.array([[-5.0, 0, 0, 80.0], [0, 5.0, 0, -80.0], [0, 0, 5.0, -80.0], [0, 0, 0, 1]])
PET_SHAPE = (33, 33, 33)
T1W_AFFINE = np.array([[4.0, 0, 0, -84.0], [0, 4.0, 0, -88.0], [0, 0, 4.0, -84.0], [0, 0, 0, 1]])
T1W_SHAPE = (43, 45, 43)


def grid_mm(shape: tuple[int, ...], affine: FloatArray) -> FloatArray:
    """(x, y, z, 3) RAS mm of every voxel."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    points: FloatArray = index @ affine[:3, :3].T + affine[:3, 3]
    return points


def ellipsoid(points_mm: FloatArray, centre: tuple[float, ...], radii: tuple[float, ...]) -> BoolArray:
    """Points inside an ellipsoid."""
    return np.asarray((((points_mm - np.array(centre)) / np.array(radii)) ** 2).sum(-1) <= 1)


def moved_points(shape: tuple[int, ...], affine: FloatArray, pose: FloatArray) -> FloatArray:
    """Points of the unmoved head that voxels show when `pose` carries head points to scanner points."""
    back = invert(pose)
    points: FloatArray = grid_mm(shape, affine) @ back[:3, :3].T + back[:3, 3]
    return points


def brain_at(points_mm: FloatArray) -> BoolArray:
    """Whether points lie in the brain: no symmetry, so that every rotation shows."""
    return ellipsoid(points_mm, (0, 0, 0), (48, 60, 46))


def folds_at(points_mm: FloatArray) -> BoolArray:
    """Folds of grey matter: stripes that bend, so that no shift or turn maps them onto themselves."""
    x, y, z = np.moveaxis(points_mm, -1, 0)
    wave = np.sin(x / 7 + np.sin(y / 17)) + np.sin(y / 8 + np.sin(z / 15)) + np.sin(z / 8 + np.sin(x / 19))
    return np.asarray(brain_at(points_mm) & (wave > 0.6))


def activity_at(points_mm: FloatArray) -> FloatArray:
    """Activity of a head: brain with hot and cold nuclei, faint scalp."""
    head = ellipsoid(points_mm, (0, 0, -2), (62, 74, 60)) & ~ellipsoid(points_mm, (0, 0, -2), (57, 69, 55))
    values = 0.25 * head + 1.0 * brain_at(points_mm) + 0.8 * folds_at(points_mm)
    values = values + 1.5 * ellipsoid(points_mm, (18, 12, 6), (12, 16, 10))
    values = values + 1.0 * ellipsoid(points_mm, (-20, -8, -6), (9, 20, 12))
    values = values - 0.9 * ellipsoid(points_mm, (0, -42, 4), (14, 10, 22))
    return np.asarray(values + 0.8 * ellipsoid(points_mm, (-8, 36, 20), (10, 9, 9)))


def t1w_at(points_mm: FloatArray) -> FloatArray:
    """T1w-like contrast of the same head: bright scalp, dark skull, nuclei grey in white."""
    scalp = ellipsoid(points_mm, (0, 0, -2), (66, 78, 64)) & ~ellipsoid(points_mm, (0, 0, -2), (58, 70, 56))
    values = 90.0 * scalp + 90.0 * brain_at(points_mm) - 30.0 * folds_at(points_mm)
    values = values - 25.0 * ellipsoid(points_mm, (18, 12, 6), (12, 16, 10))
    values = values - 30.0 * ellipsoid(points_mm, (-20, -8, -6), (9, 20, 12))
    values = values - 55.0 * ellipsoid(points_mm, (0, -42, 4), (14, 10, 22))
    return np.asarray(values - 25.0 * ellipsoid(points_mm, (-8, 36, 20), (10, 9, 9)))


def pet_volume(pose: FloatArray, noise: float = 0.0, seed: int = 0) -> FloatArray:
    """PET volume of the head in a pose, blurred to about 8 mm."""
    values = ndimage.gaussian_filter(activity_at(moved_points(PET_SHAPE, PET_AFFINE, pose)), 0.7)
    rough = np.random.default_rng(seed).standard_normal(PET_SHAPE)
    return np.asarray(1000 * (values + noise * ndimage.gaussian_filter(rough, 0.6)))


def write_t1w(pose: FloatArray, folder: Path) -> tuple[Path, Path]:
    """Write T1w head and brain mask in a pose; returns both paths."""
    points = moved_points(T1W_SHAPE, T1W_AFFINE, pose)
    rough = np.random.default_rng(9).standard_normal(T1W_SHAPE)
    head = ndimage.gaussian_filter(t1w_at(points), 0.5) + 2 * rough
    return (
        write_image(head, T1W_AFFINE, folder / "t1w.nii.gz"),
        write_image(brain_at(points), T1W_AFFINE, folder / "t1w_mask.nii.gz"),
    )


def largest_error_mm(found: FloatArray, truth: FloatArray) -> float:
    """Largest distance between where two matrices carry points of the brain."""
    corners = np.array([[x, y, z, 1] for x in (-40, 40) for y in (-50, 50) for z in (-40, 40)])
    return float(np.linalg.norm((corners @ (found - truth).T)[:, :3], axis=1).max())
