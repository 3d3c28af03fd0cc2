"""Estimates of the a-priori regions in every window, with their intervals, and the way to all tables."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from morbids.bids.names import output_path
from morbids.bids.tables import read_table
from morbids.bids.windows import Window, window_entities
from morbids.imaging.atlases import SPHERES
from morbids.numerics.kinetics.models import MODELS
from morbids.participant.plan import ScanPlan
from morbids.reports.pages import Block, Cell, Facts, Link, Table
from morbids.settings import Study

_ENDS = ("", "-low", "-high")


def report_regions(plan: ScanPlan, study: Study) -> Iterator[Block]:
    """A row per a-priori region and three columns per window; below it links to the tables of every atlas."""
    tables = {
        window.name: path
        for window in plan.kinetics.windows
        for path in _tables(plan, study, window, SPHERES)
    }
    parameter = MODELS[plan.kinetics.model].parameters[0]
    read = {window: read_table(path, ("name",)).set_index("name") for window, path in tables.items()}
    read = {window: table for window, table in read.items() if parameter in table}
    if read:
        names = [str(name) for name in next(iter(read.values())).index]
        symbol = parameter.replace("BPND", "BP_ND")
        heads = [f"{window}{end}" for window in read for end in (f": {symbol}", ", 95 % from", " to")]
        rows = tuple((name, *_cells(name, read, parameter)) for name in names)
        caption = f"{symbol} of a-priori regions ({plan.kinetics.model}), with 95 % intervals of the noise"
        yield Table(("Region", *heads), rows, caption, next(iter(tables.values())))
    links: list[tuple[str, Cell]] = [
        (f"{atlas.label}, {window.name}", Link(path.name, path))
        for atlas in plan.atlases
        for window in plan.kinetics.windows
        for path in _tables(plan, study, window, atlas.label)
    ]
    if links:
        yield Facts(tuple(links))


def _cells(name: str, read: dict[str, pd.DataFrame], parameter: str) -> Iterator[Cell]:
    for table in read.values():
        for end in _ENDS:
            known = name in table.index and f"{parameter}{end}" in table
            yield float(table[f"{parameter}{end}"][name]) if known else None


def _tables(plan: ScanPlan, study: Study, window: Window, atlas: str) -> Iterator[Path]:
    """The table of an atlas in a window, however partial volume was treated; nothing where there is none."""
    named = {"seg": atlas, "model": plan.kinetics.model, **window_entities(window)}
    for more in ({}, {"pvc": "GTM"}, {"pvc": "RBV"}):
        path = output_path(study.output_dir, plan.scan.entities, "kinpar", named | more)
        if path.exists():
            yield path
            return
