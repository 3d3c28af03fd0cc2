"""Real heads with independent labels: masks, doubts, tissues and atlases judged on people, ANTs' Atropos beside them.

`--data` names a folder of `NAME.nii.gz` (T1w), `NAME_labels.nii.gz` and `labels.tsv` (columns index and name). What is
measured of a head comes from parts, each a function from a `Head` to named numbers; the heads' rows are printed, and
each part says how they become figures. Masks are measured on damaged copies of the heads too.
"""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks import heads_atlas, heads_masks, heads_tissue
from benchmarks.heads_case import Head, find_heads, prepare

WORKERS, QUICK_HEADS = 2, 2
ROWS = Path(__file__).parent / "results" / "heads.tsv"


class Part(NamedTuple):
    """What is measured of one head, as rows of a table, and how the rows of all heads become figures."""

    measure: Callable[[Head], Sequence[dict[str, object]]]
    summarise: Callable[[pd.DataFrame], dict[str, float]]


PARTS = (
    Part(heads_masks.measure, heads_masks.summarise),
    Part(heads_tissue.measure, heads_tissue.summarise),
    Part(heads_atlas.measure, heads_atlas.summarise),
)


def run(quick: bool, data: Path | None) -> dict[str, float] | None:
    """Measure every head (quick: the first two); None without data."""
    names = find_heads(data) if data is not None else []
    if data is None or not names:
        print(f"heads: SKIPPED, no heads in --data {data}.", flush=True)
        return None
    chosen = names[:QUICK_HEADS] if quick else names
    with ProcessPoolExecutor(WORKERS) as pool:
        rows = [
            row for rows in pool.map(partial(measure_head, data), chosen, range(len(chosen))) for row in rows
        ]
    table = pd.DataFrame(rows)
    if not quick:
        table.to_csv(ROWS, sep="\t", index=False, na_rep="n/a", float_format="%.4f")
    return summarise(table)


def measure_head(data: Path, name: str, number: int) -> list[dict[str, object]]:
    """Rows of one head by all parts."""
    with tempfile.TemporaryDirectory(prefix="morbids_heads_") as folder:
        head = prepare(data, name, number, Path(folder))
        rows = [{"head": name, **row} for part in PARTS for row in part.measure(head)]
    print(pd.DataFrame(rows).to_string(index=False), flush=True)
    return rows


def summarise(table: pd.DataFrame) -> dict[str, float]:
    """Figures of all parts."""
    figures = {"heads": float(table["head"].nunique())}
    for part in PARTS:
        figures |= part.summarise(table)
    return figures
