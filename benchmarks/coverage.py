"""How often 95 % intervals hold what the estimator expects: noise of several kinds and sizes, reference as noisy.

Curves come from a generator of this file: two tissues and a plasma of its own, integrated as differential equations
by LSODA. Noise goes with decay and duration, with counts, with activity in percent, or is equal in all frames; the
reference has none, or as much as a region. For each estimator the part of intervals that hold the mean of all
repetitions is counted, with the intervals that tables hold, and (`residual_`) with 1.96 standard errors from the
residuals of the fit, as most programs give them. Seed and sizes are fixed below. ``--quick`` repeats less.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.stats import t as t_distribution

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.estimates import Estimates
from morbids.numerics.kinetics.frame_noise import estimate_noise
from morbids.numerics.kinetics.intervals import with_sampling_errors
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.weights import inverse_variance

DURATION = np.array([0.5] * 4 + [1.0] * 3 + [2.5] * 2 + [5.0] * 8 + [10.0] * 4)
FRAMES = Frames(np.cumsum(DURATION) - DURATION, DURATION)
HALF_LIFE_MIN = 20.364
K2_PRIME, K4, ONSET_MIN = 0.11, 0.25, 45.0
BP_ND, R1 = np.array([0.6, 1.2, 2.2, 3.0]), np.array([0.9, 1.0, 1.1, 1.0])
# Plasma: three exponentials per minute, and what of the dose is infused over the scan.
PLASMA, RATES = np.array([8.0, 1.6, 0.5]), np.array([1.1, 0.15, 0.012])
INFUSED = (0.0, 0.5)
KINDS = ("decay", "counts", "percent", "equal")
# Of a curve's mean after 10 min: a region, and a small one.
LEVELS = (0.01, 0.03)
REFERENCE_NOISE = (0.0, 1.0)
CONDITIONS = tuple(product(INFUSED, KINDS, LEVELS, REFERENCE_NOISE))
SEED, REPETITIONS, QUICK_REPETITIONS = 11, 24, 8


class Estimator(NamedTuple):
    """One way to fit: model, frames, and whether they are weighted."""

    model: ModelName
    points: BoolArray
    weighted: bool


MID = FRAMES.mid_min
ESTIMATORS = {
    "LoganRef_10-40": Estimator("LoganRef", (MID > 10) & (MID < 40), True),
    "LoganRef_45-90": Estimator("LoganRef", MID > 45, True),
    "LoganRef_45-90_unweighted": Estimator("LoganRef", MID > 45, False),
    "MRTM2": Estimator("MRTM2", MID > 0, True),
    "MRTM1": Estimator("MRTM1", MID > 0, True),
    "SRTM_unweighted": Estimator("SRTM", MID > 0, False),
    "StepChange2": Estimator("StepChange2", MID > 10, True),
    "SUVR_60-90": Estimator("SUVR", MID > 60, True),
}


def run(quick: bool) -> dict[str, float]:
    """Coverage per estimator over all conditions, its lowest and highest condition, and that of residuals."""
    repetitions = QUICK_REPETITIONS if quick else REPETITIONS
    return summarise([measure_condition(index, repetitions) for index in range(len(CONDITIONS))])


def measure_condition(index: int, repetitions: int) -> dict[str, tuple[float, float]]:
    """Coverage per estimator, ours and of residuals, in one condition; its noise does not hang on the others."""
    infused, kind, level, factor = CONDITIONS[index]
    curves = simulate(infused)
    sd = level * noise_shape(kind, curves)
    sd[:, -1] *= factor
    rng = np.random.default_rng([SEED, index])
    noisy = curves + sd * rng.normal(size=(repetitions, *curves.shape))
    return {name: measure(estimator, noisy) for name, estimator in ESTIMATORS.items()}


def summarise(held: Sequence[Mapping[str, tuple[float, float]]]) -> dict[str, float]:
    """Mean, lowest and highest coverage of each estimator over conditions."""
    figures: dict[str, float] = {}
    for name in ESTIMATORS:
        ours, residual = np.array([condition[name] for condition in held]).T
        figures[f"{name}_coverage_95"] = float(ours.mean())
        figures[f"{name}_lowest"] = float(ours.min())
        figures[f"{name}_highest"] = float(ours.max())
        figures[f"residual_{name}_coverage_95"] = float(residual.mean())
        figures[f"residual_{name}_lowest"] = float(residual.min())
    return figures


def simulate(infused: float) -> FloatArray:
    """Frame means (n_frames, n_targets + 1), the reference last, for a dose of which a part is infused."""
    bp_nd, k2 = np.append(BP_ND, 0.0), K2_PRIME * np.append(R1, 1.0)
    n = len(bp_nd)

    def slope(time_min: float, state: FloatArray) -> FloatArray:
        free, bound, _ = state.reshape(3, n)
        bolus = PLASMA @ np.exp(-RATES * time_min)
        infusion = PLASMA @ ((1 - np.exp(-RATES * time_min)) / RATES) / float(FRAMES.end_min[-1])
        plasma = (1 - infused) * bolus + infused * infusion
        binding = K4 * (bp_nd * free - bound)
        return np.concatenate([k2 * (plasma - free) - binding, binding, free + bound])

    edges = np.append(0.0, FRAMES.end_min)
    solved = solve_ivp(slope, (0.0, edges[-1]), np.zeros(3 * n), "LSODA", t_eval=edges, rtol=1e-8, atol=1e-9)
    return np.asarray(np.diff(solved.y[2 * n :], axis=1).T / FRAMES.duration_min[:, None])


def noise_shape(kind: str, curves: FloatArray) -> FloatArray:
    """Standard deviations (n_frames, n_curves) whose mean square after 10 min is that of a curve's late mean."""
    decay, duration = np.exp2(MID / HALF_LIFE_MIN)[:, None], FRAMES.duration_min[:, None]
    counts = np.maximum(curves, 0.02 * curves.max(axis=0)) * decay / duration
    variance = {
        "decay": decay / duration + 0 * curves,
        "counts": counts,
        "percent": curves**2,
        "equal": np.ones_like(curves),
    }[kind]
    late = MID > 10
    return np.asarray(np.sqrt(variance / variance[late].mean(axis=0)) * curves[late].mean(axis=0))


def measure(estimator: Estimator, noisy: FloatArray) -> tuple[float, float]:
    """Part of intervals that hold the mean over the repetitions, ours and those of residuals.

    The mean has the noise of its own repetitions: distances from it are made longer for that.
    """
    weights = inverse_variance(FRAMES, HALF_LIFE_MIN) if estimator.weighted else None
    options = FitOptions(
        points=estimator.points, inverse_variance=weights, k2_prime=K2_PRIME, onset_min=ONSET_MIN, bounds={}
    )
    fits = [_fit(estimator.model, curves, options) for curves in noisy]
    estimate = np.array([ours.parameters["BPND"] for ours, _ in fits])
    distance = np.abs(estimate - estimate.mean(axis=0)) / np.sqrt(1 - 1 / len(noisy))
    ours = np.array([fit.standard_errors["BPND"] * _quantile(fit) for fit, _ in fits])
    residual = np.array([1.96 * fit.standard_errors["BPND"] for _, fit in fits])
    return float((distance < ours).mean()), float((distance < residual).mean())


def _fit(model: ModelName, curves: FloatArray, options: FitOptions) -> tuple[Estimates, Estimates]:
    """Estimates with the errors that tables hold, and with those of the residuals."""
    target, reference = curves[:, :-1], curves[:, -1]
    plain = fit_model(model, target, reference, FRAMES, options)
    noise = estimate_noise(curves, FRAMES, HALF_LIFE_MIN)
    if noise is None:
        raise RuntimeError("The frames of this benchmark are enough to tell their noise.")
    return with_sampling_errors(plain, model, (target, reference), FRAMES, options, noise), plain


def _quantile(fit: Estimates) -> FloatArray:
    return np.asarray(t_distribution.ppf(0.975, fit.degrees))
