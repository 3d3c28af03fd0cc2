"""Times that cannot be seconds: which fields hold milliseconds, minutes, ends or mid-times of frames.

Each field is judged by itself, since datasets mix units: all times in milliseconds, only the durations, or only the
injection. The sentence names those fields that are to be changed, and no other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from morbids.bids.fields import as_number
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import LONGEST_SCAN_MIN, SHORTEST_SCAN_MIN

# Frames of scanners are rounded: an overlap below this is no overlap.
OVERLAP_TOLERANCE_S = 0.1
# No frame of a brain scan lasts 3 h; 11 s written in milliseconds already would.
LONGEST_FRAME_S = 3 * 3600.0
_DAY_S = 24 * 3600.0
# Steps of the starts over durations: 1 where frames follow each other, 1000 or 1/1000 where one is in ms.
_MS_RATIO, _MIN_RATIO = 500.0, (50.0, 75.0)
_SCALARS = (
    *("ScanStart", "ImageDecayCorrectionTime", "InfusionStart", "InjectionEnd"),
    *("PharmaceuticalDoseTime",),
)


class Times(NamedTuple):
    """Times as the sidecar gives them, seconds from TimeZero if they are what BIDS asks for: (n_frames,) twice."""

    start_s: FloatArray
    duration_s: FloatArray
    injection_s: float


def check_units(times: Times, metadata: Mapping[str, Any], source: Path) -> None:
    """Refuse times that are clearly something else than seconds, starts and durations.

    Raises
    ------
    MorbidsError
        Naming the fields, and what to do with them.
    """
    _check_ends(times, source)
    _check_milliseconds(times, metadata, source)
    _check_minutes(times, source)
    _check_mid_times(times, source)


def _check_ends(times: Times, source: Path) -> None:
    """Refuse durations that give no frames in order, but do when they are read as ends (bids-examples pet004)."""
    start_s, duration_s = times.start_s, times.duration_s
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


def _check_milliseconds(times: Times, metadata: Mapping[str, Any], source: Path) -> None:
    fields = _fields_in_ms(times, metadata)
    if not fields:
        return
    shown = _listed([f"{name} ({_largest(metadata[name]):g})" for name in fields])
    verb = "looks" if len(fields) == 1 else "look"
    others = [name for name in ("FrameTimesStart", "FrameDuration", "InjectionStart") if name not in fields]
    hint = f"PET-BIDS times are seconds: divide {_listed(fields)} by 1000."
    raise MorbidsError(
        f"{source}: {shown} {verb} like milliseconds.",
        hint + (f" {_listed(others)} can stay." if others else ""),
    )


def _fields_in_ms(times: Times, metadata: Mapping[str, Any]) -> list[str]:
    """Names of the fields that only make sense as milliseconds."""
    durations = times.duration_s.max() > LONGEST_FRAME_S
    duration_s = times.duration_s / 1000 if durations else times.duration_s
    starts = _starts_in_ms(times.start_s, duration_s)
    start_s = times.start_s / 1000 if starts else times.start_s
    end_s = float(start_s[-1] + duration_s[-1])
    injection = not _is_scan(end_s - times.injection_s) and _is_scan(end_s - times.injection_s / 1000)
    injection = injection and abs(times.injection_s) > LONGEST_SCAN_MIN * 60
    injection_s = times.injection_s / 1000 if injection else times.injection_s
    verdicts = {"FrameTimesStart": starts, "FrameDuration": durations, "InjectionStart": injection}
    fields = [name for name, verdict in verdicts.items() if verdict]
    first_s, last_s = min(float(start_s[0]), injection_s) - 60, max(end_s, injection_s) + 60
    for name in _SCALARS:
        value = _largest(metadata.get(name))
        outside = not first_s <= value <= last_s
        far = bool(fields) or max(first_s - value, value - last_s) > LONGEST_SCAN_MIN * 60
        if outside and far and first_s <= value / 1000 <= last_s and abs(value) >= 1000:
            fields.append(name)
    return fields


def _starts_in_ms(start_s: FloatArray, duration_s: FloatArray) -> bool:
    """Whether starts go up a thousand times as fast as durations tell, or a single one is days away."""
    ratios = _step_ratios(start_s, duration_s)
    return bool(np.median(ratios) > _MS_RATIO) if len(ratios) else bool(abs(start_s[0]) > _DAY_S)


def _step_ratios(start_s: FloatArray, duration_s: FloatArray) -> FloatArray:
    lasting = duration_s[:-1] > 0
    ratios: FloatArray = np.diff(start_s)[lasting] / duration_s[:-1][lasting]
    return ratios


def _is_scan(end_s: float) -> bool:
    return 0 < end_s <= LONGEST_SCAN_MIN * 60


def _largest(value: object) -> float:
    """The number of a field, of a list the one that is farthest from 0; 0 where there is none."""
    values = value if isinstance(value, list) else [value]
    numbers = [number for item in values if (number := as_number(item)) is not None]
    return max(numbers, key=abs, default=0.0)


def _check_minutes(times: Times, source: Path) -> None:
    """Refuse minutes in the place of seconds, in all fields or in one of starts and durations."""
    ratios = _step_ratios(times.start_s, times.duration_s)
    ratio = float(np.median(ratios)) if len(ratios) else 1.0
    for name, found, values in (
        ("FrameDuration", ratio, times.duration_s),
        ("FrameTimesStart", 1 / ratio if ratio > 0 else 1.0, times.start_s),
    ):
        if _MIN_RATIO[0] < found < _MIN_RATIO[1]:
            raise MorbidsError(
                f"{source}: {name} ends with {values[-1]:g} and does not fit the other field, but would in minutes.",
                f"PET-BIDS times are seconds: multiply {name} by 60.",
            )
    end_s = times.start_s[-1] + times.duration_s[-1] - times.injection_s
    if 0 < end_s < SHORTEST_SCAN_MIN * 60:
        raise MorbidsError(
            f"{source}: {_told_end(times)}",
            "PET-BIDS times are seconds: multiply them by 60 if they are minutes; a scan as short cannot be analysed.",
        )
    if end_s > LONGEST_SCAN_MIN * 60:
        raise MorbidsError(
            f"{source}: {_told_end(times)}",
            "All three are seconds from one TimeZero: correct the one that is not.",
        )


def _told_end(times: Times) -> str:
    start_s, duration_s = times.start_s[-1], times.duration_s[-1]
    end_min = (start_s + duration_s - times.injection_s) / 60
    return (
        f"the last frame ends {end_min:.4g} min after injection (FrameTimesStart {start_s:g}, FrameDuration "
        f"{duration_s:g}, InjectionStart {times.injection_s:g})."
    )


def _check_mid_times(times: Times, source: Path) -> None:
    """Refuse starts that are the middles of frames that follow each other."""
    steps, duration_s = np.diff(times.start_s), times.duration_s
    between_middles = (duration_s[:-1] + duration_s[1:]) / 2
    fits_middles = np.allclose(steps, between_middles, atol=OVERLAP_TOLERANCE_S)
    if len(steps) and fits_middles and not np.allclose(steps, duration_s[:-1], atol=1.0):
        frame = int(np.argmax(np.abs(steps - duration_s[:-1]) > 1.0))
        raise MorbidsError(
            f"{source}: FrameTimesStart seems to hold the middles of the frames: frames {frame + 1} and {frame + 2} "
            f"are {steps[frame]:g} s apart and last {duration_s[frame]:g} and {duration_s[frame + 1]:g} s.",
            "Take half of FrameDuration from each value of FrameTimesStart.",
        )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
