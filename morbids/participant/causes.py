"""What stands in the way of scans, by cause: one sentence for all scans that share it, with what to do."""

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from morbids.bids.names import parse_name
from morbids.errors import ExitCode, MorbidsError, NotFetchedError
from morbids.participant.collection import UnplannedScan
from morbids.words import listed

MOST_SHOWN = 5
_PATH = re.compile(r"(?:/[^\s'():;,]+)+")
_LABEL = re.compile(r"\b(sub|ses|task|trc|rec|run|acq)-[A-Za-z0-9+]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
# A tracer or a file of settings is the same for all scans or another cause: quoted text is kept.
_QUOTED = re.compile(r"('[^']*')")


class Cause(NamedTuple):
    """One thing that is wrong, and with which scans.

    Attributes
    ----------
    sentence, remedy
        Of the first of them, file and value included.
    scans
        Labels.
    exit_code
        What a run ends with where it is all that there is.
    """

    sentence: str
    remedy: str
    scans: tuple[str, ...]
    exit_code: ExitCode

    def __str__(self) -> str:
        told = f"{self.sentence} {self.remedy}".strip()
        if len(self.scans) == 1:
            return f"{self.scans[0]} is left out. {told}"
        return f"{len(self.scans)} scans are left out ({listed(self.scans, MOST_SHOWN)}). The first: {told}"


def group_causes(unplanned: Sequence[UnplannedScan]) -> tuple[Cause, ...]:
    """Put the errors of all scans together by cause, those of most scans first."""
    groups: dict[tuple[str, str], list[tuple[str, MorbidsError]]] = {}
    for scan in unplanned:
        for error in scan.errors:
            groups.setdefault((generalise(error.message), generalise(error.hint)), []).append(
                (scan.label, error)
            )
    causes = []
    for members in groups.values():
        first = members[0][1]
        labels = tuple(dict.fromkeys(label for label, _ in members))
        causes.append(Cause(first.message, first.hint, labels, first.exit_code))
    return tuple(sorted(causes, key=lambda cause: -len(cause.scans)))


def generalise(sentence: str) -> str:
    """Reduce a sentence to its cause: kinds of files for paths, no labels of scans, no numbers outside of quotes."""
    parts = _QUOTED.split(_PATH.sub(_kind_of_file, sentence))
    return "".join(
        part if part.startswith("'") else _NUMBER.sub("#", _LABEL.sub(r"\1-*", part)) for part in parts
    )


def _kind_of_file(path: re.Match[str]) -> str:
    name = parse_name(path.group())
    return f"*_{name.suffix}{name.extension}"


def files_to_fetch(unplanned: Iterable[UnplannedScan]) -> tuple[Path, ...]:
    """Files without content, each once, in the order of their names."""
    errors = (error for scan in unplanned for error in scan.errors)
    return tuple(sorted({error.path for error in errors if isinstance(error, NotFetchedError)}))


def fetch_line(unplanned: Sequence[UnplannedScan], folder: Path) -> str:
    """One command that fetches all files that are not here; empty when all are."""
    files = files_to_fetch(unplanned)
    if not files:
        return ""
    names = (str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path) for path in files)
    return f"cd {shlex.quote(str(folder))} && datalad get {shlex.join(names)}"
