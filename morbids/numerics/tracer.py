"""Curves of a tracer whose kinetics are known: the truth that models and protocols are tested against.

A three-compartment plasma surrogate (bolus, infusion or both) drives a one-tissue reference region, and
targets of one or two tissues whose binding may change during the scan. The plasma has a closed form. The
tissues are integrated by Runge-Kutta steps that end on every frame edge and jump: frame means are good to
1e-6.
"""

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.compiled import compiled
from morbids.numerics.frames import Frames

Kinetics = Literal["two_tissue", "one_tissue"]
ReleaseShape = Literal["step", "ramp", "gamma"]

# Rates of the plasma surrogate (per minute): elimination, then exchange with a fast and a slow tissue pool.
K10, K12, K21, K13, K31 = 0.12, 0.192, 0.138, 0.216, 0.0138
PLASMA_RATES = np.array([[-(K10 + K12 + K13), K21, K31], [K12, -K21, 0.0], [K13, 0.0, -K31]])
# Runge-Kutta steps: short beside the plasma, and stable beside the fastest tissue rate (step x rate).
MAX_STEP_MIN, STABLE_STEP = 0.1, 0.4
# A gamma-shaped release peaks at this part of its length and has fallen to 4 % of the peak at its end.
GAMMA_PEAK, GAMMA_POWER = 0.25, 2.0


class Schedule(NamedTuple):
    """How the tracer is given: a part as an instant bolus at time 0, the rest at a constant rate.

    Attributes
    ----------
    bolus_fraction
        Part of the dose in the bolus; 1 is a bolus alone.
    infusion_min
        Length of the infusion that follows, from time 0.
    """

    bolus_fraction: float = 0.5
    infusion_min: float = 90.0


BOLUS_INFUSION = Schedule()


class Release(NamedTuple):
    """When and how binding departs from its value at rest.

    Attributes
    ----------
    onset_min, end_min
        Minutes from injection.
    shape
        ``step``: whole effect from onset to end, none after; ``ramp``: grows linearly from onset to end, then
        stays; ``gamma``: rises to its peak at a quarter of the time to the end, then falls.
    """

    onset_min: float
    end_min: float
    shape: ReleaseShape = "step"

    def at(self, time_min: FloatArray) -> FloatArray:
        """Part of the whole effect (0 to 1) at each time."""
        elapsed = (np.asarray(time_min, float) - self.onset_min) / (self.end_min - self.onset_min)
        if self.shape == "step":
            return ((elapsed >= 0) & (elapsed < 1)).astype(float)
        if self.shape == "ramp":
            return np.clip(elapsed, 0.0, 1.0)
        rise = np.maximum(elapsed, 0.0) / GAMMA_PEAK
        return np.asarray(rise**GAMMA_POWER * np.exp(GAMMA_POWER * (1.0 - rise)))


class Curves(NamedTuple):
    """Decay-corrected frame means, as parts of the injected dose (scale free).

    Attributes
    ----------
    target
        (n_frames, n_targets).
    reference
        (n_frames,).
    """

    target: FloatArray
    reference: FloatArray


def plasma_curve(time_min: FloatArray, schedule: Schedule) -> FloatArray:
    """Plasma concentration at each time (n_times,), zero before injection; closed form."""
    rates, vectors = np.linalg.eig(PLASMA_RATES)
    weights = vectors[0] * np.linalg.solve(vectors, [1.0, 0.0, 0.0])
    time = np.asarray(time_min, float)[:, None]
    curve = schedule.bolus_fraction * np.exp(rates * np.maximum(time, 0.0))
    if schedule.bolus_fraction < 1.0:
        since_start, since_end = np.maximum(time, 0.0), np.maximum(time - schedule.infusion_min, 0.0)
        infused = (np.exp(rates * since_start) - np.exp(rates * since_end)) / rates
        curve = curve + (1.0 - schedule.bolus_fraction) / schedule.infusion_min * infused
    return np.asarray(np.where(time[:, 0] < 0, 0.0, (curve @ weights).real))


def simulate_curves(
    frames: Frames,
    bp_nd: FloatArray,
    *,
    r1: FloatArray | float = 1.0,
    k2_prime: float = 0.1237,
    k4: float = 0.3,
    schedule: Schedule = BOLUS_INFUSION,
    change: FloatArray | float = 0.0,
    release: Release | None = None,
    kinetics: Kinetics = "two_tissue",
) -> Curves:
    """Frame means of targets and of their reference region.

    Parameters
    ----------
    frames
        Minutes from injection; time before injection holds no activity.
    bp_nd, r1
        (n_targets,) binding potential at rest and delivery relative to the reference region.
    k2_prime
        Efflux from the reference region, per minute; targets have the same volume of free tracer.
    k4
        Dissociation rate, per minute (two tissues only): k3 = k4 BP_ND.
    schedule
        Bolus and infusion.
    change
        (n_targets,) part by which BP_ND changes at the height of the release; -0.1 is 10 % lower.
    release
        When BP_ND changes; None for never.
    kinetics
        One tissue is the assumption of the simplified reference tissue model: k2a = k2 / (1 + BP_ND).

    Returns
    -------
    Curves
        The concentration is in units where the reference region's distribution volume is 1.
    """
    # The reference region is one more target: no binding, delivery 1.
    bp_at_rest = np.append(np.atleast_1d(bp_nd), 0.0).astype(float)
    n_targets = len(bp_at_rest) - 1
    bp_change = bp_at_rest * np.append(np.broadcast_to(change, n_targets), 0.0)
    k2 = k2_prime * np.append(np.broadcast_to(r1, n_targets), 1.0)

    edges = np.unique(np.maximum([*frames.start_min, *frames.end_min], 0.0))
    breaks = [0.0, schedule.infusion_min] + ([] if release is None else [release.onset_min, release.end_min])
    fastest = k2.max() + k4 * (1.0 + (bp_at_rest + np.abs(bp_change)).max())
    longest_min = min(MAX_STEP_MIN, STABLE_STEP / fastest)
    stages, lengths = _steps(np.union1d(edges, [b for b in breaks if 0 <= b < edges[-1]]), longest_min)
    effects = np.zeros_like(stages) if release is None else release.at(stages)
    plasma = plasma_curve(stages.ravel(), schedule).reshape(stages.shape)
    rates = bp_at_rest, bp_change, k2, float(k4)
    accumulated = _accumulate(rates, plasma, effects, lengths, kinetics == "one_tissue")
    ends = np.append(0.0, np.cumsum(lengths))
    at_start, at_end = (
        accumulated[np.abs(ends[:, None] - np.maximum(t, 0.0)).argmin(axis=0)]
        for t in (frames.start_min, frames.end_min)
    )
    means = (at_end - at_start) / frames.duration_min[:, None]
    return Curves(target=means[:, :-1], reference=means[:, -1])


def _steps(knots: FloatArray, longest_min: float) -> tuple[FloatArray, FloatArray]:
    """Times at start, middle and end of every integration step (n_steps, 3), and its length (n_steps,)."""
    edges = [np.linspace(a, b, int(np.ceil((b - a) / longest_min)) + 1)[:-1] for a, b in pairwise(knots)]
    starts = np.append(np.concatenate(edges), knots[-1])
    lengths = np.diff(starts)
    # Just inside the step, so that a jump at a knot belongs to one side only.
    return starts[:-1, None] + lengths[:, None] * np.array([1e-9, 0.5, 1.0 - 1e-9]), lengths


@compiled
def _accumulate(
    rates: tuple[FloatArray, FloatArray, FloatArray, float],
    plasma: FloatArray,
    effects: FloatArray,
    lengths: FloatArray,
    one_tissue: bool,
) -> FloatArray:
    """Running integral of the tissue curves at the edges of the steps (n_steps + 1, n), by Runge-Kutta.

    `rates` are BP_ND at rest and its change (n,), k2 (n,) and k4; `plasma` and `effects` (n_steps, 3) are at start,
    middle and end of each step.
    """
    bp_at_rest, bp_change, k2, k4 = rates
    accumulated = np.zeros((len(lengths) + 1, len(k2)))
    for target in range(len(k2)):
        free = bound = total = 0.0
        for i in range(len(lengths)):
            step = lengths[i]
            add_free = add_bound = add_total = to_free = to_bound = 0.0
            for stage in range(4):
                at, reach = (stage + 1) // 2, (0.0, 0.5, 0.5, 1.0)[stage] * step
                now_free, now_bound = free + reach * to_free, bound + reach * to_bound
                bp = bp_at_rest[target] + effects[i, at] * bp_change[target]
                if one_tissue:  # all tracer of the tissue is in `free`
                    to_free = k2[target] * (plasma[i, at] - now_free / (1.0 + bp))
                else:
                    to_bound = k4 * (bp * now_free - now_bound)
                    to_free = k2[target] * (plasma[i, at] - now_free) - to_bound
                weight = (1.0, 2.0, 2.0, 1.0)[stage] * step / 6
                add_free += weight * to_free
                add_bound += weight * to_bound
                add_total += weight * (now_free + now_bound)
            free, bound, total = free + add_free, bound + add_bound, total + add_total
            accumulated[i + 1, target] = total
    return accumulated
