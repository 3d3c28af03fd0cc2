"""Gaussian smoothing that neither spreads nor fills what is unknown."""

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.images import FrameFilter
from morbids.numerics.arrays import BoolArray, FloatArray

FWHM_PER_SD = float(np.sqrt(8 * np.log(2)))
REACH_SD = 5.0
"""Beyond so many standard deviations nothing is lent."""


def smoothing(fwhm_mm: float) -> FrameFilter:
    """`smooth_volume` of this width, for frames that are read."""
    reach_mm = REACH_SD * fwhm_mm / FWHM_PER_SD
    return FrameFilter(lambda frame, voxel_mm: smooth_volume(frame, fwhm_mm, voxel_mm), reach_mm)


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
    weight = (
        _blurred_box(volume.shape, sd_voxels) if known.all() else _blur(known.astype(np.float32), sd_voxels)
    )
    total = _blur(np.where(known, volume, 0).astype(np.float32), sd_voxels)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, total / weight, np.nan).astype(np.float32)


def _blur(volume: FloatArray, sd_voxels: FloatArray) -> FloatArray:
    """Gaussian filter with zeros beyond the edge."""
    return np.asarray(ndimage.gaussian_filter(volume, sd_voxels, mode="constant", truncate=REACH_SD))


def _blurred_box(shape: tuple[int, ...], sd_voxels: FloatArray) -> FloatArray:
    """A volume (x, y, z) of ones after the same filter, which is a product of its axes."""
    x, y, z = (_blur(np.ones(size, np.float32), sd) for size, sd in zip(shape, sd_voxels, strict=True))
    return x[:, None, None] * y[:, None] * z
