"""What a scan that begins late or pauses does to a model: by simulation with and without the missing minutes.

Integrals begin at injection. Where no frame was stored a straight line stands for the curve, and a bolus is no straight
line: a scan stored from 50 min reads BP_ND up to 70 % wrong, whatever its residuals look like.
"""

from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.estimates import Estimates
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, FitOptions, fit_model
from morbids.numerics.kinetics.plasma import PlasmaInput
from morbids.numerics.tracer import BOLUS_INFUSION, Schedule, plasma_curve, simulate_curves

# The parameter may be off by more than this, in percent: the model cannot serve. Below, the error is widened.
REFUSED_PERCENT = 5.0
# Less is not worth a word: it is less than models differ among themselves.
TOLD_PERCENT = 0.5
# Truths to try: all combinations.
BP_ND, R1 = (0.5, 1.0, 2.0, 4.0), (0.8, 1.0, 1.2)
# Efflux from the reference region, where it is not known: carfentanil's, half and nearly twice as much.
K2_PRIME = (0.06, 0.1237, 0.2)
# Dissociation, and association of a tracer that is bound for good, both per minute.
K4, K3_BOUND = 0.3, (0.02, 0.05, 0.1, 0.2)
NEARLY_NONE = 1e-6
CHANGE = "BPNDchange"
BOLUS = Schedule(bolus_fraction=1.0)
# Missing minutes are filled with frames of this part of their time, as protocols make them: short, then longer.
FILL_SHARE, SHORTEST_FILL_MIN = 0.15, 0.5
# Times of simulated plasma.
SIMULATED_STEP_MIN = 0.1
# A second is no gap.
SHORTEST_GAP_MIN = 1 / 60


class Missing(NamedTuple):
    """Error of a model's main parameter by what is missing, in percent of it.

    Attributes
    ----------
    largest_percent
        Farthest from none over all truths; inf where a fit fails for lack of the missing minutes.
    typical_percent
        Root mean square over all truths.
    """

    largest_percent: float
    typical_percent: float

    @property
    def is_refused(self) -> bool:
        """Whether the model cannot serve the scan."""
        return self.largest_percent > REFUSED_PERCENT

    def judge(self, model: ModelName, frames: Frames, source: str) -> str:
        """Sentence of warning for the user; empty where there is nothing to warn of.

        Raises
        ------
        MorbidsError
            The model cannot serve the scan.
        """
        if self.largest_percent <= TOLD_PERCENT:
            return ""
        main = MODELS[model].parameters[0]
        what = " and ".join(f"from {start:.1f} to {end:.1f} min" for start, end in _missing_intervals(frames))
        lacking = (
            f"{source}: nothing was stored {what} after injection, and {model} integrates from injection on"
        )
        if self.is_refused:
            amount = (
                f"by {self.largest_percent:.0f} %" if np.isfinite(self.largest_percent) else "by any amount"
            )
            raise MorbidsError(
                f"{lacking}: that can move its {main} {amount}, and more than {REFUSED_PERCENT:g} % is refused "
                "(simulated with the scan's own frames).",
                INTEGRATES_NOTHING[MODELS[model].needs_plasma],
            )
        return (
            f"{lacking}: that moves its {main} by {self.typical_percent:.1f} % (root mean square) and by up to "
            f"{self.largest_percent:.1f} %, as simulated with the scan's own frames; its standard error is widened "
            "by the former."
        )

    def widen(self, estimates: Estimates) -> Estimates:
        """Standard errors of the main parameter, and of the ratio it is made of, with this error in them."""
        main = next(iter(estimates.parameters))
        added = np.abs(estimates.parameters[main]) * self.typical_percent / 100
        errors = {
            name: np.hypot(error, added) if name in (main, "DVR") else error
            for name, error in estimates.standard_errors.items()
        }
        if CHANGE in errors:
            errors[CHANGE] = np.hypot(errors[CHANGE], self.typical_percent)
        return estimates._replace(standard_errors=errors)


# What helps where a model cannot serve, by whether it takes plasma.
INTEGRATES_NOTHING = {
    False: "Take --model SUVR, which integrates nothing, with --t-star MIN or --window NAME=START-END.",
    True: "Take --model 1TCM or 2TCM, which integrate the input only.",
}
# A scan from here on was meant for a ratio: nobody stores a dynamic scan so late.
LATE_START_MIN = 20.0
NOTHING_MISSING = Missing(0.0, 0.0)


def begins_late(frames: Frames) -> bool:
    """Whether a scan leaves out so much of the beginning that all its frames are late ones."""
    return bool(frames.start_min[0] >= LATE_START_MIN)


def missing_error(
    model: ModelName,
    frames: Frames,
    options: FitOptions,
    schedules: tuple[Schedule, ...] = (BOLUS, BOLUS_INFUSION),
) -> Missing:
    """Largest and typical error that missing minutes can make, by simulation with the scan's own frames.

    Each simulated curve is fitted twice, at the same points: with the frames that the scan has, and with the missing
    ones as well. The difference is what is missing; errors of the model itself are in both.

    Parameters
    ----------
    model
        To be used.
    frames
        Of the scan, minutes from injection.
    options
        Points, weights and k2' of the fit; a given k2' is taken for true, else `K2_PRIME` are tried.
    schedules
        Ways in which the tracer may have been given.
    """
    missing = _missing_intervals(frames)
    if not missing or not MODELS[model].integrates_frames:
        return NOTHING_MISSING
    whole, stored = _fill(frames, missing)
    rates = K2_PRIME if options.k2_prime is None else (options.k2_prime,)
    errors = np.concatenate(
        [
            _relative_error(
                model, whole, stored, replace(options, bounds={}, k2_prime=rate, blood_volume=0.0), schedule
            )
            for rate, schedule in product(rates, schedules)
        ]
    )
    # A curve that the model does not fit even with all minutes says nothing of the missing ones.
    known = errors[~np.isnan(errors)]
    return Missing(
        float(np.abs(known).max(initial=0.0)), float(np.sqrt((known**2).mean())) if known.size else 0.0
    )


def _relative_error(
    model: ModelName, whole: Frames, stored: BoolArray, options: FitOptions, schedule: Schedule
) -> FloatArray:
    """Percent by which the main parameter, and a change of it, differ for want of frames that are not stored.

    Infinite where only the fit without them fails, NaN where both do.
    """
    target, reference = _simulate(model, whole, float(options.k2_prime or 0.0), schedule)
    points = np.ones(stored.sum(), bool) if options.points is None else options.points
    full_points, full_weights = np.zeros(len(stored), bool), np.zeros(len(stored))
    full_points[stored] = points
    full_weights[stored] = 1.0 if options.inverse_variance is None else options.inverse_variance
    full = replace(options, points=full_points, inverse_variance=full_weights)
    own = Frames(whole.start_min[stored], whole.duration_min[stored])
    expected = fit_model(model, target, reference, whole, full).parameters
    driving = reference if isinstance(reference, PlasmaInput) else reference[stored]
    found = fit_model(model, target[stored], driving, own, options).parameters
    main = MODELS[model].parameters[0]
    errors = [100 * (found[main] / expected[main] - 1)]
    if CHANGE in found:
        # In percent already.
        errors.append(found[CHANGE] - expected[CHANGE])
    lost = np.isfinite(expected[main]) & ~np.isfinite(found[main])
    return np.concatenate([np.where(lost, np.inf, error) for error in errors])


def _simulate(
    model: ModelName, frames: Frames, k2_prime: float, schedule: Schedule
) -> tuple[FloatArray, FloatArray | PlasmaInput]:
    """Targets over the grid of truths, and what drives the model; bound for good where the model takes them to be."""
    binding = BP_ND if MODELS[model].parameters[0] != "Ki" else tuple(k3 / NEARLY_NONE for k3 in K3_BOUND)
    k4 = K4 if binding is BP_ND else NEARLY_NONE
    bp_nd, r1 = np.array(list(product(binding, R1))).T
    curves = simulate_curves(frames, bp_nd, r1=r1, k2_prime=k2_prime, k4=k4, schedule=schedule)
    if not MODELS[model].needs_plasma:
        return curves.target, curves.reference
    time = np.arange(0.0, frames.end_min[-1] + SIMULATED_STEP_MIN, SIMULATED_STEP_MIN)
    plasma = plasma_curve(time, schedule)
    return curves.target, PlasmaInput(time, plasma, plasma)


def _missing_intervals(frames: Frames) -> list[tuple[float, float]]:
    """Start and end of what is not stored between injection and the last frame, minutes."""
    starts, ends = frames.start_min, np.append(0.0, np.maximum(frames.end_min[:-1], 0.0))
    gaps = np.flatnonzero(starts - ends > SHORTEST_GAP_MIN)
    return [(float(ends[i]), float(starts[i])) for i in gaps]


def _fill(frames: Frames, missing: list[tuple[float, float]]) -> tuple[Frames, BoolArray]:
    """The frames with the missing intervals filled, and which of them are the scan's own."""
    starts, ends, own = list(frames.start_min), list(frames.end_min), [True] * frames.n_frames
    for start, end in missing:
        time = start
        while end > time:
            step = max(SHORTEST_FILL_MIN, FILL_SHARE * time)
            # A crumb at the end joins the frame before it.
            until = end if end - time < 1.5 * step else time + step
            starts.append(time)
            ends.append(until)
            own.append(False)
            time = until
    order = np.argsort(starts)
    filled = Frames(np.array(starts)[order], (np.array(ends) - np.array(starts))[order])
    return filled, np.array(own)[order]
