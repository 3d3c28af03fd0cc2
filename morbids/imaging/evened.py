"""Register images rigidly by what they show locally, in a few steps of one interpolation each.

Both images are evened out: in each window the mean becomes 0 and the spread 1, so that brightness that varies smoothly
(how a tracer moves through the head) does not matter, and the difference of the two tells what local correlation tells.
The slopes of the target then give the correction in closed form [Baker & Matthews 2004, IJCV 56:221]. Noise makes the
target's share in an image smaller; steps are as much larger.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.imaging.images import Image
from morbids.imaging.resampling import average_blocks
from morbids.imaging.transforms import rigid_matrix
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.rigid_sums import sum_rigid

LEAST_SPREAD = 0.7
"""Of the spread of the whole image: where a window has less, there is little but noise to even out (late frames of six
simulated heads at full size: .070 mm off with 0.3, .063 with 0.7, .061 with 1, which evens out little)."""
LEAST_SHARE = 0.25
"""Of the target in an image, as far as steps rely on it: images that do not overlap yet have none."""
ARM_MM = 50.0
STILL_MM = 0.01
"""A search ends with a step that moves the head's surface, an arm away from its centre, by less."""


class Search(NamedTuple):
    """One level of a search: edges of voxels and of windows, mm, and the most steps."""

    voxel_mm: float
    window_mm: float
    steps: int


class EvenTarget(NamedTuple):
    """A target on the grid of one search: affine, what is compared (see `sum_rigid`), and the centre of turns, mm."""

    search: Search
    affine: FloatArray
    points: FloatArray
    values: FloatArray
    slopes: FloatArray
    centre_mm: FloatArray


def prepare_targets(target: Image, mask: BoolArray, searches: Sequence[Search]) -> list[EvenTarget]:
    """Even a target (x, y, z) out for searches from coarse to fine, which compare voxels of a mask."""
    return [_prepare(target, mask, search) for search in searches]


def register_evened(targets: Sequence[EvenTarget], image: Image, start: FloatArray) -> FloatArray:
    """Register an image to a target: (4, 4) RAS mm as `start`, points of the target to points of the image."""
    matrix = start
    for target in targets:
        even = _evened(image, target.search)
        to_index = np.linalg.inv(even.affine)
        for _ in range(target.search.steps):
            correction = _correct(target, even.values, to_index @ matrix @ target.affine)
            matrix = matrix @ np.linalg.inv(rigid_matrix(correction, target.centre_mm))
            if np.abs(correction[:3]).max() + ARM_MM * np.abs(correction[3:]).max() < STILL_MM:
                break
    return matrix


def _correct(target: EvenTarget, volume: FloatArray, to_volume: FloatArray) -> FloatArray:
    """Shift (mm) and turn (rad) of the target (6,) that make it like a volume; none where they do not overlap."""
    sums = sum_rigid(volume, to_volume, target.points, target.values, target.slopes)
    if not sums.volume_squared > 0:
        return np.zeros(6)
    least = LEAST_SHARE * np.sqrt(sums.volume_squared / sums.target_squared)
    share = max(sums.product / sums.target_squared, least)
    solution: FloatArray = np.linalg.lstsq(
        sums.slopes_squared, sums.slopes_volume / share - sums.slopes_target
    )[0]
    return solution


def _prepare(target: Image, mask: BoolArray, search: Search) -> EvenTarget:
    even = _evened(target, search)
    inside = _shrunk(target._replace(values=mask.astype(np.float32)), search).values > 0.5
    points = np.argwhere(inside)
    places_mm = points @ even.affine[:3, :3].T + even.affine[:3, 3]
    centre_mm = places_mm.mean(axis=0)
    per_voxel = np.stack([np.gradient(even.values, axis=axis)[inside] for axis in range(3)], axis=1)
    per_mm = per_voxel @ np.linalg.inv(even.affine)[:3, :3]
    slopes = np.concatenate([per_mm, np.cross(places_mm - centre_mm, per_mm)], axis=1)
    values = even.values[inside].astype(np.float32)
    return EvenTarget(
        search, even.affine, points.astype(np.float32), values, slopes.astype(np.float32), centre_mm
    )


def _evened(image: Image, search: Search) -> Image:
    """Shrink an image, and give each window the mean 0 and the spread 1, unless it has hardly any."""
    small = _shrunk(image, search)
    values = small.values / max(float(small.values.std()), float(np.finfo(np.float32).tiny))
    window = [2 * round((search.window_mm / edge - 1) / 2) + 1 for edge in small.voxel_mm.tolist()]
    mean = ndimage.uniform_filter(values, window)
    variance = np.maximum(ndimage.uniform_filter(values**2, window) - mean**2, 0)
    even: FloatArray = (values - mean) / np.sqrt(variance + LEAST_SPREAD**2)
    return small._replace(values=np.ascontiguousarray(even, dtype=np.float32))


def _shrunk(image: Image, search: Search) -> Image:
    return average_blocks(image, np.maximum(np.round(search.voxel_mm / image.voxel_mm), 1).astype(int))
