"""Cubic B-spline interpolation of a volume whose grid is moved by an affine [IEEE SPM 16(6):22, 1999]."""

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import FloatArray
from morbids.numerics.compiled import compiled


def resample_cubic(volume: FloatArray, to_source: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Interpolate a volume at the voxels of another grid.

    Parameters
    ----------
    volume
        (x, y, z), finite.
    to_source
        (4, 4) from voxel indices of the result to fractional ones of `volume`.
    shape
        Of the result.

    Returns
    -------
    FloatArray
        float32; 0 at points further than half a voxel outside the volume. Beyond its edge it is mirrored.
    """
    single = np.ascontiguousarray(volume, dtype=np.float32)
    coefficients = ndimage.spline_filter(single, order=3, output=np.float32, mode="mirror")
    moved = np.zeros(shape, dtype=np.float32)
    _sample(coefficients, np.ascontiguousarray(to_source, dtype=np.float64), moved)
    return moved


@compiled
def _sample(coefficients: FloatArray, to_source: FloatArray, moved: FloatArray) -> None:
    """Fill `moved` with the spline's values; four coefficients per axis bear on a point."""
    sizes = coefficients.shape
    place = np.empty((3, 4), np.int64)
    weight = np.empty((3, 4), np.float32)
    for i in range(moved.shape[0]):
        for j in range(moved.shape[1]):
            for k in range(moved.shape[2]):
                inside = True
                for axis in range(3):
                    row = to_source[axis]
                    at = row[0] * i + row[1] * j + row[2] * k + row[3]
                    size = sizes[axis]
                    if at < -0.5 or at > size - 0.5:
                        inside = False
                        break
                    first = int(np.floor(at))
                    part = np.float32(at - first)
                    rest = np.float32(1.0) - part
                    weight[axis, 0] = rest * rest * rest / 6
                    weight[axis, 1] = np.float32(2.0 / 3.0) - part * part * (2 - part) / 2
                    weight[axis, 2] = np.float32(2.0 / 3.0) - rest * rest * (2 - rest) / 2
                    weight[axis, 3] = part * part * part / 6
                    for n in range(4):
                        index = first - 1 + n
                        if index < 0:
                            index = -index
                        if index >= size:
                            index = 2 * size - 2 - index
                        place[axis, n] = min(max(index, 0), size - 1)
                if not inside:
                    continue
                total = np.float32(0.0)
                for a in range(4):
                    for b in range(4):
                        line = np.float32(0.0)
                        for c in range(4):
                            line += weight[2, c] * coefficients[place[0, a], place[1, b], place[2, c]]
                        total += weight[0, a] * weight[1, b] * line
                moved[i, j, k] = total
