"""Uneven brightness of a T1w image, as coils leave it: a rough level for all of the head, and N4 within the brain."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.imaging.images import Image
from morbids.numerics.arrays import BoolArray, FloatArray

LEVEL_SIGMA_MM = 30.0
GLARE_PERCENTILE = 99.5
LEAST_LEVEL = 0.05
"""Of the largest level: what is darker is air, or out of the coil's reach."""
BIAS_GRID_MM = 6.0
"""Finer grids take three times as long and leave as much: over the white matter of three heads 2.9 to 3.8 %."""


def brightness_level(head: Image) -> FloatArray:
    """Brightness of what is bright around each voxel (x, y, z), in the unit of the image: rough, but without a mask.

    The mean of intensities weighted by themselves counts tissue and passes over air and bone, so that a head whose
    brightness falls to an eighth becomes even enough to be told from air by one threshold.
    """
    values = np.clip(head.values, 0, np.percentile(head.values, GLARE_PERCENTILE)).astype(np.float32)
    sigma = LEVEL_SIGMA_MM / head.voxel_mm
    weight = np.maximum(ndimage.gaussian_filter(values, sigma), 1e-6 * values.max())
    level = ndimage.gaussian_filter(values**2, sigma) / weight
    bounded: FloatArray = np.maximum(level, LEAST_LEVEL * level.max())
    return bounded


def estimate_bias(coarse: Image, mask: BoolArray, threads: int) -> FloatArray:
    """Estimate the logarithm of the bias field within a mask by N4, on the grid of the image.

    Returns
    -------
    FloatArray
        (x, y, z); see `bound_field` for what lies outside the mask.
    """
    shrink = max(1, round(BIAS_GRID_MM / float(coarse.voxel_mm[0])))
    positive = np.clip(coarse.values, 0, None)
    image = _itk(positive, coarse)
    within = _itk((mask & (positive > 0)).astype(np.uint8), coarse)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    # More levels or a stricter end cost ten times the time and fitted anatomy: on simulated heads they left
    # 2.4 % of bias where this leaves 1.0 to 2.1 %.
    n4.SetMaximumNumberOfIterations([30, 30, 20])
    n4.SetConvergenceThreshold(1e-3)
    n4.SetNumberOfThreads(threads)
    n4.Execute(sitk.Shrink(image, [shrink] * 3), sitk.Shrink(within, [shrink] * 3))
    return bound_field(sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).T, mask)


def bound_field(field: FloatArray, mask: BoolArray) -> FloatArray:
    """Field (x, y, z) with a median of 0 in a mask, and nowhere beyond its range there."""
    field = field - np.median(field[mask])
    bounded: FloatArray = np.clip(field, *np.percentile(field[mask], [0.1, 99.9])).astype(np.float32)
    return bounded


def _itk(values: FloatArray, image: Image) -> sitk.Image:
    """ITK image on a grid with the spacing of `image`; directions do not matter to N4."""
    itk = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
    itk.SetSpacing([float(edge) for edge in image.voxel_mm])
    return itk
