"""Find the rows of a group analysis: maps of a derivative dataset, ours or any with `_mimap` names."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from morbids.bids.agreement import keep_comparable
from morbids.bids.filters import Filters, matches, read_selection
from morbids.bids.folders import walk_participants
from morbids.bids.images import Content, look_for_a_value, read_grid
from morbids.bids.inheritance import read_sidecar
from morbids.bids.names import (
    SCAN_ENTITIES,
    output_path,
    parse_difference_label,
    parse_name,
    scan_entities,
    scan_label,
)
from morbids.bids.rows import DroppedMap, MapRow
from morbids.bids.tables import read_texts
from morbids.errors import ExitCode, MorbidsError
from morbids.words import listed

Kind = Literal["difference", "percent difference", "parameter"]
_ENDINGS = ("_mimap.nii", "_mimap.nii.gz")
# The values of `space-` that are one participant's own.
_OWN_SPACES = ("T1w", "orig", "pet", "petref")
# Why an image cannot be a row, by what it holds.
_NOTHING_IN_IT: Mapping[Content, str] = MappingProxyType(
    {"values": "", "zeros": "every voxel is zero", "nothing finite": "no voxel is finite (all NaN)"}
)
# How the command line chooses among values of an entity.
_OPTIONS = MappingProxyType(
    {"model": "--model", "space": "--output-spaces", "res": "--output-spaces", "pvc": "--pvc"}
)


@dataclass(frozen=True)
class MapSelection:
    """Which maps of a dataset are rows.

    Attributes
    ----------
    kind
        Differences between windows in the unit of the measure, the same in percent, or the parameter itself.
    entities
        Wanted values of further entities (`model`, `space`, `res`, `desc` ...); None = absent from the name.
        Without `space`, any template space.
    filters
        Labels of participants, sessions, tasks, tracers, runs.
    excluded
        Reasons by scan or participant (`sub-01_task-rejection`, `sub-01`): rows that the user leaves out.
    drop_flagged
        Leave out scans whose quality table holds a concern; else rows carry it.
    """

    kind: Kind = "difference"
    measure: str = "BPND"
    entities: Mapping[str, str | None] = field(default_factory=dict)
    filters: Filters = field(default_factory=Filters)
    excluded: Mapping[str, str] = field(default_factory=dict)
    drop_flagged: bool = True


class FoundMaps(NamedTuple):
    """Rows in the order of their names, and what is left out."""

    rows: tuple[MapRow, ...]
    dropped: tuple[DroppedMap, ...]


class _Image(NamedTuple):
    path: Path
    entities: dict[str, str]


class _Listing(NamedTuple):
    """Every parametric image in the order of names; entities of every scan and participant that left anything."""

    images: list[_Image]
    scans: list[dict[str, str]]


def find_maps(
    dataset: Path, selection: MapSelection | None = None, on_progress: Callable[[int], None] | None = None
) -> FoundMaps:
    """Find the maps that a group analysis compares.

    Every scan and participant that left a file in the dataset is a row or is dropped with a reason, so that a
    scan that failed is not forgotten.

    Parameters
    ----------
    dataset
        A derivative dataset: participant folders with `_mimap` images in a template space.
    selection
        Which of them; by default differences of BPND.
    on_progress
        Is told how many more maps were read.

    Raises
    ------
    MorbidsError
        The dataset has no `_mimap` image, none fits the selection, an exclusion names nobody, or fitting ones are
        of several models, spaces or grids, so that it is not clear which ones belong together.
    """
    selection = selection or MapSelection()
    wanted = read_selection(selection.filters).pet
    listing = _list_dataset(dataset)
    images = [image for image in listing.images if matches(image.entities, wanted)]
    fitting = [image for image in images if _fits(image.entities, selection)]
    if not fitting:
        raise _nothing_fits(dataset, images, selection)
    _refuse_ambiguous(dataset, fitting)
    scans = listing.scans
    _refuse_unknown_exclusions(dataset, selection.excluded, [*scans, *(image.entities for image in fitting)])
    known = [scan for scan in scans if matches(scan, wanted)]
    dropped = _missing(images, fitting, known, selection)
    type_keys = scan_type_keys([image.entities for image in fitting])

    def read(image: _Image) -> MapRow | str:
        """Return the row, or why it is left out."""
        try:
            row = _read_row(dataset, image, type_keys)
            return leave_out(row, selection) or _unfinished(dataset, row) or row
        except MorbidsError as error:
            return error.message

    rows: list[MapRow] = []
    with ThreadPoolExecutor() as pool:
        for image, row in zip(fitting, pool.map(read, fitting), strict=True):
            if isinstance(row, MapRow):
                rows.append(row)
            else:
                dropped.append(DroppedMap(scan_label(scan_entities(image.entities)), image.path, row))
            if on_progress:
                on_progress(1)
    rows, others = keep_comparable(rows)
    dropped += others
    return FoundMaps(tuple(rows), tuple(sorted(dropped, key=lambda row: (row.label, str(row.path)))))


def _list_dataset(dataset: Path) -> _Listing:
    """Look through the dataset once: participants may be thousands, with some two hundred files each."""
    if not dataset.is_dir():
        raise MorbidsError(
            f"{dataset} is no directory.", "Run the participant level first.", ExitCode.NO_INPUT
        )
    images, scans = [], {}
    for path in walk_participants(dataset):
        if path.name.endswith(_ENDINGS) and not path.name.startswith("."):
            images.append(_Image(path, parse_name(path).entities))
        if path.parent.name == "pet":
            scan = scan_entities(parse_name(path).entities)
            scans[scan_label(scan)] = scan
    if not images:
        raise MorbidsError(
            f"{dataset} has no parametric map (sub-*/**/*_mimap.nii.gz).",
            "Run the participant level first, or name a dataset that has them.",
            ExitCode.NO_INPUT,
        )
    scans |= _without_scans(dataset, {scan.get("sub") for scan in scans.values()})
    return _Listing(
        [image for image in sorted(images) if "sub" in image.entities],
        [scan for scan in scans.values() if "sub" in scan],
    )


def _without_scans(dataset: Path, with_scans: set[str | None]) -> dict[str, dict[str, str]]:
    """Participants who left nothing but a folder or a page."""
    found = {}
    for path in sorted(dataset.glob("sub-*")):
        participant = scan_entities(parse_name(path).entities)
        if participant.keys() == {"sub"} and participant["sub"] not in with_scans:
            found[scan_label(participant)] = participant
    return found


def _kind(entities: Mapping[str, str]) -> Kind:
    difference = parse_difference_label(entities.get("desc", ""))
    if difference is None:
        return "parameter"
    return "percent difference" if difference.percent else "difference"


def _fits(entities: Mapping[str, str], selection: MapSelection) -> bool:
    """Whether a map is of the wanted kind; maps in a participant's own space only by name."""
    in_template = "space" in selection.entities or entities.get("space", "T1w") not in _OWN_SPACES
    return (
        in_template
        and entities.get("meas", "").upper() == selection.measure.upper()
        and _kind(entities) == selection.kind
        and all(entities.get(key) == value for key, value in selection.entities.items())
    )


def _nothing_fits(dataset: Path, images: Sequence[_Image], selection: MapSelection) -> MorbidsError:
    wanted = ", ".join(f"{key}-{value}" for key, value in selection.entities.items())
    present = Counter(_describe(image.entities) for image in images)
    listed = "; ".join(f"{text} ({count})" for text, count in sorted(present.items())[:8])
    return MorbidsError(
        f"{dataset} has no {selection.kind} map of {selection.measure} in a template space"
        f"{' with ' + wanted if wanted else ''} for this selection.",
        f"It has: {listed or 'no map of the selected participants and scans'}.",
        ExitCode.NOTHING_SELECTED,
    )


def _describe(entities: Mapping[str, str]) -> str:
    """What a map is, without the scan that it is of."""
    return scan_label({key: value for key, value in entities.items() if key not in SCAN_ENTITIES})


def _refuse_ambiguous(dataset: Path, images: Sequence[_Image]) -> None:
    """Maps of one analysis share every entity that says how they were made."""
    keys = {key for image in images for key in image.entities} - {*SCAN_ENTITIES, "desc"}
    for key in sorted(keys):
        counts = Counter(image.entities.get(key, "none") for image in images)
        if len(counts) > 1:
            listed = ", ".join(f"{key}-{value} ({count} maps)" for value, count in sorted(counts.items()))
            option = f" with {_OPTIONS[key]}" if key in _OPTIONS else ""
            raise MorbidsError(
                f"{dataset} has maps of several kinds that fit: {listed}.",
                f"They cannot be compared with each other: choose one value of {key}{option}.",
            )


def _refuse_unknown_exclusions(
    dataset: Path, excluded: Iterable[str], known: Iterable[Mapping[str, str]]
) -> None:
    """Refuse a name that is no scan's and no participant's: whom it means would stay in."""
    scans = [scan_entities(entities) for entities in known]
    participants = {f"sub-{scan['sub']}" for scan in scans}
    labels = sorted({scan_label(scan) for scan in scans} | participants)
    for name in excluded:
        if name in labels or f"sub-{name}" in participants:
            continue
        close = difflib.get_close_matches(name, labels, n=3) or [*sorted(participants)[:3], "..."]
        raise MorbidsError(
            f"--exclude {name} names no scan and no participant of {dataset}.",
            f"There are {', '.join(close)}; a scan is written as {labels[-1]}.",
            ExitCode.USAGE,
        )


def _missing(
    images: Sequence[_Image],
    fitting: Sequence[_Image],
    known: Iterable[Mapping[str, str]],
    selection: MapSelection,
) -> list[DroppedMap]:
    """Scans that have no fitting map, with what they have instead."""
    present: dict[str, list[str]] = {scan_label(scan): [] for scan in known}
    for image in images:
        description = _describe(image.entities)
        present.setdefault(scan_label(scan_entities(image.entities)), []).append(description)
    complete = {scan_label(scan_entities(image.entities)) for image in fitting}
    return [
        DroppedMap(
            label,
            None,
            f"no {selection.kind} map of {selection.measure}; it has {listed(has, 4) or 'no map at all'}",
        )
        for label, has in present.items()
        if label not in complete
    ]


def scan_type_keys(entities: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Fewest entities that tell the scans of a participant apart.

    Tracer and reconstruction always part: their maps are never one kind. The task comes next: where the order of
    conditions changes between participants, it is the task and not the session that means the same in everyone.
    """
    keys: tuple[str, ...] = ()
    for key in ("trc", "rec", "task", "ses", "run"):
        varies = len({own.get(key) for own in entities}) > 1
        if varies and (key in ("trc", "rec", "task") or not _tells_apart(entities, keys)):
            keys += (key,)
    return keys


def _tells_apart(entities: Sequence[Mapping[str, str]], keys: tuple[str, ...]) -> bool:
    seen = Counter(tuple(own.get(key) for key in ("sub", "desc", *keys)) for own in entities)
    return max(seen.values()) == 1


def _read_row(dataset: Path, image: _Image, type_keys: tuple[str, ...]) -> MapRow:
    metadata = read_sidecar(image.path, dataset, "mimap")
    scan_type = scan_label({key: image.entities[key] for key in type_keys if key in image.entities})
    return MapRow(image.entities, image.path, metadata, scan_type, _read_concerns(dataset, image.entities))


def _read_concerns(dataset: Path, entities: Mapping[str, str]) -> tuple[str, ...]:
    """Sentences of the column `concern` in the scan's quality table, if it has one."""
    path = output_path(dataset, scan_entities(entities), "quality")
    return tuple(read_texts(path, "concern")) if path.exists() else ()


def leave_out(row: MapRow, selection: MapSelection) -> str:
    """Reason why a row that is there is not used; empty when it is."""
    for label in (row.label, f"sub-{row.participant}", row.participant):
        if label in selection.excluded:
            return f"left out by the user: {selection.excluded[label]}"
    if row.concerns and selection.drop_flagged:
        return f"flagged: {' '.join(row.concerns)}"
    return _unusable(row.path)


def _unfinished(dataset: Path, row: MapRow) -> str:
    """Reason why a scan of our own has not ended: its table of quality is the last that a run writes of it."""
    own = row.metadata.get("SoftwareName") == "morbids"
    if not own or output_path(dataset, scan_entities(row.entities), "quality").exists():
        return ""
    return "its participant run goes on or was ended from outside: there is no table of its quality yet"


def _unusable(path: Path) -> str:
    """Reason why an image cannot be a row, found by reading it as far as its first value; empty when it can."""
    try:
        grid = read_grid(path)
        if grid.n_volumes > 1:
            sizes = (*grid.shape, grid.n_volumes)
            return f"the image has the dimensions {' x '.join(map(str, sizes))}, not three"
        return _NOTHING_IN_IT[look_for_a_value(path)]
    except MorbidsError as error:
        return error.message
