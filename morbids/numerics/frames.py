"""The time frames of a dynamic scan, in minutes from injection."""

from typing import NamedTuple

from morbids.numerics.arrays import FloatArray


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
