"""Files that other jobs may read or write at the same moment: each appears whole, in one step."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from morbids.errors import ExitCode, MorbidsError


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step; a file that already says the same is left as it is.

    Raises
    ------
    MorbidsError
        The folder cannot be written to.
    """
    if path.is_file() and path.read_bytes() == text.encode():
        return
    replace_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path`, then rename it: readers see the old file or the new one.

    Raises
    ------
    MorbidsError
        The folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
        os.close(handle)
        partial = Path(name)
        try:
            write(partial)
            # mkstemp makes files that only their owner may read; results are shared.
            partial.chmod(0o644)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise MorbidsError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Check permissions and free space of the output directory.",
            ExitCode.CANNOT_WRITE,
        ) from error
