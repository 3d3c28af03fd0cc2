"""What a protocol reads of mixed tissue when nothing happens, and what its scans' calibrations say of that."""

import functools
from pathlib import Path

import numpy as np
import pandas as pd

from morbids.bids.names import output_path
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.protocol import Contrast, calibrate_contrast
from morbids.numerics.tracer import simulate_curves

# Frames of the study that the program exists for, in minutes, and its windows.
DURATIONS_MIN = (*[0.5] * 4, *[1.0] * 3, *[2.5] * 2, *[5.0] * 8, *[10.0] * 4)
CONTRAST = Contrast((10.0, 40.0), (45.0, 90.0), "LoganRef", 0.1237)
K4 = 0.3
# Grey matter, which binds, beside white matter, which hardly does and is reached by less tracer.
WHITE_SHARE, WHITE_BP_ND, WHITE_R1 = 0.35, 0.1, 0.7


@functools.cache
def mixed_tissue_bias(bp_nd: float) -> float:
    """Share of binding that the contrast reads of a voxel of grey and white matter without any change."""
    frames = _frames()
    grey_bp_nd = (bp_nd - WHITE_SHARE * WHITE_BP_ND) / (1 - WHITE_SHARE)
    curves = simulate_curves(
        frames, np.array([grey_bp_nd, WHITE_BP_ND]), r1=np.array([1.0, WHITE_R1]), k2_prime=0.1237, k4=K4
    )
    mixed = (curves.target @ np.array([1 - WHITE_SHARE, WHITE_SHARE]))[:, None]
    early, late = (
        _read(frames, mixed, curves.reference, window)
        for window in (CONTRAST.baseline_min, CONTRAST.challenge_min)
    )
    return (early - late) / early


def write_calibration(root: Path, scan: dict[str, str], contrast: str) -> None:
    """Write the calibration of one scan as the program makes it: it does not know what is in the maps."""
    path = output_path(root, scan, "calibration")
    table = _calibration().assign(contrast=contrast)
    table.to_csv(path, sep="\t", index=False)


def _read(frames: Frames, curve: FloatArray, reference: FloatArray, window: tuple[float, float]) -> float:
    points = (frames.mid_min >= window[0]) & (frames.mid_min < window[1])
    options = FitOptions(points=points, k2_prime=CONTRAST.k2_prime, bounds={})
    return float(fit_model("LoganRef", curve, reference, frames, options).parameters["BPND"][0])


@functools.cache
def _calibration() -> pd.DataFrame:
    return pd.DataFrame(calibrate_contrast(_frames(), CONTRAST)._asdict())


def _frames() -> Frames:
    durations = np.array(DURATIONS_MIN)
    return Frames(np.concatenate([[0.0], np.cumsum(durations)[:-1]]), durations)
