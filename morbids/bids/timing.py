"""One time axis: PET-BIDS seconds from TimeZero become checked minutes from injection, with decay factors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from morbids.bids.fields import as_number, as_text, is_given
from morbids.bids.radioactivity import half_life_s
from morbids.bids.time_units import OVERLAP_TOLERANCE_S, Times, check_units
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames

# A gap below this is rounding.
GAP_S = 1.0
# Scanners start a few seconds before the first frame (ds004230); more is another clock.
SCAN_START_TOLERANCE_S = 10.0
# Correction to a time farther from injection multiplies or divides by more than a thousand.
MOST_HALF_LIVES = 10.0
# A frame that begins later holds no counts to undo the decay of.
LATEST_HALF_LIVES = 20.0
MOST_GAPS = 0.5
"""Share of the time from the first to the last frame without data: integrals rest more on lines than on data."""


@dataclass(frozen=True)
class ScanTiming:
    """When the frames of a scan were measured, and what is left of decay correction.

    Attributes
    ----------
    frames
        Start and duration, minutes from injection.
    first_frame_s
        FrameTimesStart[0], seconds from TimeZero; `events.tsv` counts from there.
    injection_s
        InjectionStart, seconds from TimeZero.
    half_life_min
        Of the radionuclide.
    decay_factors
        (n_frames,) to multiply into the image; all 1 when it is already corrected to injection.
    notes
        Stated repairs and gaps, for the report.
    """

    frames: Frames
    first_frame_s: float
    injection_s: float
    half_life_min: float
    decay_factors: FloatArray
    notes: tuple[str, ...] = ()

    @property
    def gap_share(self) -> float:
        """Share of the time from the first to the last frame that no frame covers."""
        whole_min = self.frames.end_min[-1] - self.frames.start_min[0]
        return float(max(1 - self.frames.duration_min.sum() / whole_min, 0.0))

    @property
    def concern(self) -> str:
        """What is odd about the time axis; empty when nothing is."""
        if self.gap_share <= MOST_GAPS:
            return ""
        return (
            f"{self.gap_share:.0%} of the time from the first to the last frame is without data: FrameTimesStart may "
            "be stretched, or FrameDuration too short."
        )

    def minutes_from_injection(self, seconds_from_time_zero: float) -> float:
        """Convert a PET-BIDS time."""
        return (seconds_from_time_zero - self.injection_s) / 60

    def event_minutes(self, onset_s: float) -> float:
        """Convert an `events.tsv` onset, which counts from the first stored frame."""
        return self.minutes_from_injection(onset_s + self.first_frame_s)


def read_timing(metadata: Mapping[str, Any], n_volumes: int | None, source: Path) -> ScanTiming:
    """Read and check the time axis of one scan.

    Parameters
    ----------
    metadata
        The scan's sidecar, inherited fields included.
    n_volumes
        Volumes of the image; None where the image is not here to be counted.
    source
        The image, for messages.

    Raises
    ------
    MorbidsError
        A field is missing or wrong, or the frames cannot be (METHODS 2); the sentence names field and value.
    """
    _require(metadata, ("FrameTimesStart", "FrameDuration", "InjectionStart", "ImageDecayCorrected"), source)
    _check_kinds(metadata, source)
    start_s = _numbers(metadata, "FrameTimesStart", source)
    duration_s = _numbers(metadata, "FrameDuration", source)
    injection_s = float(metadata["InjectionStart"])
    _check_counts(start_s, duration_s, n_volumes, source)
    check_units(Times(start_s, duration_s, injection_s), metadata, source)
    _check_order(start_s, duration_s, source)
    if start_s[-1] + duration_s[-1] <= injection_s:
        raise MorbidsError(
            f"{source}: InjectionStart is {injection_s:g} s, but the last frame ends at "
            f"{start_s[-1] + duration_s[-1]:g} s.",
            "Both count from TimeZero; correct the one that does not.",
        )
    half_life_min = half_life_s(metadata, source) / 60
    frames = Frames((start_s - injection_s) / 60, duration_s / 60)
    decay_factors, decay_note = _decay_factors(metadata, frames, injection_s, half_life_min, source)
    notes = (_scan_start_note(metadata, start_s[0], source), decay_note, *gap_notes(frames))
    return ScanTiming(
        frames=frames,
        first_frame_s=float(start_s[0]),
        injection_s=injection_s,
        half_life_min=half_life_min,
        decay_factors=decay_factors,
        notes=tuple(note for note in notes if note),
    )


def _require(metadata: Mapping[str, Any], fields: tuple[str, ...], source: Path) -> None:
    missing = [name for name in fields if not is_given(metadata, name)]
    if missing:
        raise MorbidsError(
            f"{source}: the sidecar lacks {', '.join(missing)}.",
            "Add it to the JSON file of the scan, or to one above it from which it is inherited.",
        )


def _check_kinds(metadata: Mapping[str, Any], source: Path) -> None:
    """Refuse text where a number, true or false must be; all fields at once."""
    faults = [
        f"{name} is {as_text(metadata[name])}"
        for name in ("InjectionStart", "ScanStart", "ImageDecayCorrectionTime")
        if is_given(metadata, name) and as_number(metadata[name]) is None
    ]
    if not isinstance(metadata["ImageDecayCorrected"], bool):
        faults.append(f"ImageDecayCorrected is {as_text(metadata['ImageDecayCorrected'])}")
    if faults:
        raise MorbidsError(
            f"{source}: {', '.join(faults)}.",
            "Times are numbers of seconds from TimeZero, and ImageDecayCorrected is true or false, without quotes.",
        )


def _numbers(metadata: Mapping[str, Any], name: str, source: Path) -> FloatArray:
    value = metadata[name]
    values = value if isinstance(value, list) else [value]
    numbers = [as_number(item) for item in values]
    if not values or None in numbers:
        wrong = as_text(values[numbers.index(None)]) if values else "no value"
        raise MorbidsError(
            f"{source}: {name} holds {wrong}.", "It must be a list of numbers in seconds, one per frame."
        )
    return np.array(numbers, dtype=float)


def _check_counts(start_s: FloatArray, duration_s: FloatArray, n_volumes: int | None, source: Path) -> None:
    if n_volumes is None:
        if len(start_s) != len(duration_s):
            raise MorbidsError(
                f"{source}: FrameTimesStart has {len(start_s)} values, and FrameDuration {len(duration_s)}.",
                "Correct the sidecar: both need one value for each volume.",
            )
        return
    for name, values in (("FrameTimesStart", start_s), ("FrameDuration", duration_s)):
        if len(values) != n_volumes:
            raise MorbidsError(
                f"{source}: {name} has {len(values)} values, but the image has {n_volumes} volumes.",
                "Correct the sidecar, or the image if volumes were lost in conversion.",
            )


def _check_order(start_s: FloatArray, duration_s: FloatArray, source: Path) -> None:
    """Refuse frames that cannot follow each other."""
    if (duration_s <= 0).any():
        frame = int(np.argmax(duration_s <= 0))
        raise MorbidsError(
            f"{source}: FrameDuration of frame {frame + 1} is {duration_s[frame]:g} s.",
            "Every frame must last longer than 0 s.",
        )
    steps_s = np.diff(start_s)
    if (steps_s <= 0).any():
        frame = int(np.argmax(steps_s <= 0)) + 1
        raise MorbidsError(
            f"{source}: FrameTimesStart goes backwards: frame {frame + 1} starts at {start_s[frame]:g} s, "
            f"frame {frame} at {start_s[frame - 1]:g} s.",
            "Frames must be in the order of time; sort volumes and fields together.",
        )
    overlap_s = start_s[:-1] + duration_s[:-1] - start_s[1:]
    if not (overlap_s > OVERLAP_TOLERANCE_S).any():
        return
    frame = int(np.argmax(overlap_s > OVERLAP_TOLERANCE_S))
    raise MorbidsError(
        f"{source}: frames overlap: frame {frame + 1} lasts from {start_s[frame]:g} to "
        f"{start_s[frame] + duration_s[frame]:g} s, frame {frame + 2} starts at {start_s[frame + 1]:g} s.",
        "Correct FrameTimesStart or FrameDuration.",
    )


def _scan_start_note(metadata: Mapping[str, Any], first_frame_s: float, source: Path) -> str:
    """Compare ScanStart with the first frame: state a small difference, refuse a frame before the scan."""
    if not is_given(metadata, "ScanStart"):
        return ""
    scan_start_s = float(metadata["ScanStart"])
    early_s = scan_start_s - first_frame_s
    if early_s > SCAN_START_TOLERANCE_S:
        raise MorbidsError(
            f"{source}: ScanStart is {scan_start_s:g} s, but FrameTimesStart begins at {first_frame_s:g} s.",
            "Both count from TimeZero: add ScanStart to FrameTimesStart, or correct ScanStart.",
        )
    if abs(early_s) <= OVERLAP_TOLERANCE_S:
        return ""
    return (
        f"ScanStart is {scan_start_s:g} s and the first frame starts at {first_frame_s:g} s: "
        "FrameTimesStart is used."
    )


def _decay_factors(
    metadata: Mapping[str, Any], frames: Frames, injection_s: float, half_life_min: float, source: Path
) -> tuple[FloatArray, str]:
    """Factors that bring the image to decay correction at injection, and what to say of them.

    An image without correction holds the mean of exp(-lambda t) over each frame; a corrected one only needs
    the constant between its reference time and injection.
    """
    decay_per_min = np.log(2) / half_life_min
    if not metadata["ImageDecayCorrected"]:
        _check_late(frames, half_life_min, source)
        decay = decay_per_min * frames.duration_min
        factors = np.exp(decay_per_min * frames.start_min) * decay / -np.expm1(-decay)
        return factors, "The image was not corrected for decay: corrected here to injection."
    _require(metadata, ("ImageDecayCorrectionTime",), source)
    reference_s = float(metadata["ImageDecayCorrectionTime"])
    shift_min = (reference_s - injection_s) / 60
    if abs(shift_min) > MOST_HALF_LIVES * half_life_min:
        raise MorbidsError(
            f"{source}: ImageDecayCorrectionTime is {reference_s:g} s and InjectionStart {injection_s:g} s, "
            f"{abs(shift_min) / half_life_min:.3g} half-lives of {half_life_min:.4g} min apart.",
            "Both count from TimeZero in seconds; correct the one that does not.",
        )
    factors = np.full(frames.n_frames, np.exp(decay_per_min * shift_min))
    if abs(shift_min) * 60 <= OVERLAP_TOLERANCE_S:
        return np.ones(frames.n_frames), ""
    return factors, (
        f"The image was corrected for decay to {shift_min:.2f} min from injection: rescaled by "
        f"{factors[0]:.4f} to injection."
    )


def _check_late(frames: Frames, half_life_min: float, source: Path) -> None:
    latest = float(np.abs(frames.start_min).max()) / half_life_min
    if latest > LATEST_HALF_LIVES:
        raise MorbidsError(
            f"{source}: the image is not corrected for decay, and has a frame {latest:.3g} half-lives of "
            f"{half_life_min:.4g} min from injection.",
            "Correct RadionuclideHalfLife (seconds), TracerRadionuclide, or ImageDecayCorrected.",
        )


def gap_notes(frames: Frames) -> list[str]:
    """Say where no data are; curves are interpolated over gaps for integrals."""
    notes = []
    if frames.start_min[0] * 60 > GAP_S:
        notes.append(
            f"The first frame starts {frames.start_min[0]:.1f} min after injection: integrals from injection "
            "rest on an interpolated start of the curve."
        )
    gap_min = frames.start_min[1:] - frames.end_min[:-1]
    for frame in np.flatnonzero(gap_min * 60 > GAP_S):
        notes.append(
            f"No data from {frames.end_min[frame]:.1f} to {frames.start_min[frame + 1]:.1f} min after "
            "injection: curves are interpolated linearly over the gap for integrals."
        )
    return notes
