"""BP_ND of real curves beside the estimates published with them: [11C]DASB, OpenNeuro ds001420.

One participant, test and retest, 101 regions, without and with partial volume correction. The published
fits are unweighted; their LoganRef has no k2' and starts at 45 min (found by trying). Expects the data
beside the project, in ../shared/data, or where MORBIDS_SHARED_DATA points. ``--quick`` leaves out the
corrected curves.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.curve_tables import CurveTable, read_curves
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model

SHARED = Path(os.environ.get("MORBIDS_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
DATASET = SHARED / "openneuro" / "ds001420" / "derivatives" / "PETPrep1" / "sub-01"
MODELS: tuple[ModelName, ...] = ("SRTM", "SRTM2", "MRTM2", "LoganRef")
LOGAN_T_STAR_MIN = 45.0
# Published values beyond these are solvers that ran away (they go to 5e9), or regions without signal.
SOUND = (0.05, 8.0)


class Published(NamedTuple):
    """Published estimates of the regions of one table, NaN where absent."""

    bp_nd: FloatArray
    r1: FloatArray
    k2: FloatArray
    k2_prime: float | None


def run(quick: bool) -> dict[str, float]:
    """Median and largest percent difference of BP_ND per session, correction and model."""
    figures: dict[str, float] = {}
    for session in ("baseline", "rescan"):
        for correction in ("nopvc",) if quick else ("nopvc", "agtm"):
            stem = DATASET / f"ses-{session}" / "pet" / f"sub-01_ses-{session}_pvc-{correction}_desc-mc"
            table = read_curves(Path(f"{stem}_tacs.tsv"), "reference")
            for model in MODELS:
                published = read_published(Path(f"{stem}_km-{model.lower()}.tsv"), table.names)
                for name, value in compare(model, table, published).items():
                    figures[f"{session}_{correction}_{model}_{name}"] = value
                if model == "SRTM":
                    for name, value in explain(table, published).items():
                        figures[f"{session}_{correction}_{model}_{name}"] = value
    return figures


def read_published(path: Path, names: tuple[str, ...]) -> Published:
    """Read BP_ND of the named regions, and the fixed k2' when the model has one."""
    table = pd.read_csv(path, sep="\t", index_col=0).reindex(list(names))
    k2_prime = float(table["k2'"].iloc[0]) if "k2'" in table else None
    r1, k2 = (
        table[name].to_numpy(float) if name in table else np.full(len(table), np.nan) for name in ("R1", "k2")
    )
    return Published(table["BPnd"].to_numpy(float), r1, k2, k2_prime)


def compare(model: ModelName, table: CurveTable, published: Published) -> dict[str, float]:
    """Percent differences where the published estimate is sound, and how many those are."""
    points = table.frames.mid_min > LOGAN_T_STAR_MIN if model == "LoganRef" else None
    options = FitOptions(points=points, k2_prime=published.k2_prime)
    found = fit_model(model, table.curves, table.reference, table.frames, options).parameters["BPND"]
    sound = (published.bp_nd > SOUND[0]) & (published.bp_nd < SOUND[1])
    difference = 100 * np.abs(found[sound] / published.bp_nd[sound] - 1)
    return {
        "median_percent": float(np.nanmedian(difference)),
        "within_2_percent": float(np.mean(difference < 2)),
        "largest_percent": float(np.nanmax(difference)),
        "regions": float(sound.sum()),
    }


def explain(table: CurveTable, published: Published) -> dict[str, float]:
    """Of the SRTM fits that differ by more than 2 %: how many, and how many fit worse as published.

    Both are put into the same equation, C_T = R1 C_R + (k2 - R1 k2a) C_R (x) exp(-k2a t), and compared by their
    unweighted sums of squared residuals: the published fit is unweighted, so the lower sum is the better answer to
    the same question. A fit without k2 (at the end of the grid, or beyond its bound) cannot be compared.
    """
    found = fit_model("SRTM", table.curves, table.reference, table.frames, FitOptions()).parameters
    sound = (published.bp_nd > SOUND[0]) & (published.bp_nd < SOUND[1])
    differs = sound & (100 * np.abs(found["BPND"] / published.bp_nd - 1) > 2)
    ours = residual_sum(table, found["BPND"], found["R1"], found["k2"])
    theirs = residual_sum(table, published.bp_nd, published.r1, published.k2)
    ratio = (ours / theirs)[differs]
    return {
        "differ": float(differs.sum()),
        "differ_published_fits_worse": float((ratio < 1).sum()),
        "differ_largest_residual_ratio": float(np.nanmax(ratio)),
        "differ_median_residual_ratio": float(np.nanmedian(ratio)),
        "not_fitted_here": float((sound & np.isnan(found["BPND"])).sum()),
    }


def residual_sum(table: CurveTable, bp_nd: FloatArray, r1: FloatArray, k2: FloatArray) -> FloatArray:
    """Sum of squared residuals (n_regions,) of SRTM with these parameters."""
    integrate = integral_matrix(table.frames)
    sums = []
    for region, k2a in enumerate(k2 / (1 + bp_nd)):
        equation = np.eye(table.frames.n_frames) + k2a * integrate
        if not np.isfinite(k2a):
            sums.append(np.nan)
            continue
        convolved = np.linalg.solve(equation, integrate @ table.reference)
        expected = r1[region] * table.reference + (k2[region] - r1[region] * k2a) * convolved
        sums.append(float(((table.curves[:, region] - expected) ** 2).sum()))
    return np.array(sums)
