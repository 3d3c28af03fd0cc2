"""Impulse responses of one or two exponentials, fitted to every target by nonlinear least squares within bounds.

C = sum_i a_i exp(-theta_i t) (x) C_P + vB C_B. Responses are tabulated over the rates once for all targets, exactly for
an input of straight lines, and read by a cubic spline (error below 1e-6 of a response). Every target is started at the
best of a grid and refined by Levenberg-Marquardt steps.
"""

from typing import NamedTuple

import numpy as np
from scipy import interpolate

from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.compiled import compiled
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.least_squares import FrameChoice, regression_points
from morbids.numerics.kinetics.plasma import PlasmaInput, frame_input, frame_responses

# Rates of the impulse response, per minute: slower is trapped for the length of a scan, faster is blood.
LOWEST_RATE, HIGHEST_RATE, N_RATES = 5e-4, 8.0, 160
# Of the grid of starts, every this many rates of the table.
COARSE = 5
MOST_BLOOD = 0.5
"""Largest share of blood in a target: above half it is a vessel."""
MOST_STEPS, ENOUGH = 200, 1e-12
# Compiled loops read it, and know only plain numbers.
LARGEST_DAMPING = 1e12


class _Problem(NamedTuple):
    """What all targets share.

    Attributes
    ----------
    log_rate
        (n_rates,) of the table, equally far apart.
    table
        (4, n_rates - 1, n_points) spline of the responses by log rate, highest power first, times root weights.
    response
        (n_rates, n_points) the responses themselves, times root weights.
    blood
        (n_points,) whole blood, times root weights.
    starts
        (n_starts, n_exponentials) rates to begin with, as indices.
    fits_blood
        Whether the share of blood is fitted.
    """

    log_rate: FloatArray
    table: FloatArray
    response: FloatArray
    blood: FloatArray
    starts: IntArray
    fits_blood: bool


class Impulses(NamedTuple):
    """Fitted impulse responses; NaN where a target has none.

    Attributes
    ----------
    parameters
        (n_parameters, n_targets) amplitudes, share of blood, and logarithms of the rates.
    covariance
        (n_parameters, n_parameters, n_targets); none of those that are held at a bound.
    free
        (n_parameters, n_targets) False where a parameter is held at a bound.
    residual_sum
        (n_targets,) weighted sum of squares.
    r_squared
        (n_targets,) part of the weighted variance of the target that the fit explains.
    """

    parameters: FloatArray
    covariance: FloatArray
    free: BoolArray
    residual_sum: FloatArray
    r_squared: FloatArray


def fit_impulses(
    target: FloatArray,
    plasma: PlasmaInput,
    frames: Frames,
    n_exponentials: int,
    blood_volume: float | None,
    chosen: FrameChoice,
) -> Impulses:
    """Fit impulse responses to targets (n_frames, n_targets).

    Parameters
    ----------
    n_exponentials
        1 or 2.
    blood_volume
        Share of blood; None to fit it.
    chosen
        Frames to fit, and weights.

    Raises
    ------
    MorbidsError
        Fewer points than parameters.
    """
    n_fitted = 2 * n_exponentials + (blood_volume is None)
    points = regression_points(frames, n_fitted, **chosen)
    root = np.sqrt(points.weight)
    rates = np.geomspace(LOWEST_RATE, HIGHEST_RATE, N_RATES)
    responses = frame_responses(plasma, frames, rates)[points.rows].T * root
    framed = frame_input(plasma, frames)
    blood = framed.whole_blood[points.rows] * root
    log_rate = np.log(rates)
    coarse = np.arange(0, N_RATES, COARSE)
    starts = (
        np.arange(N_RATES)[:, None]
        if n_exponentials == 1
        else coarse[np.column_stack(np.triu_indices(len(coarse), 1))]
    )
    problem = _Problem(
        log_rate,
        np.ascontiguousarray(interpolate.CubicSpline(log_rate, responses).c),
        np.ascontiguousarray(responses),
        blood,
        np.ascontiguousarray(starts),
        blood_volume is None,
    )
    measured = np.asarray(target[points.rows], float) * root[:, None]
    if blood_volume is not None:
        measured = measured - blood_volume * blood[:, None]
    n_parameters, n_targets = 2 * n_exponentials + 1, target.shape[1]
    solution = Impulses(
        np.full((n_parameters, n_targets), np.nan),
        np.full((n_parameters, n_parameters, n_targets), np.nan),
        np.zeros((n_parameters, n_targets), bool),
        np.full(n_targets, np.nan),
        np.full(n_targets, np.nan),
    )
    _fit_targets(np.ascontiguousarray(measured.T), problem, solution)
    if blood_volume is not None:
        solution.parameters[n_exponentials] = blood_volume
    degrees = len(root) - n_fitted
    size = solution.residual_sum / degrees if degrees else np.full(n_targets, np.nan)
    mean = root @ (np.asarray(target[points.rows], float) * root[:, None]) / (root**2).sum()
    total = ((np.asarray(target[points.rows], float) - mean) ** 2 * points.weight[:, None]).sum(axis=0)
    return solution._replace(
        covariance=solution.covariance * size, r_squared=1.0 - solution.residual_sum / total
    )


@compiled
def _fit_targets(measured: FloatArray, problem: _Problem, solution: Impulses) -> None:
    """Fit every target (n_targets, n_points), one after the other."""
    n_exponentials = problem.starts.shape[1]
    n = 2 * n_exponentials + 1
    cross = problem.response @ problem.response.T
    with_blood = problem.response @ problem.blood
    blood_square = (problem.blood * problem.blood).sum()
    p, free = np.empty(n), np.ones(n, np.bool_)
    for target in range(len(measured)):
        y = measured[target]
        if not np.isfinite(y.sum()) or not (y * y).sum() > 0.0:
            continue
        if not _begin(y, cross, with_blood, blood_square, problem, p):
            continue
        normal, residual_sum = _refine(y, problem, p, free)
        inverse = np.zeros((n, n))
        if not _invert(normal, inverse):
            for i in range(n):
                for j in range(n):
                    inverse[i, j] = np.nan
        solution.residual_sum[target] = residual_sum
        for i in range(n):
            solution.parameters[i, target] = p[i]
            solution.free[i, target] = free[i]
            for j in range(n):
                solution.covariance[i, j, target] = inverse[i, j] if free[i] and free[j] else 0.0


@compiled
def _begin(
    y: FloatArray,
    cross: FloatArray,
    with_blood: FloatArray,
    blood_square: float,
    problem: _Problem,
    p: FloatArray,
) -> bool:
    """The start whose amplitudes are not negative and that leaves the least; False where none is."""
    m = problem.starts.shape[1]
    product = problem.response @ y
    of_blood = (problem.blood * y).sum()
    whole = (y * y).sum()
    best = np.inf
    matrix, right = np.empty((m, m)), np.empty(m)
    # The best of a few shares of blood, and of the one between them that is best for the rates.
    n_shares = 2 if problem.fits_blood else 1
    for start in range(len(problem.starts)):
        rows = problem.starts[start]
        for trial in range(n_shares):
            share = (
                0.0 if trial == 0 else _best_share(rows, cross, with_blood, blood_square, product, of_blood)
            )
            for i in range(m):
                right[i] = product[rows[i]] - share * with_blood[rows[i]]
                for j in range(m):
                    matrix[i, j] = cross[rows[i], rows[j]]
            if not _solve(matrix, right) or right.min() < 0.0:
                continue
            left = whole - 2 * share * of_blood + share * share * blood_square
            for i in range(m):
                left -= 2 * right[i] * (product[rows[i]] - share * with_blood[rows[i]])
                for j in range(m):
                    left += right[i] * right[j] * cross[rows[i], rows[j]]
            if left < best:
                best = left
                p[m] = share
                for i in range(m):
                    p[i] = right[i]
                    p[m + 1 + i] = problem.log_rate[rows[i]]
    return bool(best < np.inf)


@compiled
def _best_share(
    rows: IntArray,
    cross: FloatArray,
    with_blood: FloatArray,
    blood_square: float,
    product: FloatArray,
    of_blood: float,
) -> float:
    """Share of blood that is best with exponentials of these rates, within its bounds."""
    m = len(rows)
    matrix, right = np.empty((m + 1, m + 1)), np.empty(m + 1)
    for i in range(m):
        right[i] = product[rows[i]]
        matrix[i, m] = matrix[m, i] = with_blood[rows[i]]
        for j in range(m):
            matrix[i, j] = cross[rows[i], rows[j]]
    matrix[m, m], right[m] = blood_square, of_blood
    if not _solve(matrix, right):
        return 0.0
    return min(max(float(right[m]), 0.0), MOST_BLOOD)


@compiled
def _expect(
    y: FloatArray, problem: _Problem, p: FloatArray, jacobian: FloatArray, residual: FloatArray
) -> float:
    """Residuals, their sum of squares, and the expected curve's slopes by the parameters (n, n_points)."""
    m = problem.starts.shape[1]
    spacing = problem.log_rate[1] - problem.log_rate[0]
    residual[:] = y - p[m] * problem.blood
    jacobian[m] = problem.blood
    for i in range(m):
        place = (p[m + 1 + i] - problem.log_rate[0]) / spacing
        piece = min(max(int(place), 0), len(problem.log_rate) - 2)
        x = p[m + 1 + i] - problem.log_rate[piece]
        for k in range(len(y)):
            c3, c2 = problem.table[0, piece, k], problem.table[1, piece, k]
            c1, c0 = problem.table[2, piece, k], problem.table[3, piece, k]
            value = ((c3 * x + c2) * x + c1) * x + c0
            jacobian[i, k] = value
            jacobian[m + 1 + i, k] = p[i] * ((3 * c3 * x + 2 * c2) * x + c1)
            residual[k] -= p[i] * value
    return np.float64((residual * residual).sum())


@compiled
def _refine(y: FloatArray, problem: _Problem, p: FloatArray, free: BoolArray) -> tuple[FloatArray, float]:
    """Levenberg-Marquardt within bounds; leaves the parameters in `p`, and those off their bounds in `free`."""
    n, m = len(p), problem.starts.shape[1]
    jacobian, trial_jacobian = np.empty((n, len(y))), np.empty((n, len(y)))
    residual, trial_residual = np.empty(len(y)), np.empty(len(y))
    lowest, highest = np.zeros(n), np.full(n, np.inf)
    highest[m] = MOST_BLOOD if problem.fits_blood else 0.0
    for i in range(m):
        lowest[m + 1 + i], highest[m + 1 + i] = problem.log_rate[0], problem.log_rate[-1]
    if not problem.fits_blood:
        p[m] = 0.0
    left = _expect(y, problem, p, jacobian, residual)
    damping = 1e-3
    normal, matrix, step, trial = np.empty((n, n)), np.empty((n, n)), np.empty(n), np.empty(n)
    for _ in range(MOST_STEPS):
        gradient = jacobian @ residual
        normal[:] = jacobian @ jacobian.T
        _find_free(p, gradient, lowest, highest, free)
        _hold(normal, free)
        improved = False
        while damping < LARGEST_DAMPING:
            matrix[:] = normal
            for i in range(n):
                matrix[i, i] += damping * normal[i, i]
                step[i] = gradient[i] if free[i] else 0.0
            if _solve(matrix, step):
                for i in range(n):
                    trial[i] = min(max(p[i] + step[i], lowest[i]), highest[i])
                trial_left = _expect(y, problem, trial, trial_jacobian, trial_residual)
                if trial_left < left:
                    improved = True
                    break
            damping *= 4.0
        if not improved:
            break
        gain = (left - trial_left) / left
        p[:], jacobian[:], residual[:] = trial, trial_jacobian, trial_residual
        left = trial_left
        damping = max(damping / 10.0, 1e-12)
        if gain < ENOUGH:
            break
    normal[:] = jacobian @ jacobian.T
    _find_free(p, jacobian @ residual, lowest, highest, free)
    _hold(normal, free)
    return normal, left


@compiled
def _find_free(
    p: FloatArray, gradient: FloatArray, lowest: FloatArray, highest: FloatArray, free: BoolArray
) -> None:
    """Which parameters are not held at a bound that they would cross."""
    for i in range(len(p)):
        held = (p[i] <= lowest[i] and gradient[i] <= 0.0) or (p[i] >= highest[i] and gradient[i] >= 0.0)
        free[i] = not held


@compiled
def _hold(normal: FloatArray, free: BoolArray) -> None:
    """Leave parameters that are held out of the equations."""
    for i in range(len(free)):
        if not free[i]:
            normal[i, :] = 0.0
            normal[:, i] = 0.0
            normal[i, i] = 1.0


@compiled
def _solve(matrix: FloatArray, right: FloatArray) -> bool:
    """Solve symmetric positive definite equations in place; False where they are singular."""
    n = len(right)
    for i in range(n):
        pivot = matrix[i, i]
        if not pivot > 0.0:
            return False
        for row in range(i + 1, n):
            factor = matrix[row, i] / pivot
            for column in range(i, n):
                matrix[row, column] -= factor * matrix[i, column]
            right[row] -= factor * right[i]
    for i in range(n - 1, -1, -1):
        for column in range(i + 1, n):
            right[i] -= matrix[i, column] * right[column]
        right[i] /= matrix[i, i]
    return True


@compiled
def _invert(normal: FloatArray, inverse: FloatArray) -> bool:
    """Inverse of a symmetric positive definite matrix, scaled to a diagonal of 1 first; False where it is singular."""
    n = len(normal)
    scale = 1.0 / np.sqrt(np.diag(normal))
    for column in range(n):
        matrix = np.empty((n, n))
        for i in range(n):
            for j in range(n):
                matrix[i, j] = normal[i, j] * scale[i] * scale[j]
        unit = np.zeros(n)
        unit[column] = 1.0
        if not _solve(matrix, unit):
            return False
        for i in range(n):
            inverse[i, column] = unit[i] * scale[i] * scale[column]
    return True
