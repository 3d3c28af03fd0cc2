"""Windows from the rows of `events.tsv`: blocks that can be windows are taken, markers and trials are noted."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.bids.names import entity_label
from morbids.bids.timing import ScanTiming
from morbids.bids.windows import MIN_FRAMES, Event, Window, fit_window, window_points
from morbids.errors import MorbidsError
from morbids.words import listed

# Rows that are shorter mark trials, not states of the person.
LONGEST_TRIAL_S = 60.0
# Events that all end in this part of the scan are minutes: blocks of minutes fill the scan if taken for seconds x 60.
_MINUTES_SHARE = 1 / 30
_SHOWN = 5


class Usable(NamedTuple):
    """The part of a scan that windows are cut from: its time axis, t* in minutes, and its image for messages."""

    timing: ScanTiming
    t_star_min: float
    source: Path


def windows_of_events(
    events: Sequence[Event], wanted: Sequence[str], usable: Usable, notes: list[str]
) -> list[Window]:
    """One window per block with enough frames; neighbouring rows of one trial_type are one block.

    Parameters
    ----------
    wanted
        Names of the rows that the user chooses; all of them are taken, whatever their length. Empty: every block that
        can be a window.
    notes
        Gets sentences on rows that make none.

    Raises
    ------
    MorbidsError
        A wanted row is not there, or there are rows and none can be a window, unless they only mark short trials.
    """
    named = (event for event in events if any(map(str.isalnum, event.trial_type)))
    rows = sorted(named, key=lambda event: event.onset_s)
    if events and not rows:
        notes.append("events.tsv names no trial_type: its rows make no windows.")
    lasting = [event for event in rows if event.duration_s != 0]
    blocks = _blocks(lasting, usable.timing, notes)
    if wanted:
        return _choose_blocks(blocks, wanted, usable)
    fitting = [block for block in blocks if _n_frames(block, usable) >= MIN_FRAMES]
    others = [block for block in blocks if block not in fitting]
    if blocks and not fitting:
        _check_rows(lasting, usable)
    if others:
        notes.append(_others_note(others, usable))
    return fitting


def _blocks(rows: Sequence[Event], timing: ScanTiming, notes: list[str]) -> list[Window]:
    """Join neighbouring rows of one name; a later block of it is numbered."""
    blocks: list[Window] = []
    for event, end_s in zip(rows, _ends_s(rows, timing, notes), strict=True):
        start_min, end_min = timing.event_minutes(event.onset_s), timing.event_minutes(end_s)
        name = entity_label(event.trial_type)
        if blocks and blocks[-1].name == name:
            blocks[-1] = Window(name, blocks[-1].start_min, max(end_min, blocks[-1].end_min))
        else:
            blocks.append(Window(name, start_min, end_min))
    return _number_repeats(blocks)


def _n_frames(block: Window, usable: Usable) -> int:
    frames = usable.timing.frames
    return int(window_points(frames, fit_window(block, frames, usable.t_star_min)).sum())


def _choose_blocks(blocks: Sequence[Window], wanted: Sequence[str], usable: Usable) -> list[Window]:
    """The blocks of the wanted names, numbered ones included."""
    names = {entity_label(name) for name in wanted}
    chosen = [block for block in blocks if block.name in names or block.name.rstrip("0123456789") in names]
    absent = [
        name for name in names if not any(name in (b.name, b.name.rstrip("0123456789")) for b in chosen)
    ]
    if absent:
        present = ", ".join(dict.fromkeys(block.name for block in blocks)) or "none that lasts"
        raise MorbidsError(
            f"{usable.source}: its events.tsv has no row '{sorted(absent)[0]}'; it has {present}.",
            "Choose with --window-events among these, or give windows with --window NAME=START-END.",
        )
    return chosen


def _check_rows(rows: Sequence[Event], usable: Usable) -> None:
    """Refuse rows none of which can be a window, unless all are short: trials say nothing on windows."""
    frames = usable.timing.frames
    scan_s = float(frames.end_min[-1] - frames.start_min[0]) * 60
    first_s = rows[0].onset_s
    last_s = max(event.onset_s + np.nan_to_num(event.duration_s) for event in rows)
    told = f"{usable.source}: its events.tsv has rows from {first_s:g} to {last_s:g} s, and the scan lasts {scan_s:g} s"
    if first_s >= scan_s:
        raise MorbidsError(
            f"{told}: onset and duration are no seconds from the first frame.",
            "Divide both by 1000 if they are milliseconds; subtract the start of the scan if they are clock times.",
        )
    if last_s < scan_s * _MINUTES_SHARE:
        raise MorbidsError(
            f"{told}: onset and duration look like minutes.", "Multiply both by 60: BIDS counts in seconds."
        )
    if any(not event.duration_s <= LONGEST_TRIAL_S for event in rows):
        raise MorbidsError(
            f"{told}: none of them has {MIN_FRAMES} frames by mid-time from t* = {usable.t_star_min:g} min on.",
            "Give windows with --window NAME=START-END in minutes from injection, or an earlier t*.",
        )


def _others_note(others: Sequence[Window], usable: Usable) -> str:
    named = [f"'{w.name}' ({w.start_min:.1f} to {w.end_min:.1f} min)" for w in others]
    return (
        f"Rows of events.tsv that make no window, with fewer than {MIN_FRAMES} frames from t* = "
        f"{usable.t_star_min:g} min on: {listed(named, _SHOWN)}."
    )


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
