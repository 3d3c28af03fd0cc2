"""What a contrast of one scan reads over everything that nobody knows of it: k2', dissociation, mixed tissue.

`protocol` shows single truths, with k2' as assumed and tissue unmixed: the best case. Here a whole brain of regions is
simulated for every combination of true k2', k4 and mixture, the study's k2' is estimated from those regions as the
study does, and each region gets the range of what the contrast reads without any release, and of a release of 10 %.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.protocol import Contrast, read_contrast
from morbids.numerics.kinetics.shared_efflux import estimate_shared_k2_prime
from morbids.numerics.tracer import BOLUS_INFUSION, Curves, Release, Schedule, simulate_curves

# BP_ND of grey matter that regions are mixed from; a mixture that would need more to read as much is left out.
GREY_BP_ND = np.geomspace(0.15, 4.5, 12)
# Regions of common binding tell k2'.
TELLING_BP_ND = (0.4, 4.0)
CHANGE = -0.1


class Mixture(NamedTuple):
    """Parts of a region's signal that come from grey matter, white matter and fluid."""

    grey: float = 1.0
    white: float = 0.0
    fluid: float = 0.0


class Head(NamedTuple):
    """Mixtures that occur in one brain, and that of its reference region."""

    regions: tuple[Mixture, ...]
    reference: Mixture


UNMIXED = Head((Mixture(),), Mixture())
# What a scanner of 5 to 6 mm makes of cortex, nuclei and their neighbours.
MIXED = Head(
    (Mixture(0.8, 0.2, 0.0), Mixture(0.6, 0.3, 0.1), Mixture(0.5, 0.25, 0.25), Mixture(0.5, 0.5, 0.0)),
    Mixture(0.75, 0.15, 0.1),
)


class Unknowns(NamedTuple):
    """Everything a scan does not tell; all combinations are tried.

    Attributes
    ----------
    k2_prime, k4
        True rates per minute; without a source for a tracer, all that papers report of reversible ones.
    heads
        Mixtures.
    white, fluid
        BP_ND and delivery of what grey matter is mixed with.
    """

    k2_prime: tuple[float, ...] = (0.09, 0.15)
    k4: tuple[float, ...] = (0.05, 0.1, 0.3)
    heads: tuple[Head, ...] = (UNMIXED, MIXED)
    white: tuple[float, float] = (0.15, 0.5)
    fluid: tuple[float, float] = (0.0, 0.35)


DEFAULT_UNKNOWNS = Unknowns()


class Readings(NamedTuple):
    """What is read of simulated regions, one row per truth and mixture.

    Attributes
    ----------
    baseline
        (n_rows, n_bindings) BP_ND as read before the challenge, without a release.
    null, shown
        (n_rows, n_bindings) baseline minus challenge, BP_ND: without a release, and with one of 10 %.
    """

    baseline: FloatArray
    null: FloatArray
    shown: FloatArray


class Range(NamedTuple):
    """What regions may read, each field (n_regions,), baseline minus challenge.

    Attributes
    ----------
    null_low, null_high
        BP_ND without a release.
    shown_low, shown_high
        BP_ND of a true release of 10 %.
    """

    null_low: FloatArray
    null_high: FloatArray
    shown_low: FloatArray
    shown_high: FloatArray


def read_unknowns(
    frames: Frames,
    contrast: Contrast,
    *,
    schedule: Schedule = BOLUS_INFUSION,
    published: tuple[float, float] | None = None,
    estimates_k2_prime: bool = True,
    unknowns: Unknowns = DEFAULT_UNKNOWNS,
) -> Readings:
    """Read every truth as the study would.

    Parameters
    ----------
    frames
        The scan's own.
    contrast
        Windows, model and weights; its k2' holds where it is not estimated.
    schedule
        Bolus and infusion.
    published
        A value of k2' and its weight (0 to 1) beside the estimate; None where the estimate stands alone.
    estimates_k2_prime
        The study estimates it from its regions.
    unknowns
        Truths to try.
    """
    rows = []
    for k2_prime, k4, head in product(unknowns.k2_prime, unknowns.k4, unknowns.heads):
        still, moved = (
            _simulate(frames, contrast, schedule, (k2_prime, k4), unknowns, change)
            for change in (0.0, CHANGE)
        )
        own = contrast
        if estimates_k2_prime:
            own = contrast._replace(k2_prime=_estimate(frames, contrast, _mix(still, head), published))
        for region in head.regions:
            null, baseline = read_contrast(frames, own, _mix(still, Head((region,), head.reference)))
            shown, _ = read_contrast(frames, own, _mix(moved, Head((region,), head.reference)))
            rows.append((baseline, null, shown))
    return Readings(*map(np.array, zip(*rows, strict=True)))


def range_at(readings: Readings, bp_nd: FloatArray) -> Range:
    """What regions that read a binding (n_regions,) at baseline may show of nothing, and of a release of 10 %."""

    def interpolate(values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest of all rows that reach the binding (NaN where none does); lower than any is the lowest."""
        lowest, highest = np.full(len(bp_nd), np.nan), np.full(len(bp_nd), np.nan)
        for baseline, row in zip(readings.baseline, values, strict=True):
            known = np.isfinite(baseline) & np.isfinite(row)
            found = np.interp(bp_nd, baseline[known], row[known], right=np.nan)
            lowest, highest = np.fmin(lowest, found), np.fmax(highest, found)
        return lowest, highest

    return Range(*interpolate(readings.null), *interpolate(readings.shown))


class _Tissues(NamedTuple):
    """Curves (n_frames, n) of grey matter, and (n_frames,) of white matter, fluid and the reference's grey matter."""

    grey: FloatArray
    white: FloatArray
    fluid: FloatArray
    reference: FloatArray


def _simulate(
    frames: Frames,
    contrast: Contrast,
    schedule: Schedule,
    rates: tuple[float, float],
    unknowns: Unknowns,
    change: float,
) -> _Tissues:
    n = len(GREY_BP_ND)
    others = np.array([unknowns.white, unknowns.fluid, (0.0, 1.0)])
    curves = simulate_curves(
        frames,
        np.append(GREY_BP_ND, others[:, 0]),
        r1=np.append(np.ones(n), others[:, 1]),
        k2_prime=rates[0],
        k4=rates[1],
        schedule=schedule,
        change=np.append(np.full(n, change), np.zeros(len(others))),
        release=Release(contrast.challenge_min[0], float(frames.end_min[-1])) if change else None,
    ).target
    return _Tissues(curves[:, :n], *curves[:, n:].T)


def _mix(tissues: _Tissues, head: Head) -> Curves:
    """Regions of every binding in every mixture, side by side."""

    def blend(mixture: Mixture, grey: FloatArray) -> FloatArray:
        rest = mixture.white * tissues.white + mixture.fluid * tissues.fluid
        return mixture.grey * grey + rest.reshape(-1, *[1] * (grey.ndim - 1))

    targets = np.hstack([blend(mixture, tissues.grey) for mixture in head.regions])
    return Curves(targets, blend(head.reference, tissues.reference))


def _estimate(
    frames: Frames, contrast: Contrast, curves: Curves, published: tuple[float, float] | None
) -> float:
    """k2' as the study estimates it, from regions of common binding."""
    telling = (TELLING_BP_ND[0] <= GREY_BP_ND) & (TELLING_BP_ND[1] >= GREY_BP_ND)
    regions = np.tile(telling, curves.target.shape[1] // len(telling))
    start_min, end_min = contrast.baseline_min[0], contrast.challenge_min[1]
    found = estimate_shared_k2_prime(
        curves.target[:, regions],
        curves.reference,
        frames,
        onset_min=contrast.challenge_min[0],
        points=(frames.mid_min >= start_min) & (frames.mid_min < end_min),
        inverse_variance=contrast.inverse_variance,
        noise_free=True,
    ).k2_prime
    if published is None:
        return found
    value, weight = published
    return (1.0 - weight) * found + weight * value
