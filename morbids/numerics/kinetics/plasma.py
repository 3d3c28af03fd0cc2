"""The input function: what arterial blood tells of the tracer that reaches tissue, at every time of a scan.

Samples are few and uneven. The rules by which they become curves are stated here and in docs/kinetics.md, and nowhere
else: straight lines up to the peak of a curve, exponentials between falling samples after it, a parent fraction that
is fitted or interpolated, and an exponential for the last minutes that nobody sampled.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.compiled import compiled
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.parent_fraction import ParentRule, parent_fraction

# Between samples the product of plasma and parent fraction is evaluated so often, minutes: early, and later.
EARLY_STEP_MIN, EARLY_MIN, LATE_STEP_MIN = 0.05, 10.0, 0.5
# Shorter than any step of a curve.
JUMP_MIN = 1e-9
# Samples of which the exponential of the last minutes is made.
TAIL_SAMPLES = 3
# How far beyond the last sample a curve is continued, as a part of the time sampled; farther is refused.
MOST_TAIL = 0.1


class Samples(NamedTuple):
    """One measured quantity as plain numbers, which a plan can hold and a graph can compare.

    Attributes
    ----------
    time_min
        Minutes from injection, rising.
    value
        One per time.
    """

    time_min: tuple[float, ...]
    value: tuple[float, ...]

    @property
    def arrays(self) -> tuple[FloatArray, FloatArray]:
        """Times and values."""
        return np.array(self.time_min), np.array(self.value)

    def scaled(self, factor: float) -> "Samples":
        """The same in another unit."""
        return self._replace(value=tuple(factor * value for value in self.value))


@dataclass(frozen=True)
class Blood:
    """Samples of one scan, corrected for decay to injection.

    Attributes
    ----------
    plasma
        Radioactivity in plasma, tracer and metabolites together, in the unit of the tissue curves.
    whole_blood
        Radioactivity in whole blood in the same unit; None where it was not measured.
    parent
        Share of the plasma's radioactivity that is unchanged tracer; None where it was not measured.
    """

    plasma: Samples
    whole_blood: Samples | None = None
    parent: Samples | None = None

    @property
    def end_min(self) -> float:
        """Time of the last sample of plasma."""
        return self.plasma.time_min[-1]

    def scaled(self, factor: float) -> "Blood":
        """Radioactivity in another unit."""
        whole_blood = None if self.whole_blood is None else self.whole_blood.scaled(factor)
        return Blood(self.plasma.scaled(factor), whole_blood, self.parent)


class PlasmaInput(NamedTuple):
    """What reaches tissue, as straight lines between many times; nothing before the first.

    Attributes
    ----------
    time_min
        (n_times,) minutes from injection, on the clock of the tissue.
    parent
        (n_times,) unchanged tracer in plasma.
    whole_blood
        (n_times,) radioactivity of the blood that is in tissue.
    """

    time_min: FloatArray
    parent: FloatArray
    whole_blood: FloatArray

    def delayed(self, delay_min: float) -> "PlasmaInput":
        """The same, so many minutes later."""
        return self._replace(time_min=self.time_min + delay_min)


class FramedInput(NamedTuple):
    """An input function in the frames of a scan, each (n_frames,).

    Attributes
    ----------
    parent, whole_blood
        Means of the curves.
    parent_integral
        Means of the running integral of the parent, minutes.
    """

    parent: FloatArray
    whole_blood: FloatArray
    parent_integral: FloatArray


def make_input(blood: Blood, rule: ParentRule, end_min: float) -> PlasmaInput:
    """Input function from samples, on the clock of the blood.

    Parameters
    ----------
    blood
        Samples.
    rule
        How the parent fraction becomes a curve.
    end_min
        Until when it must reach, minutes from injection.

    Raises
    ------
    MorbidsError
        The samples end too long before.
    """
    check_reach(blood, end_min)
    knots = [0.0, max(end_min, blood.end_min) + MOST_TAIL * blood.end_min]
    for samples in (blood.plasma, blood.whole_blood):
        knots += samples.time_min if samples else ()
    fine = np.append(
        np.arange(0.0, min(EARLY_MIN, knots[1]), EARLY_STEP_MIN),
        np.arange(EARLY_MIN, max(knots[1], EARLY_MIN), LATE_STEP_MIN),
    )
    time = np.union1d(knots, fine)
    plasma = interpolate(blood.plasma, time)
    whole_blood = plasma if blood.whole_blood is None else interpolate(blood.whole_blood, time)
    return PlasmaInput(time, plasma * parent_fraction(blood.parent, rule).at(time), whole_blood)


def check_reach(blood: Blood, end_min: float) -> None:
    """Refuse samples that end too long before the frames that are to be fitted.

    Raises
    ------
    MorbidsError
        More than `MOST_TAIL` of the time sampled would have to be made up.
    """
    if end_min > blood.end_min * (1 + MOST_TAIL):
        raise MorbidsError(
            f"The last sample of plasma is from {blood.end_min:.1f} min after injection, but frames until "
            f"{end_min:.1f} min are to be fitted; a curve is continued by {100 * MOST_TAIL:.0f} % of its time at most.",
            "Add the later samples, or fit earlier frames: PlasmaLogan, MA1 or PlasmaPatlak with --window "
            "NAME=START-END.",
        )


def interpolate(samples: Samples, time_min: FloatArray) -> FloatArray:
    """A curve of radioactivity at any times (n_times,).

    Zero before the first sample if that was taken before injection, else a straight line from zero at injection to it.
    Straight lines up to the largest sample; after it an exponential between two samples where the later one is lower
    and above zero, else a straight line. Beyond the last sample the exponential through the last three (least squares
    of the logarithms), or their last value where they do not fall.
    """
    known, value = samples.arrays
    if known[0] > 0:
        known, value = np.append(0.0, known), np.append(0.0, value)
    curve = np.interp(time_min, known, value, left=0.0)
    interval = np.clip(np.searchsorted(known, time_min, side="right") - 1, 0, len(known) - 2)
    first, second = value[interval], value[interval + 1]
    falls = (interval >= value.argmax()) & (second > 0) & (second < first) & (time_min <= known[-1])
    share = (time_min - known[interval]) / (known[interval + 1] - known[interval])
    curve[falls] = (first * (np.where(falls, second, 1.0) / np.where(falls, first, 1.0)) ** share)[falls]
    beyond = time_min > known[-1]
    curve[beyond] = value[-1] * np.exp(-_tail_rate(known, value) * (time_min[beyond] - known[-1]))
    return np.asarray(curve)


def _tail_rate(time_min: FloatArray, value: FloatArray) -> float:
    """Rate per minute by which the last samples fall; 0 where they do not."""
    last = slice(max(len(value) - TAIL_SAMPLES, int(value.argmax())), None)
    if len(value[last]) < 2 or (value[last] <= 0).any():
        return 0.0
    slope = np.polynomial.polynomial.polyfit(time_min[last], np.log(value[last]), 1)[1]
    return float(max(-slope, 0.0))


def frame_input(plasma: PlasmaInput, frames: Frames) -> FramedInput:
    """Means of an input function, and of its running integral, in every frame."""
    edges = _Edges.of(plasma.time_min, frames)
    parent, whole_blood = (edges.values(curve) for curve in (plasma.parent, plasma.whole_blood))
    running, twice = convolve(edges.time_min, parent, np.zeros(1))
    blood, _ = convolve(edges.time_min, whole_blood, np.zeros(1))
    return FramedInput(edges.means(running[0]), edges.means(blood[0]), edges.means(twice[0]))


def frame_responses(plasma: PlasmaInput, frames: Frames, rate_per_min: FloatArray) -> FloatArray:
    """Frame means (n_frames, n_rates) of the parent convolved with exp(-rate t).

    Exact for the straight lines between the times of the input: no grid, and no error that grows with the rate.
    """
    edges = _Edges.of(plasma.time_min, frames)
    _, integral = convolve(edges.time_min, edges.values(plasma.parent), rate_per_min)
    return np.column_stack([edges.means(curve) for curve in integral])


class _Edges(NamedTuple):
    """Times of an input with the edges of frames among them."""

    known: FloatArray
    time_min: FloatArray
    start: IntArray
    end: IntArray
    duration_min: FloatArray

    @classmethod
    def of(cls, time_min: FloatArray, frames: Frames) -> "_Edges":
        """Edges of frames that begin before injection are in time that holds nothing."""
        # Just before the first time there is nothing: a curve that does not begin at zero begins with a jump.
        times = (time_min[time_min <= frames.end_min[-1]], frames.start_min, frames.end_min)
        time = np.unique(np.concatenate([*times, [time_min[0] - JUMP_MIN]]))
        start, end = (np.searchsorted(time, edge) for edge in (frames.start_min, frames.end_min))
        return cls(time_min, time, start, end, frames.duration_min)

    def values(self, curve: FloatArray) -> FloatArray:
        """The curve at all times; continued level past its end, which `make_input` sets beyond the scan's."""
        return np.interp(self.time_min, self.known, curve, left=0.0)

    def means(self, integral: FloatArray) -> FloatArray:
        """Frame means from a running integral at all times."""
        return np.asarray((integral[self.end] - integral[self.start]) / self.duration_min)


def convolve(
    time_min: FloatArray, value: FloatArray, rate_per_min: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Straight lines convolved with exponentials, and the running integral of that, each (n_rates, n_times).

    I' = value - rate I has a closed form over a straight piece of length h: with z = -rate h, phi_1 = (e^z - 1) / z and
    phi_(k+1) = (phi_k - 1 / k!) / z, the piece adds h (phi_1 - phi_2) of its first and h phi_2 of its last value.
    """
    response = np.zeros((len(rate_per_min), len(time_min)))
    integral = np.zeros_like(response)
    _convolve(np.ascontiguousarray(time_min), np.ascontiguousarray(value), rate_per_min, response, integral)
    return response, integral


@compiled
def _convolve(
    time_min: FloatArray,
    value: FloatArray,
    rate_per_min: FloatArray,
    response: FloatArray,
    integral: FloatArray,
) -> None:
    for i in range(len(rate_per_min)):
        for k in range(len(time_min) - 1):
            h = time_min[k + 1] - time_min[k]
            z = -rate_per_min[i] * h
            if z > -0.1:
                # Series of phi_3; the others follow from it without cancellation.
                third = (1 / 6) * (
                    1 + z / 4 * (1 + z / 5 * (1 + z / 6 * (1 + z / 7 * (1 + z / 8 * (1 + z / 9)))))
                )
                second = 0.5 + z * third
                first = 1.0 + z * second
            else:
                first = np.expm1(z) / z
                second = (first - 1.0) / z
                third = (second - 0.5) / z
            start, rise = value[k], value[k + 1] - value[k]
            before = response[i, k]
            response[i, k + 1] = (1.0 + z * first) * before + h * (start * first + rise * second)
            integral[i, k + 1] = integral[i, k] + h * (first * before + h * (start * second + rise * third))
