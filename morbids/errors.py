"""The one exception that a user reads, and the exit codes of the program."""

from enum import IntEnum


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
