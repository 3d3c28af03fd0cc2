"""Random-field theory: smoothness, resels and the p of peaks (Worsley 1992, 1996), for whole brain or small volumes."""

import math
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.statistics.linear_model import voxel_blocks

_FOUR_LOG_2 = 4 * math.log(2)
_ROUNDING = 1e-12
_PAIRS_AT_ONCE = 8192
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


def find_unit_residuals(maps: FloatArray, design: FloatArray) -> FloatArray:
    """(n_maps, n_voxels) residuals of a fitted design, of length 1 at each voxel; 0 where there are none."""
    orthonormal = np.linalg.qr(np.asarray(design, dtype=float))[0]
    unit = np.empty(maps.shape, dtype=np.float32)
    for columns in voxel_blocks(maps):
        block = np.asarray(maps[:, columns], dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            residuals = block - orthonormal @ (orthonormal.T @ block)
            squares = np.einsum("ij,ij->j", residuals, residuals)
            usable = np.isfinite(squares) & (squares > _ROUNDING * np.einsum("ij,ij->j", block, block))
            unit[:, columns] = np.where(usable, residuals / np.sqrt(squares), 0)
    return unit


def estimate_smoothness(unit_residuals: FloatArray, mask: BoolArray, df: float) -> Smoothness:
    """Estimate the width from the correlation of neighbouring residuals.

    Noise with a Gaussian autocorrelation has rho = exp(-1 / (4 sigma^2)) one voxel away (Forman 1995, MRM
    33:636), exact also for narrow kernels. The mean correlation of residual vectors is biased to 0 by
    rho (1 - rho^2) / (2 (df - 1)), which for wide kernels is the correction of Kiebel (1999, NeuroImage 10:756).

    Parameters
    ----------
    unit_residuals
        (n_maps, n_voxels), see `find_unit_residuals`.
    mask
        (x, y, z) with n_voxels inside.
    df
        Residual degrees of freedom.

    Raises
    ------
    MorbidsError
        Along an axis no two neighbours lie in the mask, or fewer than 3 degrees of freedom remain.
    """
    if df < 3:
        raise MorbidsError(
            f"{df:g} degrees of freedom are too few to estimate smoothness.", "Use permutations instead."
        )
    positions = np.full(mask.shape, -1, dtype=np.int64)
    positions[mask] = np.arange(int(mask.sum()))
    fwhm = np.array([_width_along(unit_residuals, positions, axis, df) for axis in range(3)])
    return Smoothness(fwhm, count_resels(mask, fwhm))


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


def _width_along(unit_residuals: FloatArray, positions: IntArray, axis: int, df: float) -> float:
    length = positions.shape[axis]
    here, there = (np.take(positions, steps, axis) for steps in (range(length - 1), range(1, length)))
    pairs = (here >= 0) & (there >= 0)
    first, second = here[pairs], there[pairs]
    total, n_pairs = 0.0, 0
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        columns = slice(start, start + _PAIRS_AT_ONCE)
        one, other = unit_residuals[:, first[columns]], unit_residuals[:, second[columns]]
        total += float(np.einsum("ij,ij->", one, other, dtype=float))
        # Voxels without residuals are columns of zeros.
        n_pairs += int(np.sum(np.any(one != 0, axis=0) & np.any(other != 0, axis=0)))
    if n_pairs == 0:
        raise MorbidsError(
            f"No two voxels of the mask are neighbours along axis {axis + 1}, so smoothness is unknown.",
            "Use a mask of connected voxels.",
        )
    r = total / n_pairs
    rho = np.clip(r * (1 + (1 - r**2) / (2 * (df - 1))), 1e-6, 1 - 1e-9)
    return float(np.sqrt(-2 * math.log(2) / np.log(rho)))
