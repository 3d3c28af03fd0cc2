"""What an affine (4, 4) from voxel index to RAS mm says of a voxel."""

import numpy as np

from morbids.numerics.arrays import FloatArray


def voxel_edges_mm(affine: FloatArray) -> FloatArray:
    """(3,) edge lengths in mm."""
    lengths: FloatArray = np.linalg.norm(affine[:3, :3], axis=0)
    return lengths


def voxel_volume_ml(affine: FloatArray) -> float:
    """Volume in mL."""
    return float(abs(np.linalg.det(affine[:3, :3])) / 1000)
