"""What a row of a group analysis is: one map of one scan; pairs of rows; their table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from morbids.bids.names import scan_entities, scan_label
from morbids.errors import MorbidsError


@dataclass(frozen=True)
class MapRow:
    """One map of one scan.

    Attributes
    ----------
    entities
        All of its name, as written.
    path
        The image, checked: it is there, whole, three-dimensional, and some voxels are finite and not zero.
    metadata
        Its sidecar, inherited fields included.
    scan_type
        What tells the scans of a participant apart, such as `task-rejection`; empty when each has one scan.
    concerns
        Sentences of its scan's quality table.
    """

    entities: dict[str, str]
    path: Path
    metadata: dict[str, Any]
    scan_type: str
    concerns: tuple[str, ...] = ()

    @property
    def participant(self) -> str:
        """Label of the participant, without its prefix."""
        return self.entities["sub"]

    @property
    def run(self) -> int:
        """Number of the run; 0 where it has none."""
        return int(self.entities.get("run", 0))

    @property
    def description(self) -> str:
        """The `desc-` entity: windows of a difference map; empty when absent."""
        return self.entities.get("desc", "")

    @property
    def label(self) -> str:
        """Name of the scan, such as `sub-01_task-rejection`."""
        return scan_label(scan_entities(self.entities))


class DroppedMap(NamedTuple):
    """A scan (and map, when there is one) that is not a row, and why."""

    label: str
    path: Path | None
    reason: str


class PairedMaps(NamedTuple):
    """Two maps per participant, in the order asked for, and who lacks one."""

    pairs: tuple[tuple[MapRow, MapRow], ...]
    dropped: tuple[DroppedMap, ...]


def pair_maps(first: Sequence[MapRow], second: Sequence[MapRow], names: tuple[str, str]) -> PairedMaps:
    """Join two kinds of map within participants: a paired comparison is made of their differences.

    Parameters
    ----------
    first, second
        Rows of the two kinds, one per participant each.
    names
        What the two kinds are called in reasons.

    Raises
    ------
    MorbidsError
        A participant has two rows of one kind.
    """
    one, two = _by_participant(first, names[0]), _by_participant(second, names[1])
    dropped = [*_unpaired(one, two, names), *_unpaired(two, one, (names[1], names[0]))]
    pairs = tuple((one[participant], two[participant]) for participant in sorted(one.keys() & two.keys()))
    return PairedMaps(pairs, tuple(sorted(dropped, key=lambda row: row.label)))


def _unpaired(
    own: Mapping[str, MapRow], other: Mapping[str, MapRow], names: tuple[str, str]
) -> list[DroppedMap]:
    return [
        DroppedMap(row.label, row.path, f"the participant has {names[0]} but no {names[1]}")
        for participant, row in own.items()
        if participant not in other
    ]


def rows_table(rows: Sequence[MapRow]) -> pd.DataFrame:
    """One line per map with the entities of its scan, ready to be joined with traits.

    Columns: `participant_id` and, where a row has it, `session_id` (both with prefix), `task`, `tracer`,
    `reconstruction`, `run` (without leading zeros, as in tables of traits), `space`, `resolution`; then
    `scan_type`, `contrast` (the `desc-` entity), `model`, `measure`.
    """
    names = {"task": "task", "trc": "tracer", "rec": "reconstruction", "run": "run"}
    names |= {"space": "space", "res": "resolution"}
    lines: list[dict[str, str]] = []
    for row in rows:
        line = {"participant_id": f"sub-{row.participant}"}
        if "ses" in row.entities:
            line["session_id"] = f"ses-{row.entities['ses']}"
        line |= {column: row.entities[key] for key, column in names.items() if key in row.entities}
        if "run" in line:
            line["run"] = line["run"].lstrip("0") or "0"
        line |= {"scan_type": row.scan_type, "contrast": row.description}
        line |= {"model": row.entities.get("model", ""), "measure": row.entities.get("meas", "")}
        lines.append(line)
    return pd.DataFrame(lines)


def _by_participant(rows: Sequence[MapRow], name: str) -> dict[str, MapRow]:
    by_participant: dict[str, MapRow] = {}
    for row in rows:
        earlier = by_participant.setdefault(row.participant, row)
        if earlier is not row:
            raise MorbidsError(
                f"sub-{row.participant} has two maps of {name}: {earlier.path.name} and {row.path.name}.",
                "A paired comparison takes one of each: select a session, run or window.",
            )
    return by_participant
