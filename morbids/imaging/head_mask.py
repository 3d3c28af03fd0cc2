"""The part of a PET or T1w image that holds the head, without any model of anatomy."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.imaging.images import Image
from morbids.numerics.arrays import BoolArray, FloatArray

MOST_CUT_CM2 = 10.0
"""A field of view that ends below the brain cuts the brain stem, which is thinner than this; more is brain."""
BRAIN_RADIUS_MM = 70.0
"""A slice of some thickness at the end of a ball has 2 pi times this times the thickness."""

LEAST_PART = 0.05
"""Bright parts smaller than this share of the largest are noise."""
CLOSING_MM = 20.0
"""Half the width of dark gaps that are taken for head: between scalp and brain lie 10 to 20 mm."""


def mask_head(volume: FloatArray, voxel_mm: FloatArray) -> BoolArray:
    """Head in a PET volume: scalp and brain, whichever of them the tracer shows.

    Everything brighter than Otsu's threshold in parts of some size, the dark between them (skull, fluid, a brain that
    takes up little) and what these enclose in slices of any direction, because a field of view may cut the head open.
    """
    # The hottest voxels, a gland or a vessel, must not make all else dark.
    bright = volume > otsu_threshold(np.minimum(volume, np.nanpercentile(volume, 99)))
    labels, n_parts = ndimage.label(bright)
    if n_parts == 0:
        return bright
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    parts = (sizes >= LEAST_PART * sizes.max())[labels]
    head = close_mm(parts, CLOSING_MM, voxel_mm)
    for axis in range(3):
        head = _fill_slices(head, axis)
    return head


def _fill_slices(mask: BoolArray, axis: int) -> BoolArray:
    """Mask with what it encloses in each slice across an axis: all parts of the slice that reach no edge of it."""
    across = np.moveaxis(ndimage.generate_binary_structure(3, 1), 0, axis).copy()
    np.moveaxis(across, axis, 0)[[0, 2]] = False
    parts, n_parts = ndimage.label(~mask, across)
    enclosed = np.ones(n_parts + 1, dtype=bool)
    slices = np.moveaxis(parts, axis, 0)
    for edge in (slices[:, 0], slices[:, -1], slices[:, :, 0], slices[:, :, -1]):
        enclosed[edge] = False
    enclosed[0] = True
    return enclosed[parts]


def otsu_threshold(volume: FloatArray) -> float:
    """Otsu's threshold of the finite intensities."""
    finite = np.nan_to_num(volume, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(sitk.GetImageFromArray(finite))
    return float(otsu.GetThreshold())


def dilate_mm(mask: BoolArray, radius_mm: float, voxel_mm: FloatArray) -> BoolArray:
    """Mask grown by a distance in mm, whatever the shape of the voxels."""
    if not mask.any():
        return mask
    # Distances are measured where they can be that small: of a T1w image of 1 mm that is a third.
    margin = np.ceil(radius_mm / voxel_mm).astype(int) + 1
    (where,) = ndimage.find_objects(mask.astype(np.uint8))
    box = tuple(slice(max(part.start - n, 0), part.stop + n) for part, n in zip(where, margin, strict=True))
    grown = np.zeros_like(mask)
    grown[box] = ndimage.distance_transform_edt(~mask[box], sampling=voxel_mm) <= radius_mm
    return grown


def close_mm(mask: BoolArray, radius_mm: float, voxel_mm: FloatArray) -> BoolArray:
    """Mask with gaps filled that are narrower than twice a radius."""
    margin = np.ceil(radius_mm / voxel_mm).astype(int) + 1
    grown = dilate_mm(np.pad(mask, [(n, n) for n in margin]), radius_mm, voxel_mm)
    shrunk = ndimage.distance_transform_edt(grown, sampling=voxel_mm) > radius_mm
    closed: BoolArray = shrunk[tuple(slice(n, -n) for n in margin)] | mask
    return closed


def signed_distance_mm(mask: BoolArray, affine: FloatArray) -> FloatArray:
    """Distance to the surface of a mask, positive inside, mm."""
    voxel_mm = np.linalg.norm(affine[:3, :3], axis=0)
    inside = ndimage.distance_transform_edt(mask, sampling=voxel_mm)
    outside = ndimage.distance_transform_edt(~mask, sampling=voxel_mm)
    distance: FloatArray = (inside - outside).astype(np.float32)
    return distance


def cut_area_cm2(mask: BoolArray, image: Image, alone: bool = False) -> float:
    """Area (cm2) over which a mask ends at the first or last slices of an image that are not empty.

    Of a brain that the image shows alone, empty slices tell nothing, and an image may be cropped to its round ends.
    """
    known = np.ones_like(mask) if alone else np.nan_to_num(image.values) != 0
    total_mm2 = 0.0
    for axis, edge_mm in enumerate(image.voxel_mm):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(known.any(axis=others))
        if filled.size == 0:
            return 0.0
        # The mask may reach into empty slices beyond the cut.
        sides = (mask.take(range(filled[0] + 1), axis), mask.take(range(filled[-1], mask.shape[axis]), axis))
        face_mm2 = image.voxel_ml * 1000 / edge_mm
        end_mm2 = 2 * np.pi * BRAIN_RADIUS_MM * edge_mm if alone else 0.0
        total_mm2 += sum(max(float(side.any(axis=axis).sum() * face_mm2) - end_mm2, 0) for side in sides)
    return total_mm2 / 100
