"""Regional curves of one scan from a table of any program: frames in minutes, targets, and the reference curve."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from morbids.bids.curve_formats import MISSING_CELLS, read_cells
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import LONGEST_SCAN_MIN, SHORTEST_SCAN_MIN, Frames
from morbids.numerics.kinetics.integrals import TOUCH_MIN

# Names of the time columns, in lower case without units and punctuation.
START_NAMES = ("framestart", "starttime", "start", "frametimesstart", "tstart")
END_NAMES = ("frameend", "endtime", "end", "tend")
DURATION_NAMES = ("frameduration", "duration", "dur")
MID_NAMES = ("times", "time", "midtime", "framemid", "mid", "midframe", "tmid")
# Columns that describe frames and are no curves.
OTHER_NAMES = ("weights", "weight", "frame", "framenumber", "index")
# [kBq/cc], (Bq/mL) at the end of a name.
ACTIVITY_UNIT = re.compile(r"[\[(]([^\])]*(?:bq|ci)/[^\])]*)[\])]\s*$", re.IGNORECASE)
PER_MINUTE = {"s": 60.0, "min": 1.0, "h": 1 / 60}
TIME_UNITS = {
    word: unit
    for unit, words in {
        "s": ("s", "sec", "secs", "second", "seconds"),
        "min": ("min", "mins", "minute", "minutes"),
        "h": ("h", "hr", "hour", "hours"),
    }.items()
    for word in words
}
# Rounded mid-times give frames of a length that is a little off; a gap gives lengths that go down.
SHORTER_FRAME = 0.8


class CurveTable(NamedTuple):
    """Regional curves of one scan.

    Attributes
    ----------
    names
        Regions.
    frames
        Minutes from injection.
    curves
        (n_frames, n_regions).
    reference
        (n_frames,).
    unit
        Of the activity; empty when the table does not tell.
    notes
        What was taken for granted or left out, one sentence each.
    injection_s
        Injection in seconds from the times of the table, from which blood samples count too.
    """

    names: tuple[str, ...]
    frames: Frames
    curves: FloatArray
    reference: FloatArray
    unit: str = ""
    notes: tuple[str, ...] = ()
    injection_s: float = 0.0


class Columns(NamedTuple):
    """Columns of one file: its frames, and its curves as text by name."""

    frames: Frames
    cells: Mapping[str, Sequence[str]]
    unit: str
    notes: tuple[str, ...]
    injection_s: float = 0.0


def read_curves(
    path: Path,
    reference: str | None,
    *,
    time_unit: str | None = None,
    reference_file: Path | None = None,
    frame_times: Path | None = None,
    with_plasma: bool = False,
) -> CurveTable:
    """Read regional curves and the reference curve; a region with a gap is left out, and named.

    Parameters
    ----------
    path
        A table with a column per region and times of the frames (see `curve_formats` for what is read).
    reference
        Column of the reference region; several, separated by commas, are averaged. None where `reference_file` has
        one curve only.
    time_unit
        ``s``, ``min`` or ``h``; None takes it from the columns' names (``start (min)``, ``frame_start_s``), and
        seconds where they do not say (minutes, with a note, where seconds would make no scan).
    reference_file
        Another table, with the same frames, that has the reference curve.
    frame_times
        Start and end of the frames, where the table tells their middles only: PMOD's `.acqtimes`, or a table.
    with_plasma
        Blood drives the model: the reference curve only tells its delay. It stays among the regions, and is the mean of
        all of them where none is named.

    Raises
    ------
    MorbidsError
        A table cannot be read; the reference or a time is absent or no number; no region is left; frames overlap or
        run backwards.
    """
    table = read_columns(path, time_unit, frame_times)
    if with_plasma and reference is None and reference_file is None:
        values, left_out = _whole_curves(table, path, ())
        curves = np.column_stack(list(values.values()))
        return CurveTable(
            *(tuple(values), table.frames, curves, curves.mean(axis=1)),
            *(table.unit, (*table.notes, *left_out), table.injection_s),
        )
    if reference_file is None:
        source, where = table, path
    else:
        source, where = read_columns(reference_file, time_unit, frame_times), reference_file
        _check_same_frames(table.frames, source.frames, path, reference_file)
    parts = _choose_reference(source, reference, where)
    curve = np.mean([_as_numbers(part, source.cells[part], where) for part in parts], axis=0)
    if not (curve > 0).any():
        raise MorbidsError(f"{where}: the reference curve '{', '.join(parts)}' is nowhere above zero.")
    apart = reference_file is None and not with_plasma
    values, left_out = _whole_curves(table, path, parts if apart else ())
    return CurveTable(
        tuple(values),
        table.frames,
        np.column_stack(list(values.values())),
        curve,
        table.unit,
        (*table.notes, *left_out),
        table.injection_s,
    )


def read_columns(path: Path, time_unit: str | None, frame_times: Path | None = None) -> Columns:
    """Frames of a table, minutes from injection, and the text of its other columns.

    Raises
    ------
    MorbidsError
        As `read_curves`.
    """
    cells = read_cells(path)
    columns = {name: [row[i] for row in cells.rows] for i, name in enumerate(cells.names)}
    kinds = {name: _kind(_plain(name)[0]) for name in columns}
    notes: list[str] = []
    start, end, unit_known = _find_times(columns, kinds, path, time_unit, frame_times, notes)
    start, end = _in_minutes(start, end, path, known=unit_known, notes=notes)
    kept = _without_empty_first(start, end, [c for name, c in columns.items() if kinds[name] == ""])
    sidecar = _read_sidecar(path)
    injection_s = _injection_s(sidecar, path, notes)
    frames = _check_frames(start[kept] - injection_s / 60, end[kept] - injection_s / 60, path)
    units = [match[1] for name in cells.names if (match := ACTIVITY_UNIT.search(name))]
    return Columns(
        frames,
        {name: [column[i] for i in kept] for name, column in columns.items() if kinds[name] == ""},
        cells.activity_unit or (units[0] if units else str(sidecar.get("Units", ""))),
        tuple(notes),
        injection_s,
    )


def _find_times(
    columns: Mapping[str, Sequence[str]],
    kinds: Mapping[str, str],
    path: Path,
    time_unit: str | None,
    frame_times: Path | None,
    notes: list[str],
) -> tuple[FloatArray, FloatArray, bool]:
    """Start and end of every frame in minutes, and whether their unit is known; else seconds are assumed.

    A column that names no unit has that of the one before it: PMOD writes ``start[seconds]`` and ``end[kBq/cc]``.
    """
    if frame_times is not None:
        frames = read_columns(frame_times, time_unit).frames
        n_rows = len(next(iter(columns.values())))
        if frames.n_frames != n_rows:
            raise MorbidsError(f"{frame_times} has {frames.n_frames} frames, but {path} has {n_rows}.")
        return frames.start_min, frames.end_min, True
    found: dict[str, FloatArray] = {}
    unit = None
    for name, cells in columns.items():
        if kinds[name] in ("start", "end", "duration", "mid") and kinds[name] not in found:
            unit = time_unit or _plain(name)[1] or unit
            found[kinds[name]] = _as_numbers(name, cells, path) / PER_MINUTE[unit or "s"]
    if "start" in found and "end" in found:
        return found["start"], found["end"], unit is not None
    if "start" in found and "duration" in found:
        return found["start"], found["start"] + found["duration"], unit is not None
    if "mid" in found:
        return *_touching_frames(found["mid"], path, notes), unit is not None
    raise MorbidsError(
        f"{path} does not say when its frames start and end; its columns are {', '.join([*columns][:6])}.",
        "Name two columns frame_start and frame_end, in seconds from injection, or give --frame-times FILE.",
    )


def _touching_frames(mid: FloatArray, path: Path, notes: list[str]) -> tuple[FloatArray, FloatArray]:
    """Start and end of frames of which only the middle is known, if they touch and begin at injection."""
    edges = [0.0]
    for middle in mid:
        edges.append(2 * middle - edges[-1])
    start, end = np.array(edges[:-1]), np.array(edges[1:])
    # A zero-length row at injection has its middle there.
    length = (end - start)[1:] if mid[0] == 0 else end - start
    if (length <= 0).any() or (length[1:] < SHORTER_FRAME * length[:-1]).any():
        raise MorbidsError(
            f"{path} tells the middles of its frames only, and they are not those of frames that follow each other "
            "from injection on and become no shorter.",
            "Give starts and ends with --frame-times FILE (PMOD's .acqtimes, or a table).",
        )
    notes.append(
        f"{path} tells the middles of its frames only: they are taken to follow each other from injection on "
        "(--frame-times FILE says otherwise)."
    )
    return start, end


def _in_minutes(
    start: FloatArray, end: FloatArray, path: Path, *, known: bool, notes: list[str]
) -> tuple[FloatArray, FloatArray]:
    """Take numbers of no stated unit for minutes where seconds would make no scan."""
    if not known and end[-1] < SHORTEST_SCAN_MIN <= end[-1] * 60 <= LONGEST_SCAN_MIN:
        notes.append(
            f"{path}: times are taken for minutes, as a scan does not end after {end[-1] * 60:g} s "
            "(--time-unit says otherwise)."
        )
        return start * 60, end * 60
    return start, end


def _without_empty_first(start: FloatArray, end: FloatArray, curves: Sequence[Sequence[str]]) -> list[int]:
    """Rows that are frames: kinfitr begins its tables with a frame of no length and no activity."""
    first_is_empty = end[0] == start[0] and all(_number(curve[0]) in (0.0, None) for curve in curves)
    return list(range(int(first_is_empty), len(start)))


def _read_sidecar(path: Path) -> dict[str, Any]:
    """Sidecar of a BIDS table; empty where there is none."""
    sidecar = path.with_suffix(".json")
    if path.suffix != ".tsv" or not sidecar.is_file():
        return {}
    try:
        fields: dict[str, Any] = dict(json.loads(sidecar.read_text(encoding="utf-8-sig")))
    except (ValueError, TypeError) as error:
        raise MorbidsError(
            f"{sidecar} cannot be read as the sidecar of a table.", "Mend it or move it."
        ) from error
    return fields


def _injection_s(sidecar: Mapping[str, Any], path: Path, notes: list[str]) -> float:
    """Seconds from TimeZero to injection, from the sidecar of a BIDS table."""
    name = path.with_suffix(".json").name
    try:
        injection_s = float(sidecar.get("InjectionStart") or 0.0)
    except (ValueError, TypeError) as error:
        raise MorbidsError(
            f"{name} cannot be read as the sidecar of a table.", "Mend it or move it."
        ) from error
    if injection_s:
        notes.append(f"Times count from injection at {injection_s:g} s (InjectionStart in {name}).")
    return injection_s


def _check_frames(start: FloatArray, end: FloatArray, path: Path) -> Frames:
    """Frames that follow each other and last as long as a scan does."""
    faulty = np.flatnonzero(end <= start)
    if faulty.size:
        raise MorbidsError(
            f"{path}: frame {faulty[0] + 1} ends at {end[faulty[0]] * 60:g} s, not after its start at "
            f"{start[faulty[0]] * 60:g} s."
        )
    overlap = np.flatnonzero(start[1:] < end[:-1] - TOUCH_MIN)
    if overlap.size:
        raise MorbidsError(f"{path}: frame {overlap[0] + 2} starts before frame {overlap[0] + 1} ends.")
    if not SHORTEST_SCAN_MIN <= end[-1] <= LONGEST_SCAN_MIN:
        raise MorbidsError(
            f"{path}: the last frame ends {end[-1]:g} min after injection.",
            "Say with --time-unit whether times are in s or min.",
        )
    return Frames(start, end - start)


def _check_same_frames(frames: Frames, others: Frames, path: Path, reference_file: Path) -> None:
    """Refuse a reference curve of another scan."""
    if frames.n_frames != others.n_frames:
        raise MorbidsError(
            f"{path} has {frames.n_frames} frames, but {reference_file} has {others.n_frames}.",
            "Give the reference curve of the same scan.",
        )
    apart = np.abs(frames.start_min - others.start_min) + np.abs(frames.end_min - others.end_min)
    if apart.max() > TOUCH_MIN:
        frame = int(apart.argmax())
        raise MorbidsError(
            f"Frame {frame + 1} is {frames.start_min[frame]:g} to {frames.end_min[frame]:g} min in {path}, but "
            f"{others.start_min[frame]:g} to {others.end_min[frame]:g} min in {reference_file}.",
            "Give the reference curve of the same scan.",
        )


def _choose_reference(columns: Columns, reference: str | None, path: Path) -> list[str]:
    """Columns of the reference region; capitals and small letters are alike where that leaves one."""
    names = [*columns.cells]
    listed = f"Its regions are {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}."
    if reference is None:
        if len(names) != 1:
            raise MorbidsError(f"{path} has {len(names)} curves.", f"Name one with --reference. {listed}")
        return names
    parts = [reference] if reference in names else [part.strip() for part in reference.split(",")]
    chosen = []
    for part in parts:
        alike = [part] if part in names else [name for name in names if name.lower() == part.lower()]
        if len(alike) != 1:
            raise MorbidsError(f"{path} has no column '{part}' for the reference region.", listed)
        chosen += alike
    return chosen


def _whole_curves(
    table: Columns, path: Path, reference: Sequence[str]
) -> tuple[dict[str, FloatArray], list[str]]:
    """Curves without a gap, by region, and a sentence for every region that has one.

    Raises
    ------
    MorbidsError
        None is left.
    """
    values: dict[str, FloatArray] = {}
    left_out: list[str] = []
    for name, cells in table.cells.items():
        if name in reference:
            continue
        try:
            values[name] = _as_numbers(name, cells, path)
        except MorbidsError as error:
            left_out.append(f"{error.message} The region is left out.")
    if not values:
        raise MorbidsError(
            left_out[0] if left_out else f"{path} has no curve beside the reference region.",
            "It needs a column of numbers for every region.",
        )
    return values, left_out


def _as_numbers(name: str, cells: Sequence[str], path: Path) -> FloatArray:
    """Cells of one column as finite numbers."""
    numbers = [_number(cell) for cell in cells]
    for i, number in enumerate(numbers):
        if number is None or not np.isfinite(number):
            what = f"holds '{cells[i]}'" if cells[i] else "is empty"
            raise MorbidsError(
                f"{path}: column '{name}' {what} in row {i + 2}.", "Every frame needs a number there."
            )
    return np.array(numbers, dtype=float)


def _number(cell: str) -> float | None:
    """A number, with a point or a comma; None for anything else."""
    if cell.lower() in MISSING_CELLS:
        return None
    try:
        # A comma that is left in a cell stands for the point: as a separator it would have been cut away.
        return float(cell.replace(",", "."))
    except ValueError:
        return None


def _kind(plain: str) -> str:
    """What a column with this plain name tells of the frames; empty for a curve."""
    for kind, names in (
        ("start", START_NAMES),
        ("end", END_NAMES),
        ("duration", DURATION_NAMES),
        ("mid", MID_NAMES),
        ("other", OTHER_NAMES),
    ):
        if plain in names:
            return kind
    return ""


def _plain(name: str) -> tuple[str, str]:
    """A column name in lower case without punctuation and the unit of activity, and the unit of time at its end."""
    name = ACTIVITY_UNIT.sub("", name)
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    unit = TIME_UNITS.get(words[-1] if words else "", "")
    return "".join(words[:-1] if unit else words), unit
