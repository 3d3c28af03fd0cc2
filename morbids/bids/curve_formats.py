"""Tables of curves as programs write them, brought to one form: named columns of text cells.

Read are tables with a row of column names (PETPrep, kinfitr, PMOD `.tac`, spreadsheets), Turku's `.dft` (four lines of
names and units), PMOD's `.voistat` (a row per region and frame) and `.acqtimes` (frame times alone), in UTF-8,
UTF-16 or Latin-1.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from morbids.errors import ExitCode, MorbidsError

# What stands for a missing value, in lower case: BIDS, spreadsheets, R, DFT.
MISSING_CELLS = ("", "n/a", "na", "nan", "null", "none", ".", "-")
START, END, MID = "frame_start", "frame_end", "frame_mid"
# Names that programs give a column of row numbers: pandas, readr.
_UNNAMED = re.compile(r"|unnamed: \d+|\.\.\.\d+", re.IGNORECASE)
_UNIT = re.compile(r"[\[(]([^\])]*)[\])]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_ACQUISITIONS = re.compile(r"(\d+)\s*(#.*)?")


class Cells(NamedTuple):
    """A table as text.

    Attributes
    ----------
    names
        Of the columns, all different.
    rows
        As many cells each as there are names.
    activity_unit
        Where the format tells it apart from the names; empty otherwise.
    """

    names: list[str]
    rows: list[list[str]]
    activity_unit: str = ""


def read_cells(path: Path) -> Cells:
    """All cells as text, whatever separates them; columns without a name (row numbers) are left out.

    Raises
    ------
    MorbidsError
        The file is no text, has no rows, rows of unlike length, or two columns of one name.
    """
    lines = [line for line in _decode(path).splitlines() if line.strip()]
    body = [line for line in lines if not line.lstrip().startswith("#")]
    if body and body[0].lstrip().upper().startswith("DFT"):
        return _check(_parse_dft(body, path), path)
    if body and body[0].startswith("//"):
        return _check(_parse_voistat([body[0][2:], *body[1:]], path), path)
    if body and _ACQUISITIONS.fullmatch(body[0].strip()):
        return _check(_parse_acqtimes(body[1:]), path)
    return _check(_parse_delimited([line for line in body if not line.startswith("//")]), path)


def _decode(path: Path) -> str:
    """Text in UTF-8, UTF-16 (with or without its mark), or Latin-1."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MorbidsError(f"{path} cannot be read as text.", "Check the path.", ExitCode.NO_INPUT) from error
    # Letters and digits in UTF-16 have a zero as every other byte.
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif raw[1:2] == b"\0":
        encodings = ["utf-16-le"]
    elif raw[:1] == b"\0":
        encodings = ["utf-16-be"]
    else:
        encodings = ["utf-8-sig", "latin-1"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _CONTROL.search(text):
            return text
    raise MorbidsError(
        f"{path} cannot be read as text.", "Export the curves as a table of text.", ExitCode.NO_INPUT
    )


def _parse_delimited(lines: Sequence[str]) -> Cells:
    """A row of names, then a row per frame, separated by tabs, semicolons, commas or spaces."""
    if not lines:
        return Cells([], [])
    split = _split(lines)
    names, rows = split[0], split[1:]
    while names and names[-1] == "":
        # PMOD ends its line of names in a tab, and the others not.
        names = names[:-1]
    width = len(names)
    rows = [row[:width] if not any(row[width:]) else row for row in rows]
    if rows and all(len(row) == width + 1 for row in rows) and _are_numbered([row[0] for row in rows]):
        # R names its rows, and has no name for that column.
        names = ["", *names]
    return Cells(names, rows)


def _are_numbered(cells: Sequence[str]) -> bool:
    """Whether cells count rows, from 0 or from 1."""
    return any(cells == [str(i + first) for i in range(len(cells))] for first in (0, 1))


def _split(lines: Sequence[str]) -> list[list[str]]:
    """Cells of lines by the first separator that both the names and the first row have."""
    separator = next(
        (s for s in "\t;," if s in lines[0] and all(s in line for line in lines[1:2])),
        None,
    )
    if separator is None:
        return [[cell.strip('"') for cell in line.split()] for line in lines]
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t")
    return [[cell.strip() for cell in row] for row in reader]


def _parse_dft(lines: Sequence[str], path: Path) -> Cells:
    """Turku's DFT: names, second names with the study, unit with planes, kind of times with volumes.

    As TPCCLIB's `dftRead` reads it. A point stands for what is missing; a region is named by its name and second
    name, and the plane where those two do not tell regions apart.
    """
    rows = [line.split("#")[0].split() for line in lines]
    if len(rows) < 5:
        raise MorbidsError(
            f"{path} has no rows.", "A DFT file has four lines of titles, then a row per frame."
        )
    names, second, (unit, *planes), (kind, time_unit, *_) = rows[0][1:], rows[1][1:], rows[2], [*rows[3], ""]
    if planes and _UNIT.fullmatch(planes[0]):
        planes = planes[1:]
    if not len(names) == len(second) == len(planes):
        raise MorbidsError(
            f"{path}: the titles name {len(names)}, {len(second)} and {len(planes)} regions.",
            "The first three lines of a DFT file need an entry for every region; a point where there is none.",
        )
    # Times: start and end; Time: the middle. Others tell too little, and are refused for it.
    time_columns = {"times": [START, END], "time": [MID], "start": [START], "end": [END]}.get(
        kind.lower(), []
    )
    named = _join_names(names, second)
    if len(set(named)) < len(named):
        named = _join_names(names, second, planes)
    return Cells(
        [f"{name} {time_unit}" for name in time_columns] + named, [row for row in rows[4:] if row], unit
    )


def _join_names(*parts: Sequence[str]) -> list[str]:
    """Names of regions from the lines of a DFT file, joined as Turku's converters do."""
    return ["-".join(part for part in of_one if part != ".") for of_one in zip(*parts, strict=True)]


def _parse_voistat(lines: Sequence[str], path: Path) -> Cells:
    """PMOD's statistics of volumes of interest, a row per region and frame, turned into a column per region.

    Curves are `Averaged`, and `PVC` (with _C after the region's name, as in PMOD's .tac); times are mid-times.
    """
    split = _split(lines)
    where = {_UNIT.sub("", name).strip().lower(): i for i, name in enumerate(split[0])}
    region = next((i for name, i in where.items() if name.startswith("voiname")), None)
    if region is None or "time" not in where or "averaged" not in where:
        raise MorbidsError(
            f"{path} is a table of PMOD without VoiName, Time and Averaged; it has {', '.join(where)}.",
            "Save the time-activity curves (TAC) of the regions.",
        )
    curves: dict[str, dict[str, str]] = {}
    times: list[str] = []
    for row in split[1:]:
        for column, ending in (("averaged", ""), ("pvc", "_C")):
            if column in where and max(where[column], region) < len(row):
                curve = curves.setdefault(row[region] + ending, {})
                time = row[where["time"]]
                if time in curve:
                    raise MorbidsError(f"{path}: '{row[region]}' has two values at time {time}.")
                curve[time] = row[where[column]]
                times += [] if time in times else [time]
    unit = _UNIT.search(split[0][where["averaged"]])
    time_unit = _UNIT.search(split[0][where["time"]])
    rows = [[time, *(curve.get(time, "") for curve in curves.values())] for time in times]
    return Cells([f"{MID} {time_unit[0] if time_unit else ''}", *curves], rows, unit[1] if unit else "")


def _parse_acqtimes(lines: Sequence[str]) -> Cells:
    """PMOD's frame times: how many there are, then start and end of each, in seconds."""
    return Cells([f"{START} s", f"{END} s"], [line.split() for line in lines])


def _check(cells: Cells, path: Path) -> Cells:
    """Columns with a name, of one length."""
    names, rows = cells.names, cells.rows
    if not rows:
        raise MorbidsError(f"{path} has no rows.", "It needs a row of column names and a row per frame.")
    ragged = next((i for i, row in enumerate(rows) if len(row) != len(names)), None)
    if ragged is not None:
        raise MorbidsError(
            f"{path}: row {ragged + 2} has {len(rows[ragged])} cells, but there are {len(names)} column names."
        )
    named = [i for i, name in enumerate(names) if not _UNNAMED.fullmatch(name)]
    kept = [names[i] for i in named]
    if len(set(kept)) < len(kept):
        twice = next(name for name in kept if kept.count(name) > 1)
        raise MorbidsError(f"{path} has two columns named '{twice}'.", "Name every column once.")
    return cells._replace(names=kept, rows=[[row[i] for i in named] for row in rows])
