"""Threshold-free cluster enhancement, as the integral itself and not as a sum over height steps."""

import math

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.compiled import compiled
from morbids.numerics.statistics.clusters import Lattice

EXTENT_POWER = 0.5
HEIGHT_POWER = 2.0


def enhance(
    values: FloatArray,
    lattice: Lattice,
    *,
    extent_power: float = EXTENT_POWER,
    height_power: float = HEIGHT_POWER,
) -> FloatArray:
    """Integrate extent(h)**E h**H dh from 0 to each voxel's height (Smith & Nichols 2009, NeuroImage 44:83).

    extent(h) is the number of voxels of the cluster around the voxel at threshold h. Positive and
    negative values are enhanced apart, the latter to negative scores. Between two heights of the map no
    cluster changes, so the integral is a finite sum of exact terms.

    Parameters
    ----------
    values
        (n_voxels,) map, e.g. t; NaN scores 0 and joins nothing.
    lattice
        Of the mask; 6 neighbours as in nilearn and FSL.

    Returns
    -------
    FloatArray
        (n_voxels,) in the unit of the map to the power H + 1, times voxels to the power E.
    """
    values = np.nan_to_num(np.asarray(values, dtype=float), nan=0.0)
    levels = np.abs(values) ** (height_power + 1) / (height_power + 1)
    scores = _integrate(values > 0, levels, np.argsort(levels), lattice.neighbours, extent_power)
    return np.copysign(scores, values)


@compiled
def _integrate(
    positive: BoolArray, levels: FloatArray, ascending: IntArray, neighbours: IntArray, extent_power: float
) -> FloatArray:
    """Lower the threshold from voxel to voxel and join clusters as they meet.

    A cluster is a tree. Its root knows the level, h**(H + 1) / (H + 1), at which the cluster last changed,
    and what each of its voxels has gained above that level. A tree that is hung under another keeps the
    difference to it, so the score of a voxel is the sum along its path to the root.
    """
    n_voxels = levels.shape[0]
    parent = np.full(n_voxels, -1, dtype=np.int32)
    extent = np.ones(n_voxels, dtype=np.int32)
    gained, changed = np.zeros(n_voxels), np.zeros(n_voxels)
    for voxel in ascending[::-1]:
        level = levels[voxel]
        if level == 0:
            break
        parent[voxel], changed[voxel] = voxel, level
        root = voxel
        for k in range(neighbours.shape[1]):
            other = neighbours[voxel, k]
            if other < 0 or parent[other] < 0 or positive[other] != positive[voxel]:
                continue
            other = _find_root(parent, gained, other)
            if other == root:
                continue
            gained[root] += _raise_extent(extent[root], extent_power) * (changed[root] - level)
            gained[other] += _raise_extent(extent[other], extent_power) * (changed[other] - level)
            changed[root], changed[other] = level, level
            if extent[other] > extent[root]:
                root, other = other, root
            parent[other] = root
            gained[other] -= gained[root]
            extent[root] += extent[other]
    return _collect(parent, extent, gained, changed, extent_power)


@compiled
def _collect(
    parent: IntArray, extent: IntArray, gained: FloatArray, changed: FloatArray, extent_power: float
) -> FloatArray:
    """Lower the threshold from each tree's last change to 0, then sum along the paths."""
    n_voxels = parent.shape[0]
    for voxel in range(n_voxels):
        if parent[voxel] == voxel:
            gained[voxel] += _raise_extent(extent[voxel], extent_power) * changed[voxel]
    scores = np.zeros(n_voxels)
    for voxel in range(n_voxels):
        if parent[voxel] >= 0:
            root = _find_root(parent, gained, voxel)
            scores[voxel] = (
                gained[voxel] if root == voxel else gained[voxel] + _path_gain(parent, gained, voxel)
            )
    return scores


@compiled
def _path_gain(parent: IntArray, gained: FloatArray, voxel: int) -> float:
    """Sum of what the voxels above this one have gained, root included."""
    total = 0.0
    while parent[voxel] != voxel:
        voxel = parent[voxel]
        total += gained[voxel]
    return total


@compiled
def _find_root(parent: IntArray, gained: FloatArray, voxel: int) -> int:
    """Root of a voxel's tree, halving the path on the way without changing any sum along it."""
    while parent[voxel] != voxel:
        above = parent[voxel]
        if parent[above] != above:
            gained[voxel] += gained[above]
            parent[voxel] = parent[above]
        voxel = parent[voxel]
    return voxel


@compiled
def _raise_extent(extent: int, power: float) -> float:
    # The square root is several times faster than a general power.
    return math.sqrt(extent) if power == 0.5 else float(extent) ** power
