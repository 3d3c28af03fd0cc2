"""What blood samples can and cannot be."""

from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.kinetics.plasma import Samples

# Before the tracer arrives a counter shows noise: so far below zero, as a part of the largest sample.
NOISE = 0.01
# Between samples of at least this part of the largest, zero is a sample that was not measured.
CLEARLY = 0.05
# Shares of percent, and shares that rounding or recovery lifts above 1.
IN_PERCENT, ABOVE_ONE = 1.5, 1.05
# The first sample must come by then, and the next one by so many times (and minutes after) the one before.
LATEST_FIRST_MIN, LONGEST_GAP_MIN, LONGEST_RATIO = 5.0, 20.0, 2.5
LEAST_SAMPLES = 5
# A first sample of this part of the largest has missed the rise.
RISEN = 0.2

Measured = tuple[FloatArray, FloatArray]


class Faults(NamedTuple):
    """Where samples are from, for sentences: file, column, and the row of each."""

    source: str
    column: str
    rows: IntArray

    def raise_at(self, i: int, what: str, hint: str) -> None:
        """Refuse sample `i`."""
        raise MorbidsError(f"{self.source}: {self.column} {what} in row {int(self.rows[i])}.", hint)


def check_activity(time_min: FloatArray, value: FloatArray, faults: Faults) -> tuple[Measured, list[str]]:
    """Radioactivity: times rise, nothing is negative beyond noise; zeros among high samples are left out, and told.

    Raises
    ------
    MorbidsError
        Too few samples, times that do not rise, negative values, or nothing above zero.
    """
    _check_times(time_min, faults)
    if len(value) < LEAST_SAMPLES:
        raise MorbidsError(
            f"{faults.source}: {faults.column} has {len(value)} samples; an input function needs {LEAST_SAMPLES}.",
            "Add samples, or take a model with a reference region.",
        )
    largest = value.max()
    if not largest > 0:
        raise MorbidsError(f"{faults.source}: {faults.column} is nowhere above zero.", "Correct the column.")
    low = np.flatnonzero(value < -NOISE * largest)
    if low.size:
        i = int(low[0])
        faults.raise_at(
            i, f"is {value[i]:g}", "Radioactivity is not negative; write n/a where none was measured."
        )
    notes = []
    high = np.flatnonzero(value >= CLEARLY * largest)
    inner = np.arange(len(value))
    empty = (value == 0) & (inner > high[0]) & (inner < high[-1])
    if empty.any():
        rows = ", ".join(str(int(row)) for row in faults.rows[empty])
        notes.append(
            f"{faults.source}: {faults.column} is 0 among high samples (rows {rows}): taken as not measured."
        )
    return (time_min[~empty], np.maximum(value[~empty], 0.0)), notes


def check_share(time_min: FloatArray, value: FloatArray, faults: Faults) -> tuple[Measured, list[str]]:
    """Parent fractions: times rise, from 0 to 1.

    Raises
    ------
    MorbidsError
        No sample, times that do not rise, or a value that is no share.
    """
    _check_times(time_min, faults)
    if not len(value):
        raise MorbidsError(
            f"{faults.source}: {faults.column} has no number.", "Add one, or remove the column."
        )
    wrong = np.flatnonzero((value < 0) | (value > ABOVE_ONE))
    if wrong.size:
        i = int(wrong[0])
        hint = (
            "Divide by 100."
            if value.max() > IN_PERCENT
            else "The share of unchanged tracer lies between 0 and 1."
        )
        faults.raise_at(i, f"is {value[i]:g}", hint)
    return (time_min, np.minimum(value, 1.0)), []


def _check_times(time_min: FloatArray, faults: Faults) -> None:
    wrong = np.flatnonzero(np.diff(time_min) <= 0)
    if wrong.size:
        i = int(wrong[0]) + 1
        raise MorbidsError(
            f"{faults.source}: times do not rise: {time_min[i]:.4g} min after injection in row {int(faults.rows[i])}, "
            f"{time_min[i - 1]:.4g} min in row {int(faults.rows[i - 1])} ({faults.column}).",
            "Sort the rows by time, and keep one row for each.",
        )


def check_spacing(samples: Samples, source: str) -> list[str]:
    """Refuse plasma that misses the bolus or pauses for long; returns what is odd about it.

    Raises
    ------
    MorbidsError
        The first sample is late, or a gap is too long for a line over it.
    """
    time, value = samples.arrays
    if time[0] > LATEST_FIRST_MIN:
        raise MorbidsError(
            f"{source}: the first sample of plasma is from {time[0]:.1f} min after injection; all before is unknown.",
            f"An input function needs samples from the first {LATEST_FIRST_MIN:g} min on.",
        )
    gap = np.diff(time)
    earlier = np.maximum(time[:-1], LATEST_FIRST_MIN)
    wide = np.flatnonzero((gap > LONGEST_GAP_MIN) & (time[1:] > LONGEST_RATIO * earlier))
    if wide.size:
        i = int(wide[0])
        raise MorbidsError(
            f"{source}: no sample of plasma from {time[i]:.1f} to {time[i + 1]:.1f} min after injection, too long "
            "a gap for a curve.",
            "Add the samples between, or take a model with a reference region.",
        )
    if value[0] > RISEN * value.max():
        return [
            f"The first sample of plasma, {60 * time[0]:.0f} s after injection, is {100 * value[0] / value.max():.0f} "
            "% of the largest: the rise before it is a straight line from injection."
        ]
    return []
