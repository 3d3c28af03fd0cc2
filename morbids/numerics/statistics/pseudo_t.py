"""Variance smoothed in space, for tests with few degrees of freedom (Holmes 1996, JCBFM 16:7)."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray

_SIGMA_PER_FWHM = 1 / np.sqrt(8 * np.log(2))
# Beyond three standard deviations a Gaussian holds a third of a percent.
_TRUNCATE = 3.0


@dataclass(frozen=True)
class VarianceSmoother:
    """Gaussian smoothing inside a mask; make one with `make_smoother`.

    Attributes
    ----------
    mask
        (x, y, z) cut to its bounding box.
    sigma_voxels
        Along each axis.
    weight
        (n_voxels,) what the kernel finds inside the mask: dividing by it keeps constants as they are.
    """

    mask: BoolArray
    sigma_voxels: tuple[float, ...]
    weight: FloatArray

    def smooth(self, variances: FloatArray) -> FloatArray:
        """(n, n_voxels) variances, smoothed."""
        smoothed = [_filter(row, self.mask, self.sigma_voxels) for row in np.atleast_2d(variances)]
        # Variances are positive; only rounding could make their mean smaller than that.
        return np.maximum(np.array(smoothed) / self.weight, np.finfo(float).tiny)


def make_smoother(
    mask: BoolArray, fwhm_mm: float, voxel_size_mm: tuple[float, float, float]
) -> VarianceSmoother:
    """Prepare smoothing over the voxels of a mask.

    Raises
    ------
    MorbidsError
        The width is not positive.
    """
    if not fwhm_mm > 0:
        raise MorbidsError(f"The variance cannot be smoothed by {fwhm_mm:g} mm.", "Give a positive width.")
    box = ndimage.find_objects(np.asarray(mask, dtype=np.int8))[0]
    inside = np.asarray(mask, dtype=bool)[box]
    sigma = tuple(fwhm_mm * _SIGMA_PER_FWHM / size for size in voxel_size_mm)
    return VarianceSmoother(inside, sigma, _filter(np.ones(int(inside.sum())), inside, sigma))


def _filter(values: FloatArray, mask: BoolArray, sigma_voxels: tuple[float, ...]) -> FloatArray:
    image = np.zeros(mask.shape)
    image[mask] = values
    smoothed = ndimage.gaussian_filter(image, sigma_voxels, mode="constant", truncate=_TRUNCATE)
    return np.asarray(smoothed[mask])
