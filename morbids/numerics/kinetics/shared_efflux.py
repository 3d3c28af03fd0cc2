"""One k2' for all regions of a scan, estimated with the step of binding that is to be measured with it.

Every region obeys C_T = k2 (int C_R + u C_R) - k2a int C_T - g int_T C_T with its own k2, k2a and g, and all share
u = 1 / k2'. The weighted sum of squares over regions and frames has a closed form in u. Without the step (g) a release
would bend the curves and be taken for another k2', and most of a global release would be lost. With tissues that are
mixed or that dissociate slowly the result is the *apparent* k2', with which the same equation reads little change
where there is none.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import regression_points
from morbids.numerics.kinetics.responses import integrate_step

# Rates that are searched, per minute.
LOWEST_RATE, HIGHEST_RATE, N_RATES = 0.02, 0.5, 200
# Estimate and preset disagree beyond this many standard errors of their difference.
DISAGREEMENT_SE = 2.0


class SharedEfflux(NamedTuple):
    """k2' per minute, its standard error, and how many regions tell it."""

    k2_prime: float
    se: float
    n_regions: int


class CombinedEfflux(NamedTuple):
    """What a scan's estimate and the literature say together.

    Attributes
    ----------
    k2_prime, se
        Per minute, weighted by inverse variance.
    weight_of_scan
        Part of the scan's estimate in it.
    disagreement
        Distance of estimate and literature in standard errors of their difference.
    """

    k2_prime: float
    se: float
    weight_of_scan: float
    disagreement: float


class _Regions(NamedTuple):
    """Regions without what each has of its own: int C_T and int_T C_T are projected out.

    Attributes
    ----------
    response
        (n_regions, n_points) weighted curves.
    projector
        (n_regions, n_points, n_points).
    integral, plain
        (n_points, n_frames): weighted int C_R and C_R from the reference curve.
    precision
        (n_regions,) inverse variance of the residuals of each region's own best fit.
    """

    response: FloatArray
    projector: FloatArray
    integral: FloatArray
    plain: FloatArray
    precision: FloatArray


def estimate_shared_k2_prime(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    onset_min: float | None = None,
    points: BoolArray | None = None,
    inverse_variance: FloatArray | None = None,
    noise_free: bool = False,
) -> SharedEfflux:
    """Least squares over all regions with one k2'.

    The standard error has two parts: what single regions change (jackknife), and noise of the reference curve, which
    all regions share; its size is taken from what their residuals have in common.

    Parameters
    ----------
    target, reference
        (n_frames, n_regions) and (n_frames,); regions with gaps or without efflux are left out.
    frames
        Minutes from injection.
    onset_min
        When binding may change; None where nothing happens during the scan.
    points, inverse_variance
        (n_frames,) frames to fit and their weights.
    noise_free
        Of simulated curves: regions weigh as if each had noise in proportion to its mean, and there is no error.

    Raises
    ------
    MorbidsError
        Fewer points than coefficients, or fewer than two regions that tell k2'.
    """
    chosen = regression_points(frames, 5, points=points, inverse_variance=inverse_variance)
    root = np.sqrt(chosen.weight)[:, None]
    integrate = integral_matrix(frames)[chosen.rows]
    own = [integrate @ target]
    if onset_min is not None:
        own.append(integrate_step(frames, onset_min).matrix[chosen.rows] @ target)
    regressors = root[..., None] * np.stack(own, axis=-1)
    known = np.isfinite(target).all(axis=0) & (target[chosen.rows] > 0).any(axis=0)
    basis = np.linalg.qr(regressors[:, known].transpose(1, 0, 2))[0]
    projector = np.eye(len(root)) - basis @ basis.transpose(0, 2, 1)
    weighted_response = (root * target[chosen.rows][:, known]).T
    plain = root * np.eye(frames.n_frames)[chosen.rows]
    regions = _Regions(weighted_response, projector, root * integrate, plain, np.ones(known.sum()))
    if noise_free:
        regions = regions._replace(precision=1.0 / (weighted_response**2).mean(axis=1))
        return SharedEfflux(1.0 / _minimise(regions, reference), 0.0, len(regions.precision))
    regions = _weigh(regions, reference, degrees=len(root) - len(own) - 2)
    u = _minimise(regions, reference)
    se = float(
        np.hypot(
            _jackknife(regions, reference, u), _reference_part(regions, reference, u, chosen.frame_variance)
        )
    )
    return SharedEfflux(1.0 / u, se / u**2, len(regions.precision))


def combine_k2_prime(estimate: SharedEfflux, published: float, spread: float) -> CombinedEfflux:
    """Shrink a scan's estimate towards the literature, each by its uncertainty (all per minute)."""
    by_scan, by_paper = 1.0 / estimate.se**2, 1.0 / spread**2
    weight = by_scan / (by_scan + by_paper)
    return CombinedEfflux(
        k2_prime=weight * estimate.k2_prime + (1.0 - weight) * published,
        se=float((by_scan + by_paper) ** -0.5),
        weight_of_scan=weight,
        disagreement=float(abs(estimate.k2_prime - published) / np.hypot(estimate.se, spread)),
    )


def _residual_sums(regions: _Regions, reference: FloatArray, u: FloatArray) -> FloatArray:
    """Residual sum of squares (n_rates, n_regions) of every region at each 1 / k2' (n_rates,)."""
    integral, plain = regions.integral @ reference, regions.plain @ reference
    left = np.einsum("jpq,jq->jp", regions.projector, regions.response)
    to_integral, to_plain = left @ integral, left @ plain
    through = regions.projector @ np.column_stack([integral, plain])
    aa, ab, bb = through[..., 0] @ integral, through[..., 0] @ plain, through[..., 1] @ plain
    u = u[:, None]
    along = (to_integral + u * to_plain) ** 2 / (aa + 2 * u * ab + u**2 * bb)
    return np.asarray((left**2).sum(axis=1) - along)


def _weigh(regions: _Regions, reference: FloatArray, degrees: int) -> _Regions:
    """Keep regions with a curve of their own, each by the noise that its own best k2' leaves."""
    rates = np.geomspace(LOWEST_RATE, HIGHEST_RATE, N_RATES)
    sums = _residual_sums(regions, reference, 1.0 / rates)
    best = sums.min(axis=0)
    told = (best > 0) & np.isfinite(sums).all(axis=0)
    if told.sum() < 2:
        raise MorbidsError(
            f"Only {told.sum()} regions tell k2', the efflux rate of the reference region.",
            "Give a number with --k2prime.",
        )
    precision = max(degrees, 1) / best[told]
    return regions._replace(
        response=regions.response[told], projector=regions.projector[told], precision=precision
    )


def _minimise(regions: _Regions, reference: FloatArray) -> float:
    """1 / k2' (min) of the least weighted sum."""

    def loss(u: float) -> float:
        return float(_residual_sums(regions, reference, np.array([u]))[0] @ regions.precision)

    rates = np.geomspace(LOWEST_RATE, HIGHEST_RATE, N_RATES)
    losses = _residual_sums(regions, reference, 1.0 / rates) @ regions.precision
    place = int(np.clip(losses.argmin(), 1, N_RATES - 2))
    bounds = (1.0 / rates[place + 1], 1.0 / rates[place - 1])
    return float(optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)


def _slopes(regions: _Regions, reference: FloatArray, u: float) -> tuple[FloatArray, FloatArray]:
    """First and second derivative by u of each region's weighted sum (n_regions,)."""
    step = 1e-3 * u
    before, here, after = (
        _residual_sums(regions, reference, np.array([u - step, u, u + step])) * regions.precision
    )
    return (after - before) / (2 * step), (after - 2 * here + before) / step**2


def _jackknife(regions: _Regions, reference: FloatArray, u: float) -> float:
    """Standard error of u by leaving out each region, to first order."""
    slope, bend = _slopes(regions, reference, u)
    moved = slope / (bend.sum() - bend)
    n = len(moved)
    return float(np.sqrt((n - 1) / n * ((moved - moved.mean()) ** 2).sum()))


def _reference_part(regions: _Regions, reference: FloatArray, u: float, frame_variance: FloatArray) -> float:
    """Standard error of u by noise of the reference curve: the minimum moves as the slope does, over the bend."""
    slope, bend = (values.sum() for values in _slopes(regions, reference, u))
    shift = 1e-3 * np.abs(reference).max()
    shifted = [_slopes(regions, reference + shift * unit, u)[0].sum() for unit in np.eye(len(reference))]
    moved = (slope - np.array(shifted)) / (shift * bend)
    return float(np.sqrt(moved**2 @ frame_variance * _common_variance(regions, reference, u)))


def _common_variance(regions: _Regions, reference: FloatArray, u: float) -> float:
    """Variance of the reference's noise in a frame of weight 1, from what the residuals of all regions share."""
    delivery = (regions.integral + u * regions.plain) @ reference
    left = np.einsum("jpq,jq->jp", regions.projector, regions.response)
    through = regions.projector @ delivery
    k2 = (left @ delivery) / (through @ delivery)
    residual = left - k2[:, None] * through
    r1 = k2 * u
    share = regions.precision * r1**2
    common = (regions.precision * r1) @ residual / share.sum()
    lost = np.einsum("jpp->j", regions.projector).mean()
    # What independent noise of the regions leaves in their weighted mean is not shared.
    return float(max((common**2).sum() / lost - 1.0 / share.sum(), 0.0))
