"""What one comparison left on disk, and what the record of claims says of it, as blocks of a page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from morbids.bids import tables as files
from morbids.group.claims import Claims, QuestionClaims
from morbids.group.comparison import Comparison
from morbids.group.outputs import GroupOutputs
from morbids.reports import tables
from morbids.reports.captions import FigureKind, figure
from morbids.reports.pages import Block, Table


@dataclass(frozen=True)
class ContrastResults:
    """Where the results of a comparison are, and the claims of the page that it is on."""

    outputs: GroupOutputs
    claims: Claims

    @property
    def comparison(self) -> Comparison:
        """The comparison itself."""
        return self.outputs.comparison

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Thresholds, counts and degrees of freedom; empty where the test failed."""
        return self.outputs.summary

    @cached_property
    def question(self) -> QuestionClaims | None:
        """What is claimed of it; None where the test failed."""
        return self.claims.of(self.comparison)

    def table(self, role: str, caption: str, columns: Mapping[str, str]) -> Table:
        """A table of results: those of the columns that it has."""
        return read_columns(self.outputs.path(role), caption, columns)

    def plot(self, kind: FigureKind, desc: str) -> Iterator[Block]:
        """A plot, if it was drawn."""
        return _if_there(kind, self.outputs.path("group_figure", desc=desc))

    def picture(self, kind: FigureKind, desc: str) -> Iterator[Block]:
        """A picture of images, if it was drawn."""
        return _if_there(kind, self.outputs.path("group_picture", desc=desc))


def read_columns(path: Path, caption: str, columns: Mapping[str, str]) -> Table:
    """Show those of the columns that a table has."""
    there = files.read_table(path).columns
    return tables.read_table(path, caption, {name: shown for name, shown in columns.items() if name in there})


def _if_there(kind: FigureKind, path: Path) -> Iterator[Block]:
    if path.exists():
        yield figure(kind, path)
