"""Gaussian smoothing that neither spreads nor fills what is unknown."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.images import read_image, space_code, write_image
from morbids.numerics.arrays import BoolArray, FloatArray

FWHM_PER_SD = float(np.sqrt(8 * np.log(2)))


def smooth_image(image: Path, fwhm_mm: float, out: Path, mask: Path | None = None) -> Path:
    """Smooth a 3D or 4D image with a Gaussian.

    Parameters
    ----------
    image
        NaN means unknown: it stays NaN and lends nothing to its neighbours.
    fwhm_mm
        Full width at half maximum; 0 leaves values as they are.
    mask
        Only voxels inside lend and keep values; those outside become NaN.

    Raises
    ------
    MorbidsError
        Negative width, or a mask on another grid.
    """
    if fwhm_mm < 0:
        raise MorbidsError(f"The smoothing width {fwhm_mm:g} mm is negative.", "Give 0 or a positive width.")
    source = read_image(image)
    inside = np.ones(source.values.shape[:3], dtype=bool)
    if mask is not None:
        region = read_image(mask)
        if region.values.shape != inside.shape or not np.allclose(region.affine, source.affine, atol=1e-3):
            raise MorbidsError(f"The mask {mask} is not on the grid of {image}.", "Resample the mask first.")
        inside = region.values > 0
    frames = source.values if source.values.ndim == 4 else source.values[..., None]
    smoothed = np.empty_like(frames)
    for index in range(frames.shape[3]):
        smoothed[..., index] = smooth_volume(frames[..., index], fwhm_mm, source.voxel_mm, inside)
    values = smoothed if source.values.ndim == 4 else smoothed[..., 0]
    return write_image(values, source.affine, out, source.header, space_code(source.header))


def smooth_volume(
    volume: FloatArray, fwhm_mm: float, voxel_mm: FloatArray, inside: BoolArray | None = None
) -> FloatArray:
    """Smooth by normalised convolution: the weighted mean of the known voxels around each known voxel."""
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
