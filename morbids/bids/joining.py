"""Runs of one injection, joined on the time axis: people leave the scanner and come back, or the scanner stops.

Two runs belong to one injection when their sidecars say so: the same tracer and unit, one wall-clock time of injection
(TimeZero + InjectionStart, to the minute), the same dose where both give it, and frames that follow each other.
A gap between them stays a gap.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import time
from itertools import pairwise
from typing import Any

import numpy as np

from morbids.bids.fields import as_number
from morbids.bids.filters import JoinRuns
from morbids.bids.images import read_grid
from morbids.bids.scans import FoundScans, PetScan, RejectedScan
from morbids.bids.time_units import OVERLAP_TOLERANCE_S
from morbids.bids.timing import ScanTiming, gap_notes
from morbids.bids.windows import Event
from morbids.errors import MorbidsError, Problems
from morbids.numerics.frames import Frames

SAME_INJECTION_S = 60.0
"""Clocks are written to the minute at some sites; nobody is injected twice within one."""
SAME_DOSE = 0.01
_DAY_S = 24 * 3600.0


def join_runs(found: FoundScans, how: JoinRuns) -> FoundScans:
    """Join the scans that differ in nothing but `run-`.

    Parameters
    ----------
    found
        Scans of a dataset.
    how
        `auto` joins what the sidecars tell to be one injection, and notes why it leaves others apart; `always`
        trusts the user instead of the clocks; `never` leaves all apart.

    Returns
    -------
    FoundScans
        In the order of their names; a joined scan has no `run-`. Runs that shall be joined and cannot are
        rejected, and so is the whole of runs one of which is: half an injection would pass for all of it.
    """
    known = {scan.pet: scan for scan in found.scans}
    errors = {scan.pet: scan.errors for scan in found.rejected}
    known |= {scan.pet: scan.scan for scan in found.rejected if scan.scan is not None}
    groups: dict[tuple[tuple[str, str], ...], list[PetScan]] = {}
    for scan in known.values():
        groups.setdefault(tuple(item for item in scan.entities.items() if item[0] != "run"), []).append(scan)
    scans: list[PetScan] = []
    rejected = [scan for scan in found.rejected if scan.scan is None]
    for runs in groups.values():
        problems = Problems(str(runs[0].pet))
        runs.sort(key=lambda scan: scan.timing.frames.start_min[0])
        joined = problems.attempt(_join_group, runs, how, all(run.pet not in errors for run in runs))
        for scan in joined if joined is not None else runs:
            faults = (*(error for path in scan.images for error in errors.get(path, ())), *problems.found)
            if faults:
                rejected.append(RejectedScan(scan.entities, scan.pet, faults, scan))
            else:
                scans.append(scan)
    return FoundScans(
        tuple(sorted(scans, key=lambda scan: scan.label)),
        tuple(sorted(rejected, key=lambda scan: scan.label)),
        found.aside,
    )


def _join_group(runs: Sequence[PetScan], how: JoinRuns, are_here: bool) -> list[PetScan]:
    """One joined scan, or the runs with a note on why they are apart."""
    if len(runs) == 1 or how == "never":
        return list(runs)
    apart = _why_apart(runs, trusting=how == "always")
    if apart:
        return [replace(run, notes=(*run.notes, apart)) for run in runs]
    return [_join(runs, are_here)]


def _why_apart(runs: Sequence[PetScan], *, trusting: bool) -> str:
    """Sentence that says why runs, in the order of time, are not joined; empty when they are.

    Raises
    ------
    MorbidsError
        The user wants them joined, and their frames overlap.
    """
    names = f"The runs {' and '.join(run.entities.get('run', '(none)') for run in runs)} are not joined:"
    remedy = "--join-runs always joins them."
    first = runs[0]
    for before, run in pairwise(runs):
        overlap_min = before.timing.frames.end_min[-1] - run.timing.frames.start_min[0]
        if overlap_min * 60 > OVERLAP_TOLERANCE_S:
            told = (
                f"{names} by their sidecars both have frames at {run.timing.frames.start_min[0]:.1f} min from "
                "injection."
            )
            if trusting:
                raise MorbidsError(
                    told, "Correct FrameTimesStart and InjectionStart, or leave out --join-runs."
                )
            return told
        if trusting:
            continue
        if run.tracer != first.tracer:
            return f"{names} the tracers are {first.tracer} and {run.tracer}."
        if not _same_dose(first.metadata, run.metadata):
            return f"{names} InjectedRadioactivity differs. {remedy}"
        clocks = _injection_clock_s(first), _injection_clock_s(run)
        if clocks[0] is None or clocks[1] is None:
            return f"{names} without TimeZero in both it is not known whether they are of one injection. {remedy}"
        apart_s = abs(clocks[0] - clocks[1]) % _DAY_S
        if min(apart_s, _DAY_S - apart_s) > SAME_INJECTION_S:
            return f"{names} TimeZero and InjectionStart tell of injections {apart_s / 60:.0f} min apart. {remedy}"
    return ""


def _injection_clock_s(scan: PetScan) -> float | None:
    """Wall-clock time of the injection in s after midnight; None when the sidecar has no TimeZero."""
    try:
        zero = time.fromisoformat(str(scan.metadata.get("TimeZero", "")))
    except ValueError:
        return None
    return zero.hour * 3600 + zero.minute * 60 + zero.second + scan.timing.injection_s


def _same_dose(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether the doses agree; one that is not given contradicts none."""
    doses = as_number(first.get("InjectedRadioactivity")), as_number(second.get("InjectedRadioactivity"))
    if doses[0] is None or doses[1] is None:
        return True
    units = [sidecar.get("InjectedRadioactivityUnits") for sidecar in (first, second)]
    return units[0] == units[1] and abs(doses[0] - doses[1]) <= SAME_DOSE * abs(doses[0])


def _join(runs: Sequence[PetScan], are_here: bool) -> PetScan:
    """Make one scan of runs that are in the order of time; grids are compared where all images can be read."""
    first = runs[0]
    units = {str(run.metadata.get("Units", "")) for run in runs}
    if len(units) > 1:
        raise MorbidsError(
            f"{first.pet} and its next run are in {' and '.join(sorted(units))}.",
            "Convert one, or analyse them apart with --join-runs never.",
        )
    timing = _join_timing(runs)
    frames = timing.frames
    times = {
        "FrameTimesStart": np.round(frames.start_min * 60 + timing.injection_s, 3).tolist(),
        "FrameDuration": np.round(frames.duration_min * 60, 3).tolist(),
    }
    labels = " and ".join(run.entities.get("run", "(none)") for run in runs)
    notes = [f"Runs {labels} are of one injection and joined on the time axis."]
    notes += _grid_notes(runs) if are_here else []
    notes += [note for run in runs for note in run.notes]
    return replace(
        first,
        entities={key: value for key, value in first.entities.items() if key != "run"},
        metadata=first.metadata | times,
        timing=timing,
        events=_join_events(runs),
        notes=tuple(dict.fromkeys(notes)),
        parts=tuple(runs),
    )


def _grid_notes(runs: Sequence[PetScan]) -> list[str]:
    first, grid = runs[0].pet, read_grid(runs[0].pet)
    return [
        f"{run.pet.name} lies on another grid than {first.name}: interpolated onto it before motion correction."
        for run in runs[1:]
        if not read_grid(run.pet).same_as(grid._replace(n_volumes=0))
    ]


def _join_timing(runs: Sequence[PetScan]) -> ScanTiming:
    """Put the frames one after the other; times count from TimeZero of the first run."""
    timings = [run.timing for run in runs]
    frames = Frames(
        np.concatenate([timing.frames.start_min for timing in timings]),
        np.concatenate([timing.frames.duration_min for timing in timings]),
    )
    # What a run alone says of its gaps is not true of the whole.
    others = (note for timing in timings for note in timing.notes if note not in gap_notes(timing.frames))
    return replace(
        timings[0],
        frames=frames,
        decay_factors=np.concatenate([timing.decay_factors for timing in timings]),
        notes=(*dict.fromkeys(others), *gap_notes(frames)),
    )


def _join_events(runs: Sequence[PetScan]) -> tuple[Event, ...]:
    """Rows of all runs, their onsets counted from the first frame of the first; a file of both counts once."""
    first_min = runs[0].timing.event_minutes(0.0)
    shifted = (
        event._replace(onset_s=round(event.onset_s + 60 * (run.timing.event_minutes(0.0) - first_min), 3))
        for run in runs
        if run is runs[0] or run.events != runs[0].events
        for event in run.events
    )
    return tuple(sorted(shifted, key=lambda event: event.onset_s))
