"""The one weighted linear fit that every model is made of: thousands of small regressions at once."""

from collections.abc import Sequence
from typing import NamedTuple, TypedDict, Unpack

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.compiled import compiled
from morbids.numerics.frames import Frames

# A regressor of which less than this part (of its sum of squares) is left by the others is not
# identifiable.
SMALLEST_PIVOT = 1e-11


class FrameChoice(TypedDict, total=False):
    """What every fit is told of frames.

    Attributes
    ----------
    points
        (n_frames,) True for the frames to fit; None, or left out, for all. Integrals start at injection all the same.
    inverse_variance
        (n_frames,) weights; None, or left out, for equal ones.
    """

    points: BoolArray | None
    inverse_variance: FloatArray | None


class RegressionPoints(NamedTuple):
    """The frames that a model is fitted to, and their weights.

    Attributes
    ----------
    rows
        (n_points,) indices of frames, or a slice where they follow each other: then no array is copied to
        choose them.
    weight
        (n_points,) inverse variances, mean 1.
    frame_variance
        (n_frames,) variance of every frame, also of those that are not fitted, in the units of the weights.
    """

    rows: IntArray | slice
    weight: FloatArray
    frame_variance: FloatArray


class LinearFit(NamedTuple):
    """Weighted least squares of each target on its own regressors.

    Attributes
    ----------
    coefficients
        (n_regressors, n_targets); NaN where the regressors are not identifiable.
    inverse
        (n_regressors, n_regressors, n_targets) inverse of the weighted cross products of the regressors.
    covariance
        (n_regressors, n_regressors, n_targets) of the coefficients; NaN without a degree of freedom.
    residual_sum
        (n_targets,) weighted sum of squared residuals.
    r_squared
        (n_targets,) part of the weighted variance of the response that the fit explains.
    """

    coefficients: FloatArray
    inverse: FloatArray
    covariance: FloatArray
    residual_sum: FloatArray
    r_squared: FloatArray

    def where(self, sound: BoolArray) -> "LinearFit":
        """The fit with NaN for every target (n_targets,) that is not sound."""
        keep = np.where(sound, 1.0, np.nan)
        return LinearFit(*(values * keep for values in self))

    def standard_error(self, gradient: Sequence[FloatArray | float]) -> FloatArray:
        """Standard error (n_targets,) of a quantity with this gradient by each coefficient (delta method).

        Coefficients after the end of the gradient do not enter.
        """
        variance = np.zeros_like(self.residual_sum)
        for i, by_i in enumerate(gradient):
            for j, by_j in enumerate(gradient):
                variance += by_i * by_j * self.covariance[i, j]
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def regression_points(frames: Frames, n_parameters: int, **chosen: Unpack[FrameChoice]) -> RegressionPoints:
    """Take the frames of a fit, with their weights.

    Raises
    ------
    MorbidsError
        When fewer frames than parameters are chosen.
    """
    points, inverse_variance = chosen.get("points"), chosen.get("inverse_variance")
    rows = np.arange(frames.n_frames) if points is None else np.flatnonzero(points)
    weight = np.ones(frames.n_frames) if inverse_variance is None else np.asarray(inverse_variance, float)
    rows = rows[weight[rows] > 0]
    if len(rows) < n_parameters:
        raise MorbidsError(
            f"Only {len(rows)} frames are left to fit {n_parameters} parameters.",
            "Widen the window, lower t*, or choose a model with fewer parameters.",
        )
    weight = weight / weight[rows].mean()
    # A frame of weight 0 is not fitted, but its noise is in every later integral: take it for the noisiest.
    variance = 1.0 / np.maximum(weight, weight[weight > 0].min())
    contiguous = rows[-1] - rows[0] == len(rows) - 1
    return RegressionPoints(
        slice(int(rows[0]), int(rows[-1]) + 1) if contiguous else rows, weight[rows], variance
    )


def fit_linear(
    regressors: Sequence[FloatArray], response: FloatArray, inverse_variance: FloatArray
) -> LinearFit:
    """Fit response = sum of coefficient x regressor for every target.

    Parameters
    ----------
    regressors
        Each (n_points, n_targets), or (n_points, 1) when all targets share it.
    response
        (n_points, n_targets).
    inverse_variance
        (n_points,) weights, mean 1.
    """
    n = len(regressors)
    cross = cross_products([*regressors, response], inverse_variance)
    total = cross[n, n].copy()
    solve(cross, n)
    coefficients, inverse = cross[:n, n], cross[:n, :n]
    residual_sum = np.maximum(cross[n, n], 0.0)
    degrees = len(inverse_variance) - n
    variance = residual_sum / degrees if degrees > 0 else np.full_like(residual_sum, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        r_squared = 1.0 - residual_sum / (total - (inverse_variance @ response) ** 2 / inverse_variance.sum())
    return LinearFit(coefficients, inverse, inverse * variance, residual_sum, r_squared)


def cross_products(columns: Sequence[FloatArray], weight: FloatArray) -> FloatArray:
    """Weighted products of all pairs of columns (n_columns, n_columns, n_targets)."""
    n_targets = max(column.shape[1] for column in columns)
    cross = np.empty((len(columns), len(columns), n_targets))
    for i, left in enumerate(columns):
        weighted = left * weight[:, None]
        for j, right in enumerate(columns[: i + 1]):
            if weighted.shape[1] == 1:
                product = weighted[:, 0] @ right
            elif right.shape[1] == 1:
                product = right[:, 0] @ weighted
            else:
                product = np.einsum("fn,fn->n", weighted, right)
            cross[i, j] = cross[j, i] = product
    return cross


@compiled
def solve(cross: FloatArray, n: int) -> None:
    """Solve the normal equations of many targets in place, by sweeping (Goodnight 1979, Am Stat 33:149).

    Parameters
    ----------
    cross
        (n + 1, n + 1, n_targets) cross products of n regressors and the response. Become the inverse of the
        regressors' part, the coefficients in the last column, and the residual sum of squares in the last
        corner; NaN where a regressor is not identifiable.
    """
    scale = np.ones((n + 1, cross.shape[2]))
    for k in range(n):
        for target in range(cross.shape[2]):
            square = cross[k, k, target]
            scale[k, target] = 1.0 / np.sqrt(square) if square > 0.0 else 1.0
    _scale(cross, scale)
    for k in range(n):
        _sweep(cross, k)
    _scale(cross, scale)


@compiled
def _scale(cross: FloatArray, scale: FloatArray) -> None:
    """Multiply rows and columns by scale (n + 1, n_targets)."""
    for i in range(len(cross)):
        for j in range(len(cross)):
            for target in range(cross.shape[2]):
                cross[i, j, target] *= scale[i, target] * scale[j, target]


@compiled
def _sweep(cross: FloatArray, k: int) -> None:
    """Sweep on row k; a pivot that vanishes makes the target NaN. Expects regressors of length 1."""
    others = [i for i in range(len(cross)) if i != k]
    reciprocal = np.empty(cross.shape[2])
    for target in range(cross.shape[2]):
        pivot = cross[k, k, target]
        reciprocal[target] = 1.0 / pivot if pivot > SMALLEST_PIVOT else np.nan
    for i in others:
        for j in others:
            for target in range(cross.shape[2]):
                cross[i, j, target] -= cross[i, k, target] * cross[k, j, target] * reciprocal[target]
    for i in others:
        for target in range(cross.shape[2]):
            cross[k, i, target] *= reciprocal[target]
            cross[i, k, target] *= -reciprocal[target]
    cross[k, k] = reciprocal
