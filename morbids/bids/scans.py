"""The PET scans of a dataset, each with its T1w image, events, metadata and time axis."""

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bids.layout import BIDSLayout, BIDSLayoutIndexer
from sqlalchemy.exc import SQLAlchemyError

from morbids.bids.filters import Filters, Selection, matches, read_selection
from morbids.bids.images import check_present, count_volumes
from morbids.bids.inheritance import applicable_files, read_sidecar
from morbids.bids.names import ParsedName, parse_name, scan_label
from morbids.bids.radioactivity import kbq_ml_per_unit
from morbids.bids.tables import read_events
from morbids.bids.timing import ScanTiming, read_timing
from morbids.bids.validation import check_dataset
from morbids.bids.windows import Event
from morbids.errors import ExitCode, MorbidsError

__all__ = ["Filters", "FoundScans", "PetScan", "RejectedScan", "find_scans"]

# What pybids calls the index in a database folder.
_DATABASE = "layout_index.sqlite"
_FOLDERS = {"pet": "pet", "T1w": "anat"}
_IMAGE_EXTENSIONS = (".nii", ".nii.gz")
_OTHER_DATATYPES = (
    *("func", "dwi", "fmap", "perf", "beh", "eeg", "ieeg", "meg", "emg", "nirs", "motion", "micr", "mrs"),
)
_NOT_RAW = ("derivatives", "sourcedata", "code", "models", "stimuli", "phenotype", "logs", "figures")


@dataclass(frozen=True)
class PetScan:
    """One PET image and all that is known of it before it is opened.

    Attributes
    ----------
    entities
        Of its name, as written (`run-001` keeps its zeros); only those present.
    pet
        The image.
    metadata
        Its sidecar, inherited fields included.
    timing
        Its time axis.
    tracer
        TracerName of the sidecar; empty when absent.
    t1w, t1w_entities, t1w_note
        The T1w image that serves it, None when the participant has none, and a sentence that says where it
        is from (empty when it is the only one of the same session).
    events
        Rows of its `events.tsv`.
    notes
        Sentences for the report, beside those of the time axis.
    parts
        The runs that it is joined from (`morbids.bids.joining`); `pet` is the first one's image.
    """

    entities: dict[str, str]
    pet: Path
    metadata: dict[str, Any]
    timing: ScanTiming
    tracer: str
    t1w: Path | None
    t1w_entities: dict[str, str]
    t1w_note: str
    events: tuple[Event, ...]
    notes: tuple[str, ...] = ()
    parts: tuple["PetScan", ...] = ()

    @property
    def label(self) -> str:
        """Name of the scan, such as `sub-01_task-rejection`."""
        return scan_label(self.entities)

    @property
    def images(self) -> tuple[Path, ...]:
        """Its image, or those of the runs that it is joined from."""
        return tuple(part.pet for part in self.parts) or (self.pet,)


@dataclass(frozen=True)
class RejectedScan:
    """A selected scan that cannot be analysed, and why."""

    entities: dict[str, str]
    pet: Path
    error: MorbidsError

    @property
    def label(self) -> str:
        """Name of the scan, such as `sub-01_task-rejection`."""
        return scan_label(self.entities)


class FoundScans(NamedTuple):
    """The selected scans in the order of their names."""

    scans: tuple[PetScan, ...]
    rejected: tuple[RejectedScan, ...]


class _Image(NamedTuple):
    path: Path
    entities: dict[str, str]


class _Anatomy(NamedTuple):
    image: _Image | None
    note: str


def find_scans(bids_dir: Path, filters: Filters, database_dir: Path | None = None) -> FoundScans:
    """Find the PET scans that the user selects.

    Parameters
    ----------
    bids_dir
        The raw dataset.
    filters
        The user's selection.
    database_dir
        An index of the dataset made by pybids, reused or made here; None indexes in memory.

    Raises
    ------
    MorbidsError
        No dataset, no PET image, or a selection that fits nothing. A scan that cannot be analysed is returned
        among the rejected ones, it does not stop the others.
    """
    bids_dir = bids_dir.absolute()
    selection = read_selection(filters)
    check_dataset(bids_dir)
    _check_participants(bids_dir, filters.labels.get("sub", ()))
    images = _index(bids_dir, filters.labels.get("sub", ()), database_dir)
    pets = [_Image(path, name.entities) for path, name in images if name.suffix == "pet"]
    t1ws = [_Image(path, name.entities) for path, name in images if name.suffix == "T1w"]
    if not pets:
        raise MorbidsError(
            f"{bids_dir} has no PET image (sub-*/[ses-*/]pet/*_pet.nii.gz).",
            "Give the root of a PET-BIDS dataset.",
            ExitCode.NO_INPUT,
        )
    selected = [image for image in pets if matches(image.entities, selection.pet)]
    if not selected:
        raise _nothing_selected(selection, pets)
    scans, rejected = [], []
    for image in selected:
        try:
            _check_only_one(image, selected)
            scans.append(_read_scan(image, t1ws, selection, bids_dir))
        except MorbidsError as error:
            rejected.append(RejectedScan(image.entities, image.path, error))
    return FoundScans(tuple(scans), tuple(rejected))


def _check_participants(bids_dir: Path, labels: Sequence[str]) -> None:
    """Refuse labels without a folder: a misspelt participant must not be left out silently."""
    present = sorted(path.name.removeprefix("sub-") for path in bids_dir.glob("sub-*") if path.is_dir())
    absent = [label for label in labels if label not in present]
    if absent:
        raise MorbidsError(
            f"{bids_dir} has no participant {', '.join(absent)}.",
            f"It has {_listed(present)}.",
            ExitCode.NOTHING_SELECTED,
        )


def _index(
    bids_dir: Path, participants: Sequence[str], database_dir: Path | None
) -> list[tuple[Path, ParsedName]]:
    """PET and T1w images of a dataset by pybids, in the order of their names.

    Metadata are not indexed (that reads every JSON of the dataset): sidecars are read for the selected scans
    only. A database is made whole, for other programs too; without one, folders of other datatypes and of
    participants that are not asked for are not entered.
    """
    ignore: list[str | re.Pattern[str]] = [re.compile(rf"^/({'|'.join(_NOT_RAW)})(/|$)"), re.compile(r"/\.")]
    if database_dir is None:
        ignore.append(re.compile(rf"/({'|'.join(_OTHER_DATATYPES)})(/|$)"))
        if participants:
            ignore.append(re.compile(rf"^/sub-(?!({'|'.join(map(re.escape, participants))})(/|$))"))
    try:
        if database_dir is not None and not (database_dir / _DATABASE).exists():
            _publish_database(bids_dir, database_dir, ignore)
        layout = _open_layout(bids_dir, database_dir, ignore)
    except (OSError, SQLAlchemyError, ValueError) as error:
        raise MorbidsError(
            f"{bids_dir} cannot be indexed"
            + (f" with the database {database_dir}" if database_dir else "")
            + f": {str(error).splitlines()[0]}.",
            "Check permissions; remove the database if another program or version made it.",
            ExitCode.NO_INPUT,
        ) from error
    # Not by datatype and subject: pybids reads these from the whole path, so folders above the dataset count too.
    files = layout.get(suffix=list(_FOLDERS), extension=list(_IMAGE_EXTENSIONS))
    named = [(path, parse_name(path)) for path in sorted(Path(file.path) for file in files)]
    strange = [path for path, _ in named if not path.is_relative_to(bids_dir)]
    if strange:
        raise MorbidsError(
            f"The database {database_dir} is of another dataset: it has {strange[0]}.",
            "Name a folder for this dataset, as it is mounted here; it is made when it is not there.",
            ExitCode.NO_INPUT,
        )
    return [
        (path, name)
        for path, name in named
        if path.parent.name == _FOLDERS[name.suffix] and "sub" in name.entities and not path.is_dir()
    ]


def _open_layout(
    bids_dir: Path, database_dir: Path | None, ignore: list[str | re.Pattern[str]]
) -> BIDSLayout:
    """Open a database that is there (which is only read then), else index the dataset."""
    return BIDSLayout(
        bids_dir,
        validate=False,
        database_path=database_dir,
        indexer=BIDSLayoutIndexer(validate=False, index_metadata=False, ignore=ignore),
    )


def _publish_database(bids_dir: Path, database_dir: Path, ignore: list[str | re.Pattern[str]]) -> None:
    """Index a dataset aside and move the database to its place: jobs that start together see all of it or nothing."""
    database_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=database_dir) as folder:
        _open_layout(bids_dir, Path(folder), ignore)
        (Path(folder) / _DATABASE).replace(database_dir / _DATABASE)


def _nothing_selected(selection: Selection, pets: Sequence[_Image]) -> MorbidsError:
    wanted = ", ".join(
        f"{key}-{'|'.join('(absent)' if value is None else value for value in values)}"
        for key, values in selection.pet.items()
    )
    return MorbidsError(
        f"No PET image has {wanted}.",
        f"The dataset has {_listed([scan_label(image.entities) for image in pets])}.",
        ExitCode.NOTHING_SELECTED,
    )


def _listed(names: Sequence[str], most: int = 8) -> str:
    """Names in a sentence, cut where it would get too long."""
    if not names:
        return "none"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _check_only_one(image: _Image, selected: Sequence[_Image]) -> None:
    """Refuse a second image of the same name, compressed and not: their results would share names too."""
    same = [other.path.name for other in selected if other.entities == image.entities]
    if len(same) > 1:
        raise MorbidsError(
            f"{image.path.parent} has the same scan twice: {' and '.join(same)}.", "Remove one of them."
        )


def _read_scan(image: _Image, t1ws: Iterable[_Image], selection: Selection, bids_dir: Path) -> PetScan:
    """Read what belongs to one PET image.

    Raises
    ------
    MorbidsError
        The image, its metadata, its events or its T1w image cannot be used.
    """
    metadata = read_sidecar(image.path, bids_dir, "pet")
    timing = read_timing(metadata, count_volumes(image.path), image.path)
    anatomy = _find_t1w(image.entities, t1ws, selection.t1w)
    if anatomy.image is not None:
        check_present(anatomy.image.path)
    events = applicable_files(image.path, bids_dir, "events", ".tsv")
    _, units_note = kbq_ml_per_unit(metadata)
    return PetScan(
        entities=image.entities,
        pet=image.path,
        metadata=metadata,
        timing=timing,
        tracer=str(metadata.get("TracerName", "")),
        t1w=anatomy.image.path if anatomy.image else None,
        t1w_entities=anatomy.image.entities if anatomy.image else {},
        t1w_note=anatomy.note,
        events=read_events(events[-1]) if events else (),
        notes=(units_note,) if units_note else (),
    )


def _find_t1w(
    pet: Mapping[str, str], t1ws: Iterable[_Image], wanted: Mapping[str, tuple[str | None, ...]]
) -> _Anatomy:
    """Search a T1w image in the scan's session, then at subject level, then in another session."""
    own = [image for image in t1ws if image.entities["sub"] == pet["sub"] and matches(image.entities, wanted)]
    session = pet.get("ses")
    same = [image for image in own if image.entities.get("ses") == session]
    subject_level = [image for image in own if "ses" not in image.entities]
    for images, where in ((same, ""), (subject_level, "at subject level"), (own, "in another session")):
        if images:
            return _Anatomy(images[0], _t1w_note(images, where))
    return _Anatomy(
        None, f"sub-{pet['sub']} has no T1w image" + (" that fits the filter." if wanted else ".")
    )


def _t1w_note(images: Sequence[_Image], where: str) -> str:
    """Say where a T1w image is from when it is not the only one of the scan's session."""
    if not where and len(images) == 1:
        return ""
    chosen = images[0]
    place = f"ses-{chosen.entities['ses']}, {where}" if where == "in another session" else where
    note = f"The T1w image is {chosen.path.name}" + (f" ({place})" if place else "")
    if len(images) > 1:
        note += f", the first of {len(images)} by name; choose with --bids-filter-file"
    return note + "."
