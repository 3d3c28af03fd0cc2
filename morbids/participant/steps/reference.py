"""The reference region of a scan: cut, averaged, and judged by its curve."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.bids.tables import read_table
from morbids.imaging.images import read_image
from morbids.imaging.reference import ReferenceRegion, ReferenceRule, make_reference_region
from morbids.numerics.frames import TimeAxis
from morbids.numerics.kinetics.slow_tissue import by_tissue
from morbids.numerics.reference_curve import LATE_SHARE, LEAST_RATIO, compare_retention
from morbids.participant.kinetic_plan import KineticPlan
from morbids.participant.steps.curves import (
    CurveTable,
    read_curves,
    save_curves,
    save_shares,
)
from morbids.participant.steps.inputs import AtlasFiles, WayToPet

LEAST_REGION_ML = 1.0
LEAST_TOGETHER_ML = 5.0
"""Less tissue than this is no witness against a reference: noise and cerebrospinal fluid can make it."""


class ReferenceVerdict(NamedTuple):
    """What the reference curve looks like beside the others.

    Attributes
    ----------
    concern
        Empty, or the sentence that says that the region may bind.
    lowest_ratio, lowest_drift
        Of the region with the lowest late ratio (see `numerics.reference_curve`); None where no region serves,
        and the drift also where the scan begins too late.
    """

    concern: str
    lowest_ratio: float | None
    lowest_drift: float | None


class ReferenceCurve(NamedTuple):
    """The mean curve, the coefficient of variation of the voxels in the last third of the scan, and slow tissue.

    `shares` is a table of the parts of white matter and fluid, which stand once more for the sidecar; None where they
    are not known.
    """

    curves: Path
    noise: float
    shares: Path | None = None
    white_share: float | None = None
    fluid_share: float | None = None


def cut_reference(
    atlas: AtlasFiles, way: WayToPet, gm: Path, rule: ReferenceRule, out_dir: Path
) -> ReferenceRegion:
    """Cut the reference region out of its atlas, all of which is brought to PET space."""
    return make_reference_region(
        rule, atlas.atlas_dseg, atlas.table, way.petref, out_dir, gm, (way.t1w_to_pet,), way.chain
    )


def extract_reference(
    pet: Path,
    mask: Path,
    name: str,
    axis: TimeAxis,
    out_dir: Path,
    shares: Path | None = None,
) -> ReferenceCurve:
    """Average the reference region in every frame, and measure how much its voxels differ late in the scan.

    Parameters
    ----------
    shares
        Image of the parts of white matter and fluid, to be averaged too.
    """
    inside = read_image(mask).values > 0.5
    voxels = read_image(pet).values[inside].astype(float)
    # One static frame may be stored without an axis of time.
    voxels = voxels.reshape(len(voxels), -1)
    mean = voxels.mean(axis=0)
    end_min = axis.frames.end_min
    late = end_min > LATE_SHARE * end_min[-1]
    noise = float(np.mean(voxels.std(axis=0)[late] / mean[late]))
    table = CurveTable((name,), mean[:, None])
    saved = save_curves(table, axis, out_dir)
    if shares is None:
        return ReferenceCurve(saved.curves, noise)
    parts = read_image(shares).values[inside].mean(axis=0, dtype=float)
    table_of_shares = save_shares((name,), parts[None], out_dir)
    return ReferenceCurve(saved.curves, noise, table_of_shares, *by_tissue(parts).tolist())


def judge_reference(curves: Path, table: Path, reference_curve: Path, plan: KineticPlan) -> ReferenceVerdict:
    """Look for tissue that loses tracer faster than the reference region.

    Parameters
    ----------
    curves, table
        Curves of an atlas, and its regions with their volumes.
    """
    if plan.blood is not None:
        # The region of the delay is no reference: it may bind.
        return ReferenceVerdict("", None, None)
    found, volumes = read_curves(curves), read_table(table, ("name", "volume_ml"))
    volume_ml = volumes["volume_ml"].to_numpy(dtype=float)
    retention = compare_retention(found.curves, read_curves(reference_curve).curves[:, 0], plan.frames)
    known = np.isfinite(retention.late_ratio) & (volume_ml >= LEAST_REGION_ML)
    if not known.any():
        return ReferenceVerdict("", None, None)
    below = known & retention.below
    lowest = int(np.argmin(np.where(known, retention.late_ratio, np.inf)))
    concern = ""
    if volume_ml[below].sum() >= LEAST_TOGETHER_ML:
        order = np.flatnonzero(below)[np.argsort(retention.late_ratio[below])]
        named = ", ".join(found.names[place] for place in order[:3])
        concern = (
            f"The reference region {plan.reference.name} keeps tracer longer than {below.sum()} other regions "
            f"({named}; ratio to the reference down to {retention.late_ratio[lowest]:.2f} late in the scan, at least "
            f"{LEAST_RATIO:g} expected): it seems to bind, and every estimate is too low."
        )
    drift = float(retention.drift[lowest])
    return ReferenceVerdict(
        concern, float(retention.late_ratio[lowest]), drift if np.isfinite(drift) else None
    )
