"""What minutes that were not stored do to a planned scan: models that they break are refused, maps left out."""

from dataclasses import replace

import numpy as np

from morbids.bids.scans import PetScan
from morbids.bids.windows import MIN_FRAMES, Window, window_points
from morbids.numerics.kinetics.missing import Missing, missing_error
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, FitOptions
from morbids.numerics.tracer import Schedule
from morbids.participant.kinetic_plan import TRANSPORT_MODEL, KineticPlan


def judge_minutes(
    plan: KineticPlan, scan: PetScan, schedule: Schedule
) -> tuple[KineticPlan, tuple[str, ...]]:
    """Simulate what missing minutes do to every window and to the map of R1; also returns what the report should say.

    Raises
    ------
    MorbidsError
        The model cannot serve the scan.
    """
    missing = {
        window.name: _error(plan, plan.model, _fitted(plan, window), schedule)
        for window in dict.fromkeys(plan.windows)
    }
    notes = [missing[name].judge(plan.model, plan.frames, str(scan.pet)) for name in missing]
    if not plan.maps_transport:
        return replace(plan, missing=missing), tuple(filter(None, dict.fromkeys(notes)))
    transport = _error(plan, TRANSPORT_MODEL, plan.undisturbed, schedule)
    n_frames = int(window_points(plan.frames, plan.undisturbed).sum())
    if n_frames < MIN_FRAMES or transport.is_refused:
        plan = replace(plan, maps_transport=False)
        notes.append(f"No map of R1: {n_frames} frames from injection on do not tell it.")
    return replace(plan, missing=missing), tuple(filter(None, dict.fromkeys(notes)))


def _fitted(plan: KineticPlan, window: Window) -> Window:
    """Frames that a window's estimates come from: all from t* to the challenge's end where a response is fitted."""
    if MODELS[plan.model].needs_onset:
        return Window("", plan.t_star_min or 0.0, plan.pairs[0].challenge.end_min)
    return window


def _error(plan: KineticPlan, model: ModelName, window: Window, schedule: Schedule) -> Missing:
    """Error of one model in one window, with the scan's own bolus and infusion."""
    frames = plan.frames
    points = window_points(frames, window)
    if points.sum() < MIN_FRAMES and model != "SUVR":
        return Missing(np.inf, np.inf)
    options = FitOptions(
        points=points,
        inverse_variance=plan.inverse_variance,
        k2_prime=plan.k2_prime_per_min,
        onset_min=plan.pairs[0].challenge.start_min if MODELS[model].needs_onset else None,
        grid=plan.grid,
    )
    return missing_error(model, frames, options, (schedule,))
