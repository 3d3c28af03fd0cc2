"""Memory that steps need for images of any size, as the scheduler is told before they start.

Peaks were measured with images of two sizes (docs/performance.md): a base, and a multiple of the image in memory.
"""

from typing import NamedTuple

FLOAT32_GB = 4e-9
MARGIN = 1.15
"""Registrations differ by some percent from person to person."""


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
