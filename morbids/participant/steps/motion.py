"""Head motion in the windows of a scan."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.bids.tables import read_table
from morbids.bids.windows import window_points
from morbids.imaging.head_mask import mask_head
from morbids.imaging.images import read_image
from morbids.imaging.motion_table import sample_points
from morbids.imaging.motion_windows import measure_windows
from morbids.imaging.transforms import read_itk
from morbids.participant.kinetic_plan import KineticPlan


class MotionVerdict(NamedTuple):
    """What head motion means for the windows; `concern` holds the correction's own doubts first."""

    concern: tuple[str, ...]
    within_mm: float | None
    between_mm: float | None


def judge_motion(
    transforms: Path,
    confounds_tsv: Path,
    petref: Path,
    concern: tuple[str, ...],
    plan: KineticPlan,
    run_lengths: Sequence[int] | None = None,
) -> MotionVerdict:
    """Measure where the head lies in each window, in frames that have an estimate of their own."""
    reference = read_image(petref)
    head = mask_head(reference.values, reference.voxel_mm)
    points = sample_points(reference, head if head.any() else np.ones_like(head))
    matrices = read_itk(transforms)
    positions = np.einsum("nij,pj->npi", matrices[:, :3, :3], points) + matrices[:, None, :3, 3]
    positions[read_table(confounds_tsv, ("motion_borrowed",))["motion_borrowed"].to_numpy() > 0] = np.nan
    runs = (
        np.repeat(np.arange(len(run_lengths)), run_lengths) if run_lengths else np.zeros(len(matrices), int)
    )
    found = measure_windows(
        positions,
        plan.frames.duration_min,
        {window.name: window_points(plan.frames, window) for window in plan.windows},
        [(pair.baseline.name, pair.challenge.name) for pair in plan.pairs],
        runs,
    )
    return MotionVerdict((*concern, *found.concern), found.within_mm, found.between_mm)
