"""What the scans' protocols can see of each contrast, gathered from the participants' calibration tables."""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from morbids.bids.names import output_path, scan_entities
from morbids.bids.sidecars import write_described
from morbids.bids.tables import read_table
from morbids.group.comparison import DIFFERENCES
from morbids.group.plan import GroupPlan
from morbids.group.rows import RowKind
from morbids.group.windows import contrast_of
from morbids.reports import tables
from morbids.reports.pages import Block, Text
from morbids.settings import Study

COLUMNS = {
    "contrast": ("Kind of difference map", ""),
    "scans": ("Scans with a calibration", ""),
    "null_percent": ("Baseline minus challenge without any change, in percent of baseline: median", "%"),
    "null_low": ("The same: lowest over scans, binding, delivery and dissociation", "%"),
    "null_high": ("The same: highest", "%"),
    "shape": ("Time course of the release", ""),
    "recovered": ("Share of a true change that the contrast shows beyond that: median", "unitless"),
    "recovered_low": ("The same: lowest", "unitless"),
    "recovered_high": ("The same: highest", "unitless"),
}
SHOWN = {
    "contrast": "Contrast",
    "scans": "Scans",
    "null_percent": "Reads without change (%)",
    "null_low": "from",
    "null_high": "to",
    "shape": "Release",
    "recovered": "Share recovered",
    "recovered_low": "from ",
    "recovered_high": "to ",
}


class _Summary(NamedTuple):
    median: float
    low: float
    high: float


def report_protocol(plan: GroupPlan, study: Study) -> tuple[Block, ...]:
    """Write the table, and show it; nothing where no scan was calibrated (maps of other programs)."""
    if plan.group.kind == "parameter":
        return ()
    lines = [line for kind in plan.group.kinds for line in _summarise(kind, plan)]
    if not lines:
        return ()
    path = output_path(study.output_dir, {}, "group_calibration", {"model": DIFFERENCES})
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    description = "What the protocol can see of each contrast, from simulated scans"
    write_described(table, path, description, COLUMNS)
    lead = (
        "Simulated scans with the frames, infusion and windows of these participants. What a contrast reads without "
        "any change is bias; it is part of every mean above, and a deactivation smaller than it may be none."
    )
    return Text((lead,)), tables.read_table(
        path, "Bias without change, and share of a true change recovered", SHOWN
    )


def _summarise(kind: RowKind, plan: GroupPlan) -> Iterator[tuple[object, ...]]:
    """One line per time course of release."""
    parts = []
    for row in {row.path: row for part in kind.parts for row in part}.values():
        path = output_path(plan.dataset, scan_entities(row.entities), "calibration")
        if path.exists():
            table = read_table(path, ("contrast", "null_percent", "recovered", "shape"))
            parts.append(table[table["contrast"] == contrast_of(row)])
    if not parts:
        return
    joined = pd.concat(parts, ignore_index=True)
    for shape, own in joined.groupby("shape"):
        null, recovered = _describe(own["null_percent"]), _describe(own["recovered"])
        yield (kind.title, len(parts), *null, shape, *recovered)


def _describe(values: "pd.Series[float]") -> _Summary:
    return _Summary(*(round(float(value), 3) for value in (values.median(), values.min(), values.max())))
