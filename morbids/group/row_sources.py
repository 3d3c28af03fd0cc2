"""What each row of a comparison is made of: its maps, tables of regions, calibrations, and what is known of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from morbids.bids.maps import Kind
from morbids.bids.names import output_path, scan_entities
from morbids.bids.rows import MapRow
from morbids.group.comparison import DIFFERENCES, NO_PROTOCOLS, PARAMETERS, Missing, Protocols, Terms
from morbids.group.rows import GroupRows, RowKind, contrast_of, region_table, window_map
from morbids.settings import PartialVolume


class Rows(NamedTuple):
    """Rows of a comparison before a design leaves some out: what their images are made of, and what is known."""

    name: str
    title: str
    labels: tuple[str, ...]
    lines: pd.DataFrame
    maps: Terms
    binding: tuple[Path, ...]
    tables: Terms
    quantity: str
    model: str
    protocols: Protocols = NO_PROTOCOLS
    unpaired: tuple[Missing, ...] = ()
    scans: tuple[str, str] | None = None


def keep_terms(terms: Terms, kept: Sequence[int], n_rows: int) -> Terms:
    """Take the files of some of the rows."""
    added, removed = (
        tuple(files[start + row] for start in range(0, len(files), n_rows) for row in kept)
        for files in (terms.added, terms.removed)
    )
    return terms._replace(added=added, removed=removed)


def rows_of_kind(kind: RowKind, group: GroupRows, dataset: Path) -> Rows:
    """Rows of one kind as they are."""
    difference = group.kind != "parameter"
    measure = kind.rows[0].entities["meas"]
    n_parts, every = len(kind.parts), [row for part in kind.parts for row in part]
    binding = [window_map(row, "Baseline") if difference else row.path for row in every]
    tables = _tables(every, dataset, group.partial_volume) if group.kind == "difference" else Terms()
    return Rows(
        name=kind.name,
        title=kind.title,
        labels=kind.labels,
        lines=kind.lines,
        maps=Terms(tuple(row.path for row in every), (), n_parts),
        binding=tuple(dict.fromkeys(path for path in binding if path is not None)),
        tables=tables._replace(divisor=n_parts),
        quantity=_quantity(measure, group.kind),
        model=DIFFERENCES if difference else PARAMETERS,
        protocols=_protocols(every, dataset) if difference else NO_PROTOCOLS,
    )


def _quantity(measure: str, kind: Kind) -> str:
    """What the maps hold, as people write it."""
    symbol = {"BPND": "BP_ND"}.get(measure, measure)
    return {"difference": f"change of {symbol}", "percent difference": f"change of {symbol} (%)"}.get(
        kind, symbol
    )


def _tables(rows: Sequence[MapRow], dataset: Path, partial_volume: PartialVolume) -> Terms:
    """Tables of a-priori regions of both windows; none unless all are there."""
    added = [region_table(row, "Baseline", dataset, partial_volume) for row in rows]
    removed = [region_table(row, "Challenge", dataset, partial_volume) for row in rows]
    complete_added = tuple(path for path in added if path is not None)
    complete_removed = tuple(path for path in removed if path is not None)
    complete = len(complete_added) == len(complete_removed) == len(rows)
    return Terms(complete_added, complete_removed) if complete else Terms()


def _protocols(rows: Sequence[MapRow], dataset: Path) -> Protocols:
    """Tables of what the scans' protocols read of nothing, by region or else by tissue; none unless all are there."""
    for role in ("null_range", "calibration"):
        paths = tuple(output_path(dataset, scan_entities(row.entities), role) for row in rows)
        if all(path.exists() for path in paths):
            return Protocols(Terms(paths), (contrast_of(rows[0]), ""))
    return NO_PROTOCOLS
