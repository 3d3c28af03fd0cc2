"""The one exception that a user reads, and the exit codes of the program."""

import logging
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

LONGEST_SHOWN = 300
"""Characters of a path in a sentence: longer ones are the fault themselves."""


class ExitCode(IntEnum):
    """Exit status of the command line (BIDS Apps convention and sysexits)."""

    OK = 0
    FAILED = 1
    INVALID_BIDS = 16
    NOTHING_SELECTED = 18
    USAGE = 64
    BAD_DATA = 65
    NO_INPUT = 66
    CANNOT_WRITE = 73


class MorbidsError(Exception):
    """Something the user can mend: what is wrong (file, field, value), and the remedy.

    Parameters
    ----------
    message
        One sentence naming the file, the field and its value.
    hint
        One sentence with the remedy; empty when the message holds it.
    exit_code
        What the program exits with when this error ends it.
    """

    def __init__(self, message: str, hint: str = "", exit_code: ExitCode = ExitCode.BAD_DATA) -> None:
        super().__init__(message, hint, exit_code)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class NotFetchedError(MorbidsError):
    """The content of an annexed file is not on this machine."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is a link to content that is not on this machine.", f"Fetch it: datalad get {path}"
        )
        self.path = path

    def __reduce__(self) -> tuple[type["NotFetchedError"], tuple[Path]]:
        """Make it anew from its path, in another process too."""
        return NotFetchedError, (self.path,)


class Problems:
    """Errors of one scan, collected: a person mends all at once, and no other scan is stopped by them."""

    def __init__(self, subject: str) -> None:
        """Begin with none; `subject` is the file that an unexpected error is told of."""
        self.subject = subject
        self.found: list[MorbidsError] = []

    def attempt(
        self,
        function: Callable[Arguments, Value],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Value | None:
        """Return what the function returns; None where it fails, and its error is kept."""
        try:
            return function(*arguments, **options)
        except Exception as error:  # whatever a file holds concerns its own scan only
            self.found.append(tell(error, self.subject))
            return None


def tell(error: Exception, subject: str) -> MorbidsError:
    """Put any exception into a sentence; the log has its traceback with `--verbose`.

    Parameters
    ----------
    subject
        What was being worked on, for errors that do not say.
    """
    if isinstance(error, MorbidsError):
        return error
    logging.getLogger("morbids").debug("%s", subject, exc_info=error)
    if isinstance(error, OSError):
        where = str(error.filename or subject)
        if len(where) > LONGEST_SHOWN:
            where = f"{where[:LONGEST_SHOWN]}..."
        return MorbidsError(
            f"{where} cannot be used: {error.strerror or error}.",
            "Check that the file or folder is there, is whole, and may be read.",
        )
    lines = str(error).strip().splitlines() or ["no message"]
    return MorbidsError(
        f"{subject}: {type(error).__name__}: {lines[0]}.",
        "No rule foresees this: run again with --verbose, and report the lines that it logs.",
        ExitCode.FAILED,
    )
