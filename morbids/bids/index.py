"""The PET and T1w images of a raw dataset, by the names of its folders.

Only `sub-*/[ses-*/]{pet,anat}` at the root is raw: whatever else lies in a dataset (derivatives under any name, this
program's own results) is never entered. Folders are listed here, one participant costs what one participant has;
pybids, which walks the whole tree, makes and reads the index that many jobs share.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from morbids.bids.names import ENTITY_LABEL, parse_name
from morbids.errors import ExitCode, MorbidsError, tell

if TYPE_CHECKING:
    from bids.layout import BIDSLayout

# What pybids calls the index in a database folder.
_DATABASE = "layout_index.sqlite"
FOLDERS = {"pet": "pet", "T1w": "anat"}
IMAGE_EXTENSIONS = (".nii", ".nii.gz")
# At the root; names with a dot there are files.
_NOT_RAW = re.compile(r"^/(?!sub-)[^/.]+(/|$)")
_HIDDEN = re.compile(r"/\.")


class Image(NamedTuple):
    """An image and the entities of its name."""

    path: Path
    entities: dict[str, str]


class Index(NamedTuple):
    """What the folders of the selected participants hold, in the order of names.

    Attributes
    ----------
    pets, t1ws
        Images by kind.
    unread
        Folders that cannot be listed, as (participant, error).
    """

    pets: tuple[Image, ...]
    t1ws: tuple[Image, ...]
    unread: tuple[tuple[str, MorbidsError], ...]


def list_participants(bids_dir: Path) -> list[str]:
    """Labels of the participants' folders.

    Raises
    ------
    MorbidsError
        The root of the dataset cannot be listed.
    """
    try:
        with os.scandir(bids_dir) as entries:
            names = [entry.name for entry in entries if entry.name.startswith("sub-") and entry.is_dir()]
    except OSError as error:
        told = tell(error, str(bids_dir))
        raise MorbidsError(told.message, told.hint, ExitCode.NO_INPUT) from error
    return sorted(name[4:] for name in names)


def find_images(bids_dir: Path, participants: Sequence[str], database_dir: Path | None = None) -> Index:
    """List the images of participants.

    Parameters
    ----------
    bids_dir
        The raw dataset.
    participants
        Labels without `sub-`.
    database_dir
        An index by pybids, made when it is not there. It must hold every image of these participants.

    Raises
    ------
    MorbidsError
        The database cannot be used, is of another dataset, or is older than images of the dataset.
    """
    unread: list[tuple[str, MorbidsError]] = []
    paths: list[Path] = []
    for label in participants:
        for folder in _raw_folders(bids_dir / f"sub-{label}", label, unread):
            paths += _images_in(folder, label, unread)
    if database_dir is not None:
        _check_complete(paths, _read_database(bids_dir, database_dir), bids_dir, database_dir)
    images = [(path, parse_name(path)) for path in sorted(paths)]
    pets, t1ws = (
        tuple(Image(path, name.entities) for path, name in images if name.suffix == suffix)
        for suffix in FOLDERS
    )
    return Index(pets, t1ws, tuple(unread))


def _raw_folders(folder: Path, label: str, unread: list[tuple[str, MorbidsError]]) -> Iterator[Path]:
    """The folders of raw images of a participant, with sessions or without."""
    sessions = [folder / name for name in _list(folder, label, unread) if name.startswith("ses-")]
    for place in (folder, *(session for session in sessions if session.is_dir())):
        yield from (place / name for name in FOLDERS.values() if os.path.lexists(place / name))


def _images_in(folder: Path, label: str, unread: list[tuple[str, MorbidsError]]) -> Iterator[Path]:
    for name in _list(folder, label, unread):
        parsed = parse_name(name)
        kind = parsed.suffix if parsed.extension in IMAGE_EXTENSIONS else ""
        if FOLDERS.get(kind) == folder.name and "sub" in parsed.entities and not (folder / name).is_dir():
            yield folder / name


def _list(folder: Path, label: str, unread: list[tuple[str, MorbidsError]]) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        unread.append((label, tell(error, str(folder))))
        return []


def foreign_folder(image: Image) -> str:
    """Name of the folder of another participant or session that an image lies in; empty where it lies in its own."""
    for folder in image.path.parents[1:3]:
        key, dash, value = folder.name.partition("-")
        if dash and key in ("sub", "ses") and image.entities.get(key, value) != value:
            return folder.name
    return ""


def check_name(image: Image) -> None:
    """Refuse a name that results could not be named after.

    Raises
    ------
    MorbidsError
        A value is empty or holds other characters than letters, digits and plus; or the image lies in the folder of
        another participant or session.
    """
    if folder := foreign_folder(image):
        key = folder.partition("-")[0]
        raise MorbidsError(
            f"{image.path} is named after {key}-{image.entities[key]}, but lies in the folder {folder}.",
            "Rename or move it, so that one participant is not taken for another.",
        )
    for key, value in image.entities.items():
        if not ENTITY_LABEL.fullmatch(value):
            raise MorbidsError(
                f"{image.path}: the value of {key}- is '{value}'.",
                "BIDS labels hold letters and digits only: rename the file (and its folder), its sidecar and events.",
            )


def _check_complete(
    present: Sequence[Path], indexed: frozenset[Path], bids_dir: Path, database_dir: Path
) -> None:
    """Refuse an index that misses images: scans that were added later would be left out silently."""
    absent = [path for path in present if path not in indexed]
    if absent:
        raise MorbidsError(
            f"The database {database_dir} is older than the dataset: it lacks {len(absent)} images, such as "
            f"{absent[0].relative_to(bids_dir)}.",
            "Remove its folder, or name a new one; it is made when it is not there.",
            ExitCode.NO_INPUT,
        )


def _read_database(bids_dir: Path, database_dir: Path) -> frozenset[Path]:
    """Paths of the images in a database, which is made first where it is not there."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if not (database_dir / _DATABASE).exists():
            _publish_database(bids_dir, database_dir)
        layout = _open_layout(bids_dir, database_dir)
        files = layout.get(suffix=list(FOLDERS), extension=list(IMAGE_EXTENSIONS))
    except (OSError, SQLAlchemyError, ValueError) as error:
        raise MorbidsError(
            f"{bids_dir} cannot be indexed with the database {database_dir}: {str(error).splitlines()[0]}.",
            "Check permissions; remove the database if another program or version made it.",
            ExitCode.NO_INPUT,
        ) from error
    paths = frozenset(Path(file.path) for file in files)
    strange = sorted(path for path in paths if not path.is_relative_to(bids_dir))
    if strange:
        raise MorbidsError(
            f"The database {database_dir} is of another dataset: it has {strange[0]}.",
            "Name a folder for this dataset, as it is mounted here; it is made when it is not there.",
            ExitCode.NO_INPUT,
        )
    return paths


def _open_layout(bids_dir: Path, database_dir: Path) -> "BIDSLayout":
    """Open a database that is there (which is only read then), else index the dataset.

    Metadata are not indexed, which would read every JSON file: sidecars are read for the selected scans only.
    """
    from bids.layout import BIDSLayout, BIDSLayoutIndexer

    indexer = BIDSLayoutIndexer(validate=False, index_metadata=False, ignore=[_NOT_RAW, _HIDDEN])
    return BIDSLayout(bids_dir, validate=False, database_path=database_dir, indexer=indexer)


def _publish_database(bids_dir: Path, database_dir: Path) -> None:
    """Index a dataset aside and move the database to its place: jobs that start together see all of it or nothing."""
    database_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=database_dir) as folder:
        _open_layout(bids_dir, Path(folder))
        (Path(folder) / _DATABASE).replace(database_dir / _DATABASE)
