"""Command: what a protocol can see, as a table (bias without change, part of a true change recovered)."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from morbids.bids.inheritance import read_json_object
from morbids.bids.tables import write_table
from morbids.bids.timing import read_timing
from morbids.bids.windows import Window, parse_window
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.protocol import (
    DEFAULT_GRID,
    Calibration,
    Contrast,
    calibrate_contrast,
    spread_of,
)
from morbids.numerics.tracer import Schedule
from morbids.settings import MIXED_TISSUE
from morbids.simulation.command_line import Parser
from morbids.simulation.settings import StudySettings, protocol_frames

logger = logging.getLogger("morbids.simulation")

_DEFAULTS = StudySettings()
_DEFAULT_WINDOWS = (Window("baseline", 10.0, 40.0), Window("challenge", 45.0, 90.0))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = Parser(
        prog="python -m morbids.simulation calibrate",
        description="Simulate null and displaced curves at a protocol's own frame times, and tell what the contrast "
        "of two windows shows without any change, and which part of a true change it recovers.",
    )
    parser.add_argument(
        "--sidecar", type=Path, help="JSON of a PET image: its frames (default: 21 frames, 90 min)"
    )
    parser.add_argument(
        "--window",
        type=_window,
        nargs=2,
        metavar="NAME=START-END",
        default=_DEFAULT_WINDOWS,
        help="baseline and challenge, minutes from injection (default baseline=10-40 challenge=45-90)",
    )
    parser.add_argument("--model", choices=get_args(ModelName), default="LoganRef")
    parser.add_argument("--k2prime", type=float, default=_DEFAULTS.k2_prime, help="that the study assumes")
    parser.add_argument(
        "--true-k2prime", type=float, default=_DEFAULTS.k2_prime, help="of the simulated tissue"
    )
    parser.add_argument("--bolus-fraction", type=float, default=_DEFAULTS.schedule.bolus_fraction)
    parser.add_argument("--infusion-min", type=float, default=_DEFAULTS.schedule.infusion_min)
    parser.add_argument(
        "--change", type=float, default=-0.1, help="true change of BP_ND (default %(default)s)"
    )
    parser.add_argument(
        "--k4", type=float, nargs="+", default=DEFAULT_GRID.k4, help="dissociation rates to try, per minute"
    )
    parser.add_argument(
        "--mixed-tissue",
        choices=MIXED_TISSUE,
        default="auto",
        help="how the study fits white matter and fluid in regions: apart from grey matter, together with it, or as it "
        "does where the scanner's resolution is known (default %(default)s: apart with StepChange2)",
    )
    parser.add_argument("--out", type=Path, metavar="TSV", help="write a row per simulated truth")
    return parser


def run(words: Sequence[str]) -> int:
    """Calibrate, write the table, tell the summary, and return the exit code."""
    arguments = build_parser().parse_args(words)
    frames = protocol_frames() if arguments.sidecar is None else _frames_of(arguments.sidecar)
    baseline, challenge = arguments.window
    contrast = Contrast(
        (baseline.start_min, baseline.end_min),
        (challenge.start_min, challenge.end_min),
        arguments.model,
        arguments.k2prime,
    )
    for window in (baseline, challenge):
        _check_window(window, frames)
    calibration = calibrate_contrast(
        frames,
        contrast,
        schedule=Schedule(arguments.bolus_fraction, arguments.infusion_min),
        true_k2_prime=arguments.true_k2prime,
        change=arguments.change,
        grid=DEFAULT_GRID._replace(k4=tuple(arguments.k4)),
        accounted=arguments.mixed_tissue == "apart"
        or (arguments.mixed_tissue == "auto" and arguments.model == "StepChange2"),
    )
    if arguments.out is not None:
        write_table(pd.DataFrame(calibration._asdict()).round(5), arguments.out)
    for line in _summary(calibration):
        logger.info("%s", line)
    return int(ExitCode.OK)


def _window(text: str) -> Window:
    try:
        return parse_window(text)
    except MorbidsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _frames_of(sidecar: Path) -> Frames:
    metadata = read_json_object(sidecar)
    return read_timing(metadata, len(metadata.get("FrameTimesStart", [])), sidecar).frames


def _check_window(window: Window, frames: Frames) -> None:
    inside = (frames.mid_min >= window.start_min) & (frames.mid_min < window.end_min)
    if inside.sum() < 3:
        raise MorbidsError(
            f"The window {window.name} ({window.start_min:g}-{window.end_min:g} min) holds {inside.sum()} frames.",
            "It needs at least 3.",
            ExitCode.USAGE,
        )


def _summary(calibration: Calibration) -> list[str]:
    """One line per dissociation rate, tissue and release shape."""
    lines = ["k4 (/min)  tissue   release  without change: %, median (range)  recovered part, median (range)"]
    shapes, tissues = np.array(calibration.shape), np.array(calibration.tissue)
    for k4 in np.unique(calibration.k4)[::-1]:
        for tissue, shape in dict.fromkeys(zip(calibration.tissue, calibration.shape, strict=True)):
            rows = (calibration.k4 == k4) & (shapes == shape) & (tissues == tissue)
            null = spread_of(calibration.null_percent, rows)
            part = spread_of(calibration.recovered, rows)
            lines.append(
                f"{k4:<9g}  {tissue:<7}  {shape:<7}  {null.median:+.1f} ({null.lowest:+.1f} to {null.highest:+.1f})  "
                f"{part.median:.2f} ({part.lowest:.2f} to {part.highest:.2f})"
            )
    return lines
