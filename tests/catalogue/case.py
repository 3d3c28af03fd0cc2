"""One case: a good scan, a damaged one beside it, and what is said of the damage."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from morbids.bids.filters import Filters
from morbids.errors import ExitCode
from morbids.participant.dry_run import DryRun, dry_run
from morbids.settings import ScanSettings
from tests.bids.conftest import METADATA, DatasetMaker
from tests.participant.studies import make_resources, make_study, write_scan

GOOD, BAD = "01", "02"
STEM = f"sub-{BAD}/pet/sub-{BAD}_task-rejection"
PET, SIDECAR, EVENTS = f"{STEM}_pet.nii.gz", f"{STEM}_pet.json", f"{STEM}_events.tsv"
T1W = f"sub-{BAD}/anat/sub-{BAD}_T1w.nii.gz"
ANNEX = "../../.git/annex/objects/never/fetched"

SETTINGS = ScanSettings()
EVERYTHING = Filters()

Damage = Callable[[DatasetMaker], None]


def nothing(dataset: DatasetMaker) -> None:
    """Leave the dataset as it is: the wish is what cannot be met."""


@dataclass(frozen=True)
class Case:
    """A damage and what is said of it.

    Attributes
    ----------
    name
        What is wrong, in words.
    sentence
        Part of the sentence, with field and value.
    file
        Part of the sentence that names the file; empty where an option is at fault.
    damage
        Applied to a dataset of two good scans.
    exit_code
        Of a run with nothing but this scan.
    settings, filters, derivatives
        Wishes; derivatives relative to the folder above the dataset.
    stops
        Whether no scan can start, the good one included.
    """

    name: str
    sentence: str
    file: str = PET
    damage: Damage = nothing
    exit_code: ExitCode = ExitCode.BAD_DATA
    settings: ScanSettings = SETTINGS
    filters: Filters = EVERYTHING
    derivatives: tuple[str, ...] = ()
    stops: bool = False

    @property
    def by_command(self) -> bool:
        """Whether the command line needs no options for it."""
        return (self.settings, self.filters, self.derivatives) == (SETTINGS, EVERYTHING, ())

    def make(self, folder: Path) -> None:
        """Make the dataset and damage it."""
        dataset = DatasetMaker(folder / "raw")
        for participant in (GOOD, BAD):
            write_scan(dataset, participant)
        self.damage(dataset)

    def run(self, folder: Path) -> DryRun:
        """Make the dataset, damage it, and collect."""
        self.make(folder)
        filters = self.filters
        if filters.bids_filter_file is not None:
            filters = replace(filters, bids_filter_file=folder / filters.bids_filter_file)
        derivatives = tuple(folder / name for name in self.derivatives)
        study = replace(make_study(folder, filters), derivatives=derivatives)
        return dry_run(study, self.settings, make_resources(folder / "work"), validate=False)


def sidecar(name: str, sentence: str, **changes: Any) -> Case:
    """A case of sidecar fields: other values, or None for none."""

    def damage(dataset: DatasetMaker) -> None:
        dataset.metadata(SIDECAR, **changes)

    return Case(name, sentence, damage=damage)


def raw_value(field: str, json_text: str, sentence: str) -> Case:
    """A case of a value that JSON writes and Python's own values do not: null, NaN, huge numbers."""

    def damage(dataset: DatasetMaker) -> None:
        path = dataset.metadata(SIDECAR, **{field: "PLACE"})
        path.write_text(path.read_text().replace('"PLACE"', json_text))

    assert field in METADATA
    shown = json_text if len(json_text) < 30 else f"{json_text[:10]}..."
    return Case(f"{field} is {shown}", sentence, damage=damage)


def events(name: str, content: str, sentence: str, file: str = PET) -> Case:
    """A case of an events file."""

    def damage(dataset: DatasetMaker) -> None:
        dataset.text(EVENTS, content)

    return Case(name, sentence, file, damage)


def content(name: str, path: str, data: bytes, sentence: str, file: str | None = None) -> Case:
    """A case of a file with other content."""

    def damage(dataset: DatasetMaker) -> None:
        target = dataset.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    return Case(name, sentence, path if file is None else file, damage)


def link(name: str, path: str, target: str, sentence: str) -> Case:
    """A case of a file that is a link to nothing."""

    def damage(dataset: DatasetMaker) -> None:
        place = dataset.root / path
        place.unlink(missing_ok=True)
        place.symlink_to(target)

    return Case(name, sentence, path, damage)


def renamed(name: str, stem: str, sentence: str) -> Case:
    """A case of a scan of another name."""

    def damage(dataset: DatasetMaker) -> None:
        for old in sorted((dataset.root / f"sub-{BAD}/pet").glob(f"sub-{BAD}_task-rejection*")):
            new = dataset.root / (stem + old.name.removeprefix(f"sub-{BAD}_task-rejection"))
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)

    return Case(name, sentence, f"{stem}_pet.nii.gz", damage)


def wish(
    name: str, sentence: str, file: str = "", exit_code: ExitCode = ExitCode.USAGE, **settings: Any
) -> Case:
    """A case of options that no scan can meet."""
    return Case(name, sentence, file, exit_code=exit_code, settings=ScanSettings(**settings), stops=True)
