"""The quality of all scans side by side: the tables of the participant level, and which numbers stand out."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from morbids.bids.names import output_path, parse_name, scan_entities
from morbids.bids.sidecars import write_described
from morbids.bids.tables import read_table
from morbids.group.plan import GroupPlan
from morbids.numerics.arrays import FloatArray
from morbids.reports.pages import Block, Cell, Folded, Link, Rating, Table, Text
from morbids.reports.strips import Strip, StripPoint, Strips
from morbids.settings import Study

FEWEST = 5
"""With fewer scans none can be told from the others."""
UNUSUAL = 3.5
"""Robust z [Iglewicz & Hoaglin 1993]: distance from the median in standard deviations estimated from quartiles."""
UNUSUAL_COLUMN, CONCERN_COLUMN = "unusual", "concern"
# What the page shows of each scan; the file has everything.
SHOWN = {
    "head motion: largest framewise displacement": "Largest displacement (mm)",
    "PET to T1w: normalised mutual information": "PET to T1w",
    "reference region: volume": "Reference (mL)",
    "reference curve: lowest late ratio of a region": "Lowest late ratio",
    "reference curve: noise of voxels in late frames": "Late noise",
    "voxelwise fits: share that failed": "Failed fits",
}


def report_quality(plan: GroupPlan, study: Study) -> tuple[Block, ...]:
    """Write the table of all scans for every model, and show the main columns; nothing where there are no tables."""
    found = plan.group.found
    labels = dict.fromkeys([*(row.label for row in found.rows), *(one.label for one in found.dropped)])
    table = collect_quality(plan.dataset, list(labels))
    if table.empty:
        return ()
    files = [_write(table, study, model) for model in plan.models]
    columns = [name for name in SHOWN if name in table]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (row["scan"], *(row[name] for name in columns), row[UNUSUAL_COLUMN], row[CONCERN_COLUMN])
        for row in table.to_dict("records")
    )
    head = ("Scan", *(SHOWN[name] for name in columns), "Unusual", "Concern")
    caption = "Quality of the scans; unusual is what lies far from the other scans, whether good or bad"
    pages = {str(scan): _page_of(str(scan), study) for scan in table["scan"]}
    links = tuple(Link(scan, pages[scan] or "") for scan in sorted(pages))
    rating = Rating(links, "run.py BIDS_DIR OUTPUT_DIR group --exclude ratings.tsv")
    told = Text(
        ("Every number of every scan; a point leads to the participant, orange is far from the others.",)
    )
    return (
        told,
        Strips(tuple(_strips(table, pages))),
        Table(head, rows, caption, files[0] if files else None),
        Folded("Rate the scans", (rating,)),
    )


def _strips(table: pd.DataFrame, pages: Mapping[str, Path | None]) -> Iterator[Strip]:
    """A picture of each measure that differs between scans."""
    for name in table.columns.drop(["scan", UNUSUAL_COLUMN, CONCERN_COLUMN]):
        values = table[name].astype(float)
        if values.nunique() > 1:
            far = [name in str(unusual).split(", ") for unusual in table[UNUSUAL_COLUMN]]
            points = zip(map(str, table["scan"]), values, far, strict=True)
            yield Strip(
                str(name),
                tuple(StripPoint(scan, float(value), pages[scan], one) for scan, value, one in points),
            )


def _page_of(scan: str, study: Study) -> Path | None:
    """Page of the scan's participant; None where there is none (maps of other programs)."""
    page = output_path(study.output_dir, parse_name(scan + "_pet.nii.gz").entities, "participant_page")
    return page if page.exists() else None


def collect_quality(dataset: Path, labels: list[str]) -> pd.DataFrame:
    """One row per scan that has a table: `scan`, a column per `step: measure`, `unusual` and `concern`.

    Tables of other programs need no measures; scans with such a table have no row.
    """
    lines = []
    for label in labels:
        entities = scan_entities(parse_name(label + "_pet.nii.gz").entities)
        path = output_path(dataset, entities, "quality")
        if not path.exists():
            continue
        table = read_table(path, (CONCERN_COLUMN,))
        if not {"step", "measure", "value"} <= set(table.columns):
            continue
        values = {f"{row['step']}: {row['measure']}": row["value"] for row in table.to_dict("records")}
        concern = " ".join(map(str, table[CONCERN_COLUMN].dropna()))
        lines.append({"scan": label, **values, CONCERN_COLUMN: concern})
    collected = pd.DataFrame(lines)
    if collected.empty:
        return collected
    measures = collected.drop(columns=["scan", CONCERN_COLUMN]).astype(float)
    far = np.abs(robust_z(measures.to_numpy())) > UNUSUAL
    names = list(map(str, measures.columns))
    unusual = [", ".join(name for name, one in zip(names, row, strict=True) if one) for row in far]
    collected.insert(len(collected.columns) - 1, UNUSUAL_COLUMN, unusual)
    return collected


def robust_z(values: FloatArray) -> FloatArray:
    """Distance (n_scans, n_measures) from the median in robust standard deviations.

    0 where fewer than `FEWEST` scans have the measure, or where half of them have the same value.
    """
    z = np.zeros(values.shape)
    for column, measured in enumerate(values.T):
        known = np.isfinite(measured)
        if known.sum() < FEWEST:
            continue
        low, middle, high = np.percentile(measured[known], [25, 50, 75])
        spread = (high - low) / 1.349
        if spread > 0:
            z[known, column] = (measured[known] - middle) / spread
    return z


def _write(table: pd.DataFrame, study: Study, model: str) -> Path:
    path = output_path(study.output_dir, {}, "group_quality", {"model": model})
    columns = {name: (f"{name} (quality table of the scan)", "") for name in table.columns}
    columns["scan"] = ("Scan", "")
    columns[UNUSUAL_COLUMN] = (f"Measures with a robust z beyond {UNUSUAL:g}; n/a for none", "")
    columns[CONCERN_COLUMN] = ("Concerns of its steps; n/a for none", "")
    write_described(table.replace("", None), path, "Quality of all scans", columns)
    return path
