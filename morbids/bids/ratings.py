"""Ratings of scans, as a reader of the group page saves them: which scans to leave out, and why."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError

EXCLUDE: Final = "exclude"
RATINGS: Final = ("keep", EXCLUDE)
COLUMNS: Final = ("scan", "rating", "note")


def read_exclusions(words: Sequence[str], option: str = "--exclude") -> dict[str, str]:
    """Return the reason of each scan or participant that is left out: named itself, or rated so in a file.

    Parameters
    ----------
    words
        Labels, and tables (.tsv) of ratings with the columns `scan`, `rating` and perhaps `note`.

    Raises
    ------
    MorbidsError
        A file cannot be read, lacks a column, or has a rating that is none.
    """
    reasons: dict[str, str] = {}
    for word in words:
        if word.endswith(".tsv"):
            reasons |= _read_ratings(Path(word), option)
        else:
            reasons[word] = option
    return reasons


def _read_ratings(path: Path, option: str) -> dict[str, str]:
    lines = read_table(path, COLUMNS[:2]).to_dict("records")
    reasons = {}
    for line in lines:
        scan, rating, note = (_word(line, name) for name in COLUMNS)
        if rating not in ("", *RATINGS) or not scan:
            raise MorbidsError(
                f"{path}: the scan '{scan}' has the rating '{rating}'.",
                f"Write {' or '.join(RATINGS)}, or leave it empty.",
                ExitCode.USAGE,
            )
        if rating == EXCLUDE:
            reasons[scan] = f"{option} {path.name}{f', {note}' if note else ''}"
    return reasons


def _word(line: Mapping[Any, Any], name: str) -> str:
    """A cell as text; empty where it is missing."""
    value = line.get(name)
    return value.strip() if isinstance(value, str) else ""
