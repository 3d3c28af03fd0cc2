"""The time frames of a dynamic scan, in minutes from injection."""

from typing import NamedTuple, Self

import numpy as np

from morbids.numerics.arrays import FloatArray

# No reference tissue model makes sense of a shorter scan: such times are minutes taken for seconds.
SHORTEST_SCAN_MIN = 5.0
LONGEST_SCAN_MIN = 600.0


class Frames(NamedTuple):
    """Start and length of every frame.

    Attributes
    ----------
    start_min
        (n_frames,) minutes from injection; the first may be negative.
    duration_min
        (n_frames,) minutes, all positive.
    """

    start_min: FloatArray
    duration_min: FloatArray

    @property
    def end_min(self) -> FloatArray:
        """(n_frames,) minutes from injection at which each frame ends."""
        return self.start_min + self.duration_min

    @property
    def mid_min(self) -> FloatArray:
        """(n_frames,) minutes from injection at the middle of each frame."""
        return self.start_min + self.duration_min / 2

    @property
    def n_frames(self) -> int:
        """How many frames the scan has."""
        return len(self.start_min)


class TimeAxis(NamedTuple):
    """The frames of a scan as plain numbers, which a plan can hold and a graph can compare, and when time zero was.

    Attributes
    ----------
    start_min, duration_min
        One value per frame, in minutes from injection.
    injection_s
        Injection in seconds from the scan's own time zero, from which files of curves count.
    """

    start_min: tuple[float, ...]
    duration_min: tuple[float, ...]
    injection_s: float

    @classmethod
    def of(cls, frames: Frames, injection_s: float) -> Self:
        """The axis of frames."""
        return cls(tuple(map(float, frames.start_min)), tuple(map(float, frames.duration_min)), injection_s)

    @property
    def frames(self) -> Frames:
        """The frames as arrays."""
        return Frames(np.array(self.start_min), np.array(self.duration_min))
