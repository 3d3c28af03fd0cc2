"""Binding that changes during the scan: the reference tissue model with one more, time-dependent, efflux.

C_T = R1 C_R + k2 int C_R - k2a int C_T - g int h C_T, with integrals from injection. The response h(t) is a
step (Zhou 2006, NeuroImage 33:550), fades from a known onset (LSSRM, Alpert 2003, NeuroImage 19:1050), or
comes from a library of gamma variates (lp-ntPET, Normandin 2012, NeuroImage 59:2285): one fit, three
libraries.

All rest on one-tissue kinetics. Where binding has a compartment of its own, the first minutes bend the
curve as a release would: fit points after t* only, or displacement is found where there is none
(docs/kinetics.md).
"""

from typing import NamedTuple, Unpack

import numpy as np
from scipy import special

from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import sample_frames
from morbids.numerics.kinetics.least_squares import FrameChoice, LinearFit, fit_linear, regression_points
from morbids.numerics.kinetics.parameters import reference_tissue_fit
from morbids.numerics.kinetics.propagation import with_integrated_noise
from morbids.numerics.kinetics.responses import (
    ResponseLibrary,
    decay_library,
    gamma_library,
    step_response,
)

# Integrals of library members are combinations of a few; those below this part of the first are left out.
SMALLEST_COMPONENT = 1e-4
# Targets whose search is held in memory at once: every part of the library times every point.
SEARCHED = 1024


class DisplacementFit(NamedTuple):
    """Binding before and at the height of a response, each field (n_targets,); rates per minute.

    Attributes
    ----------
    bp_nd
        Before the response: k2 / k2a - 1.
    bp_nd_after
        At its height: k2 / (k2a + g) - 1.
    change_percent
        From the former to the latter; negative for displacement.
    r1, k2, k2_prime
        As in MRTM1.
    amplitude
        g, the added efflux at the height of the response.
    onset_min, peak_min
        Of the best member of the library.
    f_statistic, p_value
        Against the model without a response (MRTM1), counting the searched parameters of the library. For
        one fixed response amplitude / amplitude_se is the better test; after a search only this one holds.
    r_squared
        Part of the weighted variance that is explained.
    """

    bp_nd: FloatArray
    bp_nd_se: FloatArray
    bp_nd_after: FloatArray
    bp_nd_after_se: FloatArray
    change_percent: FloatArray
    change_percent_se: FloatArray
    r1: FloatArray
    r1_se: FloatArray
    k2: FloatArray
    k2_se: FloatArray
    k2_prime: FloatArray
    k2_prime_se: FloatArray
    amplitude: FloatArray
    amplitude_se: FloatArray
    onset_min: FloatArray
    peak_min: FloatArray
    f_statistic: FloatArray
    p_value: FloatArray
    r_squared: FloatArray


def fit_step_change(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    onset_min: float,
    **chosen: Unpack[FrameChoice],
) -> DisplacementFit:
    """Binding that changes once and for good at a known time; see `fit_displacement`."""
    return fit_displacement(target, reference, frames, library=step_response(onset_min), **chosen)


def fit_lssrm(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    onset_min: float,
    **chosen: Unpack[FrameChoice],
) -> DisplacementFit:
    """Binding that changes at a known time and returns at a rate that is searched; see `fit_displacement`."""
    return fit_displacement(target, reference, frames, library=decay_library(onset_min), **chosen)


def fit_lp_ntpet(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    onset_min: float,
    latest_onset_min: float | None = None,
    **chosen: Unpack[FrameChoice],
) -> DisplacementFit:
    """Binding whose change has an unknown course; onsets are searched from `onset_min` on.

    The latest onset is by default two thirds of the way to the end of the scan. See `fit_displacement`.
    """
    end_min = float(frames.end_min[-1])
    latest_min = onset_min + (end_min - onset_min) * 2 / 3 if latest_onset_min is None else latest_onset_min
    return fit_displacement(
        target, reference, frames, library=gamma_library(onset_min, latest_min, end_min), **chosen
    )


def fit_displacement(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    library: ResponseLibrary,
    **chosen: Unpack[FrameChoice],
) -> DisplacementFit:
    """Fit the member of a library that leaves each target the least residual.

    Parameters
    ----------
    target, reference
        (n_frames, n_targets) and (n_frames,), any common unit.
    frames
        Minutes from injection.
    library
        Candidate responses.
    **chosen
        Frames to fit, and weights.
    """
    fitted = regression_points(frames, n_parameters=4, **chosen)
    samples = sample_frames(frames)
    integrate = (samples.running @ samples.from_frames)[fitted.rows]
    responses = library.at(samples.time_min)
    weighted_integrals = np.einsum(
        "fs,js,sg->jfg", samples.running[fitted.rows], responses, samples.from_frames, optimize=True
    )
    shared = np.column_stack([integrate @ reference, reference[fitted.rows]])
    own = integrate @ target
    without = [shared[:, :1], shared[:, 1:], own]
    response = target[fitted.rows]
    parts, mixing = _compress(weighted_integrals)
    searched = [
        _best_response(parts @ target[:, s], mixing, (shared, own[:, s]), response[:, s], fitted.weight)
        for s in (slice(start, start + SEARCHED) for start in range(0, target.shape[1], SEARCHED))
    ]
    best, displaced = (np.concatenate(found, axis=-1) for found in zip(*searched, strict=True))
    regressors = [*without, -displaced]
    fit = fit_linear(regressors, response, fitted.weight)
    rest = fit_linear(without, response, fitted.weight)
    loss = -fit.coefficients[2] + fit.coefficients[3] * (samples.mean @ responses.T)[:, best]
    fit = with_integrated_noise(fit, regressors, fitted, integrate, loss)
    k2a, amplitude = -fit.coefficients[2], fit.coefficients[3]
    sound = (k2a > 0) & (k2a + amplitude > 0)
    fit = fit.where(sound)
    n_added = 1 + library.n_free
    degrees = max(len(fitted.weight) - 3 - n_added, 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a perfect fit F is infinite
        f_statistic = (rest.residual_sum / fit.residual_sum - 1.0) * degrees / n_added
    return DisplacementFit(
        **reference_tissue_fit(fit)._asdict(),
        **_at_height(fit),
        onset_min=np.where(sound, library.onset_min[best], np.nan),
        peak_min=np.where(sound, library.peak_min[best], np.nan),
        f_statistic=f_statistic,
        p_value=special.fdtrc(n_added, degrees, np.maximum(f_statistic, 0.0)),
    )


def _compress(members: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Matrices (n_parts, n_points, n_frames) and (n_members, n_parts) of which the members are combinations."""
    mixing, sizes, parts = np.linalg.svd(members.reshape(len(members), -1), full_matrices=False)
    kept = sizes > SMALLEST_COMPONENT * sizes[0]
    return parts[kept].reshape(-1, *members.shape[1:]), (mixing * sizes)[:, kept]


def _best_response(
    displaced: FloatArray,
    mixing: FloatArray,
    others: tuple[FloatArray, FloatArray],
    response: FloatArray,
    weight: FloatArray,
) -> tuple[IntArray, FloatArray]:
    """Which member, as one more regressor, leaves each target the least residual; and that regressor.

    Parameters
    ----------
    displaced
        (n_parts, n_points, n_targets) integrals of the curves with each part of the library.
    mixing
        (n_members, n_parts): the members from the parts.
    others
        The regressors besides: those of all targets (n_points, n_shared), and each target's (n_points,
        n_targets).
    response
        (n_points, n_targets).
    weight
        (n_points,) inverse variances.
    """
    shared, own = others
    root = np.sqrt(weight)[:, None]
    basis = np.linalg.qr(root * shared)[0]
    without_shared = (np.eye(len(weight)) - basis @ basis.T) * root.T
    own = without_shared @ own
    # Of a curve of zeros nothing can be fitted, whatever the response.
    length = np.linalg.norm(own, axis=0)
    own = own / np.where(length > 0, length, 1.0)
    rest = without_shared @ response
    rest = rest - own * np.einsum("pn,pn->n", own, rest)
    parts = without_shared @ displaced
    along_own = np.einsum("kpn,pn->kn", parts, own)
    along_rest = np.einsum("kpn,pn->kn", parts, rest)
    left, right = np.triu_indices(len(parts))
    products = np.stack(
        [
            np.einsum("pn,pn->n", parts[k], parts[m]) - along_own[k] * along_own[m]
            for k, m in zip(left, right, strict=True)
        ]
    )
    doubled = np.where(left == right, 1.0, 2.0)
    size = (mixing[:, left] * mixing[:, right] * doubled) @ products
    gain = (mixing @ along_rest) ** 2 / np.where(size > 0, size, np.inf)
    best = np.asarray(np.nan_to_num(gain, copy=False).argmax(axis=0))
    return best, np.asarray(np.einsum("kn,kpn->pn", mixing[best].T, displaced))


def _at_height(fit: LinearFit) -> dict[str, FloatArray]:
    """Binding at the height of the response, and its change from that before, with standard errors."""
    k2, _, loss, amplitude = fit.coefficients
    total = amplitude - loss
    before, after = -k2 / loss - 1.0, k2 / total - 1.0
    by_before = [-1.0 / loss, 0.0, k2 / loss**2, 0.0]
    by_after = [1.0 / total, 0.0, k2 / total**2, -k2 / total**2]
    by_ratio = [100.0 * (a - b * after / before) / before for a, b in zip(by_after, by_before, strict=True)]
    return {
        "bp_nd_after": after,
        "bp_nd_after_se": fit.standard_error(by_after),
        "change_percent": 100.0 * (after / before - 1.0),
        "change_percent_se": fit.standard_error(by_ratio),
        "amplitude": amplitude,
        "amplitude_se": fit.standard_error([0.0, 0.0, 0.0, 1.0]),
    }
