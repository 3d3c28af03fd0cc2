"""Maps of any origin by a table: whose map it is, of which scan, and where the image lies.

SPM's contrast images, statistical maps of FitLins or nilearn, or maps without BIDS names become rows this way.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from morbids.bids.agreement import keep_comparable
from morbids.bids.filters import matches, read_selection
from morbids.bids.inheritance import read_json_object
from morbids.bids.maps import FoundMaps, MapSelection, leave_out, scan_type_keys
from morbids.bids.names import scan_entities, scan_label, sidecar_path, strip_prefix
from morbids.bids.rows import DroppedMap, MapRow
from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError

# Columns of the table, and the entity that each is.
_ENTITIES: Mapping[str, str] = MappingProxyType(
    {
        "participant_id": "sub",
        "session_id": "ses",
        "task": "task",
        "tracer": "trc",
        "run": "run",
        "description": "desc",
    }
)
_PATH = "path"


def find_listed_maps(table: Path, selection: MapSelection) -> FoundMaps:
    """Read the rows of a table of maps.

    Parameters
    ----------
    table
        TSV with `participant_id` and `path` (absolute, or relative to the table), and any of `session_id`, `task`,
        `tracer`, `run`, `description`.
    selection
        Measure, labels and exclusions; what else it says is of names.

    Raises
    ------
    MorbidsError
        The table cannot be read, has another column, an image that is not there or two rows of one map, or no row is
        left.
    """
    lines = read_table(table, required=("participant_id", _PATH))
    unknown = [str(name) for name in lines.columns if name not in (*_ENTITIES, _PATH)]
    if unknown:
        raise MorbidsError(
            f"{table} has the column '{unknown[0]}'.",
            f"Columns are {', '.join((*_ENTITIES, _PATH))}; traits belong in participants.tsv, sessions.tsv or "
            "phenotype/ of BIDS_DIR.",
            ExitCode.USAGE,
        )
    entities = [_entities(line, selection.measure) for _, line in lines.iterrows()]
    paths = [_image(table, number, str(path)) for number, path in enumerate(lines[_PATH], 2)]
    _refuse_repeated(table, entities)
    keys = scan_type_keys(entities)
    wanted = read_selection(selection.filters).pet
    rows, dropped = [], []
    for own, path in zip(entities, paths, strict=True):
        if not matches(own, wanted):
            continue
        scan_type = scan_label({key: own[key] for key in keys if key in own})
        row = MapRow(own, path, _metadata(path), scan_type)
        reason = leave_out(row, selection)
        if reason:
            dropped.append(DroppedMap(row.label, path, reason))
        else:
            rows.append(row)
    if not rows:
        raise MorbidsError(
            f"No map of {table} is left.", "Look at its rows and the labels that are asked for."
        )
    kept, others = keep_comparable(rows)
    return FoundMaps(tuple(kept), tuple(dropped + others))


def common_folder(rows: Sequence[MapRow]) -> Path:
    """Folder that all maps lie in."""
    return Path(os.path.commonpath([row.path.parent for row in rows]))


def _entities(line: "pd.Series[str]", measure: str) -> dict[str, str]:
    """Entities of one row, as a name would have them."""
    told = {
        entity: strip_prefix(str(line[column]).strip(), entity)
        for column, entity in _ENTITIES.items()
        if column in line.dropna()
    }
    return told | {"meas": measure}


def _image(table: Path, number: int, path: str) -> Path:
    found = (table.parent / path).absolute()
    if not found.is_file():
        raise MorbidsError(
            f"{table}, line {number}: there is no image {path}.",
            "Paths are absolute, or relative to the table.",
        )
    return found


def _refuse_repeated(table: Path, entities: Sequence[Mapping[str, str]]) -> None:
    seen: set[tuple[tuple[str, str], ...]] = set()
    for own in entities:
        key = tuple(sorted(own.items()))
        if key in seen:
            raise MorbidsError(
                f"{table} has two rows of {scan_label(scan_entities(own))}.",
                "Tell them apart by session_id, task, run or description, or list one.",
            )
        seen.add(key)


def _metadata(path: Path) -> dict[str, object]:
    """What the JSON beside the image says; nothing where there is none."""
    sidecar = sidecar_path(path)
    return read_json_object(sidecar) if sidecar.is_file() else {}
