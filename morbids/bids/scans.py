"""The PET scans of a dataset, each with its T1w image, events, metadata and time axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from morbids.bids.blood import find_blood
from morbids.bids.filters import Filters, Selection, matches, read_selection
from morbids.bids.images import check_present, read_grid
from morbids.bids.index import Image, Index, check_name, find_images, foreign_folder, list_participants
from morbids.bids.inheritance import applicable_files, check_fetched, read_json_object, read_sidecar
from morbids.bids.names import scan_label
from morbids.bids.radioactivity import kbq_ml_per_unit
from morbids.bids.t1w import Anatomy, choose_t1w
from morbids.bids.tables import read_events
from morbids.bids.timing import ScanTiming, read_timing
from morbids.bids.validation import check_dataset
from morbids.bids.windows import Event
from morbids.errors import ExitCode, MorbidsError, Problems
from morbids.words import listed

NAMED_AT_MOST = 8

__all__ = ["Filters", "FoundScans", "PetScan", "RejectedScan", "find_scans"]


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
    dataset, blood
        The dataset's root, and tables of its blood samples (`morbids.bids.blood`), which are read where a model needs
        them.
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
    dataset: Path = Path()
    blood: tuple[Path, ...] = ()

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
    """A selected scan that cannot be analysed, and why.

    Attributes
    ----------
    entities, pet
        Of its image; of the folder that cannot be read, where nothing more is known.
    errors
        Everything that is wrong with it.
    scan
        The scan as far as its sidecar tells, where only its images stand in the way: they were not fetched, say.
    """

    entities: dict[str, str]
    pet: Path
    errors: tuple[MorbidsError, ...]
    scan: PetScan | None = None

    @property
    def error(self) -> MorbidsError:
        """The first error."""
        return self.errors[0]

    @property
    def label(self) -> str:
        """Name of the scan, such as `sub-01_task-rejection`."""
        return scan_label(self.entities)


class FoundScans(NamedTuple):
    """The selected scans in the order of their names.

    Attributes
    ----------
    scans
        That can be analysed.
    rejected
        That cannot.
    aside
        Sentences on images that are left out because a better one of the same scan is there.
    """

    scans: tuple[PetScan, ...]
    rejected: tuple[RejectedScan, ...]
    aside: tuple[str, ...] = ()


def find_scans(bids_dir: Path, filters: Filters, database_dir: Path | None = None) -> FoundScans:
    """Find the PET scans that the user selects.

    Parameters
    ----------
    bids_dir
        The raw dataset.
    filters
        The user's selection.
    database_dir
        An index of the dataset made by pybids, to be made when it is not there; None lists the folders.

    Raises
    ------
    MorbidsError
        No dataset, no PET image, or a selection that fits nothing. A scan that cannot be analysed is returned
        among the rejected ones, it does not stop the others.
    """
    bids_dir = bids_dir.absolute()
    selection = read_selection(filters)
    check_dataset(bids_dir)
    _refuse_derivatives(bids_dir)
    participants = _choose_participants(bids_dir, filters.labels.get("sub", ()))
    index = find_images(bids_dir, participants, database_dir)
    unread = [
        RejectedScan({"sub": label}, bids_dir / f"sub-{label}", (error,)) for label, error in index.unread
    ]
    selected = _select(bids_dir, index, selection)
    pets, t1ws = _by_participant(selected), _by_participant(index.t1ws)
    read = [
        _read_scan(
            image, pets[image.entities["sub"]], t1ws.get(image.entities["sub"], ()), selection, bids_dir
        )
        for image in selected
    ]
    return FoundScans(
        tuple(scan for scan in read if isinstance(scan, PetScan)),
        (*unread, *(scan for scan in read if isinstance(scan, RejectedScan))),
    )


def _refuse_derivatives(bids_dir: Path) -> None:
    """Refuse results of a program: their images look like raw ones, and were corrected already."""
    description = read_json_object(bids_dir / "dataset_description.json")
    if description.get("DatasetType") == "derivative":
        raise MorbidsError(
            f"{bids_dir} is no raw dataset: its dataset_description.json has the DatasetType 'derivative'.",
            "Give the raw dataset, and results of other programs with --derivatives.",
            ExitCode.NO_INPUT,
        )


def _choose_participants(bids_dir: Path, labels: Sequence[str]) -> Sequence[str]:
    """The asked participants, else all; labels without a folder are refused: they may be misspelt."""
    if labels and all((bids_dir / f"sub-{label}").is_dir() for label in labels):
        return sorted(set(labels))
    present = list_participants(bids_dir)
    absent = [label for label in labels if label not in present]
    if absent:
        raise MorbidsError(
            f"{bids_dir} has no participant {', '.join(absent)}.",
            f"It has {listed(present, NAMED_AT_MOST) or 'none'}.",
            ExitCode.NOTHING_SELECTED,
        )
    return present


def _select(bids_dir: Path, index: Index, selection: Selection) -> list[Image]:
    """The PET images that the user wants.

    Raises
    ------
    MorbidsError
        There are none, and no folder is unread either.
    """
    if not index.pets and not index.unread:
        raise MorbidsError(
            f"{bids_dir} has no PET image (sub-*/[ses-*/]pet/*_pet.nii.gz).",
            "Give the root of a PET-BIDS dataset.",
            ExitCode.NO_INPUT,
        )
    selected = [image for image in index.pets if matches(image.entities, selection.pet)]
    if index.pets and not selected:
        raise _nothing_selected(selection, index.pets)
    return selected


def _nothing_selected(selection: Selection, pets: Sequence[Image]) -> MorbidsError:
    wanted = ", ".join(
        f"{key}-{'|'.join('(absent)' if value is None else value for value in values)}"
        for key, values in selection.pet.items()
    )
    return MorbidsError(
        f"No PET image has {wanted}.",
        f"The dataset has {listed([scan_label(image.entities) for image in pets], NAMED_AT_MOST)}.",
        ExitCode.NOTHING_SELECTED,
    )


def _by_participant(images: Iterable[Image]) -> dict[str, list[Image]]:
    """Images by the participant that they are named after: each scan is compared with those of its own."""
    own: dict[str, list[Image]] = {}
    for image in images:
        own.setdefault(image.entities["sub"], []).append(image)
    return own


def _check_only_one(image: Image, selected: Sequence[Image]) -> None:
    """Refuse a second image of the same name, compressed and not: their results would share names too.

    One in the folder of another participant is refused by itself, and stops nobody else.
    """
    own = [other for other in selected if not foreign_folder(other)]
    same = [other.path.name for other in own if other.entities == image.entities]
    if len(same) > 1:
        raise MorbidsError(
            f"{image.path.parent} has the same scan twice: {' and '.join(same)}.", "Remove one of them."
        )


def _read_scan(
    image: Image, selected: Sequence[Image], t1ws: Iterable[Image], selection: Selection, bids_dir: Path
) -> PetScan | RejectedScan:
    """Read what belongs to one PET image; whatever is wrong is collected.

    `selected` and `t1ws` are the images of its participant.
    """
    problems = Problems(str(image.path))
    problems.attempt(_check_only_one, image, selected)
    problems.attempt(check_name, image)
    tables = problems.attempt(applicable_files, image.path, bids_dir, "events", ".tsv") or []
    sidecars = problems.attempt(applicable_files, image.path, bids_dir, "pet", ".json") or []
    for path in (*sidecars, *tables):
        problems.attempt(check_fetched, path)
    metadata = problems.attempt(read_sidecar, image.path, bids_dir, "pet")
    grid = problems.attempt(read_grid, image.path)
    n_volumes = None if grid is None else grid.n_volumes
    timing = None if metadata is None else problems.attempt(read_timing, metadata, n_volumes, image.path)
    anatomy = problems.attempt(choose_t1w, image.entities, t1ws, selection.t1w) or Anatomy(None, "")
    if anatomy.image is not None:
        problems.attempt(check_present, anatomy.image.path)
        problems.attempt(check_name, anatomy.image)
    events = problems.attempt(read_events, tables[-1]) if tables else ()
    if metadata is None or timing is None or events is None:
        return RejectedScan(image.entities, image.path, _once(problems))
    units_note = kbq_ml_per_unit(metadata)[1]
    scan = PetScan(
        entities=image.entities,
        pet=image.path,
        metadata=metadata,
        timing=timing,
        tracer=str(metadata.get("TracerName", "")),
        t1w=anatomy.image.path if anatomy.image else None,
        t1w_entities=anatomy.image.entities if anatomy.image else {},
        t1w_note=anatomy.note,
        events=events,
        notes=tuple(filter(None, [units_note, grid.note if grid else ""])),
        dataset=bids_dir,
        blood=find_blood(image.path, bids_dir),
    )
    return RejectedScan(image.entities, image.path, _once(problems), scan) if problems.found else scan


def _once(problems: Problems) -> tuple[MorbidsError, ...]:
    """Errors without those that say the same."""
    return tuple({str(error): error for error in problems.found}.values())
