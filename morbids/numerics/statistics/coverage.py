"""Which maps know which voxels."""

from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray, IntArray


class Pattern(NamedTuple):
    """Voxels (their places) that the same maps know: `known` (n_maps,)."""

    voxels: IntArray
    known: BoolArray


def find_patterns(maps: FloatArray) -> list[Pattern]:
    """Part the voxels of (n_maps, n_voxels) maps by the maps that know them."""
    known = np.isfinite(maps)
    packed = np.packbits(known, axis=0)
    _, first, number = np.unique(packed, axis=1, return_index=True, return_inverse=True)
    ordered = np.argsort(np.ravel(number), kind="stable")
    ends = np.cumsum(np.bincount(np.ravel(number), minlength=len(first)))
    return [
        Pattern(voxels, known[:, place])
        for voxels, place in zip(np.split(ordered, ends[:-1]), first, strict=True)
    ]
