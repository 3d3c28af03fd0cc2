"""Memory that steps need for images of any size, as the scheduler is told before they start.

Peaks were measured with images of two sizes (docs/performance.md): a base, and a multiple of the image in memory.
"""

from typing import NamedTuple

from morbids.errors import ExitCode, MorbidsError
from morbids.participant.plan import ScanPlan, T1w

FLOAT32_GB = 4e-9
MARGIN = 1.15
"""Registrations differ by some percent from person to person."""
LEAST_GB = 1.1
"""The largest step whose memory does not depend on the T1w image: fits of all voxels."""


class Need(NamedTuple):
    """Peak of a step in GB, and how many times the image (float32) comes on top."""

    base_gb: float
    times_image: float

    def gb(self, n_values: int) -> float:
        """Memory for an image of so many values (voxels, times frames)."""
        return MARGIN * (self.base_gb + self.times_image * FLOAT32_GB * n_values)


EXTRACT_BRAIN = Need(0.7, 2.0)
NORMALIZE = Need(0.45, 12.8)
SEGMENT = Need(0.35, 15.0)


class LargestStep(NamedTuple):
    """The step of a scan that needs most memory."""

    name: str
    gb: float


def find_largest_step(plan: ScanPlan) -> LargestStep:
    """The step of a scan or its T1w image that needs most memory at once."""
    steps = [LargestStep("fit maps", LEAST_GB), *_steps_of_t1w(plan.t1w, plan.spaces)]
    return max(steps, key=lambda step: step.gb)


def _steps_of_t1w(t1w: T1w, spaces: tuple[str, ...]) -> list[LargestStep]:
    """Steps that are not another program's."""
    taken, n_voxels = t1w.taken, t1w.n_voxels
    steps = []
    if taken is None or taken.mask is None:
        steps.append(LargestStep("extract brain", EXTRACT_BRAIN.gb(n_voxels)))
    if taken is None or not taken.tissue:
        steps.append(LargestStep("segment tissue", SEGMENT.gb(n_voxels)))
    if taken is None or any(space not in taken.transforms for space in spaces):
        steps.append(LargestStep("normalize", NORMALIZE.gb(n_voxels)))
    return steps


def check_memory(plan: ScanPlan, mem_gb: float) -> None:
    """Refuse a scan that needs more memory than the run may use.

    Raises
    ------
    MorbidsError
        Naming the T1w image: an image of impossible size is more likely than a machine too small.
    """
    largest = find_largest_step(plan)
    if largest.gb > mem_gb:
        raise MorbidsError(
            f"{plan.t1w.path} has {plan.t1w.n_voxels / 1e6:.3g} million voxels: the step {largest.name} needs "
            f"{largest.gb:.1f} GB of memory, and the run may use {mem_gb:.1f} GB.",
            "Raise --mem-gb, or check the image if it should be smaller.",
            ExitCode.USAGE,
        )
