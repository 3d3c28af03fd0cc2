"""The windows of a scan: requested, else of its events, of its drug dose, or the whole; checked against its frames."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from morbids.bids.event_windows import Usable, windows_of_events
from morbids.bids.fields import as_number, as_text, is_given
from morbids.bids.timing import ScanTiming
from morbids.bids.windows import (
    BASELINE,
    CHALLENGE,
    MIN_FRAMES,
    WHOLE_SCAN,
    Event,
    Window,
    fit_window,
    window_points,
)
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.frames import Frames

# A frame that sticks out by less than this is not called cut (times are rounded to 0.1 s).
_CUT_TOLERANCE = 1e-3


class WindowWishes(NamedTuple):
    """What is asked of windows: they themselves, or which rows of `events.tsv` make them, and how many frames.

    A line needs three frames, a ratio one.
    """

    windows: tuple[Window, ...] = ()
    events: tuple[str, ...] = ()
    least_frames: int = MIN_FRAMES


class CutFrame(NamedTuple):
    """A frame across the edge of a window.

    Attributes
    ----------
    frame
        Number of the frame, from 1.
    fraction_outside
        Share of its duration outside the window.
    used
        Whether its mid-time is inside, so that it belongs to the window.
    """

    frame: int
    fraction_outside: float
    used: bool


class WindowCoverage(NamedTuple):
    """The frames of one window."""

    n_frames: int
    cut_frames: tuple[CutFrame, ...]


class WindowChoice(NamedTuple):
    """The windows of a scan in the order of time, sentences for the report, and frames by window name."""

    windows: tuple[Window, ...]
    notes: tuple[str, ...]
    coverage: dict[str, WindowCoverage]


def choose_windows(
    wishes: WindowWishes,
    events: Sequence[Event],
    metadata: Mapping[str, Any],
    timing: ScanTiming,
    t_star_min: float,
    source: Path,
) -> WindowChoice:
    """Windows of a scan: the requested ones, else of its events, else of its drug dose, else t* to the end.

    Every start is raised to t*, every end lowered to the end of the scan; the notes say so.

    Parameters
    ----------
    wishes
        What the user gave.
    events
        Rows of the scan's `events.tsv`.
    metadata
        Its sidecar (Pharmaceutical fields).
    timing
        Its time axis.
    t_star_min
        First minute at which the model is linear.
    source
        The image, for messages.

    Raises
    ------
    MorbidsError
        Two windows of one name or with a frame in common, a window with too few frames or outside the scan,
        rows none of which can be a window, or a chosen event that is not there.
    """
    notes: list[str] = []
    usable = Usable(timing, t_star_min, source)
    found = (
        list(wishes.windows)
        or windows_of_events(events, wishes.events, usable, notes)
        or _windows_of_dose(metadata, usable, notes)
        or [Window(WHOLE_SCAN, t_star_min, float(timing.frames.end_min[-1]))]
    )
    _check_names(found)
    ordered = sorted(found, key=lambda window: window.start_min)
    fitted = [fit_window(window, timing.frames, t_star_min) for window in ordered]
    coverage = {window.name: _cover(timing.frames, window) for window in fitted}
    for window, given in zip(fitted, ordered, strict=True):
        _check_frames(given, coverage[window.name], usable, wishes.least_frames)
        notes.extend(_moved_notes(given, window))
        notes.extend(_cut_notes(window, coverage[window.name]))
    _check_shared(fitted, timing.frames, source)
    return WindowChoice(tuple(fitted), tuple(notes), coverage)


def _windows_of_dose(metadata: Mapping[str, Any], usable: Usable, notes: list[str]) -> list[Window]:
    """Before and after the (start of the) dose of a pharmaceutical, when it falls into the usable scan."""
    timing, t_star_min, source = usable
    dose = metadata.get("PharmaceuticalDoseTime")
    if not is_given(metadata, "PharmaceuticalDoseTime"):
        return []
    numbers = [as_number(value) for value in (dose if isinstance(dose, list) else [dose])]
    if not numbers or numbers[0] is None or None in numbers:
        raise MorbidsError(
            f"{source}: PharmaceuticalDoseTime is {as_text(dose)}.",
            "It must be a number of seconds from TimeZero, or [start, end] of an infusion.",
        )
    drug = metadata.get("PharmaceuticalName", "a pharmaceutical")
    dose_min = timing.minutes_from_injection(numbers[0])
    end_min = float(timing.frames.end_min[-1])
    if not t_star_min < dose_min < end_min:
        where = "before the usable part" if dose_min <= t_star_min else "after the end"
        notes.append(f"{drug} was given at {dose_min:.1f} min, {where} of the scan: one window.")
        return []
    notes.append(f"Windows before and after {drug}, given at {dose_min:.1f} min after injection.")
    return [Window(BASELINE, t_star_min, dose_min), Window(CHALLENGE, dose_min, end_min)]


def _check_names(windows: Sequence[Window]) -> None:
    names = [window.name for window in windows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise MorbidsError(f"Two windows are named '{twice[0]}'.", "Give each its own name.", ExitCode.USAGE)


def _moved_notes(given: Window, fitted: Window) -> list[str]:
    """Say what of a window was moved to keep it between t* and the end of the scan."""
    notes = []
    if fitted.start_min > given.start_min:
        notes.append(
            f"The window '{given.name}' starts at t* = {fitted.start_min:g} min instead of {given.start_min:.1f} min."
        )
    if fitted.end_min < given.end_min - _CUT_TOLERANCE:
        notes.append(
            f"The window '{given.name}' ends with the scan at {fitted.end_min:.1f} min instead of "
            f"{given.end_min:.1f} min."
        )
    return notes


def _cover(frames: Frames, window: Window) -> WindowCoverage:
    """Count the frames of a window and find those across its edges."""
    points = window_points(frames, window)
    inside_min = np.minimum(frames.end_min, window.end_min) - np.maximum(frames.start_min, window.start_min)
    outside = 1 - np.clip(inside_min, 0, None) / frames.duration_min
    cut = (outside > _CUT_TOLERANCE) & (outside < 1 - _CUT_TOLERANCE)
    cut_frames = tuple(
        CutFrame(int(frame) + 1, float(outside[frame]), bool(points[frame])) for frame in np.flatnonzero(cut)
    )
    return WindowCoverage(int(points.sum()), cut_frames)


def _check_frames(window: Window, coverage: WindowCoverage, usable: Usable, least_frames: int) -> None:
    frames, t_star_min = usable.timing.frames, usable.t_star_min
    if coverage.n_frames >= least_frames:
        return
    between = f"{window.start_min:.1f} to {window.end_min:.1f} min from injection"
    told = f"{usable.source}: the window '{window.name}' ({between})"
    if window.start_min >= frames.end_min[-1] or window.end_min <= max(t_star_min, frames.start_min[0]):
        fault = "lies outside the usable scan."
    else:
        needed = "one is" if least_frames == 1 else f"{least_frames} are"
        fault = f"has {coverage.n_frames} frames by mid-time; at least {needed} needed."
    raise MorbidsError(
        f"{told} {fault}",
        f"Give wider windows with --window NAME=START-END in minutes from injection, or an earlier t* (now "
        f"{t_star_min:g} min); the scan has frames from {frames.start_min[0]:.1f} to {frames.end_min[-1]:.1f} min.",
    )


def _check_shared(windows: Sequence[Window], frames: Frames, source: Path) -> None:
    """Refuse windows with frames in common: their difference would be small by construction, 0 for equal ones."""
    for first, second in combinations(windows, 2):
        shared = np.flatnonzero(window_points(frames, first) & window_points(frames, second)) + 1
        if len(shared):
            raise MorbidsError(
                f"{source}: the windows '{first.name}' ({first.start_min:g} to {first.end_min:g} min) and "
                f"'{second.name}' ({second.start_min:g} to {second.end_min:g} min) share {len(shared)} frames, from "
                f"frame {shared[0]} on.",
                "A frame can serve one window only: give windows that follow each other with --window "
                "NAME=START-END, or choose rows of events.tsv with --window-events NAME.",
            )


def _cut_notes(window: Window, coverage: WindowCoverage) -> list[str]:
    return [
        f"Frame {cut.frame} lies {100 * cut.fraction_outside:.0f} % outside the window '{window.name}' and "
        + ("is used in it." if cut.used else "is left out of it.")
        for cut in coverage.cut_frames
    ]
