"""Windows of a scan: which minutes are baseline, which are challenge, and which frames belong to them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from morbids.bids.names import entity_label
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import BoolArray
from morbids.numerics.frames import Frames

BASELINE = "baseline"
CHALLENGE = "challenge"
# The one window of a scan without conditions; its outputs carry no `desc`.
WHOLE_SCAN = "whole"
MIN_FRAMES = 3
_WINDOW_TEXT = re.compile(r"\s*([^=]+?)\s*=\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*")


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


def window_points(frames: Frames, window: Window) -> BoolArray:
    """(n_frames,) True where the frame's mid-time is in the window (start included, end not)."""
    return (frames.mid_min >= window.start_min) & (frames.mid_min < window.end_min)


def fit_window(window: Window, frames: Frames, t_star_min: float) -> Window:
    """Keep a window between t* and the end of the scan."""
    return window._replace(
        start_min=max(window.start_min, t_star_min), end_min=min(window.end_min, float(frames.end_min[-1]))
    )


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
