"""Steps that the tests of nodes and execution run (workers import them by name)."""

import os
import signal
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from morbids.engine.inputs import StepInputs
from morbids.errors import MorbidsError


class Sum(NamedTuple):
    total: float
    report: Path


def add(a: float, b: float, out_dir: Path, threads: int = 1) -> Sum:
    report = out_dir / "sum.txt"
    report.write_text(f"{a + b} with {threads}")
    return Sum(a + b, report)


class Text(NamedTuple):
    text: str


def read(report: Path, others: tuple[Path, ...] = (), named: Mapping[str, Path] | None = None) -> Text:
    paths = (report, *others, *(named or {}).values())
    return Text(" / ".join(path.read_text() for path in paths))


def refuse(report: Path) -> Text:
    raise MorbidsError(f"{report.name} is not to my liking.", "Bring another.")


def count_slowly(folder: Path, out_dir: Path) -> Sum:
    """Note that this ran, and take so long that another run comes in between."""
    report = out_dir / "report.txt"
    report.write_text("begun")
    time.sleep(1)
    with (folder / "counter").open("a") as stream:
        stream.write("x")
    report.write_text(report.read_text() + ", done")
    return Sum(1.0, report)


class Circle:
    """An object that only a look for circles frees, as a figure is."""

    seen: ClassVar["weakref.ref[Circle] | None"] = None

    def __init__(self) -> None:
        self.itself = self


def leave_circle() -> Sum:
    """Leave a circle of objects behind in this process."""
    Circle.seen = weakref.ref(Circle())
    return Sum(float(Circle.seen() is not None), Path("none"))


def look_for_circle(total: float) -> Sum:
    """How many circles of `leave_circle` are left in this process; NaN where none was ever made."""
    return Sum(np.nan if Circle.seen is None else total * (Circle.seen() is not None), Path("none"))


class Settings(NamedTuple):
    weights: np.ndarray
    table: pd.DataFrame


class Files(NamedTuple):
    first: Path
    others: tuple[Path, ...]


def read_record(files: Files) -> Text:
    """A record arrives as itself, and so do the paths in it."""
    return Text(" / ".join(path.read_text() for path in (files.first, *files.others)))


@dataclass(frozen=True)
class Sides(StepInputs):
    left: Path
    right: Path | None = None

    def text(self) -> str:
        return " and ".join(path.read_text() for path in (self.left, self.right) if path)


def join(sides: Sides, end: str = "") -> Text:
    return Text(sides.text() + end)


NOBODY = Sides(Path("nobody"))


def greet(sides: Sides = NOBODY) -> Text:
    return Text("nobody" if sides is NOBODY else sides.text())


def confuse(left: Path, sides: Sides) -> Text:
    return Text(f"{left} {sides}")


@dataclass(frozen=True)
class Plan:
    settings: Settings
    rate: float


class Kept(NamedTuple):
    settings: Settings


def keep(settings: Settings) -> Kept:
    return Kept(settings)


def name_types(settings: Settings, given: Settings) -> Text:
    return Text(f"{type(settings).__name__} {type(given).__name__}")


def weigh(plan: Plan) -> Text:
    return Text(f"{plan.rate} {plan.settings.weights[1000]} {plan.settings.table['a'].iloc[500]}")


def wait_long(folder: Path) -> Text:
    """Tell which process this is, and go on for a minute."""
    (folder / "pid").write_text(str(os.getpid()))
    time.sleep(60)
    return Text("done")


def die(report: Path) -> Text:
    os.kill(os.getpid(), signal.SIGKILL)
    return Text(report.name)


def kill_server_first(folder: Path, out_dir: Path) -> Text:
    """End the server that forks all workers, and they with it; well the second time."""
    mark = folder / "killed"
    if not mark.exists():
        mark.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return Text("done")
