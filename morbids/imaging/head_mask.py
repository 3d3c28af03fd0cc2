"""The part of a PET or T1w image that holds the head, without any model of anatomy."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.imaging.images import Image
from morbids.numerics.arrays import BoolArray, FloatArray

MOST_CUT_CM2 = 10.0
"""A field of view that ends below the brain cuts the brain stem, which is thinner than this; more is brain."""


def otsu_mask(volume: FloatArray) -> BoolArray:
    """Largest connected bright part of a volume, holes filled; Otsu's threshold between dark and bright."""
    bright = volume > otsu_threshold(volume)
    labels, n_parts = ndimage.label(bright)
    if n_parts == 0:
        return bright
    largest = np.bincount(labels.ravel())[1:].argmax() + 1
    filled: BoolArray = ndimage.binary_fill_holes(labels == largest)
    return filled


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
    grown: BoolArray = ndimage.distance_transform_edt(~mask, sampling=voxel_mm) <= radius_mm
    return grown


def cut_area_cm2(mask: BoolArray, image: Image) -> float:
    """Area (cm2) over which a mask ends at the first or last slices of an image that are not empty."""
    known = np.nan_to_num(image.values) != 0
    total_mm2 = 0.0
    for axis, edge_mm in enumerate(image.voxel_mm):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(known.any(axis=others))
        if filled.size == 0:
            return 0.0
        # The mask may reach into empty slices beyond the cut.
        sides = (mask.take(range(filled[0] + 1), axis), mask.take(range(filled[-1], mask.shape[axis]), axis))
        face_mm2 = image.voxel_ml * 1000 / edge_mm
        total_mm2 += float(sum(side.any(axis=axis).sum() for side in sides) * face_mm2)
    return total_mm2 / 100
