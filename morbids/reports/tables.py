"""Tables on disk as tables of a page: what a reader sees is what the file holds."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from morbids.errors import ExitCode, MorbidsError
from morbids.reports.pages import Badge, Cell, PValue, Table

# Columns of probabilities in the tables of the group level.
_P_COLUMN: Final = re.compile(r"(^|_)p(_|$)")


def read_table(path: Path, caption: str, columns: Mapping[str, str] | None = None) -> Table:
    """A TSV file as a table: numbers, p values (`p`, `p_holm`, ...), the word circular as a warning, n/a.

    Parameters
    ----------
    path
        File with a heading.
    caption
        Title of the table.
    columns
        Which columns to show, and what to call them; all with their own names when not given.

    Raises
    ------
    MorbidsError
        When the file has no heading or lacks one of the columns.
    """
    with path.open(newline="", encoding="utf-8-sig") as stream:
        lines = list(csv.reader(stream, delimiter="\t"))
    if not lines:
        raise MorbidsError(f"The table {path} is empty.", "It needs at least a heading.", ExitCode.BAD_DATA)
    heading, *body = lines
    shown = columns or {name: name for name in heading}
    missing = [name for name in shown if name not in heading]
    if missing:
        raise MorbidsError(
            f"The table {path} has no column {', '.join(missing)}.",
            f"It has: {', '.join(heading)}.",
            ExitCode.BAD_DATA,
        )
    places = [heading.index(name) for name in shown]
    rows = tuple(tuple(_parse(line[place], heading[place]) for place in places) for line in body if line)
    return Table(tuple(shown.values()), rows, caption, path)


def _parse(text: str, column: str) -> Cell:
    if text in {"n/a", ""}:
        return None
    if text == "circular":
        return Badge("flag", text)
    try:
        if _P_COLUMN.search(column):
            return PValue(float(text))
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text
