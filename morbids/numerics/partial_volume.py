"""Correction for partial volume: what a scanner's point spread mixes between regions, and how to undo it.

The brain is divided into parts of even activity (regions, the rest of each tissue, what is outside). On a grid
finer than PET voxels each part is blurred with the point spread; the means of the blurred parts in each
region are the geometric transfer matrix, and its inverse gives the activity of the parts [Rousset 1998, J Nucl
Med 39:904]. Voxelwise, the image is multiplied with the ratio of that synthetic image before and after
blurring [Thomas 2011, Eur J Nucl Med Mol Imaging 38:1104].
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

FWHM_PER_SD = float(np.sqrt(8 * np.log(2)))
REACH_SD = 3.5
"""The Gaussian is cut off here; 0.05 % of it lies further out."""
MOST_CORRECTION = 5.0
"""A voxel with less than a fifth of its activity left in place holds nothing that could be restored."""


class Geometry(NamedTuple):
    """Parts on a fine grid, and the voxels of PET over which each is measured.

    Attributes
    ----------
    parts
        (x kx, y ky, z kz) part of every fine voxel, 0 to n_parts - 1; -1 = none, without activity.
    measured
        (x, y, z) part as which a PET voxel is averaged, 0 to n_parts - 1; -1 = in no average.
    split
        (3,) fine voxels per PET voxel along each axis.
    sd
        (3,) standard deviation of the point spread in fine voxels; the averaging over a PET voxel comes after it.
    n_parts
        Number of parts.
    """

    parts: IntArray
    measured: IntArray
    split: tuple[int, int, int]
    sd: tuple[float, float, float]
    n_parts: int


class Transfer(NamedTuple):
    """The geometric transfer matrix.

    Attributes
    ----------
    matrix
        (n_parts, n_parts) mean of part j (column), blurred, over the voxels of part i (row).
    solvable
        (n_parts,) parts that exist on both grids; rows and columns of others are left out of the solution.
    condition
        Condition number of what is solved: how much noise can grow.
    """

    matrix: FloatArray
    solvable: BoolArray
    condition: float


def point_spread_sd(
    fwhm_mm: FloatArray, voxel_mm: FloatArray, split: tuple[int, int, int]
) -> tuple[float, float, float]:
    """Standard deviation (3,) in fine voxels of a point spread (3,); PET voxels of `voxel_mm` are split.

    A fine voxel is a box (variance 1 / 12): with it, and with the mean over fine voxels that follows, the image
    is the activity blurred with the point spread and averaged over PET voxels, however they are split.
    """
    spread = np.asarray(fwhm_mm) / FWHM_PER_SD / np.asarray(voxel_mm) * np.asarray(split)
    sd = np.sqrt(spread**2 + 1 / 12)
    return float(sd[0]), float(sd[1]), float(sd[2])


def transfer_matrix(geometry: Geometry) -> Transfer:
    """Blur every part and average it over the PET voxels of all parts."""
    n_parts = geometry.n_parts
    rows = geometry.measured + 1
    counts = np.bincount(rows.ravel(), minlength=n_parts + 1)[1:].astype(float)
    matrix = np.zeros((n_parts, n_parts))
    for part, box, share in _blurred_parts(geometry):
        sums = np.bincount(rows[box].ravel(), weights=share.ravel(), minlength=n_parts + 1)[1:]
        matrix[:, part] = np.divide(sums, counts, out=np.zeros(n_parts), where=counts > 0)
    solvable = (counts > 0) & (np.diag(matrix) > 0)
    kept = matrix[np.ix_(solvable, solvable)]
    return Transfer(matrix, solvable, float(np.linalg.cond(kept)) if kept.size else np.inf)


def correct_means(transfer: Transfer, means: FloatArray) -> FloatArray:
    """Activity of the parts (n_parts, n_frames) from their measured means; NaN where it cannot be solved."""
    solvable = transfer.solvable & np.isfinite(means).all(axis=1)
    corrected = np.full(means.shape, np.nan)
    corrected[solvable] = np.linalg.solve(transfer.matrix[np.ix_(solvable, solvable)], means[solvable])
    return corrected


def measure_parts(frames: FloatArray, geometry: Geometry) -> FloatArray:
    """Mean (n_parts, n_frames) of an image (x, y, z, n_frames) over the voxels of each part; NaN without any."""
    rows = (geometry.measured + 1).ravel()
    known = np.isfinite(frames).all(axis=3).ravel()
    rows = np.where(known, rows, 0)
    n_rows = geometry.n_parts + 1
    counts = np.bincount(rows, minlength=n_rows)[1:].astype(float)
    means = np.full((geometry.n_parts, frames.shape[3]), np.nan)
    for frame in range(frames.shape[3]):
        values = np.nan_to_num(frames[..., frame]).ravel()
        sums = np.bincount(rows, weights=values, minlength=n_rows)[1:]
        np.divide(sums, counts, out=means[:, frame], where=counts > 0)
    return means


def correct_voxels(
    frames: FloatArray, geometry: Geometry, activity: FloatArray, inside: BoolArray
) -> FloatArray:
    """Multiply frames (x, y, z, n_frames) with the synthetic image over its blurred self.

    Parameters
    ----------
    activity
        (n_parts, n_frames) of the parts; NaN counts as nothing.
    inside
        (n_parts,) parts whose voxels are corrected; others stay as they are.

    Returns
    -------
    FloatArray
        float32. The factor of a voxel lies between 1 / `MOST_CORRECTION` and `MOST_CORRECTION`, and is 1 where
        noise makes either image negative.
    """
    known = np.nan_to_num(activity).astype(np.float32)
    blurred = np.zeros(frames.shape, dtype=np.float32)
    for part, box, share in _blurred_parts(geometry):
        blurred[box] += share[..., None] * known[part]
    corrected = np.asarray(frames, dtype=np.float32).copy()
    chosen = (geometry.measured >= 0) & inside[geometry.measured]
    sharp, smooth = known[geometry.measured[chosen]], blurred[chosen]
    valid = (sharp > 0) & (smooth > 0)
    factor = np.divide(sharp, smooth, out=np.ones_like(sharp), where=valid)
    corrected[chosen] *= factor.clip(1 / MOST_CORRECTION, MOST_CORRECTION)
    return corrected


def majority_parts(parts: IntArray, split: tuple[int, int, int], n_parts: int) -> IntArray:
    """Part (x, y, z) that most fine voxels of a PET voxel belong to; of equals the first; -1 = of none."""
    blocks = _blocks(parts, split)
    best = np.full(blocks.shape[:3], -1, dtype=np.int32)
    most = np.zeros(blocks.shape[:3], dtype=np.int32)
    for part in range(n_parts):
        count = (blocks == part).sum(axis=3)
        better = count > most
        best[better], most[better] = part, count[better]
    return best


def _blurred_parts(geometry: Geometry) -> Iterator[tuple[int, tuple[slice, ...], FloatArray]]:
    """Each part, the box of PET voxels that it reaches, and its share (x, y, z) of them after blurring."""
    boxes = ndimage.find_objects(geometry.parts + 1, max_label=geometry.n_parts)
    for part, found in enumerate(boxes):
        if found is None:
            continue
        coarse, fine = [], []
        for place, length, k, sd in zip(
            found, geometry.measured.shape, geometry.split, geometry.sd, strict=True
        ):
            reach = int(np.ceil(REACH_SD * sd)) + 1
            first = max((place.start - reach) // k, 0)
            last = min(-(-(place.stop + reach) // k), length)
            coarse.append(slice(first, last))
            fine.append(slice(first * k, last * k))
        mask = (geometry.parts[tuple(fine)] == part).astype(np.float32)
        # At the edge of the grid tissue goes on as it is there.
        share = ndimage.gaussian_filter(mask, geometry.sd, mode="nearest", truncate=REACH_SD)
        yield part, tuple(coarse), average_blocks(share, geometry.split)


def average_blocks(fine: FloatArray, split: tuple[int, int, int]) -> FloatArray:
    """Mean of the fine voxels of every PET voxel."""
    return np.asarray(_blocks(fine, split).mean(axis=3))


def _blocks(fine: FloatArray | IntArray, split: tuple[int, int, int]) -> FloatArray | IntArray:
    """Fine voxels (x, y, z, k) of every PET voxel."""
    (x, y, z), (kx, ky, kz) = fine.shape, split
    cut = fine.reshape(x // kx, kx, y // ky, ky, z // kz, kz)
    return cut.transpose(0, 2, 4, 1, 3, 5).reshape(x // kx, y // ky, z // kz, -1)
