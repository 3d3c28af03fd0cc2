"""Standard errors of equations that hold running integrals of the noisy curve itself.

In C_T = ... - k2a int C_T the error of one frame is in the residual of that frame and, k2a times its
integral, in those of all later frames: residuals are (1 + k2a int) applied to the noise. Ordinary least
squares takes them for independent, and its standard errors come out up to four times too small.
`operational` holds the same for a k2a that does not change, compiled.
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
        (n_frames, n_targets) k2a of each target, which changes during the scan.
    """
    weight = points.weight[:, None]
    paths = [_reach(weight * regressor, points, integrate, loss) for regressor in regressors]
    between = cross_products(paths, points.frame_variance)
    absorbed = np.einsum("ijn,ijn->n", fit.inverse, between)
    expected = _residual_size(points, integrate, loss) - absorbed
    enough = len(points.weight) > len(regressors)
    variance = fit.residual_sum / expected if enough else np.full_like(expected, np.nan)
    half = np.einsum("ikn,kjn->ijn", fit.inverse, between)
    return fit._replace(covariance=np.einsum("ikn,kjn->ijn", half, fit.inverse) * variance)


def _reach(
    weighted: FloatArray, points: RegressionPoints, integrate: FloatArray, loss: FloatArray
) -> FloatArray:
    """How much the noise of each frame (n_frames, n_targets) adds to a weighted sum of residuals."""
    reach = (integrate.T @ weighted) * loss
    reach[points.rows] += weighted
    return reach


def _residual_size(points: RegressionPoints, integrate: FloatArray, loss: FloatArray) -> FloatArray:
    """Expected weighted sum of squared residuals (n_targets,) about the true line, for noise of size 1."""
    own = points.weight * points.frame_variance[points.rows]
    own_integral = np.diagonal(integrate[:, points.rows])
    from_earlier = (integrate**2 * points.frame_variance).T @ points.weight
    return np.asarray(own.sum() + 2.0 * (own * own_integral) @ loss[points.rows] + from_earlier @ loss**2)
