"""What a protocol can see: bias and recovery of a windowed contrast, by simulation of the dataset's own timing.

Two windows of one scan are compared with a model that assumes constant binding. For true kinetics over a
grid, without and with a change of binding, this module reports how much change the contrast shows when
there is none, and which part of a true change it recovers (Sullivan 2013, Am J Nucl Med Mol Imaging 3:247,
on the loss by history).
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, FitOptions, fit_model
from morbids.numerics.tracer import BOLUS_INFUSION, Curves, Release, ReleaseShape, Schedule, simulate_curves


class Contrast(NamedTuple):
    """A baseline and a challenge window (start, end; minutes from injection), and how both are fitted.

    A model of a response is fitted once, from the start of the baseline to the end of the challenge.
    """

    baseline_min: tuple[float, float]
    challenge_min: tuple[float, float]
    model: ModelName = "LoganRef"
    k2_prime: float | None = 0.1237
    inverse_variance: FloatArray | None = None


class KineticGrid(NamedTuple):
    """The truths to try: all combinations.

    Attributes
    ----------
    bp_nd, r1, k4
        Binding, delivery, and dissociation (per minute): slow dissociation is what windows suffer from.
    shapes
        Of the release, which begins with the challenge window and reaches to the end of the scan.
    """

    bp_nd: tuple[float, ...] = (0.5, 1.0, 1.6, 2.5)
    r1: tuple[float, ...] = (0.8, 1.0, 1.2)
    k4: tuple[float, ...] = (0.05, 0.1, 0.3)
    shapes: tuple[ReleaseShape, ...] = ("step", "ramp", "gamma")


class Calibration(NamedTuple):
    """One row per truth, each field (n_rows,).

    Attributes
    ----------
    bp_nd, r1, k4, shape
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
    null_percent: FloatArray
    recovered: FloatArray


class Spread(NamedTuple):
    """Median and range over the truths of a calibration."""

    median: float
    lowest: float
    highest: float


DEFAULT_GRID = KineticGrid()


def calibrate_contrast(
    frames: Frames,
    contrast: Contrast,
    *,
    schedule: Schedule = BOLUS_INFUSION,
    true_k2_prime: float = 0.1237,
    change: float = -0.1,
    grid: KineticGrid = DEFAULT_GRID,
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
    """
    bp_nd, r1 = np.array(list(product(grid.bp_nd, grid.r1))).T

    def read(k4: float, release: Release | None) -> tuple[FloatArray, FloatArray]:
        curves = simulate_curves(
            frames,
            bp_nd,
            r1=r1,
            k2_prime=true_k2_prime,
            k4=k4,
            schedule=schedule,
            change=change,
            release=release,
        )
        return read_contrast(frames, contrast, curves)

    onset_min, end_min = contrast.challenge_min[0], float(frames.end_min[-1])
    null_percent, recovered = [], []
    for k4 in grid.k4:
        fabricated, baseline = read(k4, None)
        for shape in grid.shapes:
            shown, _ = read(k4, Release(onset_min, end_min, shape))
            null_percent.append(100 * fabricated / baseline)
            recovered.append((shown - fabricated) / (-change * bp_nd))
    truths = list(product(grid.k4, grid.shapes))
    return Calibration(
        bp_nd=np.tile(bp_nd, len(truths)),
        r1=np.tile(r1, len(truths)),
        k4=np.repeat([k4 for k4, _ in truths], len(bp_nd)),
        shape=tuple(shape for _, shape in truths for _ in bp_nd),
        null_percent=np.concatenate(null_percent),
        recovered=np.concatenate(recovered),
    )


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
        )
        return fit_model(contrast.model, curves.target, curves.reference, frames, options).parameters

    if MODELS[contrast.model].needs_onset:
        whole = fit(contrast.baseline_min[0], contrast.challenge_min[1])
        return whole["BPND"] - whole["BPNDafter"], whole["BPND"]
    baseline, challenge = (fit(*window)["BPND"] for window in (contrast.baseline_min, contrast.challenge_min))
    return baseline - challenge, baseline
