"""A whole head in template space: tissue shares of the brain, and CSF, skull, scalp, face and neck around it."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.simulation.grids import Grid, crop, make_grid, pull, voxel_centres
from morbids.simulation.template import HIGH_MM, LOW_MM, TemplateBrain

CSF_INTENSITY, GREY_INTENSITY, WHITE_INTENSITY = 26.0, 64.0, 87.0
"""Modes of the template's T1w histogram."""

SUBCORTICAL_LABELS = (23, 30, 31, 32, 36, 37, 47, 48, 55, 56, 57, 58, 59, 60, 75, 76)
"""Neuromorphometrics labels of grey matter that the T1w intensity alone would call white."""
BRAIN_STEM_LABEL = 35

SUBARACHNOID_MM, SKULL_MM, SCALP_MM = 2.5, 6.0, 6.5
"""Thickness of the layers around the brain's hull."""

_FAT, _MUSCLE, _SKIN, _MARROW, _BONE, _EYE = 1.15, 0.50, 0.62, 0.45, 0.09, 0.22
"""T1w intensity relative to white matter."""


class _Solid(NamedTuple):
    """An ellipsoid in the soft tissue: its T1w intensity, and its uptake relative to soft tissue."""

    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    intensity: float
    uptake: float


_SOLIDS = (
    _Solid((0, 60, -48), (9, 26, 20), 0.03, 0.0),  # nasal cavity
    _Solid((0, 48, -88), (24, 30, 5), 0.05, 0.0),  # mouth
    _Solid((0, 12, -110), (9, 7, 60), 0.02, 0.0),  # pharynx and trachea
    _Solid((-33, 62, -36), (12, 12, 12), _EYE, 0.2),
    _Solid((33, 62, -36), (12, 12, 12), _EYE, 0.2),
    _Solid((-26, 52, -64), (11, 14, 13), 0.04, 0.0),  # maxillary sinuses
    _Solid((26, 52, -64), (11, 14, 13), 0.04, 0.0),
    _Solid((0, -20, -130), (14, 14, 55), 0.38, 0.8),  # vertebral bodies
    _Solid((0, -44, -130), (9, 8, 70), CSF_INTENSITY / WHITE_INTENSITY, 0.2),  # spinal canal
    _Solid((0, -44, -130), (5.5, 4.5, 70), 0.8, 0.8),  # spinal cord
)


class Head(NamedTuple):
    """The head in template space; every map is (x, y, z) float32 on `grid`.

    Attributes
    ----------
    t1w
        Noise-free intensity, white matter 1.
    grey, white, csf
        Shares of a voxel, 0 to 1. Grey includes the deep nuclei and the cerebellar cortex.
    stem
        Share of brain stem (white on a T1w image, but with its own receptor density).
    soft
        Share of scalp, muscle and marrow: tissue outside the brain with a little unspecific uptake.
    brain
        Brain mask.
    """

    grid: Grid
    t1w: FloatArray
    grey: FloatArray
    white: FloatArray
    csf: FloatArray
    stem: FloatArray
    soft: FloatArray
    brain: BoolArray


class _Surroundings(NamedTuple):
    """Layers around the brain (shares) and their T1w intensity."""

    csf: FloatArray
    soft: FloatArray
    t1w: FloatArray


def build_head(template: TemplateBrain) -> Head:
    """Complete the template brain to a head.

    The layers outside the brain follow the distance to its hull, with smoothly varying thickness; face, neck,
    airways, eyes and spine are simple solids, enough for registration and brain extraction to have to cope.
    """
    brain = ndimage.binary_fill_holes(template.t1w > 0)
    grey, white, csf, stem = _tissue_shares(template, brain)
    around = _surround(template.grid, brain)
    inside = ndimage.gaussian_filter(brain.astype(np.float32), 0.6 / template.grid.voxel_mm[0])
    t1w = inside * template.t1w / WHITE_INTENSITY + (1 - inside) * around.t1w
    csf = csf + (1 - inside) * around.csf
    soft = (1 - inside) * around.soft
    return Head(template.grid, t1w, grey, white, csf, stem, soft, brain)


def _tissue_shares(template: TemplateBrain, brain: BoolArray) -> tuple[FloatArray, ...]:
    """Split the brain into grey, white, CSF and brain stem; shares add up to 1 inside the brain."""
    intensity = template.t1w
    sigma = 1.0 / template.grid.voxel_mm[0]
    deep = _smooth_share(np.isin(template.neuromorphometrics, SUBCORTICAL_LABELS), sigma)
    stem = _smooth_share(template.neuromorphometrics == BRAIN_STEM_LABEL, sigma)
    csf = np.clip((0.5 * (CSF_INTENSITY + GREY_INTENSITY) + 5 - intensity) / 20, 0, 1)
    white = np.clip((intensity - GREY_INTENSITY - 4) / (WHITE_INTENSITY - GREY_INTENSITY - 8), 0, 1)
    tissue = (1 - csf) * brain
    stem = stem * tissue
    white = white * (1 - deep) * (tissue - stem)
    grey = tissue - stem - white
    return grey, white, csf * brain, stem


def _smooth_share(mask: BoolArray, sigma_voxels: float) -> FloatArray:
    """Soften the staircase of a coarse label."""
    blurred = ndimage.gaussian_filter(mask.astype(np.float32), sigma_voxels)
    share: FloatArray = np.clip(blurred * 1.6 - 0.3, 0, 1)
    return share


def _surround(grid: Grid, brain: BoolArray) -> _Surroundings:
    """Build the layers on a 2 mm grid, where distances are quick, and bring them to the grid of the head."""
    coarse = make_grid(LOW_MM, HIGH_MM, 2.0)
    hull_mm = _distance_to_hull(pull(brain.astype(np.float32), grid, coarse) > 0.5, 2.0)
    rng = np.random.default_rng(20130618)  # one anatomy for every study: subjects differ by deformation
    ripple = _smooth_noise(rng, coarse.shape, 12.0)
    fine = [pull(values, coarse, grid) for values in (hull_mm, ripple, _distance_to_head(coarse, hull_mm))]
    return _paint_layers(grid, *fine)


def _distance_to_hull(brain: BoolArray, voxel_mm: float) -> FloatArray:
    """Signed distance (mm, positive outside) to the brain with its sulci and fissures closed."""
    reach_mm = 14.0
    padded = np.pad(brain, 10)
    dilated = ndimage.distance_transform_edt(~padded) * voxel_mm < reach_mm
    to_edge = ndimage.distance_transform_edt(dilated) * voxel_mm
    hull = to_edge > reach_mm
    outside = ndimage.distance_transform_edt(~hull) - ndimage.distance_transform_edt(hull)
    signed: FloatArray = ndimage.gaussian_filter(outside * voxel_mm, 1.0)[10:-10, 10:-10, 10:-10]
    return signed.astype(np.float32)


def _distance_to_head(grid: Grid, hull_mm: FloatArray) -> FloatArray:
    """Approximate signed distance (mm, positive outside) to skin: cranium, face and neck joined smoothly."""
    x, y, z = voxel_centres(grid)
    cranium = hull_mm - (SUBARACHNOID_MM + SKULL_MM + SCALP_MM)
    face = _ellipsoid(grid, (0, 38, -62), (64, 58, 74))
    nose = _ellipsoid(grid, (0, 92, -58), (13, 16, 22))
    neck = (np.hypot(x / 62, (y + 18 + 0.12 * (z + 60)) / 66) - 1) * 62 + np.clip(z + 40, 0, None)
    blend_mm = 8.0
    parts = [np.broadcast_to(part, grid.shape) for part in (cranium, face, nose, neck)]
    joined = -blend_mm * np.log(sum(np.exp(np.clip(-part / blend_mm, -30, 30)) for part in parts))
    skin: FloatArray = joined.astype(np.float32)
    return skin


def _paint_layers(grid: Grid, hull_mm: FloatArray, ripple: FloatArray, skin_mm: FloatArray) -> _Surroundings:
    """Turn distances into shares and intensities."""
    skull_mm = SKULL_MM + 1.2 * ripple
    outer = SUBARACHNOID_MM + skull_mm
    head = _step(-skin_mm)
    csf = _step(SUBARACHNOID_MM - hull_mm)
    # Under the brain the bone is irregular: the skull layer fades into soft tissue towards the neck.
    _, _, z = voxel_centres(grid)
    bone = _step(outer - hull_mm) * (1 - csf) * _step((z + 62 + 4 * ripple) / 4)
    marrow = bone * np.exp(-(((hull_mm - SUBARACHNOID_MM - skull_mm / 2) / (0.22 * skull_mm)) ** 2))
    depth = -skin_mm
    tissue = _FAT * _step(6.5 + 1.5 * ripple - depth) + _MUSCLE * _step(depth - 6.5 - 1.5 * ripple)
    tissue *= 1 + 0.18 * ripple * _step(depth - 10)
    tissue[depth < 2.0] = _SKIN
    t1w = csf * CSF_INTENSITY / WHITE_INTENSITY + (1 - csf - bone) * tissue
    t1w = t1w + (bone - marrow) * _BONE + marrow * _MARROW
    soft = (1 - csf - bone) + marrow
    _carve(grid, t1w, soft, hull_mm)
    return _Surroundings(csf * head, soft * head, t1w * head)


def _carve(grid: Grid, t1w: FloatArray, soft: FloatArray, hull_mm: FloatArray) -> None:
    """Cut airways, eyes, vertebrae and spinal canal out of the soft tissue, in place."""
    for solid in _SOLIDS:
        centre, radii = np.array(solid.centre_mm), np.array(solid.radii_mm)
        box, part = crop(grid, centre - radii - 2, centre + radii + 2)
        outside_bone = _step(hull_mm[box] - SUBARACHNOID_MM - 2)
        share = _step(-_ellipsoid(part, solid.centre_mm, solid.radii_mm)) * outside_bone
        t1w[box] += share * (solid.intensity - t1w[box])
        soft[box] += share * (solid.uptake - soft[box])


def _ellipsoid(
    grid: Grid, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> FloatArray:
    """Approximate signed distance (mm, positive outside) to an ellipsoid."""
    scaled = [
        (axis - middle) / radius
        for axis, middle, radius in zip(voxel_centres(grid), centre, radii, strict=True)
    ]
    length: FloatArray = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2).astype(np.float32)
    distance_mm: FloatArray = (length - 1) * min(radii)
    return distance_mm


def _step(distance_mm: FloatArray) -> FloatArray:
    """Share of a voxel inside a surface: a ramp one voxel wide around it."""
    share: FloatArray = np.clip(distance_mm + 0.5, 0, 1).astype(np.float32)
    return share


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, int, int], fwhm_voxels: float) -> FloatArray:
    """Smooth random field with mean 0 and standard deviation 1."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), fwhm_voxels / 2.355)
    scaled: FloatArray = (field - field.mean()) / field.std()
    return scaled
