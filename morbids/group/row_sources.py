"""What each row of a comparison is made of: its maps, tables of regions, calibrations, and what is known of it."""

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.maps import Kind
from morbids.bids.names import output_path, scan_entities
from morbids.bids.rows import MapRow
from morbids.bids.within_person import Combined
from morbids.errors import ExitCode, MorbidsError
from morbids.group.comparison import DIFFERENCES, NO_PROTOCOLS, PARAMETERS, Missing, Protocols, Terms
from morbids.group.rows import GroupRows, RowKind
from morbids.group.windows import contrast_of, region_table, window_map
from morbids.settings import PartialVolume

# Files that one row may be made of, and the largest divisor of their sum.
MOST_PARTS = 60


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


def combine_maps(rows: Rows, combined: Combined) -> Rows:
    """Rows that are weighted sums of others, as means and differences of their files.

    Raises
    ------
    MorbidsError
        Weights are no small fractions, or differ between participants by more than the number of their maps.
    """
    parts = _repeat_files(combined)

    def files(terms: Terms) -> Terms:
        added = _pick(terms.added, parts.added) + _pick(terms.removed, parts.removed)
        removed = _pick(terms.added, parts.removed) + _pick(terms.removed, parts.added)
        return Terms(added, removed, parts.divisor)

    tables = rows.protocols.tables
    protocols = Protocols(files(tables), (rows.protocols.contrasts[0],) * 2) if tables.added else NO_PROTOCOLS
    named = [name for name in ("participant_id", "session_id") if name in combined.table]
    return rows._replace(
        labels=tuple("_".join(map(str, line)) for line in combined.table[named].to_numpy()),
        lines=combined.table,
        maps=files(rows.maps),
        tables=files(rows.tables),
        protocols=protocols,
    )


def _pick(files: tuple[Path, ...], places: Sequence[Sequence[int]]) -> tuple[Path, ...]:
    """Files by their places in each row, in the order of `Terms`; nothing of nothing."""
    return tuple(files[place] for term in zip(*places, strict=True) for place in term) if files else ()


class _Repeated(NamedTuple):
    """Places of the maps that each row adds and takes away, as many in every row, and what the sum is divided by."""

    added: list[list[int]]
    removed: list[list[int]]
    divisor: int


def _repeat_files(combined: Combined) -> _Repeated:
    """Write weights as whole numbers of files over one divisor."""
    weights = [[Fraction(weight).limit_denominator(MOST_PARTS) for weight in row] for row in combined.weights]
    divisor = math.lcm(*(weight.denominator for row in weights for weight in row))
    exact = np.allclose(np.array(weights, dtype=float), combined.weights, atol=1e-9)
    repeats = np.rint(combined.weights * divisor).astype(int)
    places = [
        [np.repeat(np.arange(len(row)), np.maximum(row, 0)).tolist() for row in signed]
        for signed in (repeats, -repeats)
    ]
    counts = {tuple(map(len, own)) for own in zip(*places, strict=True)}
    if not exact or len(counts) > 1 or max(map(max, counts)) > MOST_PARTS:
        row = combined.table["participant_id"].iloc[-1]
        raise MorbidsError(
            f"The nodes within participants make no mean or difference that is the same sum in everyone (see {row}).",
            "Weigh levels of a factor, or [1]; slopes on a variable within a participant are not supported.",
            ExitCode.USAGE,
        )
    return _Repeated(places[0], places[1], divisor)


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
