"""What a protocol can see: bias and recovery of a windowed contrast, by simulation of the dataset's own timing.

Two windows of one scan are compared with a model that assumes constant binding. For true kinetics over a
grid, without and with a change of binding, this module reports how much change the contrast shows when
there is none, and which part of a true change it recovers (Sullivan 2013, Am J Nucl Med Mol Imaging 3:247,
on the loss by history).
"""

from collections.abc import Mapping
from itertools import product
from typing import Literal, NamedTuple

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.mixture import (
    MIXED,
    SLOW,
    UNMIXED,
    Head,
    Mixture,
    Tissues,
    mix,
    simulate_tissues,
    slow_tissue,
)
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, FitOptions, fit_model
from morbids.numerics.kinetics.slow_tissue import SlowTissue
from morbids.numerics.tracer import BOLUS_INFUSION, Curves, Release, ReleaseShape, Schedule

Tissue = Literal["unmixed", "mixed"]


class Contrast(NamedTuple):
    """A baseline and a challenge window (start, end; minutes from injection), and how both are fitted.

    A model of a response is fitted once, from the start of the baseline to the end of the challenge. `slow` is what is
    taken out of the curves first.
    """

    baseline_min: tuple[float, float]
    challenge_min: tuple[float, float]
    model: ModelName = "LoganRef"
    k2_prime: float | None = 0.1237
    inverse_variance: FloatArray | None = None
    slow: SlowTissue | None = None


class KineticGrid(NamedTuple):
    """The truths to try: all combinations.

    Attributes
    ----------
    bp_nd, r1, k4
        Binding, delivery, and dissociation (per minute): slow dissociation is what windows suffer from.
    shapes
        Of the release, which begins with the challenge window and reaches to the end of the scan.
    tissues
        Grey matter alone, or what a scanner mixes of it (`mixture`); BP_ND and delivery are those of grey matter.
    """

    bp_nd: tuple[float, ...] = (0.5, 1.0, 1.6, 2.5)
    r1: tuple[float, ...] = (0.8, 1.0, 1.2)
    k4: tuple[float, ...] = (0.05, 0.1, 0.3)
    shapes: tuple[ReleaseShape, ...] = ("step", "ramp", "gamma")
    tissues: tuple[Tissue, ...] = ("unmixed", "mixed")


class Calibration(NamedTuple):
    """One row per truth, each field (n_rows,).

    Attributes
    ----------
    bp_nd, r1, k4, shape, tissue
        The truth.
    null_percent
        Contrast (baseline minus challenge, percent of baseline) without any change: what the protocol
        fabricates; negative values look like deactivation.
    recovered
        Part of the true change at its height that the contrast shows beyond that.
    """

    bp_nd: FloatArray
    r1: FloatArray
    k4: FloatArray
    shape: tuple[ReleaseShape, ...]
    tissue: tuple[Tissue, ...]
    null_percent: FloatArray
    recovered: FloatArray


class Spread(NamedTuple):
    """Median and range over the truths of a calibration."""

    median: float
    lowest: float
    highest: float


DEFAULT_GRID = KineticGrid()
HEADS: Mapping[Tissue, Head] = {
    "unmixed": UNMIXED,
    "mixed": Head((Mixture(0.6, 0.3, 0.1),), MIXED.reference),
}
"""A typical region of a scanner of 5 to 6 mm stands for mixed tissue."""


def calibrate_contrast(
    frames: Frames,
    contrast: Contrast,
    *,
    schedule: Schedule = BOLUS_INFUSION,
    true_k2_prime: float = 0.1237,
    change: float = -0.1,
    grid: KineticGrid = DEFAULT_GRID,
    accounted: bool = False,
) -> Calibration:
    """Simulate null and displaced curves of two-tissue kinetics, and read both as the study would.

    Parameters
    ----------
    frames
        The dataset's own.
    contrast
        Windows, model, weights and the k2' that the study assumes.
    schedule
        Bolus and infusion.
    true_k2_prime
        Of the simulated reference region, per minute; another than the assumed one shows what a wrong k2'
        does.
    change
        True change of BP_ND at the height of the release; -0.1 is 10 % lower.
    grid
        Truths to try.
    accounted
        Whether the study fits white matter and fluid apart; contrasts with `slow` of their own are not for this.
    """
    bp_nd, r1 = np.array(list(product(grid.bp_nd, grid.r1))).T

    def simulate(k4: float, release: Release | None) -> Tissues:
        return simulate_tissues(
            frames,
            bp_nd,
            r1=r1,
            k2_prime=true_k2_prime,
            k4=k4,
            schedule=schedule,
            change=change,
            release=release,
        )

    def read(tissues: Tissues, tissue: Tissue) -> tuple[FloatArray, FloatArray]:
        slow = slow_tissue(tissues, HEADS[tissue]) if accounted else None
        return read_contrast(frames, contrast._replace(slow=slow), mix(tissues, HEADS[tissue]))

    onset_min, end_min = contrast.challenge_min[0], float(frames.end_min[-1])
    null_percent, recovered = [], []
    for k4 in grid.k4:
        still = simulate(k4, None)
        moved = [simulate(k4, Release(onset_min, end_min, shape)) for shape in grid.shapes]
        for tissue in grid.tissues:
            fabricated, baseline = read(still, tissue)
            for tissues in moved:
                shown, _ = read(tissues, tissue)
                null_percent.append(100 * fabricated / baseline)
                recovered.append((shown - fabricated) / (-change * bp_nd * _seen(HEADS[tissue])))
    truths = list(product(grid.k4, grid.tissues, grid.shapes))
    return Calibration(
        bp_nd=np.tile(bp_nd, len(truths)),
        r1=np.tile(r1, len(truths)),
        k4=np.repeat([k4 for k4, _, _ in truths], len(bp_nd)),
        shape=tuple(shape for _, _, shape in truths for _ in bp_nd),
        tissue=tuple(tissue for _, tissue, _ in truths for _ in bp_nd),
        null_percent=np.concatenate(null_percent),
        recovered=np.concatenate(recovered),
    )


def _seen(head: Head) -> float:
    """What a perfect reading of the image shows of a unit of grey matter's BP_ND, relative to the reference region."""
    reference = head.reference
    return head.regions[0].grey / (sum(reference) + reference.white * SLOW.white[0])


def spread_of(values: FloatArray, rows: BoolArray | None = None) -> Spread:
    """Median and range of a column of a calibration, over all truths or over some rows (n_rows,)."""
    chosen = values if rows is None else values[rows]
    return Spread(float(np.nanmedian(chosen)), float(np.nanmin(chosen)), float(np.nanmax(chosen)))


def read_contrast(frames: Frames, contrast: Contrast, curves: Curves) -> tuple[FloatArray, FloatArray]:
    """Baseline minus challenge, and baseline, in BP_ND (n_targets,)."""

    def fit(start_min: float, end_min: float) -> dict[str, FloatArray]:
        options = FitOptions(
            points=(frames.mid_min >= start_min) & (frames.mid_min < end_min),
            inverse_variance=contrast.inverse_variance,
            k2_prime=contrast.k2_prime,
            onset_min=contrast.challenge_min[0],
            bounds={},
            slow=contrast.slow,
        )
        return fit_model(contrast.model, curves.target, curves.reference, frames, options).parameters

    if MODELS[contrast.model].needs_onset:
        whole = fit(contrast.baseline_min[0], contrast.challenge_min[1])
        return whole["BPND"] - whole["BPNDafter"], whole["BPND"]
    baseline, challenge = (fit(*window)["BPND"] for window in (contrast.baseline_min, contrast.challenge_min))
    return baseline - challenge, baseline
