"""Linear interpolation of many volumes at the same places, between what is known of each."""

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.compiled import compiled


def interpolate_known(volumes: FloatArray, places: FloatArray, least_known: float) -> FloatArray:
    """Interpolate volumes linearly; what is unknown (NaN) never enters what is interpolated around it.

    Parameters
    ----------
    volumes
        (x, y, z, n).
    places
        (..., 3) fractional voxel indices.
    least_known
        Share of the weights that must fall on known voxels.

    Returns
    -------
    FloatArray
        (..., n) float32; NaN where less is known, and further than half a voxel outside a volume that has unknown
        voxels; 0 there for one that has none.
    """
    values = np.ascontiguousarray(volumes, dtype=np.float32)
    outside = np.where(np.isnan(values).any(axis=(0, 1, 2)), np.nan, 0.0).astype(np.float32)
    points = np.ascontiguousarray(places, dtype=np.float64).reshape(-1, 3)
    moved = np.empty((len(points), values.shape[3]), dtype=np.float32)
    _interpolate(values, points, least_known, outside, moved)
    return moved.reshape(*places.shape[:-1], values.shape[3])


@compiled
def _interpolate(
    values: FloatArray, points: FloatArray, least_known: float, outside: FloatArray, moved: FloatArray
) -> None:
    """Fill `moved` (n_points, n): eight voxels bear on a point."""
    n = values.shape[3]
    low, high, part = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(3)
    total, share = np.empty(n), np.empty(n)
    for point in range(len(points)):
        inside = True
        for axis in range(3):
            at, size = points[point, axis], values.shape[axis]
            if not -0.5 <= at <= size - 0.5:
                inside = False
                break
            first = int(np.floor(at))
            part[axis] = at - first
            low[axis], high[axis] = max(first, 0), min(first + 1, size - 1)
        if not inside:
            moved[point] = outside
            continue
        total[:] = 0.0
        share[:] = 0.0
        for corner in range(8):
            x = high[0] if corner & 1 else low[0]
            y = high[1] if corner & 2 else low[1]
            z = high[2] if corner & 4 else low[2]
            weight = part[0] if corner & 1 else 1.0 - part[0]
            weight *= part[1] if corner & 2 else 1.0 - part[1]
            weight *= part[2] if corner & 4 else 1.0 - part[2]
            for k in range(n):
                value = values[x, y, z, k]
                if not np.isnan(value):
                    total[k] += weight * value
                    share[k] += weight
        for k in range(n):
            moved[point, k] = total[k] / share[k] if share[k] >= least_known else np.nan
