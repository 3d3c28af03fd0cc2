"""What a contrast of one scan reads over everything that nobody knows of it: k2', dissociation, mixed tissue.

`protocol` shows single truths, with k2' as assumed and tissue unmixed: the best case. Here a whole brain of regions is
simulated for every combination of true k2', k4 and mixture, the study's k2' is estimated from those regions as the
study does, and each region gets the range of what the contrast reads without any release, and of a release of 10 %.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.mixture import (
    MIXED,
    UNMIXED,
    Head,
    SlowKinetics,
    mix,
    simulate_tissues,
    slow_tissue,
)
from morbids.numerics.kinetics.protocol import Contrast, read_contrast
from morbids.numerics.kinetics.shared_efflux import estimate_shared_k2_prime
from morbids.numerics.kinetics.slow_tissue import without_slow
from morbids.numerics.tracer import BOLUS_INFUSION, Curves, Release, Schedule

# BP_ND of grey matter that regions are mixed from; a mixture that would need more to read as much is left out.
GREY_BP_ND = np.geomspace(0.15, 4.5, 12)
# Regions of common binding tell k2'.
TELLING_BP_ND = (0.4, 4.0)
CHANGE = -0.1


class Unknowns(NamedTuple):
    """Everything a scan does not tell; all combinations are tried.

    Attributes
    ----------
    k2_prime, k4
        True rates per minute; without a source for a tracer, all that papers report of reversible ones.
    heads
        Mixtures where no segmentation tells.
    share_errors
        True white matter and fluid, in parts of what a segmentation and the scanner's resolution say.
    slow
        Kinetics of what grey matter is mixed with: white matter elsewhere binds less than near the reference region,
        or more.
    """

    k2_prime: tuple[float, ...] = (0.09, 0.15)
    k4: tuple[float, ...] = (0.05, 0.1, 0.3)
    heads: tuple[Head, ...] = (UNMIXED, MIXED)
    share_errors: tuple[float, ...] = (0.8, 1.2)
    slow: tuple[SlowKinetics, ...] = (
        SlowKinetics(white_elsewhere=(0.0, 0.5)),
        SlowKinetics(white_elsewhere=(0.3, 0.5)),
    )


DEFAULT_UNKNOWNS = Unknowns()


class Readings(NamedTuple):
    """What is read of simulated regions, one row per truth and mixture.

    Attributes
    ----------
    baseline
        (n_rows, n_bindings) BP_ND as read before the challenge, without a release.
    null, shown
        (n_rows, n_bindings) baseline minus challenge, BP_ND: without a release, and with one of 10 %.
    region
        (n_rows,) place of the region whose mixture it is; -1 where it may be any region's.
    """

    baseline: FloatArray
    null: FloatArray
    shown: FloatArray
    region: IntArray


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
    told: Head | None = None,
    accounted: bool = False,
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
    told
        Mixture of the scan's own regions as its segmentation tells it; None where nobody tells.
    accounted
        Whether the study takes that white matter and fluid out.
    """
    rows = []
    for k2_prime, k4, kinetics in product(unknowns.k2_prime, unknowns.k4, unknowns.slow):
        still, moved = (
            simulate_tissues(
                frames,
                GREY_BP_ND,
                k2_prime=k2_prime,
                k4=k4,
                schedule=schedule,
                change=change,
                release=Release(contrast.challenge_min[0], float(frames.end_min[-1])) if change else None,
                slow=kinetics,
            )
            for change in (0.0, CHANGE)
        )
        own = contrast
        if told is not None and accounted:
            own = own._replace(slow=slow_tissue(still, told))
        for head in _true_heads(unknowns, told):
            if estimates_k2_prime:
                own = own._replace(k2_prime=_estimate(frames, own, mix(still, head), published))
            null, baseline = read_contrast(frames, own, mix(still, head))
            shown, _ = read_contrast(frames, own, mix(moved, head))
            shape = len(head.regions), len(GREY_BP_ND)
            places = np.arange(shape[0]) if told is not None else np.full(shape[0], -1)
            rows.append((*(values.reshape(shape) for values in (baseline, null, shown)), places))
    return Readings(*map(np.concatenate, zip(*rows, strict=True)))


def _true_heads(unknowns: Unknowns, told: Head | None) -> tuple[Head, ...]:
    """Any mixture, or what the segmentation tells with its errors."""
    if told is None:
        return unknowns.heads
    return tuple(told.scaled(factor) for factor in unknowns.share_errors)


def range_at(readings: Readings, bp_nd: FloatArray) -> Range:
    """What regions that read a binding (n_regions,) at baseline may show of nothing, and of a release of 10 %.

    Lower binding than any simulated one is taken for the lowest; NaN where no truth reaches the binding.
    """
    places = np.arange(len(bp_nd))

    def interpolate(values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest of all rows that concern a region and reach its binding."""
        lowest, highest = np.full(len(bp_nd), np.nan), np.full(len(bp_nd), np.nan)
        for baseline, row, region in zip(readings.baseline, values, readings.region, strict=True):
            known = np.isfinite(baseline) & np.isfinite(row)
            found = np.interp(bp_nd, baseline[known], row[known], right=np.nan)
            found = np.where((region < 0) | (places == region), found, np.nan)
            lowest, highest = np.fmin(lowest, found), np.fmax(highest, found)
        return lowest, highest

    return Range(*interpolate(readings.null), *interpolate(readings.shown))


def _estimate(
    frames: Frames, contrast: Contrast, curves: Curves, published: tuple[float, float] | None
) -> float:
    """k2' as the study estimates it, from regions of common binding."""
    telling = (TELLING_BP_ND[0] <= GREY_BP_ND) & (TELLING_BP_ND[1] >= GREY_BP_ND)
    regions = np.tile(telling, curves.target.shape[1] // len(telling))
    target, reference = without_slow(*curves, contrast.slow)
    start_min, end_min = contrast.baseline_min[0], contrast.challenge_min[1]
    found = estimate_shared_k2_prime(
        target[:, regions],
        reference,
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
