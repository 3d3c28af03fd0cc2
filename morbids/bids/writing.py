"""Files that other jobs may read or write at the same moment: each appears whole, in one step."""

import filecmp
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from morbids.errors import ExitCode, MorbidsError


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step; a file that already says the same is left as it is.

    Raises
    ------
    MorbidsError
        The folder cannot be written to.
    """
    # What cannot be read, or was taken away by another job just now, is written anew, and that tells what is wrong.
    with suppress(OSError):
        if path.read_bytes() == text.encode():
            return
    replace_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file as `write_text` does."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def replace_file(path: Path, write: Callable[[Path], object], *, keep_same: bool = False) -> None:
    """Let `write` make a file beside `path`, then rename it: readers see the old file or the new one.

    Parameters
    ----------
    write
        Makes the file whose path it is given; its name ends as that of `path` does.
    keep_same
        Leave an old file of the same content as it is, with its time: steps made from it stay finished.

    Raises
    ------
    MorbidsError
        The folder cannot be written to.
    """
    partial = path.with_name(f".{uuid4().hex}{''.join(path.suffixes[-2:])}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        mode = partial.stat().st_mode
        try:
            write(partial)
            # Copies bring their source's mode along; what others may do with results is for the umask to say.
            partial.chmod(mode)
            if not (keep_same and path.is_file() and filecmp.cmp(partial, path, shallow=False)):
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise MorbidsError(
            f"{path} cannot be written: {error.strerror or error}.",
            f"Check permissions and free space of {path.parent}.",
            ExitCode.CANNOT_WRITE,
        ) from error
