"""The operational equation of the reference tissue, fitted to every target with standard errors.

C_T = k2 int C_R + R1 C_R - k2a int C_T, as it stands (MRTM1, MRTM2), or solved for int C_T and divided by
C_T (the Logan plot, MRTM0). A tile of targets at a time goes through all of it while it stays in the
processor's cache; every loop over its lanes is one that the compiler turns into vector instructions.
"""

from typing import NamedTuple, Unpack

import numpy as np

from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.compiled import compiled
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import (
    FrameChoice,
    LinearFit,
    RegressionPoints,
    regression_points,
    solve,
)

# Targets that are fitted side by side: enough for vector registers, few enough for the first cache. The loops
# over them take their length from an array: numba unrolls loops of a constant length, and then leaves them scalar.
LANES = 64


class _Equation(NamedTuple):
    """What all targets share.

    Attributes
    ----------
    shared
        (n_shared, n_points) regressors made of the reference curve.
    rows
        (n_points,) frames that are fitted.
    weight
        (n_points,) inverse variances.
    frame_variance
        (n_frames,) of every frame.
    integrate
        (n_points, n_frames) rows of the integral matrix.
    spread
        (n_points,) variance that the noise of all frames gives a point of the integral.
    own
        (n_points,) part of the integral that is the frame itself.
    divided
        The equation is solved for int C_T and divided by C_T.
    """

    shared: FloatArray
    rows: IntArray
    weight: FloatArray
    frame_variance: FloatArray
    integrate: FloatArray
    spread: FloatArray
    own: FloatArray
    divided: bool


def fit_operational(
    target: FloatArray,
    shared: FloatArray,
    frames: Frames,
    *,
    divided: bool = False,
    **chosen: Unpack[FrameChoice],
) -> LinearFit:
    """Fit C_T = shared regressors - k2a int C_T, or the same divided by C_T.

    The covariance is that of independent noise of the frames, which is in the running integral of every later
    frame too (see `propagation`).

    Parameters
    ----------
    target
        (n_frames, n_targets), any float type.
    shared
        (n_frames, n_shared): what all targets have in common, such as int C_R and C_R.
    frames
        Minutes from injection.
    divided
        Fit int C_T / C_T = shared / C_T + intercept instead; the intercept is -1 / k2a. Targets that are not positive
        at every point are NaN.
    **chosen
        Frames to fit, and weights.

    Returns
    -------
    LinearFit
        Coefficients in the order of `shared`, then -k2a or the intercept.

    Raises
    ------
    MorbidsError
        Fewer points than coefficients.
    """
    fitted = regression_points(frames, shared.shape[1] + 1, **chosen)
    rows, integrate, own = integrated_points(frames, fitted)
    equation = _Equation(
        np.ascontiguousarray(shared[rows].T, dtype=float),
        rows,
        fitted.weight,
        fitted.frame_variance,
        integrate,
        integrate**2 @ fitted.frame_variance,
        own,
        divided,
    )
    n, n_targets = shared.shape[1] + 1, target.shape[1]
    fit = LinearFit(
        np.empty((n, n_targets)),
        np.empty((n, n, n_targets)),
        np.empty((n, n, n_targets)),
        np.empty(n_targets),
        np.empty(n_targets),
    )
    _fit_tiles(np.ascontiguousarray(target, dtype=float), equation, fit)
    return fit


class IntegratedPoints(NamedTuple):
    """Frames that are fitted (n_points,), their rows of the integral matrix, and what of each is the frame itself."""

    rows: IntArray
    integrate: FloatArray
    own: FloatArray


def integrated_points(frames: Frames, fitted: RegressionPoints) -> IntegratedPoints:
    """Take what an equation with running integrals needs of its points."""
    rows = np.arange(frames.n_frames)[fitted.rows]
    integrate = np.ascontiguousarray(integral_matrix(frames)[rows])
    return IntegratedPoints(rows, integrate, integrate[np.arange(len(rows)), rows])


@compiled
def _fit_tiles(target: FloatArray, equation: _Equation, fit: LinearFit) -> None:
    """Fit all targets, a tile at a time; the lanes of the last tile that are left over repeat older ones."""
    n_frames, n_targets = target.shape
    n, n_points = len(fit.coefficients), len(equation.rows)
    curve = np.ones((n_frames, LANES))
    columns = np.empty((n + 1, n_points, LANES))
    factor = np.ones((n_points, LANES))
    cross, between = np.empty((n + 1, n + 1, LANES)), np.empty((n, n, LANES))
    reach = np.empty((n, n_frames, LANES))
    loss, total, expected = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for first in range(0, n_targets, LANES):
        n_filled = min(LANES, n_targets - first)
        for frame in range(n_frames):
            for lane in range(n_filled):
                curve[frame, lane] = target[frame, first + lane]
        _make_columns(curve, equation, columns, factor)
        multiply(columns, equation.weight, cross)
        total_variance(columns[n], equation.weight, cross[n, n], total)
        solve(cross, n)
        _find_loss(cross[n - 1, n], equation.divided, loss)
        _follow_noise(columns, factor, loss, equation, reach)
        multiply(reach, equation.frame_variance, between)
        _expect_residual(factor, loss, equation, expected)
        _store(cross, between, expected, total, (first, first + n_filled), fit)
    if n_points <= n:
        fit.covariance[:] = np.nan


@compiled
def _make_columns(curve: FloatArray, equation: _Equation, columns: FloatArray, factor: FloatArray) -> None:
    """Regressors and, last, the response (n + 1, n_points, LANES); and by what the equation is multiplied."""
    n_shared, n_points = equation.shared.shape
    own, response = columns[n_shared], columns[n_shared + 1]
    integral, plain = (response, own) if equation.divided else (own, response)
    for point in range(n_points):
        combine(equation.integrate[point], curve, integral[point])
        row = equation.rows[point]
        for lane in range(curve.shape[1]):
            value = curve[row, lane]
            # NaN, by 0 / 0, where the curve is not positive.
            factor[point, lane] = (value > 0.0) / max(value, 0.0) if equation.divided else 1.0
            integral[point, lane] *= factor[point, lane]
            plain[point, lane] = value * factor[point, lane]
        for k in range(n_shared):
            for lane in range(curve.shape[1]):
                columns[k, point, lane] = equation.shared[k, point] * factor[point, lane]


@compiled
def combine(coefficients: FloatArray, rows: FloatArray, out: FloatArray) -> None:
    """Sum of coefficients (n_rows,) x rows (n_rows, LANES)."""
    out[:] = 0.0
    for row in range(len(coefficients)):
        if coefficients[row] != 0.0:
            for lane in range(len(out)):
                out[lane] += coefficients[row] * rows[row, lane]


@compiled
def multiply(columns: FloatArray, weight: FloatArray, cross: FloatArray) -> None:
    """Weighted products of all pairs of the first columns, as many as `cross` has rows."""
    for i in range(len(cross)):
        for j in range(i + 1):
            sums = cross[i, j]
            sums[:] = 0.0
            for point in range(len(weight)):
                for lane in range(columns.shape[2]):
                    sums[lane] += weight[point] * columns[i, point, lane] * columns[j, point, lane]
            cross[j, i] = sums


@compiled
def total_variance(response: FloatArray, weight: FloatArray, squares: FloatArray, total: FloatArray) -> None:
    """Weighted variance of the response about its mean (LANES,), from its sum of squares."""
    total[:] = 0.0
    for point in range(len(weight)):
        for lane in range(len(total)):
            total[lane] += weight[point] * response[point, lane]
    for lane in range(len(total)):
        total[lane] = squares[lane] - total[lane] ** 2 / weight.sum()


@compiled
def _find_loss(coefficient: FloatArray, divided: bool, loss: FloatArray) -> None:
    """k2a (LANES,) from the coefficient of int C_T, or from the intercept."""
    for lane in range(len(loss)):
        loss[lane] = -1.0 / coefficient[lane] if divided else -coefficient[lane]


@compiled
def _follow_noise(
    columns: FloatArray, factor: FloatArray, loss: FloatArray, equation: _Equation, reach: FloatArray
) -> None:
    """How much the noise of each frame adds to X'W residuals (n, n_frames, LANES): (1 + k2a int)' W X."""
    weighted = np.empty(len(loss))
    reach[:] = 0.0
    for k in range(len(reach)):
        for point in range(len(equation.rows)):
            row = equation.rows[point]
            for lane in range(len(loss)):
                weighted[lane] = equation.weight[point] * factor[point, lane] * columns[k, point, lane]
                reach[k, row, lane] += weighted[lane]
                weighted[lane] *= loss[lane]
            for frame in range(reach.shape[1]):
                through = equation.integrate[point, frame]
                if through != 0.0:
                    for lane in range(len(loss)):
                        reach[k, frame, lane] += through * weighted[lane]


@compiled
def _expect_residual(factor: FloatArray, loss: FloatArray, equation: _Equation, expected: FloatArray) -> None:
    """Expected weighted sum of squared residuals (LANES,) about the true line, for noise of size 1."""
    expected[:] = 0.0
    for point in range(len(equation.rows)):
        weight, spread = equation.weight[point], equation.spread[point]
        variance, own = equation.frame_variance[equation.rows[point]], equation.own[point]
        for lane in range(len(loss)):
            by_loss = loss[lane] * (2.0 * variance * own + loss[lane] * spread)
            expected[lane] += weight * factor[point, lane] ** 2 * (variance + by_loss)


@compiled
def _store(
    solved: FloatArray,
    between: FloatArray,
    expected: FloatArray,
    total: FloatArray,
    targets: tuple[int, int],
    fit: LinearFit,
) -> None:
    """Put a tile where it belongs, with the covariance (X'WX)^-1 between (X'WX)^-1 x size of the noise."""
    n, (first, last) = len(between), targets
    residual_sum = np.maximum(solved[n, n], 0.0)
    for i in range(n):
        for j in range(n):
            for lane in range(len(expected)):
                expected[lane] -= solved[i, j, lane] * between[i, j, lane]
    size = residual_sum / expected
    covariance = np.empty(len(size))
    n_filled = last - first
    fit.residual_sum[first:last] = residual_sum[:n_filled]
    fit.r_squared[first:last] = (1.0 - residual_sum / total)[:n_filled]
    for i in range(n):
        fit.coefficients[i, first:last] = solved[i, n, :n_filled]
        for j in range(n):
            fit.inverse[i, j, first:last] = solved[i, j, :n_filled]
            covariance[:] = 0.0
            for k in range(n):
                for m in range(n):
                    for lane in range(len(size)):
                        covariance[lane] += solved[i, k, lane] * between[k, m, lane] * solved[m, j, lane]
            fit.covariance[i, j, first:last] = (covariance * size)[:n_filled]
