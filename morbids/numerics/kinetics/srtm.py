"""Simplified reference tissue models by basis functions, refined by one Gauss-Newton step.

The basis functions B(k2a) = C_R (x) exp(-k2a t) are taken as frame means from their differential equation,
B + k2a int B = int C_R, with the integral matrix in place of the integrals; no grid in time is needed.
"""

from typing import NamedTuple, Unpack

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import FrameChoice, fit_linear, regression_points
from morbids.numerics.kinetics.parameters import FixedEffluxFit, ReferenceTissueFit, fill_multiples


class BasisGrid(NamedTuple):
    """The efflux rates k2a (per minute) of which basis functions are made, equally far apart on a log scale.

    The lowest holds BP_ND = 4 at k2 = 0.025 per minute; the highest is beyond any tissue. A fit that is
    drawn beyond either end is NaN. One that merely rests there, because target and reference are alike and
    k2a is nothing to them, has BP_ND and R1 but neither k2 nor k2'.
    """

    lowest: float = 0.005
    highest: float = 1.5
    n_bases: int = 100

    @property
    def k2a(self) -> FloatArray:
        """(n_bases,) per minute."""
        return np.geomspace(self.lowest, self.highest, self.n_bases)


class Bases(NamedTuple):
    """Basis functions and their slopes by log k2a, each (n_frames, n_bases)."""

    k2a: FloatArray
    value: FloatArray
    slope: FloatArray


DEFAULT_GRID = BasisGrid()


def basis_functions(reference: FloatArray, frames: Frames, grid: BasisGrid = DEFAULT_GRID) -> Bases:
    """Frame means of the reference curve (n_frames,) convolved with exp(-k2a t), and slopes by log k2a."""
    integrate = integral_matrix(frames)
    equation = np.eye(frames.n_frames) + grid.k2a[:, None, None] * integrate
    value = np.linalg.solve(equation, (integrate @ reference)[:, None])[..., 0]
    by_k2a = np.linalg.solve(equation, -(value @ integrate.T)[..., None])[..., 0]
    return Bases(grid.k2a, value.T, (grid.k2a[:, None] * by_k2a).T)


def fit_srtm(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    grid: BasisGrid = DEFAULT_GRID,
    **chosen: Unpack[FrameChoice],
) -> ReferenceTissueFit:
    """Simplified reference tissue model (Lammertsma & Hume 1996, NeuroImage 4:153) by basis functions.

    Basis functions as in Gunn 1997, NeuroImage 6:279:
    C_T = R1 C_R + (k2 - R1 k2a) C_R (x) exp(-k2a t), BP_ND = k2 / k2a - 1.

    Parameters
    ----------
    target, reference
        (n_frames, n_targets) and (n_frames,), any common unit.
    frames
        Minutes from injection.
    grid
        Efflux rates to search.
    **chosen
        Frames to fit, and weights.
    """
    fitted = regression_points(frames, n_parameters=4, **chosen)
    bases = basis_functions(reference, frames, grid)
    delivery, response = reference[fitted.rows, None], target[fitted.rows]
    value, slope = bases.value[fitted.rows], bases.slope[fitted.rows]
    best = _best_basis(value, response, fitted.weight, delivery)
    fit = fit_linear([delivery, value[:, best], slope[:, best]], response, fitted.weight)
    r1, amplitude, tilt = fit.coefficients
    shift, inside = _shift(tilt, amplitude, best, grid)
    rests = np.abs(tilt) < 2.0 * fit.standard_error([0.0, 0.0, 1.0])
    fit = fit.where(inside | rests)
    r1, amplitude, _ = fit.coefficients
    k2a = bases.k2a[best] * np.exp(shift)
    k2 = amplitude + r1 * k2a
    k2_prime = k2 / r1
    by_k2a = np.where(inside, k2a / amplitude, np.nan)
    found = ReferenceTissueFit(
        bp_nd=k2 / k2a - 1.0,
        bp_nd_se=fit.standard_error([1.0, (1.0 + shift) / k2a, -1.0 / k2a]),
        r1=r1,
        r1_se=fit.standard_error([1.0]),
        k2=np.where(inside, k2, np.nan),
        k2_se=fit.standard_error([k2a, 1.0 - r1 * shift * by_k2a, r1 * by_k2a]),
        k2_prime=np.where(inside, k2_prime, np.nan),
        k2_prime_se=fit.standard_error([-amplitude / r1**2, 1.0 / r1 - shift * by_k2a, by_k2a]),
        r_squared=fit.r_squared,
    )
    return fill_multiples(found, target, reference, fitted)


def fit_srtm2(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    k2_prime: float,
    grid: BasisGrid = DEFAULT_GRID,
    **chosen: Unpack[FrameChoice],
) -> FixedEffluxFit:
    """Simplified reference tissue model with k2' given (Wu & Carson 2002, J Cereb Blood Flow Metab 22:1440).

    C_T = R1 (C_R + (k2' - k2a) C_R (x) exp(-k2a t)); parameters as in `fit_srtm`.
    """
    fitted = regression_points(frames, n_parameters=3, **chosen)
    bases = basis_functions(reference, frames, grid)
    response = target[fitted.rows]
    value = (reference[:, None] + (k2_prime - bases.k2a) * bases.value)[fitted.rows]
    slope = ((k2_prime - bases.k2a) * bases.slope - bases.k2a * bases.value)[fitted.rows]
    best = _best_basis(value, response, fitted.weight)
    fit = fit_linear([value[:, best], slope[:, best]], response, fitted.weight)
    r1, tilt = fit.coefficients
    shift, inside = _shift(tilt, r1, best, grid)
    fit = fit.where(inside)
    dvr_per_r1 = k2_prime / (bases.k2a[best] * np.exp(shift))
    r1, r1_se = fit.coefficients[0], fit.standard_error([1.0])
    return FixedEffluxFit(
        bp_nd=r1 * dvr_per_r1 - 1.0,
        bp_nd_se=fit.standard_error([dvr_per_r1 * (1.0 + shift), -dvr_per_r1]),
        r1=r1,
        r1_se=r1_se,
        k2=r1 * k2_prime,
        k2_se=r1_se * k2_prime,
        r_squared=fit.r_squared,
    )


def _best_basis(
    bases: FloatArray, response: FloatArray, weight: FloatArray, delivery: FloatArray | None = None
) -> IntArray:
    """Which basis (n_points, n_bases), beside delivery (n_points, 1), leaves each response least residual."""
    root = np.sqrt(weight)[:, None]
    directions = bases * root
    if delivery is not None:
        first = delivery * root / np.linalg.norm(delivery * root)
        directions = directions - first * (first.T @ directions)
    directions = directions / np.linalg.norm(directions, axis=0)
    return np.asarray(np.abs((directions * root).T @ response).argmax(axis=0))


def _shift(
    tilt: FloatArray, amplitude: FloatArray, best: IntArray, grid: BasisGrid
) -> tuple[FloatArray, BoolArray]:
    """Change of log k2a from the best basis to the optimum beside it, and whether that is inside the grid."""
    spacing = np.log(grid.highest / grid.lowest) / (grid.n_bases - 1)
    inside = (best > 0) & (best < grid.n_bases - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.clip(tilt / amplitude, -spacing, spacing)
    return np.where(inside, shift, 0.0), inside
