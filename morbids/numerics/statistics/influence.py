"""How far each map lies from the others, and what a result would be without it."""

from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import Design, fit_design, keep_rows, split_by_contrast
from morbids.numerics.statistics.linear_model import read_blocks

# The median absolute deviation of normal values, in standard deviations.
_MAD_PER_SD = 0.6745


class Influence(NamedTuple):
    """What each map does to a test; voxels that are not finite in every map are left out.

    Attributes
    ----------
    distance
        (n_maps,) root mean square over the voxels of the deleted studentized residual: about 1 for a map like
        the others, larger for one that the others do not predict.
    distance_z
        (n_maps,) distance in robust standard deviations from the median distance; beyond 3 is far.
    correlation
        (n_maps,) correlation over the voxels with the mean of the other maps.
    effect_change
        (n_maps,) root mean square over the voxels of the change of the effect when the map is left out, in
        standard errors (DFBETAS of Belsley, Kuh & Welsch 1980); of several contrasts, root mean square over them too.
    """

    distance: FloatArray
    distance_z: FloatArray
    correlation: FloatArray
    effect_change: FloatArray


class LeftOut(NamedTuple):
    """(n_maps, n_places) effect and t (or F) without each map; NaN where the rest cannot estimate them."""

    effect: FloatArray
    t: FloatArray


class _Deleted(NamedTuple):
    """Per map and voxel: deleted studentized residual, and change of the effect in standard errors."""

    residual: FloatArray
    change: FloatArray


def measure_influence(maps: FloatArray, design: Design) -> Influence:
    """Measure how each of (n_maps, n_voxels) maps stands to the rest, in the model of a design."""
    n_maps = maps.shape[0]
    squared_distance, squared_change = np.zeros(n_maps), np.zeros(n_maps)
    # Sums over voxels of x, y, x^2, y^2, xy, where x is the map and y the mean of the others.
    sums = np.zeros((5, n_maps))
    n_voxels = 0
    for _, every in read_blocks(maps):
        block = every[:, np.all(np.isfinite(every), axis=0) & (np.ptp(every, axis=0) > 0)]
        deleted = _delete_each(block, design)
        squared_distance += (deleted.residual**2).sum(axis=1)
        squared_change += (deleted.change**2).sum(axis=1)
        others = (block.sum(axis=0) - block) / (n_maps - 1)
        products = (block, others, block**2, others**2, block * others)
        sums += np.array([product.sum(axis=1) for product in products])
        n_voxels += block.shape[1]
    x, y, xx, yy, xy = sums / max(n_voxels, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.sqrt(squared_distance / n_voxels)
        spread = np.median(np.abs(distance - np.median(distance))) / _MAD_PER_SD
        return Influence(
            distance=distance,
            distance_z=(distance - np.median(distance)) / spread,
            correlation=(xy - x * y) / np.sqrt((xx - x**2) * (yy - y**2)),
            effect_change=np.sqrt(squared_change / n_voxels),
        )


def leave_each_out(values: FloatArray, design: Design) -> LeftOut:
    """Repeat a test, with the statistic of its design, without each map in turn.

    Parameters
    ----------
    values
        (n_maps, n_places), e.g. at the peaks.
    """
    values = np.asarray(values, dtype=float)
    found = LeftOut(np.full(values.shape, np.nan), np.full(values.shape, np.nan))
    for row in range(len(values)):
        rest = np.arange(len(values)) != row
        try:
            fit = fit_design(values[rest], keep_rows(design, rest))
        except MorbidsError:
            # Without this map the design cannot be estimated: it is alone in its column or its group.
            continue
        found.effect[row], found.t[row] = fit.effect, fit.f if design.n_tested else fit.t
    return found


def _delete_each(block: FloatArray, design: Design) -> _Deleted:
    """Refit without each map in closed form (Belsley, Kuh & Welsch 1980, equations 2.1 to 2.11)."""
    orthonormal = np.linalg.qr(design.matrix)[0]
    interest = split_by_contrast(design.matrix, design.contrast)[0]
    df = design.matrix.shape[0] - design.matrix.shape[1]
    leverage = np.einsum("ij,ij->i", orthonormal, orthonormal)[:, None]
    pull = interest[:, None] if interest.ndim == 1 else np.sqrt(np.square(interest).mean(axis=1))[:, None]
    coordinates = orthonormal.T @ block
    residuals = block - orthonormal @ coordinates
    squares = np.einsum("ij,ij->j", residuals, residuals)
    # A map alone in its column has leverage 1: without it the model cannot be estimated.
    left = np.where(leverage < 1 - 1e-9, 1 - leverage, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        noise = np.maximum(squares - residuals**2 / left, 0) / (df - 1 if df > 1 else np.nan)
        change = pull * residuals / left
        return _Deleted(residual=residuals / np.sqrt(noise * left), change=change / np.sqrt(noise))
