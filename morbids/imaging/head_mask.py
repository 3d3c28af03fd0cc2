"""The part of a PET or T1w image that holds the head, without any model of anatomy."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.numerics.arrays import BoolArray, FloatArray


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
