"""Windows of a scan: which minutes are baseline, which are challenge, and which frames belong to them."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from morbids.bids.names import entity_label
from morbids.bids.timing import ScanTiming
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import BoolArray
from morbids.numerics.frames import Frames

BASELINE = "baseline"
CHALLENGE = "challenge"
# The one window of a scan without conditions; its outputs carry no `desc`.
WHOLE_SCAN = "whole"
MIN_FRAMES = 3
_WINDOW_TEXT = re.compile(r"\s*([^=]+?)\s*=\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*")
# A frame that sticks out by less than this is not called cut (times are rounded to 0.1 s).
_CUT_TOLERANCE = 1e-3


class Window(NamedTuple):
    """A named interval, minutes from injection."""

    name: str
    start_min: float
    end_min: float


class Event(NamedTuple):
    """A row of `events.tsv`: seconds from the first stored frame; duration NaN when it is n/a."""

    onset_s: float
    duration_s: float
    trial_type: str


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


class WindowPair(NamedTuple):
    """What is subtracted: baseline minus challenge."""

    baseline: Window
    challenge: Window


def parse_window(text: str) -> Window:
    """Read `NAME=START-END` (minutes from injection).

    Raises
    ------
    MorbidsError
        The text is something else, or the window ends before it starts.
    """
    match = _WINDOW_TEXT.fullmatch(text)
    if match is None:
        raise MorbidsError(
            f"The window '{text}' is not NAME=START-END.",
            "Write minutes from injection, for example baseline=10-40.",
            ExitCode.USAGE,
        )
    name, start, end = match.groups()
    window = Window(entity_label(name), float(start), float(end))
    if window.end_min <= window.start_min:
        raise MorbidsError(
            f"The window '{text}' ends before it starts.", "Write START before END.", ExitCode.USAGE
        )
    return window


def choose_windows(
    requested: Sequence[Window],
    events: Sequence[Event],
    metadata: Mapping[str, Any],
    timing: ScanTiming,
    t_star_min: float,
) -> WindowChoice:
    """Windows of a scan: the requested ones, else of its events, else of its drug dose, else t* to the end.

    Every start is raised to t*, every end lowered to the end of the scan; the notes say so.

    Parameters
    ----------
    requested
        Windows that the user gave, minutes from injection.
    events
        Rows of the scan's `events.tsv`.
    metadata
        Its sidecar (Pharmaceutical fields).
    timing
        Its time axis.
    t_star_min
        First minute at which the model is linear.

    Raises
    ------
    MorbidsError
        Two windows of one name, or a window with fewer than three frames.
    """
    notes: list[str] = []
    found = (
        list(requested)
        or _windows_of_events(events, timing, notes)
        or _windows_of_dose(metadata, timing, t_star_min, notes)
        or [Window(WHOLE_SCAN, t_star_min, float(timing.frames.end_min[-1]))]
    )
    _check_names(found)
    fitted = sorted((_fit(window, timing.frames, t_star_min, notes) for window in found), key=_start)
    coverage = {window.name: _cover(timing.frames, window) for window in fitted}
    for window in fitted:
        _check_frames(window, coverage[window.name], timing.frames, t_star_min)
        notes.extend(_cut_notes(window, coverage[window.name]))
    return WindowChoice(tuple(fitted), tuple(notes), coverage)


def window_points(frames: Frames, window: Window) -> BoolArray:
    """(n_frames,) True where the frame's mid-time is in the window (start included, end not)."""
    return (frames.mid_min >= window.start_min) & (frames.mid_min < window.end_min)


def pair_windows(windows: Sequence[Window]) -> tuple[WindowPair, ...]:
    """Each challenge with its baseline: the window named baseline, else the first in time."""
    if len(windows) < 2:
        return ()
    ordered = sorted(windows, key=_start)
    named = [window for window in ordered if window.name.lower().startswith(BASELINE)]
    baseline = named[0] if named else ordered[0]
    return tuple(WindowPair(baseline, window) for window in ordered if window is not baseline)


def window_entities(window: Window) -> dict[str, str]:
    """Entities of outputs of a window: none for the only window of a scan without conditions."""
    return {} if window.name == WHOLE_SCAN else {"desc": window.name}


def _start(window: Window) -> float:
    return window.start_min


def _windows_of_events(events: Sequence[Event], timing: ScanTiming, notes: list[str]) -> list[Window]:
    """One window per block: neighbouring rows of one trial_type are one; a later block of it is numbered."""
    rows = sorted((event for event in events if event.trial_type), key=lambda event: event.onset_s)
    if events and not rows:
        notes.append("events.tsv names no trial_type: its rows make no windows.")
    rows = [event for event in rows if event.duration_s != 0]
    ends_s = _ends_s(rows, timing, notes)
    blocks: list[Window] = []
    for event, end_s in zip(rows, ends_s, strict=True):
        start_min, end_min = timing.event_minutes(event.onset_s), timing.event_minutes(end_s)
        name = entity_label(event.trial_type)
        if blocks and blocks[-1].name == name:
            blocks[-1] = Window(name, blocks[-1].start_min, max(end_min, blocks[-1].end_min))
        else:
            blocks.append(Window(name, start_min, end_min))
    return _number_repeats(blocks)


def _ends_s(rows: Sequence[Event], timing: ScanTiming, notes: list[str]) -> list[float]:
    """End of each row, seconds from the first frame; n/a means the next row's onset or the scan's end."""
    frames = timing.frames
    scan_s = float(frames.end_min[-1] - frames.start_min[0]) * 60
    following = [*(event.onset_s for event in rows), scan_s][1:]
    ends = []
    for event, next_s in zip(rows, following, strict=True):
        if math.isnan(event.duration_s):
            notes.append(
                f"The event '{event.trial_type}' has no duration: taken to last to "
                f"{timing.event_minutes(next_s):.1f} min after injection."
            )
        ends.append(next_s if math.isnan(event.duration_s) else event.onset_s + event.duration_s)
    return ends


def _number_repeats(blocks: Sequence[Window]) -> list[Window]:
    """Give the second block of a name the number 2, and so on."""
    seen: dict[str, int] = {}
    numbered = []
    for block in blocks:
        seen[block.name] = seen.get(block.name, 0) + 1
        times = seen[block.name]
        numbered.append(block if times == 1 else block._replace(name=f"{block.name}{times}"))
    return numbered


def _windows_of_dose(
    metadata: Mapping[str, Any], timing: ScanTiming, t_star_min: float, notes: list[str]
) -> list[Window]:
    """Before and after the (start of the) dose of a pharmaceutical, when it falls into the usable scan."""
    dose = metadata.get("PharmaceuticalDoseTime")
    if dose is None:
        return []
    values = dose if isinstance(dose, list) else [dose]
    if not values or any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise MorbidsError(
            f"PharmaceuticalDoseTime is {dose!r}.",
            "It must be a number of seconds from TimeZero, or [start, end] of an infusion.",
        )
    drug = metadata.get("PharmaceuticalName", "a pharmaceutical")
    dose_min = timing.minutes_from_injection(float(values[0]))
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


def _fit(window: Window, frames: Frames, t_star_min: float, notes: list[str]) -> Window:
    """Keep a window between t* and the end of the scan, and say what was moved."""
    scan_end_min = float(frames.end_min[-1])
    if window.start_min < t_star_min:
        notes.append(
            f"The window '{window.name}' starts at t* = {t_star_min:g} min instead of "
            f"{window.start_min:.1f} min."
        )
    if window.end_min > scan_end_min + _CUT_TOLERANCE:
        notes.append(
            f"The window '{window.name}' ends with the scan at {scan_end_min:.1f} min instead of "
            f"{window.end_min:.1f} min."
        )
    return window._replace(
        start_min=max(window.start_min, t_star_min), end_min=min(window.end_min, scan_end_min)
    )


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


def _check_frames(window: Window, coverage: WindowCoverage, frames: Frames, t_star_min: float) -> None:
    if coverage.n_frames < MIN_FRAMES:
        raise MorbidsError(
            f"The window '{window.name}' ({window.start_min:.1f} to {window.end_min:.1f} min from injection) "
            f"has {coverage.n_frames} frames by mid-time; at least {MIN_FRAMES} are needed.",
            f"Give wider windows with --window NAME=START-END, or an earlier t* (now {t_star_min:g} min); "
            f"the scan has frames from {frames.start_min[0]:.1f} to {frames.end_min[-1]:.1f} min.",
        )


def _cut_notes(window: Window, coverage: WindowCoverage) -> list[str]:
    return [
        f"Frame {cut.frame} lies {100 * cut.fraction_outside:.0f} % outside the window '{window.name}' and "
        + ("is used in it." if cut.used else "is left out of it.")
        for cut in coverage.cut_frames
    ]
