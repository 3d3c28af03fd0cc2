"""Time courses of displacement, h(t): what a challenge may do to the efflux from a tissue."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import sample_frames


class ResponseLibrary(Protocol):
    """Several candidate time courses; each is zero before its onset and 1 at its peak."""

    @property
    def onset_min(self) -> FloatArray:
        """(n_members,) minutes from injection."""

    @property
    def peak_min(self) -> FloatArray:
        """(n_members,) minutes from injection of the height of the response."""

    @property
    def n_free(self) -> int:
        """Parameters that the choice of a member fixes, for the F test."""

    def at(self, time_min: FloatArray) -> FloatArray:
        """Responses (n_members, n_times)."""


class Decays(NamedTuple):
    """Responses that begin at once and fade: exp(-rate (t - onset)); rate 0 is a lasting step.

    Attributes
    ----------
    onset_min, rate_per_min
        (n_members,) each.
    n_free
        0 for a single step, 1 when the rate is searched.
    """

    onset_min: FloatArray
    rate_per_min: FloatArray
    n_free: int

    @property
    def peak_min(self) -> FloatArray:
        """The onset: the response starts at its height."""
        return self.onset_min

    def at(self, time_min: FloatArray) -> FloatArray:
        """Responses (n_members, n_times)."""
        elapsed = time_min - self.onset_min[:, None]
        faded = np.exp(-self.rate_per_min[:, None] * np.maximum(elapsed, 0.0))
        return np.asarray(np.where(elapsed >= 0, faded, 0.0))


class GammaVariates(NamedTuple):
    """Responses that rise and fall: (x exp(1 - x))^power with x = (t - onset) / (peak - onset).

    Normandin 2012, NeuroImage 59:2285, equation 4.

    Attributes
    ----------
    onset_min, peak_min, power
        (n_members,) each; a high power is a sharp response.
    """

    onset_min: FloatArray
    peak_min: FloatArray
    power: FloatArray

    @property
    def n_free(self) -> int:
        """Onset, peak and power."""
        return 3

    def at(self, time_min: FloatArray) -> FloatArray:
        """Responses (n_members, n_times)."""
        rise = (time_min - self.onset_min[:, None]) / (self.peak_min - self.onset_min)[:, None]
        rise = np.maximum(rise, 0.0)
        return np.asarray((rise * np.exp(1.0 - rise)) ** self.power[:, None])


def step_response(onset_min: float) -> Decays:
    """One lasting step."""
    return Decays(np.array([onset_min]), np.zeros(1), n_free=0)


class StepIntegral(NamedTuple):
    """What a step makes of curves.

    Attributes
    ----------
    matrix
        (n_frames, n_frames), minutes: frame means of the running integral from the onset on, as `integral_matrix`.
    after
        (n_frames,) part of each frame that comes after the onset.
    """

    matrix: FloatArray
    after: FloatArray


def integrate_step(frames: Frames, onset_min: float) -> StepIntegral:
    """Integrate curves from the onset of a step on."""
    return _cached_step(tuple(frames.start_min.tolist()), tuple(frames.duration_min.tolist()), onset_min)


@lru_cache(maxsize=16)
def _cached_step(
    start_min: tuple[float, ...], duration_min: tuple[float, ...], onset_min: float
) -> StepIntegral:
    """The same for every block of voxels of a scan, so it is made once."""
    samples = sample_frames(Frames(np.array(start_min), np.array(duration_min)))
    response = step_response(onset_min).at(samples.time_min)[0]
    found = StepIntegral((samples.running * response) @ samples.from_frames, samples.mean @ response)
    for values in found:
        values.flags.writeable = False
    return found


def decay_library(onset_min: float, half_times_min: Sequence[float] = ()) -> Decays:
    """Fading responses from one onset; by default half-times of 2 to 180 min, and a lasting step."""
    half_times = np.asarray(half_times_min or np.geomspace(2.0, 180.0, 30), float)
    rates = np.append(np.log(2.0) / half_times, 0.0)
    return Decays(np.full(len(rates), onset_min), rates, n_free=1)


def gamma_library(earliest_min: float, latest_min: float, end_min: float) -> GammaVariates:
    """About 300 gamma variates with onsets between two times, and peaks until the end of the scan.

    Parameters
    ----------
    earliest_min, latest_min
        Range of onsets.
    end_min
        End of the last frame.
    """
    members = [
        (onset, onset + part * (end_min - onset), power)
        for onset in np.linspace(earliest_min, latest_min, 12)
        for part in np.geomspace(0.06, 1.0, 8)
        for power in (0.25, 1.0, 4.0)
    ]
    onset, peak, power = np.array(members).T
    return GammaVariates(onset, peak, power)
