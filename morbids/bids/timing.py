"""One time axis: PET-BIDS seconds from TimeZero become checked minutes from injection, with decay factors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from morbids.bids.radioactivity import half_life_s
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames

# Frames of scanners are rounded: an overlap below this is no overlap, a gap below GAP_S is no gap.
OVERLAP_TOLERANCE_S = 0.1
GAP_S = 1.0
# No frame of a brain scan lasts 3 h; 11 s written in milliseconds already would.
LONGEST_FRAME_S = 3 * 3600.0
# Scanners start a few seconds before the first frame (ds004230); more is another clock.
SCAN_START_TOLERANCE_S = 10.0


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

    def minutes_from_injection(self, seconds_from_time_zero: float) -> float:
        """Convert a PET-BIDS time."""
        return (seconds_from_time_zero - self.injection_s) / 60

    def event_minutes(self, onset_s: float) -> float:
        """Convert an `events.tsv` onset, which counts from the first stored frame."""
        return self.minutes_from_injection(onset_s + self.first_frame_s)


def read_timing(metadata: Mapping[str, Any], n_volumes: int, source: Path) -> ScanTiming:
    """Read and check the time axis of one scan.

    Parameters
    ----------
    metadata
        The scan's sidecar, inherited fields included.
    n_volumes
        Volumes of the image.
    source
        The image, for messages.

    Raises
    ------
    MorbidsError
        A field is missing or wrong, or the frames cannot be (METHODS 2); the sentence names field and value.
    """
    _require(metadata, ("FrameTimesStart", "FrameDuration", "InjectionStart", "ImageDecayCorrected"), source)
    start_s = _numbers(metadata, "FrameTimesStart", source)
    duration_s = _numbers(metadata, "FrameDuration", source)
    injection_s = _number(metadata, "InjectionStart", source)
    _check_counts(start_s, duration_s, n_volumes, source)
    _check_durations(start_s, duration_s, source)
    _check_seconds(start_s, duration_s, source)
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
    missing = [name for name in fields if metadata.get(name) is None]
    if missing:
        raise MorbidsError(
            f"{source}: the sidecar lacks {', '.join(missing)}.",
            "Add it to the JSON file of the scan, or to one above it from which it is inherited.",
        )


def _number(metadata: Mapping[str, Any], name: str, source: Path) -> float:
    value = metadata[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise MorbidsError(f"{source}: {name} is {value!r}.", "It must be a number of seconds from TimeZero.")
    return float(value)


def _numbers(metadata: Mapping[str, Any], name: str, source: Path) -> FloatArray:
    value = metadata[name]
    values = value if isinstance(value, list) else [value]
    wrong = [
        item
        for item in values
        if isinstance(item, bool) or not isinstance(item, int | float) or not np.isfinite(item)
    ]
    if wrong or not values:
        raise MorbidsError(
            f"{source}: {name} holds {wrong[0] if wrong else 'no value'!r}.",
            "It must be a list of numbers in seconds, one per frame.",
        )
    return np.asarray(values, dtype=float)


def _check_counts(start_s: FloatArray, duration_s: FloatArray, n_volumes: int, source: Path) -> None:
    for name, values in (("FrameTimesStart", start_s), ("FrameDuration", duration_s)):
        if len(values) != n_volumes:
            raise MorbidsError(
                f"{source}: {name} has {len(values)} values, but the image has {n_volumes} volumes.",
                "Correct the sidecar, or the image if volumes were lost in conversion.",
            )


def _check_durations(start_s: FloatArray, duration_s: FloatArray, source: Path) -> None:
    """Refuse durations that give no frames in order, but do when they are read as ends (bids-examples pet004)."""
    overlap = start_s[:-1] + duration_s[:-1] > start_s[1:] + OVERLAP_TOLERANCE_S
    after_start = duration_s > start_s
    before_next = duration_s[:-1] <= start_s[1:] + OVERLAP_TOLERANCE_S
    if overlap.any() and after_start.all() and before_next.all():
        frame = int(np.argmax(overlap))
        raise MorbidsError(
            f"{source}: FrameDuration seems to hold the ends of the frames: frame {frame + 1} starts at "
            f"{start_s[frame]:g} s and FrameDuration is {duration_s[frame]:g} s.",
            "Replace each value of FrameDuration by end minus start.",
        )


def _check_seconds(start_s: FloatArray, duration_s: FloatArray, source: Path) -> None:
    """Refuse times that are clearly milliseconds, in one field or in both."""
    if duration_s.max() > LONGEST_FRAME_S:
        raise MorbidsError(
            f"{source}: FrameDuration holds {duration_s.max():g}, which would be a frame of "
            f"{duration_s.max() / 3600:.3g} h: these look like milliseconds.",
            "PET-BIDS times are seconds: divide FrameTimesStart and FrameDuration by 1000.",
        )
    steps_s = np.diff(start_s)
    if len(steps_s) and np.median(steps_s / np.where(duration_s[:-1] > 0, duration_s[:-1], np.nan)) > 500:
        raise MorbidsError(
            f"{source}: FrameTimesStart goes up by {np.median(steps_s):g} while FrameDuration is "
            f"{np.median(duration_s[:-1]):g}: FrameTimesStart looks like milliseconds.",
            "PET-BIDS times are seconds: divide FrameTimesStart by 1000.",
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
    if metadata.get("ScanStart") is None:
        return ""
    scan_start_s = _number(metadata, "ScanStart", source)
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
    corrected = metadata["ImageDecayCorrected"]
    if not isinstance(corrected, bool):
        raise MorbidsError(
            f"{source}: ImageDecayCorrected is {corrected!r}.", "It must be true or false, without quotes."
        )
    if not corrected:
        decay = decay_per_min * frames.duration_min
        factors = np.exp(decay_per_min * frames.start_min) * decay / -np.expm1(-decay)
        return factors, "The image was not corrected for decay: corrected here to injection."
    _require(metadata, ("ImageDecayCorrectionTime",), source)
    reference_s = _number(metadata, "ImageDecayCorrectionTime", source)
    shift_min = (reference_s - injection_s) / 60
    factors = np.full(frames.n_frames, np.exp(decay_per_min * shift_min))
    if abs(shift_min) * 60 <= OVERLAP_TOLERANCE_S:
        return np.ones(frames.n_frames), ""
    return factors, (
        f"The image was corrected for decay to {shift_min:.2f} min from injection: rescaled by "
        f"{factors[0]:.4f} to injection."
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
