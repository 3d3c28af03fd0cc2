"""Clusters of neighbouring voxels beyond a threshold, and their peaks."""

from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.compiled import compiled

# Voxels that share a face, a face or an edge, anything: by the number of neighbours.
_LARGEST_STEP = {6: 1, 18: 2, 26: 3}


class Lattice(NamedTuple):
    """The voxels of a mask and their neighbours; maps hold one value per voxel, as `image[mask]` orders them.

    Attributes
    ----------
    shape
        Of the image.
    voxels
        (n_voxels, 3) image indices.
    neighbours
        (n_voxels, connectivity) positions in the map, -1 outside the mask.
    """

    shape: tuple[int, int, int]
    voxels: IntArray
    neighbours: IntArray


class Clusters(NamedTuple):
    """Clusters from the largest to the smallest, and their peaks.

    Attributes
    ----------
    labels
        (n_voxels,) 1-based number of the cluster, 0 outside.
    sign
        (n_clusters,) +1 or -1.
    extent
        (n_clusters,) voxels.
    mass
        (n_clusters,) sum of |value| - threshold over the voxels (Bullmore 1999, IEEE TMI 18:32).
    peak_cluster, peak_voxel, peak_value
        (n_peaks,) 1-based cluster, position in the map, and signed value; by cluster, highest |value| first.
    """

    labels: IntArray
    sign: IntArray
    extent: IntArray
    mass: FloatArray
    peak_cluster: IntArray
    peak_voxel: IntArray
    peak_value: FloatArray


def make_lattice(mask: BoolArray, connectivity: int = 6) -> Lattice:
    """Find the neighbours of each voxel of a mask.

    Parameters
    ----------
    mask
        (x, y, z).
    connectivity
        6, 18 or 26 neighbours.

    Raises
    ------
    MorbidsError
        The connectivity is not one of the three, or the mask is empty.
    """
    if connectivity not in _LARGEST_STEP:
        raise MorbidsError(f"A voxel cannot have {connectivity} neighbours.", "Choose 6, 18 or 26.")
    mask = np.asarray(mask, dtype=bool)
    if not mask.any():
        raise MorbidsError("The mask has no voxel.", "Lower its threshold.")
    positions = np.full(tuple(size + 2 for size in mask.shape), -1, dtype=np.int32)
    inside = positions[1:-1, 1:-1, 1:-1]
    voxels = np.argwhere(mask)
    inside[mask] = np.arange(len(voxels), dtype=np.int32)
    steps = np.argwhere(np.ones((3, 3, 3))) - 1
    length = np.abs(steps).sum(axis=1)
    steps = steps[(length > 0) & (length <= _LARGEST_STEP[connectivity])]
    neighbours = np.stack([positions[tuple((voxels + 1 + step).T)] for step in steps], axis=1)
    x, y, z = mask.shape
    return Lattice((x, y, z), voxels.astype(np.int32), neighbours)


def find_clusters(
    values: FloatArray,
    lattice: Lattice,
    threshold: float,
    *,
    min_extent: int = 1,
    voxel_size_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    peak_distance_mm: float = 8.0,
) -> Clusters:
    """Label the clusters at or beyond +-threshold, each sign on its own, and find their peaks.

    A peak is a voxel that none of its neighbours exceeds; of two peaks nearer than `peak_distance_mm` in
    one cluster the lower is left out.

    Parameters
    ----------
    values
        (n_voxels,) map; NaN is in no cluster.
    threshold
        Positive.
    min_extent
        Smaller clusters, in voxels, are left out.

    Raises
    ------
    MorbidsError
        The threshold is not positive.
    """
    if not threshold > 0:
        raise MorbidsError(f"The cluster-forming threshold is {threshold:g}.", "Give one above 0.")
    values = np.asarray(values, dtype=float)
    parent = _join_neighbours(values, lattice.neighbours, threshold)
    inside = np.flatnonzero(parent >= 0)
    roots, membership = np.unique(parent[inside], return_inverse=True)
    extent = np.bincount(membership, minlength=len(roots))
    mass = np.bincount(membership, weights=np.abs(values[inside]) - threshold, minlength=len(roots)).astype(
        float
    )
    order = np.lexsort((-mass, -extent))
    order = order[extent[order] >= min_extent]
    number = np.zeros(len(roots), dtype=np.int32)
    number[order] = np.arange(1, len(order) + 1)
    labels = np.zeros(len(values), dtype=np.int32)
    labels[inside] = number[membership]
    peaks = _find_peaks(values, labels, lattice, np.asarray(voxel_size_mm, dtype=float), peak_distance_mm)
    return Clusters(
        labels=labels,
        sign=np.sign(values[roots[order]]).astype(np.int32),
        extent=extent[order],
        mass=mass[order],
        peak_cluster=labels[peaks],
        peak_voxel=peaks,
        peak_value=values[peaks],
    )


def largest_clusters(
    values: FloatArray, lattice: Lattice, threshold: float, *, both_tails: bool
) -> tuple[int, float]:
    """Largest extent (voxels) and largest mass of any cluster; zeros without one."""
    extent, mass = _measure_largest(values, lattice.neighbours, threshold, both_tails)
    return int(extent), float(mass)


def _find_peaks(
    values: FloatArray, labels: IntArray, lattice: Lattice, voxel_size_mm: FloatArray, distance_mm: float
) -> IntArray:
    """Positions of the peaks that stay, by cluster and then by height."""
    height = np.where(labels > 0, np.abs(values), 0)
    candidates = np.flatnonzero(labels > 0)
    around = lattice.neighbours[candidates]
    same = (around >= 0) & (labels[around] == labels[candidates][:, None])
    candidates = candidates[np.all(~same | (height[around] <= height[candidates][:, None]), axis=1)]
    candidates = candidates[np.lexsort((candidates, -height[candidates], labels[candidates]))]
    places_mm = lattice.voxels[candidates] * voxel_size_mm
    cluster = labels[candidates]
    end_of_cluster = np.searchsorted(cluster, cluster, side="right")
    standing = np.ones(len(candidates), dtype=bool)
    for rank in range(len(candidates)):
        if standing[rank]:
            lower = slice(rank + 1, end_of_cluster[rank])
            apart = np.linalg.norm(places_mm[lower] - places_mm[rank], axis=1)
            standing[lower] &= apart >= distance_mm
    return candidates[standing]


@compiled
def find_root(parent: IntArray, voxel: int) -> int:
    """Root of a voxel's tree, halving the path on the way."""
    while parent[voxel] != voxel:
        parent[voxel] = parent[parent[voxel]]
        voxel = parent[voxel]
    return voxel


@compiled
def _join_neighbours(values: FloatArray, neighbours: IntArray, threshold: float) -> IntArray:
    """(n_voxels,) root of each voxel's cluster, -1 outside; union-find over voxels of one sign."""
    n_voxels = values.shape[0]
    parent = np.full(n_voxels, -1, dtype=np.int32)
    for voxel in range(n_voxels):
        if not (abs(values[voxel]) >= threshold):
            continue
        parent[voxel] = voxel
        for k in range(neighbours.shape[1]):
            other = neighbours[voxel, k]
            if other < 0 or other > voxel or parent[other] < 0 or (values[other] > 0) != (values[voxel] > 0):
                continue
            root, other_root = find_root(parent, voxel), find_root(parent, other)
            if root != other_root:
                parent[max(root, other_root)] = min(root, other_root)
    for voxel in range(n_voxels):
        if parent[voxel] >= 0:
            parent[voxel] = find_root(parent, voxel)
    return parent


@compiled
def _measure_largest(
    values: FloatArray, neighbours: IntArray, threshold: float, both_tails: bool
) -> tuple[int, float]:
    parent = _join_neighbours(values, neighbours, threshold)
    n_voxels = values.shape[0]
    extent, mass = np.zeros(n_voxels, dtype=np.int32), np.zeros(n_voxels)
    largest_extent, largest_mass = 0, 0.0
    for voxel in range(n_voxels):
        root = parent[voxel]
        if root < 0 or (values[voxel] < 0 and not both_tails):
            continue
        extent[root] += 1
        mass[root] += abs(values[voxel]) - threshold
        largest_extent, largest_mass = max(largest_extent, extent[root]), max(largest_mass, mass[root])
    return largest_extent, largest_mass
