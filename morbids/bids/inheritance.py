"""The inheritance principle: which JSON and TSV files of a dataset apply to an image."""

import json
from pathlib import Path
from typing import Any

from morbids.bids.folders import list_files
from morbids.bids.names import parse_name
from morbids.errors import MorbidsError, NotFetchedError

# What git-annex writes in the place of a file where links cannot be.
_POINTER = b"/annex/objects/"
_LARGEST_POINTER = 32 * 1024


def applicable_files(image: Path, root: Path, suffix: str, extension: str) -> list[Path]:
    """Files that apply to an image, from the dataset's root to the image's folder.

    A file applies when it lies in a folder above the image and every entity it has is the image's too.

    Raises
    ------
    MorbidsError
        Two files of one folder apply and neither is the more specific one.
    """
    entities = parse_name(image).entities
    folders = [folder for folder in reversed(image.parents) if folder == root or root in folder.parents]
    applicable: list[Path] = []
    for folder in folders:
        fitting = []
        for path in list_files(folder, f"{suffix}{extension}"):
            name = parse_name(path)
            if name.suffix == suffix and name.entities.items() <= entities.items():
                fitting.append((len(name.entities), path))
        fitting.sort()
        if len(fitting) > 1 and fitting[-1][0] == fitting[-2][0]:
            raise MorbidsError(
                f"{image}: both {fitting[-2][1].name} and {fitting[-1][1].name} in {folder} apply to it.",
                "Keep one file for each image in one folder.",
            )
        applicable.extend(path for _, path in fitting)
    return applicable


def read_sidecar(image: Path, root: Path, suffix: str) -> dict[str, Any]:
    """Metadata of an image, inherited fields included; nearer files win.

    Raises
    ------
    MorbidsError
        A file is not a JSON object, or two files of one folder apply.
    """
    metadata: dict[str, Any] = {}
    for path in applicable_files(image, root, suffix, ".json"):
        metadata.update(read_json_object(path))
    return metadata


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises
    ------
    MorbidsError
        The file cannot be read, is not JSON, or holds something else.
    """
    check_fetched(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise MorbidsError(f"{path} does not exist.", "Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise MorbidsError(
            f"{path} cannot be read: {error}.", "Check the file and its permissions."
        ) from error
    except RecursionError as error:
        raise MorbidsError(f"{path} is nested too deeply.", "Correct the file.") from error
    except ValueError as error:
        raise MorbidsError(f"{path} is not valid JSON: {error}.", "Correct the file.") from error
    if not isinstance(content, dict):
        raise MorbidsError(f"{path} holds no JSON object.", "Its content must be in braces: {...}.")
    return content


def is_here(path: Path) -> bool:
    """Whether the content of an annexed file was fetched: neither a broken link nor a pointer of git-annex.

    A file that is not annexed, or does not exist, is not missing in this sense.
    """
    if path.is_symlink() and not path.exists():
        return False
    if not path.is_file():
        return True
    try:
        if path.stat().st_size > _LARGEST_POINTER:
            return True
        with path.open("rb") as file:
            return file.read(len(_POINTER)) != _POINTER
    except OSError:
        return True


def check_fetched(path: Path) -> None:
    """Refuse an annexed file whose content is not here, and what is no file: a pipe would be waited on for ever.

    Raises
    ------
    NotFetchedError
        It is not here.
    MorbidsError
        It is a folder, a pipe or a device.
    """
    if not is_here(path):
        raise NotFetchedError(path)
    if path.exists() and not path.is_file():
        raise MorbidsError(f"{path} is no file.", "Put the file in its place.")
