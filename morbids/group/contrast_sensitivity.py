"""What other corrections than the page's say of one comparison alone."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from morbids.bids.tables import read_table
from morbids.group.contrast_results import ContrastResults, read_columns
from morbids.numerics.statistics.methods import ALPHA, METHODS
from morbids.reports.pages import Block, Cell, PValue, Table, Text

SENSITIVITY_COLUMNS: Mapping[str, str] = {
    "cluster": "Cluster",
    "AAL": "AAL",
    "direction": "Direction",
    **{method.column: f"p ({method.brief})" for method in METHODS.values()},
}
SMALL_VOLUME_COLUMNS: Mapping[str, str] = {
    "label": "Small volume",
    "volume_mm3": "Volume (mm³)",
    "x_mm": "x (mm)",
    "y_mm": "y (mm)",
    "z_mm": "z (mm)",
    "t": "largest t",
    "f": "largest F",
    "p_uncorrected": "p",
    "p_small_volume": "p (within it)",
    "p_holm": "p (Holm over volumes)",
    "p_random_field": "p (random field)",
}
REGION_COLUMNS: Mapping[str, str] = {
    "label": "Region",
    "n": "n",
    "effect": "Effect",
    "ci_low": "95 % from",
    "ci_high": "to",
    "t": "t",
    "f": "F",
    "p": "p",
    "p_holm": "p (Holm)",
    "p_fdr": "p (FDR)",
    "hedges_g": "Hedges' g",
}


def tell_corrections(contrast: ContrastResults) -> Iterator[Block]:
    """What other corrections say of this contrast alone."""
    yield _corrections(contrast)
    if contrast.outputs.path("clusters").exists() and not read_table(contrast.outputs.path("clusters")).empty:
        caption = f"Clusters of {contrast.comparison.title} by every correction"
        yield contrast.table("clusters", caption, SENSITIVITY_COLUMNS)
    small = contrast.outputs.path("regions", desc="smallvolumes")
    if contrast.outputs.plan.small_volumes.names and small.exists():
        caption = "Small volumes chosen beforehand, each searched on its own"
        yield read_columns(small, caption, SMALL_VOLUME_COLUMNS)
        yield from _reach(contrast, read_table(small))
    for desc, caption in (("", "A-priori regions"), ("sides", "A-priori regions, each side on its own")):
        path = contrast.outputs.path("regions", **({"desc": desc} if desc else {}))
        if path.exists():
            yield read_columns(
                path, f"{caption}; Holm and FDR over the regions of this contrast", REGION_COLUMNS
            )


def _reach(contrast: ContrastResults, volumes: pd.DataFrame) -> Iterator[Block]:
    """Say where Holm's correction of permutations cannot reach the level."""
    told: dict[str, Any] = next((test for test in contrast.summary["Tests"] if test["Method"] == "max-t"), {})
    tested = int(volumes["p_holm"].notna().sum())
    best = told.get("SmallestPossibleP", 0.0) * tested
    if best > ALPHA:
        yield Text((f"With this number of maps Holm over {tested} small volumes gives {best:.2g} at best.",))


def _corrections(contrast: ContrastResults) -> Table:
    """What passes at which correction."""
    named = [word for word in contrast.comparison.directions if word]
    rows: list[tuple[Cell, ...]] = []
    for test in contrast.summary["Tests"]:
        height = test.get("CriticalHeight")
        symbol = test.get("CriticalStatistic", "")
        symbol = symbol if contrast.comparison.design.several else f"|{symbol}|"
        threshold = f"{symbol} ≥ {height:.2f}" if height else ""
        kind = "all" if test.get("Exhaustive") else "random"
        made = f"{test['Rearrangements']} ({kind})" if "Rearrangements" in test else None
        counts = (test["VoxelsPositive"], test["VoxelsNegative"])[: len(named)]
        rows.append(
            (
                METHODS[test["Method"]].label,
                threshold or None,
                *counts,
                _p_value(test["SmallestP"]),
                made,
            )
        )
    counted = (f"Voxels: {word}" for word in named)
    columns = ("Correction", f"Threshold (p ≤ {ALPHA:g})", *counted)
    return Table((*columns, "Smallest p", "Rearrangements"), tuple(rows), "What passes at which correction")


def _p_value(p: float | None) -> PValue | None:
    return None if p is None else PValue(p)
