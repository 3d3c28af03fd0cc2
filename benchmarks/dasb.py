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

from morbids.fit import CurveTable, read_curves
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.models import FitOptions, ModelName, fit_model

SHARED = Path(os.environ.get("MORBIDS_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
DATASET = SHARED / "openneuro" / "ds001420" / "derivatives" / "PETPrep1" / "sub-01"
MODELS: tuple[ModelName, ...] = ("SRTM", "SRTM2", "MRTM2", "LoganRef")
LOGAN_T_STAR_MIN = 45.0
# Published values beyond these are solvers that ran away (they go to 5e9), or regions without signal.
SOUND = (0.05, 8.0)


class Published(NamedTuple):
    """Published estimates of the regions of one table, NaN where absent."""

    bp_nd: FloatArray
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
    return figures


def read_published(path: Path, names: tuple[str, ...]) -> Published:
    """Read BP_ND of the named regions, and the fixed k2' when the model has one."""
    table = pd.read_csv(path, sep="\t", index_col=0).reindex(list(names))
    k2_prime = float(table["k2'"].iloc[0]) if "k2'" in table else None
    return Published(table["BPnd"].to_numpy(float), k2_prime)


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
