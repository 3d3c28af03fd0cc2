"""Sums over voxels from which a small rigid correction follows [Baker & Matthews 2004, IJCV 56:221]."""

from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.compiled import compiled

N_PARAMETERS = 6


class RigidSums(NamedTuple):
    """Sums over the points of a target that fall on another volume.

    Attributes
    ----------
    target_squared, volume_squared, product
        Of the target's values, of the volume's at the same points, and of both.
    slopes_target, slopes_volume
        (6,) slopes of the target times its values, and times the volume's.
    slopes_squared
        (6, 6) slopes times slopes.
    """

    target_squared: float
    volume_squared: float
    product: float
    slopes_target: FloatArray
    slopes_volume: FloatArray
    slopes_squared: FloatArray


def sum_rigid(
    volume: FloatArray, to_volume: FloatArray, points: FloatArray, values: FloatArray, slopes: FloatArray
) -> RigidSums:
    """Interpolate a volume linearly at points of a target, and sum what a Gauss-Newton step needs.

    Parameters
    ----------
    volume
        (x, y, z) float32.
    to_volume
        (4, 4) from voxel indices of the target to fractional ones of the volume.
    points
        (n, 3) voxel indices of the target, float32.
    values
        (n,) of the target, float32.
    slopes
        (n, 6) of the target along each parameter, float32.
    """
    squares = np.zeros(3)
    products = np.zeros((2, N_PARAMETERS))
    slopes_squared = np.zeros((N_PARAMETERS, N_PARAMETERS))
    _add(volume, to_volume, points, values, slopes, squares, products, slopes_squared)
    target_squared, volume_squared, product = squares.tolist()
    whole = slopes_squared + np.tril(slopes_squared, -1).T
    return RigidSums(target_squared, volume_squared, product, products[0], products[1], whole)


@compiled
def _add(
    volume: FloatArray,
    to_volume: FloatArray,
    points: FloatArray,
    values: FloatArray,
    slopes: FloatArray,
    squares: FloatArray,
    products: FloatArray,
    slopes_squared: FloatArray,
) -> None:
    """Add to the sums what each point contributes that falls on the volume; the lower triangle of a square."""
    at, first, part = np.empty(3), np.empty(3, np.int64), np.empty(3, np.float32)
    for point in range(len(points)):
        inside = True
        for axis in range(3):
            row = to_volume[axis]
            at[axis] = (
                row[0] * points[point, 0] + row[1] * points[point, 1] + row[2] * points[point, 2] + row[3]
            )
            if not 0 <= at[axis] < volume.shape[axis] - 1:
                inside = False
        if not inside:
            continue
        for axis in range(3):
            first[axis] = int(at[axis])
            part[axis] = at[axis] - first[axis]
        i, j, k = first
        found = np.float32(0)
        for a in range(2):
            plane = np.float32(0)
            for b in range(2):
                low, high = volume[i + a, j + b, k], volume[i + a, j + b, k + 1]
                line = low + (high - low) * part[2]
                plane += line * (part[1] if b else np.float32(1) - part[1])
            found += plane * (part[0] if a else np.float32(1) - part[0])
        value = values[point]
        squares[0] += value * value
        squares[1] += found * found
        squares[2] += value * found
        for p in range(N_PARAMETERS):
            slope = slopes[point, p]
            products[0, p] += slope * value
            products[1, p] += slope * found
            for q in range(p + 1):
                slopes_squared[p, q] += slope * slopes[point, q]
