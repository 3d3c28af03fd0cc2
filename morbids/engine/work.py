"""The work directory: finished steps of this version, what may be removed, and what other versions have left."""

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, NamedTuple

from nipype import Workflow

from morbids.engine.templates import atlases_dir, templates_dir
from morbids.errors import ExitCode, MorbidsError
from morbids.settings import Resources

logger = logging.getLogger("morbids")

_PREFIX = "steps-"
IN_USE = "in-use.lock"
MOST_COUNTED = 10_000
"""Files of another version whose size is asked for: thousands of jobs may share a folder of millions."""


def work_folder(work_dir: Path) -> Path:
    """Folder of the finished steps of this version; which of them still hold, each step's key tells."""
    return work_dir / f"{_PREFIX}{version('morbids')}"


def make_work_folder(work_dir: Path) -> Path:
    """Make the work directory and the folder of this version in it.

    Raises
    ------
    MorbidsError
        The work directory cannot be written to, or the folder is another user's.
    """
    make_work_dir(work_dir)
    folder = work_folder(work_dir)
    # What is in it is run by whoever reads it (pickles): nobody else may reach it, whatever the umask.
    folder.mkdir(mode=0o700, exist_ok=True)
    _refuse_others(folder)
    return folder


def make_work_dir(work_dir: Path) -> None:
    """Make the work directory.

    Raises
    ------
    MorbidsError
        The work directory cannot be written to.
    """
    with _told_if_unwritable(work_dir):
        work_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=work_dir).close()


@contextlib.contextmanager
def _told_if_unwritable(work_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MorbidsError(
            f"The work directory {work_dir} cannot be written to: {error.strerror or error}.",
            "Give another with --work-dir.",
            ExitCode.CANNOT_WRITE,
        ) from error


@contextlib.contextmanager
def hold_work(work_dir: Path) -> Iterator[IO[str]]:
    """Make the work directory, and let other runs know that this one is at work in it.

    Returns
    -------
    The lock, shared by all runs that go on; the system frees it however a run ends.

    Raises
    ------
    MorbidsError
        The work directory cannot be written to, or is another user's.
    """
    make_work_folder(work_dir)
    with contextlib.ExitStack() as stack:
        with _told_if_unwritable(work_dir):
            lock = stack.enter_context((work_dir / IN_USE).open("a+"))
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield lock


def remove_shared(resources: Resources, lock: IO[str]) -> None:
    """Remove what scans shared, templates and atlases and the steps that made them, once nobody needs them.

    They stay while another run is at work in the same directory, or where a scan or contrast is unfinished: its steps
    are the same only with the same templates.

    Parameters
    ----------
    lock
        As `hold_work` gave it.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another run, or a file system without locks, where nobody knows
        return
    if any(step.is_dir() for step in resources.work_dir.glob(f"{_PREFIX}*/*/*/*")):
        return
    with tempfile.TemporaryDirectory(prefix=".removed-", dir=resources.work_dir) as removed:
        # A run that is killed here leaves each folder whole or not at all, and no step whose template is gone.
        for folder in (work_folder(resources.work_dir), templates_dir(resources), atlases_dir(resources)):
            if folder.exists():
                folder.rename(Path(removed) / folder.name)


def _refuse_others(folder: Path) -> None:
    """Refuse results that somebody else could have planted.

    Who one is to a file system, and whether it keeps permissions, a file tells that was just made: containers and
    servers map users, and some disks let everybody write.
    """
    with tempfile.NamedTemporaryFile(dir=folder.parent) as own:
        made = Path(own.name).stat()
    user = made.st_uid
    there = folder.stat()
    if there.st_uid != user:
        raise MorbidsError(
            f"The work directory {folder} belongs to another user (number {there.st_uid}, and you are {user}).",
            "Results in it are programs that would run in your name: give a directory of your own with --work-dir.",
            ExitCode.USAGE,
        )
    if there.st_mode & 0o022 and not made.st_mode & 0o022:
        raise MorbidsError(
            f"Other users may write to the work directory {folder}.",
            f"Results in it are programs that would run in your name: `chmod go-w {folder}` if all in it is yours.",
            ExitCode.USAGE,
        )


def tell_of_other_versions(work_dir: Path) -> None:
    """Name the folders that this version does not use, with their size."""
    for folder in sorted(work_dir.glob(f"{_PREFIX}*")):
        if folder != work_folder(work_dir):
            size = size_of(folder)
            told = f"{'' if size.is_whole else 'more than '}{size.n_bytes / 1e9:.1f} GB"
            logger.info("%s (%s) is of another version; remove it if that is not used.", folder, told)


class Size(NamedTuple):
    """Bytes of files, and whether that is all of them."""

    n_bytes: int
    is_whole: bool


def size_of(folder: Path, most: int = MOST_COUNTED) -> Size:
    """Bytes of the files in a folder, of `most` of them; those that vanish meanwhile do not count."""
    total = counted = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            if counted == most:
                return Size(total, is_whole=False)
            counted += 1
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).lstat().st_size
    return Size(total, is_whole=True)


class Cleaner:
    """Watch a run and remove the folders of finished scans: an instance is a status callback.

    The folder of a workflow inside the whole one (a T1w image, a scan, a contrast) goes once all of its steps
    have ended well, and all steps that take something of it. What a failed step leaves stays.
    """

    def __init__(self, workflow: Workflow, folder: Path) -> None:
        self._folders: dict[str, Path] = {}
        self._open: dict[str, set[str]] = defaultdict(set)
        graph = workflow._create_flat_graph()
        for node in graph.nodes:
            whole, *units, _ = node.fullname.split(".")
            if units:
                self._folders[units[0]] = folder / whole / units[0]
                self._open[units[0]] |= {node.fullname, *(taker.fullname for taker in graph.successors(node))}

    def __call__(self, node: Any, status: str) -> None:
        """Take note that `node` has ended."""
        for unit in [unit for unit, names in self._open.items() if node.fullname in names]:
            if status == "exception":
                del self._open[unit]
            elif status == "end":
                self._open[unit].remove(node.fullname)
                if not self._open[unit]:
                    del self._open[unit]
                    shutil.rmtree(self._folders[unit])
