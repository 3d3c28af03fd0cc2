"""A head around the embedded template brain: the smallest T1w image on which anatomy can be tested."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.templates import Template
from morbids.numerics.arrays import BoolArray, FloatArray

GRID_MM = 4.0
SHELLS = ((2.0, 22.0), (4.0, 45.0), (8.0, 6.0), (14.0, 110.0))
"""Outer distance from the brain (mm) and intensity of fluid, dura, bone and scalp."""


class Head(NamedTuple):
    """A head on disk, its brain, and the affine that takes the template's world to it."""

    t1w: Path
    brain: BoolArray
    affine: FloatArray
    to_head: FloatArray


def draw_head(template: Template, to_head: FloatArray, out: Path, axes: str = "RAS") -> Head:
    """Draw a head at 4 mm: template brain, fluid, skull, scalp and a neck, moved by an affine (4, 4) in mm."""
    brain, mask = read_image(template.brain), read_image(template.mask)
    inside = np.pad(mask.values > 0, ((12, 12), (12, 12), (30, 12)))
    values = np.pad(brain.values, ((12, 12), (12, 12), (30, 12)))
    template_affine = brain.affine.copy()
    template_affine[:3, 3] -= brain.affine[:3, :3] @ [12, 12, 30]
    distance = ndimage.distance_transform_edt(~inside) * brain.voxel_mm[0]
    for far_mm, intensity in reversed(SHELLS):
        values[(distance > 0) & (distance <= far_mm)] = intensity
    x, y, z = np.indices(inside.shape) * 2.0 + template_affine[:3, 3].reshape(3, 1, 1, 1)
    neck = (np.hypot(x / 55, (y + 30) / 60) < 1) & (z < -50) & (distance > 8)
    values[neck] = 50
    affine = _grid(axes)
    shape = (60, 68, 64)
    pull = np.linalg.inv(template_affine) @ np.linalg.inv(to_head) @ affine
    image, brain_share = (
        ndimage.affine_transform(
            ndimage.gaussian_filter(volume.astype(np.float32), 0.7), pull[:3, :3], pull[:3, 3], shape, order=1
        )
        for volume in (values, inside)
    )
    bias = 1 + 0.2 * np.linspace(-1, 1, shape[1])[None, :, None]
    noise = np.random.default_rng(0).normal(0, 2, shape)
    t1w = write_image(np.abs(image * bias + noise).astype(np.float32), affine, out / "T1w.nii.gz")
    return Head(t1w, brain_share > 0.5, affine, to_head)


def _grid(axes: str) -> FloatArray:
    """Affine of a 4 mm grid around the origin with voxel axes that point left or right, and so on."""
    signs = [1.0 if letter in "RAS" else -1.0 for letter in axes]
    affine = np.diag([*(GRID_MM * sign for sign in signs), 1.0])
    affine[:3, 3] = [-sign * GRID_MM * n / 2 for sign, n in zip(signs, (60, 68, 64), strict=True)]
    affine[:3, 3] += [0, -18, -10]
    return affine


def dice(first: BoolArray, second: BoolArray) -> float:
    """Overlap of two masks."""
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def draw_spheres() -> tuple[Image, FloatArray]:
    """Draw a head of 96 mm radius, cut below: scalp of 8 mm, skull, brain of 76 mm; and distances from the centre."""
    index = np.indices((56, 56, 44)) * 4.0
    radius = np.sqrt((index[0] - 112) ** 2 + (index[1] - 112) ** 2 + (index[2] - 60) ** 2)
    values = np.select([radius < 76, radius < 88, radius < 96], [100.0, 10.0, 250.0], 0.0)
    return Image(values.astype(np.float32), np.diag([4.0, 4.0, 4.0, 1.0]), None), radius
