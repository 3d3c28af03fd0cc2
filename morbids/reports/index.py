"""The first page: every participant with a verdict, and the way to the group's results."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from morbids.reports.findings import verdict_badge, worst
from morbids.reports.pages import Alert, Cell, Facts, Level, Link, Page, Section, Table, write_page


class ParticipantLine(NamedTuple):
    """One participant: label, page, gravest verdict, scans, and what was flagged or failed ("" for nothing)."""

    label: str
    page: Path
    level: Level
    n_scans: int
    note: str


@dataclass(frozen=True)
class IndexReport:
    """What the first page shows; `group_page` is None before the group level has run."""

    dataset: str
    participants: tuple[ParticipantLine, ...]
    group_page: Path | None
    version: str


def write_index_page(report: IndexReport, out: Path) -> Path:
    """Write the page that leads to all others."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (Link(line.label, line.page), verdict_badge(line.level), line.n_scans, line.note)
        for line in report.participants
    )
    group = (
        Alert(
            "note",
            "The group level has not run yet.",
            "Run the same command with group instead of participant.",
        )
        if report.group_page is None
        else Facts((("Contrasts, maps, tables", Link("Group results", report.group_page)),))
    )
    participants = Section(
        "Participants",
        blocks=(Table(("Participant", "Verdict", "PET scans", "What to look at"), rows),),
        level=worst(line.level for line in report.participants),
    )
    page = Page(
        title=report.dataset,
        subtitle=f"morbids {report.version} · {len(report.participants)} participants",
        sections=(Section("Group", blocks=(group,)), participants),
        footer="Every page works without a network and can be copied with its folder.",
    )
    return write_page(page, out)
