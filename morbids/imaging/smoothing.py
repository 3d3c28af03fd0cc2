"""Gaussian smoothing that neither spreads nor fills what is unknown."""

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray

FWHM_PER_SD = float(np.sqrt(8 * np.log(2)))


def smooth_volume(
    volume: FloatArray, fwhm_mm: float, voxel_mm: FloatArray, inside: BoolArray | None = None
) -> FloatArray:
    """Smooth by normalised convolution: the weighted mean of the known voxels around each known voxel.

    Parameters
    ----------
    volume
        (x, y, z); NaN means unknown: it stays NaN and lends nothing to its neighbours.
    fwhm_mm
        Full width at half maximum; 0 leaves values as they are.
    inside
        (x, y, z) only voxels inside lend and keep values; those outside become NaN.

    Raises
    ------
    MorbidsError
        Negative width.
    """
    if fwhm_mm < 0:
        raise MorbidsError(f"The smoothing width {fwhm_mm:g} mm is negative.", "Give 0 or a positive width.")
    known = np.isfinite(volume) if inside is None else np.isfinite(volume) & inside
    if fwhm_mm == 0:
        return np.where(known, volume, np.nan).astype(np.float32)
    sd_voxels = fwhm_mm / FWHM_PER_SD / np.asarray(voxel_mm)
    weight = _blur(known.astype(np.float32), sd_voxels)
    total = _blur(np.where(known, volume, 0).astype(np.float32), sd_voxels)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, total / weight, np.nan).astype(np.float32)


def _blur(volume: FloatArray, sd_voxels: FloatArray) -> FloatArray:
    """Gaussian filter with zeros beyond the edge."""
    return np.asarray(ndimage.gaussian_filter(volume, sd_voxels, mode="constant", truncate=5.0))
