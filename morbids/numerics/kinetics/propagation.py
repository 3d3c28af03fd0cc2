"""Standard errors of equations that hold running integrals of the noisy curve itself.

In C_T = ... - k2a int C_T the error of one frame is in the residual of that frame and, k2a times its
integral, in those of all later frames: residuals are (1 + k2a int) applied to the noise. Ordinary least
squares takes them for independent, and its standard errors come out up to four times too small.
"""

from collections.abc import Sequence

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.least_squares import LinearFit, RegressionPoints, cross_products


def with_integrated_noise(
    fit: LinearFit,
    regressors: Sequence[FloatArray],
    points: RegressionPoints,
    integrate: FloatArray,
    loss: FloatArray,
    factor: FloatArray | float = 1.0,
) -> LinearFit:
    """Give a fit the covariance that follows from independent noise of the frames.

    The coefficients move by (X'WX)^-1 X'W (1 + k2a int) e for noise e (to first order: the regressors' own
    noise meets residuals that are small); the size of e follows from the residual sum, whose expectation
    is known too.

    Parameters
    ----------
    fit, regressors
        Fit by `fit_linear`, and what it was given.
    points
        Frames fitted, and the variances of all frames.
    integrate
        (n_points, n_frames) rows of the integral matrix.
    loss
        (n_targets,) k2a of each target, or (n_frames, n_targets) where it changes during the scan.
    factor
        (n_points, n_targets) by which both sides of the equation are multiplied: 1 / C_T in a Logan plot.
    """
    loss = np.atleast_2d(loss)
    scale = points.weight[:, None] * factor
    paths = [_reach(scale * regressor, points, integrate, loss) for regressor in regressors]
    between = cross_products(paths, points.frame_variance)
    absorbed = np.einsum("ijn,ijn->n", fit.inverse, between)
    expected = _residual_size(scale * factor, points, integrate, loss) - absorbed
    enough = len(points.weight) > len(regressors)
    variance = fit.residual_sum / expected if enough else np.full_like(expected, np.nan)
    half = np.einsum("ikn,kjn->ijn", fit.inverse, between)
    return fit._replace(covariance=np.einsum("ikn,kjn->ijn", half, fit.inverse) * variance)


def _reach(
    weighted: FloatArray, points: RegressionPoints, integrate: FloatArray, loss: FloatArray
) -> FloatArray:
    """How much the noise of each frame (n_frames, n_targets) adds to a weighted sum of residuals."""
    reach = integrate.T @ weighted
    reach = np.multiply(reach, loss, out=reach if reach.shape[1] == loss.shape[1] else None)
    reach[points.rows] += weighted
    return reach


def _residual_size(
    weight: FloatArray, points: RegressionPoints, integrate: FloatArray, loss: FloatArray
) -> FloatArray:
    """Expected weighted sum of squared residuals (n_targets,) about the true line, for noise of size 1."""
    own_weight = weight * points.frame_variance[points.rows, None]
    own_integral = np.diagonal(integrate[:, points.rows])[:, None]
    from_earlier = (integrate**2 * points.frame_variance).T @ weight
    own_loss = loss if len(loss) == 1 else loss[points.rows]
    return np.asarray(
        own_weight.sum(axis=0)
        + 2.0 * _sum_product(own_weight * own_integral, own_loss)
        + _sum_product(from_earlier, loss**2)
    )


def _sum_product(values: FloatArray, loss: FloatArray) -> FloatArray:
    """Sum over rows of values x loss (n_targets,), where loss has as many rows, or one that all share."""
    return np.asarray(values.sum(axis=0) * loss[0] if len(loss) == 1 else np.einsum("fn,fn->n", values, loss))
