"""One change of binding at a known time, with k2' given: the step model for maps, compiled.

C_T = k2 (int C_R + C_R / k2') - k2a int C_T - g int_T C_T, with integrals from injection, the last one from the
onset T of the challenge: the step of `displacement` with one regressor less, as MRTM2 is to MRTM1. A tile of targets
goes through all of it while it stays in the processor's cache, as in `operational`.
"""

from typing import NamedTuple, Unpack

import numpy as np

from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.compiled import compiled
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.least_squares import FrameChoice, RegressionPoints, regression_points, solve
from morbids.numerics.kinetics.operational import (
    LANES,
    combine,
    integrated_points,
    multiply,
    total_variance,
)
from morbids.numerics.kinetics.responses import integrate_step

# k2, -k2a and -g.
N_COEFFICIENTS = 3


class StepFit(NamedTuple):
    """Binding before and after a step, each field (n_targets,); rates per minute.

    Attributes
    ----------
    bp_nd, bp_nd_after
        k2 / k2a - 1 before the step, k2 / (k2a + g) - 1 after it.
    change_percent
        From the former to the latter; negative for displacement.
    amplitude
        g, the efflux that the step adds.
    r1, k2, r_squared
        As in MRTM2.
    """

    bp_nd: FloatArray
    bp_nd_se: FloatArray
    bp_nd_after: FloatArray
    bp_nd_after_se: FloatArray
    change_percent: FloatArray
    change_percent_se: FloatArray
    amplitude: FloatArray
    amplitude_se: FloatArray
    k2: FloatArray
    k2_se: FloatArray
    r1: FloatArray
    r1_se: FloatArray
    r_squared: FloatArray


class _Equation(NamedTuple):
    """What all targets share.

    Attributes
    ----------
    delivery
        (n_points,) int C_R + C_R / k2'.
    rows, weight
        (n_points,) frames that are fitted, and their inverse variances.
    frame_variance, after
        (n_frames,) variance of every frame, and the part of it that comes after the onset.
    integrate, displaced
        (n_points, n_frames) rows of the integral matrix, and of the same from the onset on.
    own
        (n_points,) part of the integral that is the frame itself.
    spread
        (n_frames,) what the noise of a frame adds to the sum of squares through the integrals, for a loss of 1.
    """

    delivery: FloatArray
    rows: IntArray
    weight: FloatArray
    frame_variance: FloatArray
    after: FloatArray
    integrate: FloatArray
    displaced: FloatArray
    own: FloatArray
    spread: FloatArray


def fit_step_change2(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    k2_prime: float,
    onset_min: float,
    **chosen: Unpack[FrameChoice],
) -> StepFit:
    """Binding that changes once and for good at a known time, with k2' given.

    Standard errors are those of independent noise of the frames, which is in every later integral (see
    `propagation`). NaN without efflux before or after the step.

    Parameters
    ----------
    target, reference
        (n_frames, n_targets) and (n_frames,), any common unit.
    frames
        Minutes from injection.
    k2_prime
        Efflux from the reference region per minute.
    onset_min
        When binding may change, minutes from injection.
    **chosen
        Frames to fit, and weights.

    Raises
    ------
    MorbidsError
        Fewer points than coefficients.
    """
    fitted = regression_points(frames, N_COEFFICIENTS, **chosen)
    equation = _make_equation(reference, frames, k2_prime, onset_min, fitted)
    estimates = np.empty((len(StepFit._fields), target.shape[1]))
    _fit_tiles(np.ascontiguousarray(target, dtype=float), equation, k2_prime, estimates)
    return StepFit(*estimates)


def _make_equation(
    reference: FloatArray, frames: Frames, k2_prime: float, onset_min: float, fitted: RegressionPoints
) -> _Equation:
    rows, integrate, own = integrated_points(frames, fitted)
    displaced, after = integrate_step(frames, onset_min)
    return _Equation(
        delivery=integrate @ reference + reference[rows] / k2_prime,
        rows=rows,
        weight=fitted.weight,
        frame_variance=fitted.frame_variance,
        after=after,
        integrate=integrate,
        displaced=np.ascontiguousarray(displaced[rows]),
        own=own,
        spread=fitted.frame_variance * (fitted.weight @ integrate**2),
    )


@compiled
def _fit_tiles(target: FloatArray, equation: _Equation, k2_prime: float, estimates: FloatArray) -> None:
    """Fit all targets, a tile at a time; the lanes of the last tile that are left over repeat older ones.

    `estimates` (n_fields, n_targets) are the fields of `StepFit`.
    """
    n_frames, n_targets = target.shape
    n, n_points = N_COEFFICIENTS, len(equation.rows)
    curve, loss = np.ones((n_frames, LANES)), np.empty((n_frames, LANES))
    columns = np.empty((n + 1, n_points, LANES))
    cross, between = np.empty((n + 1, n + 1, LANES)), np.empty((n, n, LANES))
    reach = np.empty((n, n_frames, LANES))
    total, size = np.empty(LANES), np.empty(LANES)
    found = np.empty((len(estimates), LANES))
    for first in range(0, n_targets, LANES):
        n_filled = min(LANES, n_targets - first)
        for frame in range(n_frames):
            for lane in range(n_filled):
                curve[frame, lane] = target[frame, first + lane]
        _make_columns(curve, equation, columns)
        multiply(columns, equation.weight, cross)
        total_variance(columns[n], equation.weight, cross[n, n], total)
        solve(cross, n)
        for frame in range(n_frames):
            for lane in range(curve.shape[1]):
                loss[frame, lane] = -cross[1, n, lane] - equation.after[frame] * cross[2, n, lane]
        _follow_noise(columns, loss, equation, reach)
        multiply(reach, equation.frame_variance, between)
        _size_noise(cross, between, loss, equation, size)
        _read_parameters(cross, total, k2_prime, found)
        _read_errors(cross, between, size, k2_prime, found)
        for field in range(len(estimates)):
            for lane in range(n_filled):
                estimates[field, first + lane] = found[field, lane]


@compiled
def _make_columns(curve: FloatArray, equation: _Equation, columns: FloatArray) -> None:
    """Delivery, int C_T, int_T C_T and, last, the response (4, n_points, LANES)."""
    for point in range(len(equation.rows)):
        row = equation.rows[point]
        for lane in range(curve.shape[1]):
            columns[0, point, lane] = equation.delivery[point]
            columns[3, point, lane] = curve[row, lane]
        combine(equation.integrate[point], curve, columns[1, point])
        combine(equation.displaced[point], curve, columns[2, point])


@compiled
def _follow_noise(columns: FloatArray, loss: FloatArray, equation: _Equation, reach: FloatArray) -> None:
    """How much the noise of each frame adds to X'W residuals (n, n_frames, LANES): (1 + int loss)' W X."""
    weighted = np.empty(loss.shape[1])
    reach[:] = 0.0
    for k in range(len(reach)):
        for point in range(len(equation.rows)):
            for lane in range(len(weighted)):
                weighted[lane] = equation.weight[point] * columns[k, point, lane]
            for frame in range(reach.shape[1]):
                through = equation.integrate[point, frame]
                if through != 0.0:
                    for lane in range(len(weighted)):
                        reach[k, frame, lane] += through * weighted[lane]
        for frame in range(reach.shape[1]):
            for lane in range(len(weighted)):
                reach[k, frame, lane] *= loss[frame, lane]
        for point in range(len(equation.rows)):
            row = equation.rows[point]
            for lane in range(len(weighted)):
                reach[k, row, lane] += equation.weight[point] * columns[k, point, lane]


@compiled
def _size_noise(
    solved: FloatArray, between: FloatArray, loss: FloatArray, equation: _Equation, size: FloatArray
) -> None:
    """Variance (LANES,) of the noise of a frame of weight 1: the residual sum over what noise of size 1 would leave."""
    size[:] = 0.0
    for point in range(len(equation.rows)):
        row = equation.rows[point]
        own = equation.weight[point] * equation.frame_variance[row]
        for lane in range(len(size)):
            size[lane] += own * (1.0 + 2.0 * equation.own[point] * loss[row, lane])
    for frame in range(len(loss)):
        for lane in range(len(size)):
            size[lane] += equation.spread[frame] * loss[frame, lane] ** 2
    n = len(between)
    for i in range(n):
        for j in range(n):
            for lane in range(len(size)):
                size[lane] -= solved[i, j, lane] * between[i, j, lane]
    # NaN, by 0 / 0, without a degree of freedom.
    enough = len(equation.rows) > n
    for lane in range(len(size)):
        size[lane] = enough * max(solved[n, n, lane], 0.0) / (enough * size[lane])


@compiled
def _read_parameters(solved: FloatArray, total: FloatArray, k2_prime: float, found: FloatArray) -> None:
    """Estimates of a tile, NaN (by 0 / 0) without efflux before and after."""
    n = N_COEFFICIENTS
    for lane in range(len(total)):
        k2, k2a, added = solved[0, n, lane], -solved[1, n, lane], -solved[2, n, lane]
        sound = (k2a > 0.0) and (k2a + added > 0.0)
        k2 *= sound / max(sound, 0.0)
        before, after = k2 / k2a - 1.0, k2 / (k2a + added) - 1.0
        found[0, lane] = before
        found[2, lane] = after
        found[4, lane] = 100.0 * (after / before - 1.0)
        found[6, lane] = added + 0.0 * k2
        found[8, lane] = k2
        found[10, lane] = k2 / k2_prime
        found[12, lane] = 1.0 - max(solved[n, n, lane], 0.0) / total[lane] + 0.0 * k2


@compiled
def _read_errors(
    solved: FloatArray, between: FloatArray, size: FloatArray, k2_prime: float, found: FloatArray
) -> None:
    """Standard errors of a tile by the delta method: gradients by the three coefficients, through their covariance."""
    n = N_COEFFICIENTS
    gradient = np.zeros((5, n))
    covariance = np.empty((n, n))
    for lane in range(len(size)):
        for i in range(n):
            for j in range(n):
                covariance[i, j] = 0.0
                for k in range(n):
                    for m in range(n):
                        covariance[i, j] += (
                            solved[i, k, lane] * between[k, m, lane] * solved[m, j, lane] * size[lane]
                        )
        k2, k2a, total = found[8, lane], -solved[1, n, lane], -solved[1, n, lane] - solved[2, n, lane]
        before, after = found[0, lane], found[2, lane]
        gradient[0, 0], gradient[0, 1] = 1.0 / k2a, k2 / k2a**2
        gradient[1, 0], gradient[1, 1], gradient[1, 2] = 1.0 / total, k2 / total**2, k2 / total**2
        for i in range(n):
            gradient[2, i] = 100.0 * (gradient[1, i] - gradient[0, i] * after / before) / before
        gradient[3, 2] = 1.0
        gradient[4, 0] = 1.0
        for place in range(5):
            variance = 0.0
            for i in range(n):
                for j in range(n):
                    variance += gradient[place, i] * gradient[place, j] * covariance[i, j]
            found[2 * place + 1, lane] = np.sqrt(max(variance, 0.0)) + 0.0 * k2
        found[11, lane] = found[9, lane] / k2_prime
