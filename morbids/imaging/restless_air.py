"""Air as bright as tissue: in the ratio of two images, as MP2RAGE gives it, what has no signal has any value."""

import numpy as np
from scipy import ndimage

from morbids.imaging.images import Image
from morbids.numerics.arrays import FloatArray

FULL_SCALE = 0.25
"""Mean distance of independent values, even over a range, to the mean of their six neighbours, as part of the range."""
LEAST_RESTLESS = 0.6 * FULL_SCALE
"""Faces of six-sided fields of ratio images reach 0.23 to 0.26; of T1w images 0.004 to 0.04, with noise of a fourth of
white matter 0.09. Within a brain folds reach 0.13 at 1 mm."""
SMOOTH_MM = 2.0
BLACK_PERCENTILE = 0.5


def silence_air(head: Image) -> Image | None:
    """A T1w image whose air is black; None where it is as dark as usual.

    Parameters
    ----------
    head
        (x, y, z); NaN counts as 0.

    Returns
    -------
    Image | None
        As it was but for voxels around the head, which are as dark as the darkest.
    """
    values = np.nan_to_num(head.values)
    low, high = np.percentile(values[::2, ::2, ::2], [BLACK_PERCENTILE, 98])
    if min(values.shape) < 3 or not high > low:
        return None
    if np.median([_unrest(face).mean() for face in _faces(values)]) < LEAST_RESTLESS * (high - low):
        return None
    unrest = np.pad(_unrest(values), 1, mode="edge")
    restless = ndimage.gaussian_filter(unrest, SMOOTH_MM / head.voxel_mm) > LEAST_RESTLESS * (high - low)
    # What reaches no edge of the field of view is in the head.
    around = ~ndimage.binary_fill_holes(~restless)
    return head._replace(values=np.where(around, low, values))


def _faces(values: FloatArray) -> list[FloatArray]:
    """The three outermost layers of voxels at each of the six faces."""
    return [
        layers
        for axis in range(3)
        for layers in (values.take(range(3), axis), values.take(range(-3, 0), axis))
    ]


def _unrest(values: FloatArray) -> FloatArray:
    """Distance of inner voxels (x - 2, y - 2, z - 2) to the mean of their six neighbours."""
    inner = values[1:-1, 1:-1, 1:-1]
    around = sum(
        np.moveaxis(np.moveaxis(values, axis, 0)[side, 1:-1, 1:-1], 0, axis)
        for axis in range(3)
        for side in (slice(None, -2), slice(2, None))
    )
    return np.asarray(np.abs(inner - around / 6))
