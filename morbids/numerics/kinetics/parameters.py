"""What reference tissue models estimate, and how linear coefficients become those parameters.

The operational equation (Ichise 2003) is C_T = k2 int C_R - k2a int C_T + R1 C_R, with k2a = k2 / (1 +
BP_ND) and k2' = k2 / R1. All rates are per minute; every field is (n_targets,), NaN where the target does
not identify it.
"""

from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.kinetics.least_squares import LinearFit, RegressionPoints, fit_linear

# A target is a multiple of the reference when this part of it, in squares, is all that differs.
ALIKE = 1e-12


class ReferenceTissueFit(NamedTuple):
    """Parameters of a reference tissue model with free k2', and their standard errors."""

    bp_nd: FloatArray
    bp_nd_se: FloatArray
    r1: FloatArray
    r1_se: FloatArray
    k2: FloatArray
    k2_se: FloatArray
    k2_prime: FloatArray
    k2_prime_se: FloatArray
    r_squared: FloatArray


class FixedEffluxFit(NamedTuple):
    """Parameters of a reference tissue model whose k2' is given, and their standard errors."""

    bp_nd: FloatArray
    bp_nd_se: FloatArray
    r1: FloatArray
    r1_se: FloatArray
    k2: FloatArray
    k2_se: FloatArray
    r_squared: FloatArray


def reference_tissue_fit(fit: LinearFit) -> ReferenceTissueFit:
    """Parameters from the coefficients of int C_R, C_R and int C_T (and others after them)."""
    fit = fit.where(fit.coefficients[2] < 0)
    k2, r1, loss = fit.coefficients[:3]
    dvr, k2_prime = -k2 / loss, k2 / r1
    return ReferenceTissueFit(
        bp_nd=dvr - 1.0,
        bp_nd_se=fit.standard_error([-1.0 / loss, 0.0, -dvr / loss]),
        r1=r1,
        r1_se=fit.standard_error([0.0, 1.0]),
        k2=k2,
        k2_se=fit.standard_error([1.0]),
        k2_prime=k2_prime,
        k2_prime_se=fit.standard_error([1.0 / r1, -k2_prime / r1]),
        r_squared=fit.r_squared,
    )


def fill_multiples(
    fit: ReferenceTissueFit, target: FloatArray, reference: FloatArray, chosen: RegressionPoints
) -> ReferenceTissueFit:
    """Give targets that are a multiple c of the reference their BP_ND = c - 1 and R1 = c; their rates stay NaN.

    Such a target fits any rates, but all of them with this BP_ND and R1. Takes target (n_frames, n_targets) and
    reference (n_frames,) as the fit did, and the points that were fitted.
    """
    failed = np.flatnonzero(np.isnan(fit.bp_nd))
    if not failed.size:
        return fit
    fitted, weight = reference[chosen.rows], chosen.weight
    multiple = fit_linear([fitted[:, None]], target[chosen.rows][:, failed], weight)
    factor, error = multiple.coefficients[0], multiple.standard_error([1.0])
    alike = (factor > 0) & (multiple.residual_sum <= ALIKE * factor**2 * (weight @ fitted**2))
    bp_nd, bp_nd_se, r1, r1_se = (
        _replace(values, failed[alike], new[alike])
        for values, new in (
            (fit.bp_nd, factor - 1.0),
            (fit.bp_nd_se, error),
            (fit.r1, factor),
            (fit.r1_se, error),
        )
    )
    return fit._replace(bp_nd=bp_nd, bp_nd_se=bp_nd_se, r1=r1, r1_se=r1_se)


def _replace(values: FloatArray, where: IntArray, new: FloatArray) -> FloatArray:
    replaced = values.copy()
    replaced[where] = new
    return replaced


def fixed_efflux_fit(fit: LinearFit, k2_prime: float) -> FixedEffluxFit:
    """Parameters from the coefficients of int C_R + C_R / k2' and of int C_T."""
    fit = fit.where(fit.coefficients[1] < 0)
    k2, loss = fit.coefficients
    dvr, k2_se = -k2 / loss, fit.standard_error([1.0])
    return FixedEffluxFit(
        bp_nd=dvr - 1.0,
        bp_nd_se=fit.standard_error([-1.0 / loss, -dvr / loss]),
        r1=k2 / k2_prime,
        r1_se=k2_se / k2_prime,
        k2=k2,
        k2_se=k2_se,
        r_squared=fit.r_squared,
    )
