"""Why a step failed: one sentence with file and remedy for the person, the traceback in a file for who mends it."""

import errno
import tempfile
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from traceback import format_exception
from typing import NamedTuple

from nipype import Node
from nipype.interfaces.base import isdefined

from morbids.errors import MorbidsError

MORE_MEMORY = "Give more memory, or lower --mem-gb and --nprocs so that fewer steps run at once."
UNFORESEEN = "The program did not foresee this: the traceback says where it happened (docs/debugging.md)."
# What C++ libraries say when memory runs out: Python sees no MemoryError.
_ALLOCATION = ("bad_alloc", "bad allocation", "allocate memory")


class Trouble(NamedTuple):
    """An exception as it can travel between processes: what to tell, the traceback, and the step's inputs in words."""

    sentence: str
    traceback: str
    inputs: tuple[str, ...] = ()


class StepFailure(NamedTuple):
    """One step that failed.

    Attributes
    ----------
    units
        Names of the workflows that it is part of, the whole one first.
    step
        Its name, which is that of its folder.
    sentence
        What happened, and the remedy.
    traceback
        For developers.
    file
        Where the traceback was written; None where it could not be.
    """

    units: tuple[str, ...]
    step: str
    sentence: str
    traceback: str
    file: Path | None = None

    @property
    def pointer(self) -> str:
        """Where the traceback is; empty where it could not be written."""
        return "" if self.file is None else f"Traceback: {self.file}"

    @property
    def told(self) -> str:
        """The sentence, and where the traceback is."""
        return f"{self.sentence} {self.pointer}".strip()


def describe_error(error: BaseException, folder: Path) -> Trouble:
    """Tell of an exception that ended a step which worked in `folder`."""
    return Trouble(" ".join(sentence_of(error, folder).split()), "".join(format_exception(error)))


def sentence_of(error: BaseException, folder: Path) -> str:
    """What happened, and what to do about it, in words for who gave the images."""
    match error:
        case MorbidsError():
            return str(error)
        case BrokenProcessPool():
            return f"The step's process was killed, most likely because memory ran out. {MORE_MEMORY}"
        case MemoryError():
            return f"Memory ran out ({str(error) or 'no more could be had'}). {MORE_MEMORY}"
        case OSError():
            return _sentence_of_file(error, folder)
        case _ if any(words in str(error) for words in _ALLOCATION):
            return f"Memory ran out ({error}). {MORE_MEMORY}"
        case _:
            return f"{type(error).__name__}: {str(error).rstrip('. ') or 'no message'}. {UNFORESEEN}"


def _sentence_of_file(error: OSError, folder: Path) -> str:
    name = str(error.filename or folder)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return (
                f"{name} cannot be written: there is no space left. Make room, or give another folder with "
                "--work-dir; the same command takes up the work where it stopped."
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{name}: {error.strerror}. Give folders to which this user may write."
        case errno.ENOENT:
            return f"{name} is not there. Leave images and the work directory alone while a run goes on; run again."
        case _:
            return f"{name}: {error.strerror or error}. {UNFORESEEN}"


class CrashFolder:
    """Where the tracebacks of one run are written; made when the first is."""

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir
        self._folder: Path | None = None

    def write(self, node: Node, trouble: Trouble) -> StepFailure:
        """Keep the traceback of a step. A step whose traceback cannot be written has failed all the same."""
        *units, step = node.fullname.split(".")
        failure = StepFailure(tuple(units), step, trouble.sentence, trouble.traceback)
        try:
            if self._folder is None:
                prefix = time.strftime("crashes-%Y%m%d-%H%M%S-")
                self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.work_dir))
            path = self._folder / f"{'_'.join([*units[1:], step])}.txt"
            path.write_text(_describe(node, trouble), encoding="utf-8")
        except OSError:
            return failure
        return failure._replace(file=path)


def _describe(node: Node, trouble: Trouble) -> str:
    """Everything that is known of a failed step."""
    folder = node.output_dir()
    function = getattr(node.interface, "function", None)
    lines = [f"{node.fullname} failed.", trouble.sentence, "", f"Folder: {folder}"]
    if function is not None:
        lines += [f"Function: {function.__module__}.{function.__name__}"]
        lines += [f"Once more by hand: python -m morbids.engine.rerun {folder}"]
    lines += ["Inputs:", *(f"    {line}" for line in trouble.inputs or describe_inputs(node))]
    return "\n".join([*lines, "", trouble.traceback])


def describe_inputs(node: Node) -> tuple[str, ...]:
    """What a step was given, a line per input; those from other steps are known only where it has run."""
    given = sorted(node.inputs.trait_get().items())
    return tuple(f"{name} = {value!r}" for name, value in given if isdefined(value))
