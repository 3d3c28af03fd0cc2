"""Error of BP_ND of every model without noise: where its assumptions hold, and where they do not.

A grid of BP_ND, R1, k2' and administration; one-tissue kinetics, which the models assume, and two tissues with
fast and slow dissociation; all frames, and those from 10 min. The table of docs/kinetics.md is this one. ``--quick``
leaves out half of the grid.
"""

import itertools

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.tracer import Kinetics, Schedule, simulate_curves

DURATION = np.array([0.5] * 4 + [1.0] * 3 + [2.5] * 2 + [5.0] * 8 + [10.0] * 4)
FRAMES = Frames(np.cumsum(DURATION) - DURATION, DURATION)
BP_ND, R1 = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 4.0]), np.array([0.7, 0.85, 1.0, 1.15, 1.3])
K2_PRIMES = (0.08, 0.10, 0.1237, 0.16)
SCHEDULES = (Schedule(1.0), Schedule(0.5, 90.0))
STARTS_MIN = (0.0, 10.0)
ONSET_MIN = 45.0
TISSUES: dict[str, tuple[Kinetics, float]] = {
    "one": ("one_tissue", 0.3),
    "k4_0.3": ("two_tissue", 0.3),
    "k4_0.1": ("two_tissue", 0.1),
}
MODELS: tuple[ModelName, ...] = (
    "LoganRef",
    "MRTM0",
    "MRTM1",
    "MRTM2",
    "SRTM",
    "SRTM2",
    "StepChange",
    "StepChange2",
    "LSSRM",
    "lpntPET",
)


def run(quick: bool) -> dict[str, float]:
    """Median and largest percent error per model, tissue and first minute, and the share of failed fits."""
    figures: dict[str, float] = {}
    for model, (tissue, assumed), start_min in itertools.product(MODELS, TISSUES.items(), STARTS_MIN):
        error = measure_error(model, *assumed, start_min, K2_PRIMES[::2] if quick else K2_PRIMES)
        key = f"{model}_{tissue}_from_{start_min:g}"
        figures[f"{key}_median"] = float(np.nanmedian(error))
        figures[f"{key}_largest"] = float(np.nanmax(error))
        figures[f"{key}_failed_share"] = float(np.isnan(error).mean())
    return figures


def measure_error(
    model: ModelName,
    kinetics: Kinetics,
    k4: float,
    start_min: float,
    k2_primes: tuple[float, ...] = K2_PRIMES,
) -> FloatArray:
    """Error of BP_ND, in percent of it (of 1 where it is 0), at every point of the grid; NaN where the fit failed."""
    bp_nd, r1 = (values.ravel() for values in np.meshgrid(BP_ND, R1))
    errors = []
    for k2_prime, schedule in itertools.product(k2_primes, SCHEDULES):
        curves = simulate_curves(
            FRAMES, bp_nd, r1=r1, k2_prime=k2_prime, k4=k4, schedule=schedule, kinetics=kinetics
        )
        options = FitOptions(
            points=FRAMES.mid_min > start_min, k2_prime=k2_prime, onset_min=ONSET_MIN, bounds={}
        )
        found = fit_model(model, curves.target, curves.reference, FRAMES, options).parameters["BPND"]
        errors.append(100 * np.abs(found - bp_nd) / np.where(bp_nd > 0, bp_nd, 1.0))
    return np.concatenate(errors)
