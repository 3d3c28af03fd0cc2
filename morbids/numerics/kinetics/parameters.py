"""What reference tissue models estimate, and how linear coefficients become those parameters.

The operational equation (Ichise 2003) is C_T = k2 int C_R - k2a int C_T + R1 C_R, with k2a = k2 / (1 +
BP_ND) and k2' = k2 / R1. All rates are per minute; every field is (n_targets,), NaN where the target does
not identify it.
"""

from typing import NamedTuple

from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.least_squares import LinearFit


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
    """Parameters from the coefficients of int C_R, int C_T and C_R (and others after them)."""
    fit = fit.where(fit.coefficients[1] < 0)
    k2, loss, r1 = fit.coefficients[:3]
    dvr, k2_prime = -k2 / loss, k2 / r1
    return ReferenceTissueFit(
        bp_nd=dvr - 1.0,
        bp_nd_se=fit.standard_error([-1.0 / loss, -dvr / loss]),
        r1=r1,
        r1_se=fit.standard_error([0.0, 0.0, 1.0]),
        k2=k2,
        k2_se=fit.standard_error([1.0]),
        k2_prime=k2_prime,
        k2_prime_se=fit.standard_error([1.0 / r1, 0.0, -k2_prime / r1]),
        r_squared=fit.r_squared,
    )


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
