"""Folders of datasets with thousands of participants: none is listed twice for what it told already."""

import os
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_SETTLED_NS = 2 * 10**9
"""A folder that changed later than this may change again within the same tick of its clock."""


def list_files(folder: Path, ending: str) -> tuple[Path, ...]:
    """Files of a folder whose names end so, in the order of names; none where it cannot be listed.

    Every scan asks what lies at the dataset's root, beside the folders of all participants: a folder is listed once,
    and again where it has changed.
    """
    try:
        changed_ns = folder.stat().st_mtime_ns
        if time.time_ns() - changed_ns < _SETTLED_NS:
            return _list_now(folder, ending)
        return _list_once(folder, ending, changed_ns)
    except OSError:
        return ()


def _list_now(folder: Path, ending: str) -> tuple[Path, ...]:
    return tuple(folder / name for name in sorted(os.listdir(folder)) if name.endswith(ending))


@lru_cache(maxsize=256)
def _list_once(folder: Path, ending: str, _changed_ns: int) -> tuple[Path, ...]:
    return _list_now(folder, ending)


def walk_participants(dataset: Path) -> Iterator[Path]:
    """Every file of the participants' folders, in the order of names; none where there is no dataset.

    Links to folders inside a participant's are not followed.
    """
    if not dataset.is_dir():
        return
    with os.scandir(dataset) as entries:
        own = sorted(entry.name for entry in entries if entry.name.startswith("sub-") and entry.is_dir())
    for participant in own:
        for folder, inner, names in os.walk(dataset / participant):
            inner.sort()
            yield from (Path(folder, name) for name in sorted(names))
