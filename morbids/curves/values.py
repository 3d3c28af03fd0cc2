"""Regional values of a group: a row per participant, one parameter or the difference of two of their scans."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table
from morbids.curves.tables import ScanTable
from morbids.errors import ExitCode, MorbidsError

WINDOW = "window"


class Contrast(NamedTuple):
    """First minus second, as values of one entity of names (or of the column of windows)."""

    key: str
    first: str
    second: str

    @property
    def name(self) -> str:
        """In one word, as it stands in names of files."""
        return f"{self.first}Minus{self.second[:1].upper()}{self.second[1:]}"


class GroupValues(NamedTuple):
    """Values of a group.

    Attributes
    ----------
    table
        A row per participant (index: label without `sub-`), a column per region; NaN where a scan lacks the region.
    left_out
        Sentences on participants without both scans.
    """

    table: pd.DataFrame
    left_out: tuple[str, ...]


def parse_contrast(text: str) -> Contrast:
    """Read `ses-baseline:ses-blocked`, or `window-baseline:window-task`.

    Raises
    ------
    MorbidsError
        The text has another form.
    """
    match = re.fullmatch(r"([a-z]+)-([A-Za-z0-9+]+):\1-([A-Za-z0-9+]+)", text)
    if match is None or match[2] == match[3]:
        raise MorbidsError(
            f"--contrast {text!r} cannot be read.",
            "Write two values of one entity, such as ses-baseline:ses-blocked; the second is taken from the first.",
            ExitCode.USAGE,
        )
    return Contrast(*match.groups())


def read_values(tables: Sequence[ScanTable], measure: str, contrast: Contrast | None) -> GroupValues:
    """Read one parameter of every scan, and put participants together.

    Raises
    ------
    MorbidsError
        A table lacks the parameter or has a region twice; a participant has several scans of one kind.
    """
    rows: list[tuple[dict[str, str], pd.Series[float]]] = []
    for one in tables:
        rows += [(one.entities | named, values) for named, values in _read(one.path, measure)]
    if contrast is None:
        return GroupValues(_only_scans(rows), ())
    kinds = [[row for row in rows if row[0].get(contrast.key) == value] for value in contrast[1:]]
    first, second = (_only_scans(kind) for kind in kinds)
    both = first.index.intersection(second.index)
    alone = sorted(first.index.symmetric_difference(second.index))
    left_out = [
        f"sub-{label} has no {contrast.key}-{contrast.second if label in first.index else contrast.first}."
        for label in alone
    ]
    return GroupValues((first - second).loc[both, list(first.columns)], tuple(left_out))


def _read(path: Path, measure: str) -> list[tuple[dict[str, str], "pd.Series[float]"]]:
    """The parameter by region: of the whole scan, or of each of its windows."""
    table = read_table(path)
    named = next((column for column in table.columns if _plain(column) == _plain(measure)), None)
    if named is None:
        raise MorbidsError(
            f"{path} has no column {measure}.", f"It has {', '.join(table.columns)}: choose with --measure."
        )
    region = "name" if "name" in table.columns else next(name for name in table.columns if name != WINDOW)
    parts = list(table.groupby(WINDOW)) if WINDOW in table.columns else [("", table)]
    read = []
    for window, part in parts:
        if part[region].duplicated().any():
            raise MorbidsError(
                f"{path} has the region {part[region][part[region].duplicated()].iloc[0]} twice."
            )
        values = pd.Series(part[named].to_numpy(dtype=float), index=part[region].astype(str))
        read.append(({WINDOW: str(window)} if window else {}, values))
    return read


def _plain(name: str) -> str:
    """Capitals and signs apart, BPnd, BP_ND and BPND are one."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _only_scans(rows: Sequence[tuple[dict[str, str], "pd.Series[float]"]]) -> pd.DataFrame:
    """A row per participant, each with one scan."""
    found: dict[str, pd.Series[float]] = {}
    for entities, values in rows:
        if entities["sub"] in found:
            raise MorbidsError(
                f"sub-{entities['sub']} has several scans or windows.",
                "Compare two of them with --contrast, or choose one with --select KEY=VALUE.",
                ExitCode.USAGE,
            )
        found[entities["sub"]] = values
    if not found:
        raise MorbidsError("No scan has the first or the second value of --contrast.", "Look at the names.")
    table = pd.DataFrame(found).T
    return table[[name for name in table.columns if np.isfinite(table[name]).any()]]
