"""Fit regional curves from a table: `python -m morbids.fit TACS.tsv --reference COLUMN --model M -o KINPAR.tsv`.

The table has a row per frame and a column per region, as PETPrep, kinfitr, PMOD, Turku's tools or a spreadsheet
write it.
"""

import argparse
import logging
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd

from morbids.bids.tables import write_table
from morbids.bids.windows import WHOLE_SCAN, Window, parse_window, window_points
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import TOUCH_MIN
from morbids.numerics.kinetics.k2prime import estimate_k2_prime
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, Estimates, FitOptions, fit_model
from morbids.numerics.kinetics.presets import TracerPreset, find_preset
from morbids.numerics.kinetics.t_star import STRAIGHT_PERCENT, find_t_star
from morbids.numerics.kinetics.weights import inverse_variance

log = logging.getLogger("morbids.fit")

# Names of the time columns, in lower case without units and punctuation.
START_NAMES = ("framestart", "starttime", "start", "frametimesstart", "tstart")
END_NAMES = ("frameend", "endtime", "end", "tend")
DURATION_NAMES = ("frameduration", "duration", "dur")
# Columns that describe frames and are no curves.
OTHER_NAMES = ("times", "time", "midtime", "framemid", "mid", "weights", "weight", "frame", "framenumber")
# [kBq/cc], (Bq/mL) at the end of a name.
ACTIVITY_UNIT = re.compile(r"[\[(][^\])]*(bq|ci)/[^\])]*[\])]\s*$", re.IGNORECASE)
PER_MINUTE = {"s": 60.0, "min": 1.0}
# No reference tissue model makes sense of a shorter scan: such times are minutes taken for seconds.
SHORTEST_SCAN_MIN = 5.0
LONGEST_SCAN_MIN = 600.0
CARBON_11_MIN = 20.364
# Slower efflux, per minute, is none.
LOWEST_RATE = 1e-6
ESTIMATE, FIND = "estimate", "find"
T_STAR_HELP = "first minute of regression, or 'find' it on the Logan plot; default: the preset's, or 0"


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
    """

    names: tuple[str, ...]
    frames: Frames
    curves: FloatArray
    reference: FloatArray


def read_curves(path: Path, reference: str, time_unit: str | None = None) -> CurveTable:
    """Read a table of curves, separated by tabs, commas, semicolons or spaces; lines that begin with # are skipped.

    Parameters
    ----------
    path
        With the columns frame_start and frame_end (or a duration), and a column per region.
    reference
        Column of the reference region; several, separated by commas, are averaged.
    time_unit
        ``s`` or ``min``, where the column's name does not say (``start (min)``, ``frame_start_s``,
        ``start[minutes]``); None is s.

    Raises
    ------
    MorbidsError
        The table cannot be read; a column is absent, not numeric or empty; or frames overlap or run
        backwards.
    """
    table = _read_cells(path)
    start, end = _find_times(table, path, time_unit or "s")
    frames = _check_frames(start, end, path)
    time_columns = {*START_NAMES, *END_NAMES, *DURATION_NAMES, *OTHER_NAMES}
    names = [name for name in table.columns if _plain(name)[0] not in time_columns]
    parts = [reference] if reference in names else [part.strip() for part in reference.split(",")]
    for part in parts:
        if part not in names:
            raise MorbidsError(
                f"{path} has no column '{part}' for the reference region.",
                f"Its regions are {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}.",
            )
    values = {name: _as_numbers(table[name], path) for name in names}
    reference_curve = np.mean([values[part] for part in parts], axis=0)
    if not (reference_curve > 0).any():
        raise MorbidsError(f"{path}: the reference curve '{reference}' is nowhere above zero.")
    targets = tuple(name for name in names if name not in parts)
    if not targets:
        raise MorbidsError(f"{path} has no curve beside the reference region '{reference}'.")
    return CurveTable(targets, frames, np.column_stack([values[n] for n in targets]), reference_curve)


def _read_cells(path: Path) -> pd.DataFrame:
    """All cells as text, whatever separates them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MorbidsError(f"{path} cannot be read as text.", "Check the path.", ExitCode.NO_INPUT) from error
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if lines and lines[0].upper().startswith("DFT"):
        raise MorbidsError(
            f"{path} is a DFT file, whose head has several lines.", "Convert it: `tacformat -f=PMOD FILE`."
        )
    if len(lines) < 2:
        raise MorbidsError(f"{path} has no rows.", "It needs a row of column names and a row per frame.")
    separator = max("\t;,", key=lines[0].count)
    # None splits at any run of spaces.
    cut = separator if separator in lines[0] else None
    rows = [[cell.strip().strip('"') for cell in line.split(cut)] for line in lines]
    ragged = next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), None)
    if ragged is not None:
        raise MorbidsError(
            f"{path}: row {ragged + 1} has {len(rows[ragged])} cells, but there are {len(rows[0])} column names."
        )
    if len(set(rows[0])) < len(rows[0]):
        twice = next(name for name in rows[0] if rows[0].count(name) > 1)
        raise MorbidsError(f"{path} has two columns named '{twice}'.", "Name every column once.")
    return pd.DataFrame(rows[1:], columns=rows[0])


def _find_times(table: pd.DataFrame, path: Path, time_unit: str) -> tuple[FloatArray, FloatArray]:
    """Start and end of every frame in minutes, from start and end, or start and duration.

    A column that names no unit has that of the one before it: PMOD writes ``start[seconds]`` and ``end[kBq/cc]``.
    """
    found: dict[str, FloatArray] = {}
    for column in table.columns:
        plain, unit = _plain(column)
        for kind, names in (("start", START_NAMES), ("end", END_NAMES), ("duration", DURATION_NAMES)):
            if plain in names and kind not in found:
                time_unit = unit or time_unit
                found[kind] = _as_numbers(table[column], path) / PER_MINUTE[time_unit]
    if "start" not in found or not {"end", "duration"} & found.keys():
        raise MorbidsError(
            f"{path} does not say when its frames start and end; its columns are {', '.join(table.columns[:6])}.",
            "Name two columns frame_start and frame_end, in seconds from injection.",
        )
    start = found["start"]
    return start, found["end"] if "end" in found else start + found["duration"]


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


def _as_numbers(column: "pd.Series[str]", path: Path) -> FloatArray:
    """Cells of one column as finite numbers."""
    # A comma that is left in a cell stands for the point: as a separator it would have been cut away.
    numbers = pd.to_numeric(column.str.replace(",", "."), errors="coerce").to_numpy(float)
    faulty = np.flatnonzero(~np.isfinite(numbers))
    if faulty.size:
        raise MorbidsError(
            f"{path}: column '{column.name}' holds '{column.iloc[faulty[0]]}' in row {faulty[0] + 2}.",
            "Every frame needs a number; leave the column out if the region has none.",
        )
    return numbers


def _plain(name: str) -> tuple[str, str]:
    """A column name in lower case without punctuation and the unit of activity, and the unit of time at its end."""
    name = ACTIVITY_UNIT.sub("", name)
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    unit = {"s": "s", "sec": "s", "seconds": "s", "min": "min", "minutes": "min"}.get(
        words[-1] if words else "", ""
    )
    return "".join(words[:-1] if unit else words), unit


def fit_table(
    table: CurveTable, model: ModelName, windows: Sequence[Window], t_star_min: float, options: FitOptions
) -> pd.DataFrame:
    """Fit every curve in every window: a row per window and region, columns as in a BIDS kinpar table."""
    rows = []
    for window in windows or (Window(WHOLE_SCAN, 0.0, float(table.frames.end_min[-1])),):
        points = window_points(table.frames, window) & (table.frames.mid_min >= t_star_min)
        estimates = _fit_window(table, model, points, options, window)
        rows.append(pd.DataFrame({"name": table.names, **estimates.columns()}))
        if windows:
            rows[-1].insert(0, "window", window.name)
        log.info("%s, %s: %d frames, %d failed fits", model, window.name, points.sum(), estimates.n_failed)
    return pd.concat(rows, ignore_index=True)


def _fit_window(
    table: CurveTable, model: ModelName, points: BoolArray, options: FitOptions, window: Window
) -> Estimates:
    """Fit one window, whose frames are the points of regression; an error names it."""
    try:
        return fit_model(model, table.curves, table.reference, table.frames, replace(options, points=points))
    except MorbidsError as error:
        raise MorbidsError(f"Window {window.name}: {error.message}", error.hint, error.exit_code) from error


def _make_options(
    arguments: argparse.Namespace, table: CurveTable, preset: TracerPreset | None
) -> FitOptions:
    """Weights, k2', onset and bounds from the command line, the preset, or the curves."""
    weight = None if arguments.weights == "none" else inverse_variance(table.frames, arguments.half_life)
    k2_prime = arguments.k2prime
    if k2_prime is None and preset is not None:
        k2_prime = preset.k2_prime
    if k2_prime == ESTIMATE:
        estimate = estimate_k2_prime(table.curves, table.reference, table.frames, inverse_variance=weight)
        k2_prime = estimate.k2_prime
        log.info("k2' %.4f per min, from %d regions", k2_prime, estimate.used.sum())
    options = FitOptions(inverse_variance=weight, k2_prime=k2_prime, onset_min=arguments.onset)
    return options if preset is None else replace(options, grid=preset.grid, bounds=preset.bounds)


def _find_t_star(table: CurveTable, options: FitOptions, windows: Sequence[Window]) -> float:
    """Where the Logan plot becomes straight, until the end of the first window; later ones may be challenges."""
    found = find_t_star(
        table.curves,
        table.reference,
        table.frames,
        k2_prime=options.k2_prime,
        inverse_variance=options.inverse_variance,
        end_min=windows[0].end_min if windows else np.inf,
    )
    log.info(
        "t* %.4g min: from there on no point of the Logan plot is more than %g %% off the line (median region)",
        found.t_star_min,
        STRAIGHT_PERCENT,
    )
    return found.t_star_min


def _number_or(word: str, least: float = 0.0) -> Callable[[str], float | str]:
    """Reader of numbers from the least on, or one word instead."""

    def number(text: str) -> float | str:
        if text == word:
            return text
        value = float(text)
        if not value >= least:
            raise ValueError(text)
        return value

    return number


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m morbids.fit", description=__doc__)
    add = parser.add_argument
    add("tacs", type=Path, help="table of curves: a row per frame, frame_start and frame_end in s")
    add(
        "--reference",
        required=True,
        metavar="COLUMN[,COLUMN]",
        help="column of the reference region; several are averaged",
    )
    add("--tracer", metavar="NAME", help="take model, k2', t* and bounds from this tracer's preset")
    add("--model", choices=get_args(ModelName), help="default: the preset's")
    add(
        "--k2prime",
        type=_number_or("estimate", least=LOWEST_RATE),
        metavar="PER_MIN",
        help="a number, or 'estimate'",
    )
    add("--t-star", type=_number_or("find"), metavar="MIN", help=T_STAR_HELP)
    add("--window", action="append", default=[], metavar="NAME=START-END", help="minutes; may be repeated")
    add("--onset", type=float, metavar="MIN", help="when binding may begin to change (displacement models)")
    add("--weights", choices=("none", "decay"), default="none", help="decay: duration x exp(-lambda t)")
    add(
        "--half-life", type=float, default=CARBON_11_MIN, metavar="MIN", help="for the weights; default: C-11"
    )
    add("--time-unit", choices=tuple(PER_MINUTE), help="of the time columns; default: s")
    add("-o", "--output", type=Path, required=True, metavar="KINPAR.tsv")
    return parser


def run(arguments: argparse.Namespace) -> Path:
    """Read the table, fit it, and write the parameters.

    Raises
    ------
    MorbidsError
        As `read_curves` and `fit_model`; or neither a model nor a tracer with a preset is given.
    """
    preset = find_preset(arguments.tracer) if arguments.tracer else None
    model: ModelName | None = arguments.model or (preset.model if preset else None)
    if model is None:
        raise MorbidsError(
            "No model is given." if not arguments.tracer else f"There is no preset for '{arguments.tracer}'.",
            f"Give --model: {', '.join(MODELS)}.",
            ExitCode.USAGE,
        )
    table = read_curves(arguments.tacs, arguments.reference, arguments.time_unit)
    options = _make_options(arguments, table, preset)
    windows = [parse_window(text) for text in arguments.window]
    t_star_min = arguments.t_star
    if t_star_min == FIND:
        t_star_min = _find_t_star(table, options, windows)
    elif t_star_min is None:
        t_star_min = preset.t_star_min if preset else 0.0
    write_table(fit_table(table, model, windows, t_star_min, options), arguments.output)
    return Path(arguments.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        arguments = _make_parser().parse_args(argv)
    except SystemExit as stop:
        return ExitCode.USAGE if stop.code else ExitCode.OK
    try:
        log.info("Wrote %s", run(arguments))
    except MorbidsError as error:
        log.error("%s", error)
        return error.exit_code
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
