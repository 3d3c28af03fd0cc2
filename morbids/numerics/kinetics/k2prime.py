"""The efflux rate of the reference region, k2', from the curves of regions that bind the tracer."""

from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model

# Regions count as high-binding from this part of the highest BP_ND (its 90th percentile) upwards: where
# target and reference differ little, k2' is hardly identifiable.
HIGH_BINDING = 0.5


class K2PrimeEstimate(NamedTuple):
    """The estimate and what it is made of.

    Attributes
    ----------
    k2_prime
        Per minute: weighted median of the regions used.
    spread
        Half the distance between the weighted 16th and 84th percentiles of the regions used.
    regional, regional_se
        (n_targets,) per minute; NaN where the fit failed.
    used
        (n_targets,) True for the high-binding regions.
    """

    k2_prime: float
    spread: float
    regional: FloatArray
    regional_se: FloatArray
    used: BoolArray


def estimate_k2_prime(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    model: ModelName = "SRTM",
    points: BoolArray | None = None,
    inverse_variance: FloatArray | None = None,
) -> K2PrimeEstimate:
    """Weighted median of k2' over high-binding regions (as Wu & Carson 2002 and Ichise 2003 propose).

    Parameters
    ----------
    target, reference
        (n_frames, n_targets) regional curves and (n_frames,).
    frames
        Minutes from injection.
    model
        One that estimates k2': SRTM, MRTM0 or MRTM1.
    points
        (n_frames,) frames to fit; leave out those after a challenge.
    inverse_variance
        (n_frames,) weights of the frames. Regions weigh by the square of k2' over its standard
        error: errors grow with k2', and weights of inverse variance would favour low values.

    Raises
    ------
    MorbidsError
        When no region identifies k2'.
    """
    options = FitOptions(points=points, inverse_variance=inverse_variance)
    estimates = fit_model(model, target, reference, frames, options)
    bp_nd, k2_prime = estimates.parameters["BPND"], estimates.parameters["k2prime"]
    error = estimates.standard_errors["k2prime"]
    # More than half its own size wide, an estimate says nothing.
    known = np.isfinite(k2_prime) & (k2_prime > 0) & (error < k2_prime / 2)
    highest = np.percentile(bp_nd[known], 90) if known.any() else np.nan
    used = known & (bp_nd > max(HIGH_BINDING * highest, 0.0))
    if not used.any():
        raise MorbidsError(
            "No region binds enough of the tracer to estimate k2', the efflux rate of the reference region.",
            "Give a number with --k2prime.",
        )
    low, middle, high = _weighted_quantiles(
        k2_prime[used], (k2_prime[used] / error[used]) ** 2, (0.16, 0.5, 0.84)
    )
    return K2PrimeEstimate(middle, (high - low) / 2, k2_prime, error, used)


def _weighted_quantiles(
    values: FloatArray, weights: FloatArray, probabilities: tuple[float, ...]
) -> tuple[float, ...]:
    """Quantiles by linear interpolation between the middles of the values' shares of the whole weight."""
    order = np.argsort(values)
    share = np.cumsum(weights[order]) - weights[order] / 2
    return tuple(np.interp(probabilities, share / weights.sum(), values[order]).tolist())
