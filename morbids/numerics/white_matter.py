"""White matter around every place of an image: its curve by local least squares, as a sum of two kinds of white matter.

White matter is nowhere alone, and need not be alike everywhere. What is measured around a place is split, by the shares
of both, into grey and white matter that are alike within a few millimetres.
"""

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import BoolArray, FloatArray

SD_MM = 8.0
"""Standard deviation of the Gaussian that weighs the voxels around a place."""
REACH_SD = 2.5
"""Voxels further away do not count."""
WEIGHT_OF_ALL = 0.05
"""How much the tissues of the whole image count beside those around a place, which may hold little white matter."""
EXTREME = 0.02
"""Part of all places that make up the kind of least uptake, and that of greatest."""


def fit_white_matter(
    values: FloatArray, grey: FloatArray, white: FloatArray, known: BoolArray, sd_voxels: FloatArray
) -> FloatArray:
    """Measure white matter around every voxel, as if all of it were alike there, and all grey matter.

    Parameters
    ----------
    values
        (x, y, z, n) measured of grey and white matter, without any other tissue.
    grey, white
        (x, y, z) shares of both.
    known
        (x, y, z) voxels that count.
    sd_voxels
        (3,) of the Gaussian around a voxel.

    Returns
    -------
    FloatArray
        (n_known, n) values of pure white matter.
    """
    shares = np.stack([grey, white], axis=-1)
    of_all = np.linalg.lstsq(shares[known], values[known], rcond=None)[0]

    def around(weighted: FloatArray) -> FloatArray:
        """Mean (n_known,) around every voxel."""
        inside = np.where(known, weighted, 0.0).astype(np.float32)
        blurred = ndimage.gaussian_filter(inside, sd_voxels, mode="constant", truncate=REACH_SD)
        return np.asarray(blurred[known], dtype=float)

    of_grey, of_white = around(grey * grey) + WEIGHT_OF_ALL, around(white * white) + WEIGHT_OF_ALL
    of_both = around(grey * white)
    determinant = of_grey * of_white - of_both**2
    found = np.empty((of_both.size, values.shape[-1]))
    for k, (whole_grey, whole_white) in enumerate(of_all.T):
        in_grey = around(grey * values[..., k]) + WEIGHT_OF_ALL * whole_grey
        in_white = around(white * values[..., k]) + WEIGHT_OF_ALL * whole_white
        found[:, k] = (of_grey * in_white - of_both * in_grey) / determinant
    return found


def find_kinds(curves: FloatArray) -> FloatArray:
    """Curves (n_frames, 2) of the white matter of least and of greatest uptake, of those (n_places, n_frames) found."""
    uptake = curves.sum(axis=1)
    low, high = np.quantile(uptake, [EXTREME, 1 - EXTREME])
    return np.stack([curves[uptake <= low].mean(axis=0), curves[uptake >= high].mean(axis=0)], axis=1)


def amounts_of_kinds(curves: FloatArray, kinds: FloatArray) -> FloatArray:
    """How much of both kinds (n_frames, 2), never less than none, is nearest to curves (n_places, n_frames).

    Returns
    -------
    FloatArray
        (n_places, 2), about 1 together.
    """
    products, projected = kinds.T @ kinds, curves @ kinds
    both = np.linalg.lstsq(products, projected.T, rcond=None)[0].T
    one = np.clip(projected / np.diag(products), 0.0, None)
    # Where one is less than none, the other alone is nearest.
    both[both[:, 0] < 0] = one[both[:, 0] < 0] * [0, 1]
    both[both[:, 1] < 0] = one[both[:, 1] < 0] * [1, 0]
    return np.asarray(both)
