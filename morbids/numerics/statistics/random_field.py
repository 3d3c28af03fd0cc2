"""Random-field theory: smoothness, resels and the p of peaks (Worsley 1992, 1996), for whole brain or small volumes."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.statistics.linear_model import read_blocks

_FOUR_LOG_2 = 4 * math.log(2)
_ROUNDING = 1e-12
_PAIRS_AT_ONCE = 1024
_HIGHEST = 1e4


class Smoothness(NamedTuple):
    """Width of the noise.

    Attributes
    ----------
    fwhm_voxels
        (3,) along each axis, in voxels.
    resels
        (4,) of the mask, by dimension 0 to 3.
    """

    fwhm_voxels: FloatArray
    resels: FloatArray


def estimate_smoothness(maps: FloatArray, matrix: FloatArray, mask: BoolArray) -> Smoothness:
    """Estimate the width from the correlation of neighbouring residuals.

    Noise with a Gaussian autocorrelation has rho = exp(-1 / (4 sigma^2)) one voxel away (Forman 1995, MRM
    33:636), exact also for narrow kernels. The mean correlation of residual vectors is biased to 0 by
    rho (1 - rho^2) / (2 (df - 1)), which for wide kernels is the correction of Kiebel (1999, NeuroImage 10:756).

    Parameters
    ----------
    maps
        (n_maps, n_voxels), possibly memory-mapped: two planes of the mask are in memory at once.
    matrix
        (n_maps, n_columns) design.
    mask
        (x, y, z) with n_voxels inside.

    Raises
    ------
    MorbidsError
        Along an axis no two neighbours lie in the mask, or fewer than 3 degrees of freedom remain.
    """
    df = float(matrix.shape[0] - matrix.shape[1])
    if df < 3:
        raise MorbidsError(
            f"{df:g} degrees of freedom are too few to estimate smoothness.", "Use permutations instead."
        )
    totals = np.zeros((3, 2))
    before = _Plane(np.full(mask.shape[1:], -1), np.zeros((len(maps), 0), dtype=np.float32))
    for plane in _planes(maps, matrix, mask):
        totals[0] += _correlate(before, before.positions, plane, plane.positions)
        for axis, (here, there) in enumerate(_neighbours(plane.positions), 1):
            totals[axis] += _correlate(plane, here, plane, there)
        before = plane
    fwhm = np.array([_width(total, n_pairs, axis, df) for axis, (total, n_pairs) in enumerate(totals, 1)])
    return Smoothness(fwhm, count_resels(mask, fwhm))


class _Plane(NamedTuple):
    """One plane of the mask: (y, z) places of its voxels, -1 outside, and their (n_maps, n) unit residuals."""

    positions: IntArray
    unit: FloatArray


def _planes(maps: FloatArray, matrix: FloatArray, mask: BoolArray) -> Iterator[_Plane]:
    """Planes along the first axis, whose voxels follow each other in the maps."""
    orthonormal = np.linalg.qr(np.asarray(matrix, dtype=float))[0]
    start = 0
    for inside in mask:
        stop = start + int(inside.sum())
        positions = np.full(inside.shape, -1, dtype=np.int64)
        positions[inside] = np.arange(stop - start)
        yield _Plane(positions, _find_unit_residuals(maps[:, start:stop], orthonormal))
        start = stop


def _find_unit_residuals(maps: FloatArray, orthonormal: FloatArray) -> FloatArray:
    """(n_maps, n_voxels) residuals of a fitted design, of length 1 at each voxel; 0 where there are none."""
    unit = np.empty(maps.shape, dtype=np.float32)
    for columns, block in read_blocks(maps):
        with np.errstate(invalid="ignore", divide="ignore"):
            residuals = block - orthonormal @ (orthonormal.T @ block)
            squares = np.einsum("ij,ij->j", residuals, residuals)
            usable = np.isfinite(squares) & (squares > _ROUNDING * np.einsum("ij,ij->j", block, block))
            unit[:, columns] = np.where(usable, residuals / np.sqrt(squares), 0)
    return unit


def count_resels(mask: BoolArray, fwhm_voxels: FloatArray) -> FloatArray:
    """(4,) resels of a mask from its points, edges, faces and cubes (Worsley 1996, HBM 4:58, section 3).

    Dimension 0 is the Euler characteristic, 1 twice the mean caliper diameter, 2 half the surface, 3 the
    volume, each in widths of the noise. For a small volume give its mask and the width of the whole brain's noise.
    """
    inside = np.asarray(mask, dtype=bool)
    count: dict[tuple[int, ...], float] = {(): float(inside.sum())}
    for axes in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
        cells = inside
        for axis in axes:
            length = cells.shape[axis]
            cells = np.take(cells, range(length - 1), axis) & np.take(cells, range(1, length), axis)
        count[axes] = float(cells.sum())
    edges, faces = [count[(axis,)] for axis in range(3)], {0: count[1, 2], 1: count[0, 2], 2: count[0, 1]}
    cubes = count[0, 1, 2]
    r = 1 / np.asarray(fwhm_voxels, dtype=float)
    return np.array(
        [
            count[()] - sum(edges) + sum(faces.values()) - cubes,
            sum(r[a] * (edges[a] - sum(faces[b] for b in range(3) if b != a) + cubes) for a in range(3)),
            sum(math.prod(r[b] for b in range(3) if b != a) * (faces[a] - cubes) for a in range(3)),
            math.prod(r) * cubes,
        ]
    )


def density(values: FloatArray, df: float | None = None) -> FloatArray:
    """Euler characteristic densities per resel (Worsley 1996, table II).

    Parameters
    ----------
    values
        (n,) heights.
    df
        Of a t field; None for a Gaussian (Z) field.

    Returns
    -------
    FloatArray
        (4, n) by dimension.
    """
    x = np.asarray(values, dtype=float)
    if df is None:
        tail, decay = special.ndtr(-x), np.exp(-(x**2) / 2)
        plane, solid = x, x**2 - 1
    else:
        tail, decay = special.stdtr(df, -x), (1 + x**2 / df) ** (-(df - 1) / 2)
        gammas = special.gammaln((df + 1) / 2) - special.gammaln(df / 2)
        plane = x * math.exp(gammas) / math.sqrt(df / 2)
        solid = (df - 1) / df * x**2 - 1
    two_pi = 2 * math.pi
    return np.array(
        [
            tail,
            _FOUR_LOG_2**0.5 / two_pi * decay,
            _FOUR_LOG_2 / two_pi**1.5 * plane * decay,
            _FOUR_LOG_2**1.5 / two_pi**2 * solid * decay,
        ]
    )


def peak_p(
    values: FloatArray, resels: FloatArray, df: float | None = None, *, two_tailed: bool = True
) -> FloatArray:
    """Family-wise corrected p of peaks: expected Euler characteristic above them, at most 1.

    Below the height where the expectation is largest it no longer approximates a probability; there p is 1.

    Parameters
    ----------
    values
        (n,) t (or Z) of peaks; |value| counts if two-tailed, which doubles p. NaN stays NaN.
    resels
        (4,); only the last one, the others 0, is the formula of Worsley (1992, JCBFM 12:900).
    df
        Of t; None for Z.
    """
    heights = np.abs(values) if two_tailed else np.asarray(values, dtype=float)
    grid = np.linspace(0, 6, 601)
    expected = np.asarray(resels) @ density(grid, df)
    turning = grid[int(np.argmax(expected))]
    p = (2 if two_tailed else 1) * (np.asarray(resels) @ density(np.ravel(heights), df)).reshape(
        heights.shape
    )
    return np.where(np.isnan(heights), np.nan, np.where(heights < turning, 1.0, np.clip(p, 0, 1)))


def peak_threshold(
    alpha: float, resels: FloatArray, df: float | None = None, *, two_tailed: bool = True
) -> float:
    """Height whose corrected p is alpha; infinite where no height below 10 000 reaches it (few degrees of freedom).

    Raises
    ------
    MorbidsError
        alpha does not lie between 0 and .5.
    """
    if not 0 < alpha < 0.5:
        raise MorbidsError(
            f"The family-wise error rate is {alpha:g}.", "Give one between 0 and 0.5, e.g. 0.05."
        )

    def excess(height: float) -> float:
        return float(peak_p(np.array([height]), resels, df, two_tailed=two_tailed)[0]) - alpha

    # With 3 degrees of freedom or fewer the volume term of a t field does not fall with height.
    if excess(_HIGHEST) > 0:
        return math.inf
    return float(optimize.brentq(excess, 0.0, _HIGHEST, xtol=1e-10))


def _neighbours(positions: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Places of voxels and of the next ones, along both axes of a plane."""
    for axis in range(2):
        yield (
            positions.take(range(positions.shape[axis] - 1), axis),
            positions.take(range(1, positions.shape[axis]), axis),
        )


def _correlate(one: _Plane, here: IntArray, other: _Plane, there: IntArray) -> FloatArray:
    """Sum of the correlations of voxels that are paired, and number of the pairs that have residuals."""
    pairs = (here >= 0) & (there >= 0)
    first, second = here[pairs], there[pairs]
    total, n_pairs = 0.0, 0
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        columns = slice(start, start + _PAIRS_AT_ONCE)
        left, right = one.unit[:, first[columns]], other.unit[:, second[columns]]
        total += float(np.einsum("ij,ij->", left, right, dtype=float))
        # Voxels without residuals are columns of zeros.
        n_pairs += int(np.sum(np.any(left != 0, axis=0) & np.any(right != 0, axis=0)))
    return np.array([total, n_pairs])


def _width(total: float, n_pairs: float, axis: int, df: float) -> float:
    """Width of the noise along an axis, in voxels, from the sum of the correlations of neighbours."""
    if n_pairs == 0:
        raise MorbidsError(
            f"No two voxels of the mask are neighbours along axis {axis}, so smoothness is unknown.",
            "Use a mask of connected voxels.",
        )
    r = total / n_pairs
    rho = np.clip(r * (1 + (1 - r**2) / (2 * (df - 1))), 1e-6, 1 - 1e-9)
    return float(np.sqrt(-2 * math.log(2) / np.log(rho)))
