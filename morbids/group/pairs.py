"""One kind of map against another within participants, and challenge against challenge."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from morbids.bids.names import capitalised, entity_label
from morbids.bids.rows import pair_maps
from morbids.group.comparison import NO_PROTOCOLS, Missing, Protocols, Terms, is_reference
from morbids.group.row_sources import Rows, rows_of_kind
from morbids.group.rows import GroupRows, RowKind
from morbids.group.windows import window_map


def pair_kinds(
    first: RowKind, second: RowKind, group: GroupRows, dataset: Path
) -> Iterator[tuple[Rows, str]]:
    """One kind against another within participants: the maps as they are, and challenge against challenge."""
    if group.kind == "parameter" and first.rows[0].description != second.rows[0].description:
        return
    paired = pair_maps(first.rows, second.rows, (first.title, second.title))
    if not paired.pairs:
        return
    unpaired = tuple(Missing(one.label, one.reason) for one in paired.dropped)
    kinds = tuple(
        kind.take([kind.rows.index(pair[place]) for pair in paired.pairs])
        for place, kind in enumerate((first, second))
    )
    one, other = (rows_of_kind(kind, group, dataset) for kind in kinds)
    against = f"{entity_label(first.short)}Against{capitalised(entity_label(second.short))}"
    labels = tuple(f"sub-{pair[0].participant}" for pair in paired.pairs)
    # Regions that only one of the two has tables of are measured on the maps, for both alike.
    tables = Terms(
        one.tables.added + other.tables.removed, one.tables.removed + other.tables.added, one.maps.divisor
    )
    rows = one._replace(
        name=against,
        title=f"{first.short} against {second.short}",
        labels=labels,
        maps=Terms(one.maps.added, other.maps.added, one.maps.divisor),
        binding=one.binding + other.binding,
        tables=tables if one.tables.added and other.tables.added else Terms(),
        protocols=_against(one.protocols, other.protocols),
        unpaired=unpaired,
    )
    if group.kind == "parameter":
        rows = rows._replace(scans=(first.short, second.short))
        if group.percent:
            rows, asks = _in_percent(rows, first.short, second.short)
            yield rows, asks
            return
        yield rows, f"Does binding differ within participants? Positive: higher in {first.short}."
        return
    yield rows, f"Does the change differ within participants? Positive: more activation in {first.short}."
    if group.kind == "difference" and first.rows[0].scan_type != second.rows[0].scan_type:
        late = _late(rows, kinds, one, other)
        if late is not None:
            yield (
                late,
                (
                    "Late against late: does binding during the challenges differ within participants? Positive: "
                    f"lower in {first.short}, which is more activation."
                ),
            )


def _in_percent(rows: Rows, first: str, second: str) -> tuple[Rows, str]:
    """The same difference in percent of the scan that the other is compared with."""
    of_first = is_reference(first, second)
    maps = rows.maps._replace(percent_of="added" if of_first else "removed")
    asks = (
        f"Does binding differ within participants, in percent of {first if of_first else second}? "
        f"Positive: higher in {first}."
    )
    return rows._replace(maps=maps, quantity=f"change of {rows.quantity} (%)"), asks


def _against(one: Protocols, other: Protocols) -> Protocols:
    """What the protocols make of a difference between two kinds of scan."""
    if not (one.tables.added and other.tables.added):
        return NO_PROTOCOLS
    tables = Terms(one.tables.added, other.tables.added)
    return Protocols(tables, (one.contrasts[0], other.contrasts[0]))


def _late(rows: Rows, kinds: Sequence[RowKind], one: Rows, other: Rows) -> Rows | None:
    """Maps of the challenge windows alone; None where they are not all there."""
    challenges = [[window_map(row, "Challenge") for part in kind.parts for row in part] for kind in kinds]
    there = [tuple(path for path in paths if path is not None and path.exists()) for paths in challenges]
    if any(len(paths) < len(rows.maps.added) for paths in there):
        return None
    divisor = rows.maps.divisor
    tables = Terms(other.tables.removed, one.tables.removed, divisor) if rows.tables.added else Terms()
    return rows._replace(
        name=f"{rows.name}Late",
        title=f"{rows.title}: late against late",
        maps=Terms(there[1], there[0], divisor),
        tables=tables,
        protocols=NO_PROTOCOLS,
    )
