"""What a scan costs, roughly, before it is computed: memory of its largest step, and processor time."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import NamedTuple

from morbids.bids.images import read_grid
from morbids.errors import MorbidsError
from morbids.participant.memory import find_largest_step
from morbids.participant.plan import USUAL_T1W_VOXELS, ScanPlan

# `python -m benchmarks scan`, at full size: T1w of 192 x 240 x 240, PET of 128 x 128 x 63 x 21.
T1W_S = 52.0
"""Brain, tissue, template and their pictures; grows with the voxels of the image."""
MOTION_S = 34.0
"""Head motion; grows with voxels times frames."""
SCAN_S = 34.0
"""Registration, regions, curves, fits, pictures, saving."""
USUAL_PET_VALUES = 128 * 128 * 63 * 21


class Cost(NamedTuple):
    """What a scan needs: memory in GB, and minutes of one processor; those of its T1w image are apart."""

    memory_gb: float
    scan_min: float
    t1w_min: float


def estimate_cost(plan: ScanPlan) -> Cost:
    """Estimate from the sizes of the images; those that are not here are taken to be of usual size."""
    motion_s = MOTION_S * _pet_values(plan) / USUAL_PET_VALUES if plan.taken is None else 0.0
    t1w_s = T1W_S * plan.t1w.n_voxels / USUAL_T1W_VOXELS if plan.t1w.taken is None else T1W_S / 5
    return Cost(find_largest_step(plan).gb, (motion_s + SCAN_S) / 60, t1w_s / 60)


def _pet_values(plan: ScanPlan) -> float:
    try:
        grid = read_grid(plan.scan.pet)
    except MorbidsError:
        return float(USUAL_PET_VALUES)
    return float(prod(grid.shape) * plan.scan.timing.frames.n_frames)


def total_minutes(plans: Sequence[ScanPlan], costs: Mapping[Path, Cost], n_procs: int) -> float:
    """Minutes of a run of these scans on so many processors; each T1w image counts once.

    Parameters
    ----------
    costs
        By the scan's image.
    """
    own = [(plan.t1w.path, costs[plan.scan.pet]) for plan in plans]
    t1w_min = {path: cost.t1w_min for path, cost in own}
    together = sum(cost.scan_min for _, cost in own) + sum(t1w_min.values())
    longest = max((cost.scan_min + cost.t1w_min for _, cost in own), default=0.0)
    return max(together / n_procs, longest)
