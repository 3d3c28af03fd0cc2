"""Tables of what was planned: every scan with its fate, and the design of every comparison."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from morbids.bids.names import output_path
from morbids.bids.sidecars import write_described
from morbids.group.comparison import Comparison, WrittenDesign
from morbids.group.plan import GroupPlan
from morbids.settings import Study

ROW_COLUMNS: Mapping[str, tuple[str, str]] = {
    "scan": ("Scan or participant", ""),
    "map": ("Its map, in the dataset of the maps", ""),
    "status": ("`included` or `left out`", ""),
    "contrast": ("Contrast that leaves it out; n/a for all contrasts, or for none", ""),
    "reason": ("Why it is left out", ""),
}


def write_plan_tables(plan: GroupPlan, study: Study) -> None:
    """Write rows.tsv of each model and design.tsv of each contrast, with their sidecars."""
    for model in plan.models:
        own = [comparison for comparison in plan.comparisons if comparison.model == model]
        path = output_path(study.output_dir, {}, "rows", {"model": model})
        write_described(_rows_table(plan, own), path, "Every scan, used or left out", ROW_COLUMNS)
    for comparison in plan.comparisons:
        design = comparison.design
        table = pd.DataFrame({"scan": comparison.labels, **design.columns})
        described = {"scan": ROW_COLUMNS["scan"]} | {
            name: (f"Column of the design; {_say_weight(design, name)}", "") for name in design.columns
        }
        named = {"model": comparison.model, "contrast": comparison.name}
        path = output_path(study.output_dir, {}, "design", named)
        write_described(table, path, f"Design of {comparison.title} ({design.words})", described)


def _say_weight(design: WrittenDesign, name: str) -> str:
    """Weight of a column in the contrast, or in each of those that F tests."""
    if design.several:
        listed = ", ".join(f"{row.get(name, 0.0):g}" for row in design.several)
        return f"its weights in the contrasts of F are {listed}"
    return f"its weight in the contrast is {design.weights.get(name, 0.0):g}"


def _rows_table(plan: GroupPlan, comparisons: list[Comparison]) -> pd.DataFrame:
    def relative(path: Path | None) -> str | None:
        return path.relative_to(plan.dataset).as_posix() if path else None

    found = plan.group.found
    lines: list[tuple[str | None, ...]] = [
        (row.label, relative(row.path), "included", None, None) for row in found.rows
    ]
    lines += [(one.label, relative(one.path), "left out", None, one.reason) for one in found.dropped]
    lines += [
        (one.label, None, "left out", comparison.name, one.reason)
        for comparison in comparisons
        for one in comparison.dropped
    ]
    return pd.DataFrame(lines, columns=list(ROW_COLUMNS))
