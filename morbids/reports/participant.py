"""The page of one participant: anatomy, then each scan from registration to maps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from morbids.reports.findings import (
    Failure,
    Methods,
    Provenance,
    Verdict,
    failure_alerts,
    footer,
    methods_sections,
    provenance_section,
    verdict_badge,
    verdict_table,
    worst,
)
from morbids.reports.pages import (
    Alert,
    Block,
    Cell,
    Facts,
    Level,
    Link,
    Page,
    Section,
    Table,
    slug,
    write_page,
)


@dataclass(frozen=True)
class AnatomyReport:
    """One T1w image: `label` names it, `blocks` show it."""

    label: str
    verdicts: tuple[Verdict, ...] = ()
    blocks: tuple[Block, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class WindowFacts:
    """A window as it was used: name, start and end (min), frames, and a note (raised start, cut frame)."""

    name: str
    start_min: float
    end_min: float
    n_frames: int
    note: str = ""


@dataclass(frozen=True)
class ScanReport:
    """One PET scan; blocks by topic, in the order of the page. A topic without blocks is left out.

    Attributes
    ----------
    label
        "sub-01_task-rejection".
    facts
        Tracer, dose, model, reference region, k2' and the like, with their units.
    windows
        The windows as used.
    verdicts
        One per step.
    notes
        Stated repairs and gaps.
    quality
        The table of what the steps measured.
    overview
        The scan in one picture, before everything else.
    """

    label: str
    facts: tuple[tuple[str, Cell], ...] = ()
    windows: tuple[WindowFacts, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    registration: tuple[Block, ...] = ()
    motion: tuple[Block, ...] = ()
    reference: tuple[Block, ...] = ()
    blood: tuple[Block, ...] = ()
    curves: tuple[Block, ...] = ()
    kinetics: tuple[Block, ...] = ()
    maps: tuple[Block, ...] = ()
    protocol: tuple[Block, ...] = ()
    quality: tuple[Block, ...] = ()
    overview: tuple[Block, ...] = ()


@dataclass(frozen=True)
class ParticipantReport:
    """Everything that a participant's page shows; failures name the scan's or T1w's label in `where`."""

    participant: str
    dataset: str
    anatomy: tuple[AnatomyReport, ...]
    scans: tuple[ScanReport, ...]
    failures: tuple[Failure, ...]
    methods: Methods | None
    provenance: Provenance
    links: tuple[Link, ...] = ()


_TOPICS: Final = (
    ("registration", "PET on T1w"),
    ("motion", "Head motion"),
    ("reference", "Reference region"),
    ("blood", "Blood and input function"),
    ("curves", "Regional curves"),
    ("kinetics", "Kinetics"),
    ("maps", "Maps"),
    ("protocol", "What this protocol can see"),
    ("quality", "Quality in numbers"),
)


def write_participant_page(report: ParticipantReport, out: Path) -> Path:
    """Write the page of one participant to `out` (beside the folder that holds its figures)."""
    sections = [_anatomy_section(anatomy, report.failures) for anatomy in report.anatomy]
    sections += [_scan_section(scan, report.failures) for scan in report.scans]
    sections += methods_sections(report.methods)
    sections.append(provenance_section(report.provenance))
    page = Page(
        title=report.participant,
        subtitle=f"{report.dataset} · {_counted(len(report.scans), 'PET scan')}",
        sections=tuple(sections),
        summary=_summary(report),
        links=report.links,
        footer=footer(report.provenance),
    )
    return write_page(page, out)


def _summary(report: ParticipantReport) -> tuple[Block, ...]:
    """Failures first, then what was flagged, then a row per scan."""
    parts: tuple[AnatomyReport | ScanReport, ...] = (*report.anatomy, *report.scans)
    flagged = [
        Alert("flag", f"{part.label}: {verdict.step}: {verdict.finding}.", verdict.reason)
        for part in parts
        for verdict in part.verdicts
        if verdict.level == "flag"
    ]
    rows = tuple(_summary_row(scan, report.failures) for scan in report.scans)
    overview = Table(("Scan", "Verdict", "Flagged", "Windows (min)"), rows)
    opening: tuple[Block, ...] = failure_alerts(report.failures)
    if not report.failures and not flagged:
        opening = (Alert("pass", "Every step of every scan finished, and none was flagged."),)
    return (*opening, *flagged, *((overview,) if rows else ()))


def _summary_row(scan: ScanReport, failures: tuple[Failure, ...]) -> tuple[Cell, ...]:
    level = _level(scan.label, scan.verdicts, failures)
    flagged = ", ".join(verdict.step for verdict in scan.verdicts if verdict.level == "flag")
    windows = ", ".join(f"{window.name} {window.start_min:g}–{window.end_min:g}" for window in scan.windows)
    return (Link(scan.label, f"#{slug(scan.label)}"), verdict_badge(level), flagged, windows)


def _level(label: str, verdicts: tuple[Verdict, ...], failures: tuple[Failure, ...]) -> Level:
    failed: tuple[Level, ...] = ("fail",) if any(failure.where == label for failure in failures) else ()
    return worst((*failed, *(verdict.level for verdict in verdicts))) or "pass"


def _anatomy_section(anatomy: AnatomyReport, failures: tuple[Failure, ...]) -> Section:
    return Section(
        f"Anatomy: {anatomy.label}",
        blocks=(
            *failure_alerts(failure for failure in failures if failure.where == anatomy.label),
            *(Alert("note", note) for note in anatomy.notes),
            *verdict_table(anatomy.verdicts),
            *anatomy.blocks,
        ),
        level=_level(anatomy.label, anatomy.verdicts, failures),
    )


def _scan_section(scan: ScanReport, failures: tuple[Failure, ...]) -> Section:
    blocks_by_topic = {
        "registration": scan.registration,
        "motion": scan.motion,
        "reference": scan.reference,
        "blood": scan.blood,
        "curves": scan.curves,
        "kinetics": scan.kinetics,
        "maps": scan.maps,
        "protocol": scan.protocol,
        "quality": scan.quality,
    }
    return Section(
        scan.label,
        blocks=(
            *failure_alerts(failure for failure in failures if failure.where == scan.label),
            *scan.overview,
            *((Facts(scan.facts),) if scan.facts else ()),
            *(Alert("note", note) for note in scan.notes),
            *verdict_table(scan.verdicts),
            *_window_table(scan.windows),
        ),
        parts=tuple(
            Section(title, blocks=blocks_by_topic[topic])
            for topic, title in _TOPICS
            if blocks_by_topic[topic]
        ),
        level=_level(scan.label, scan.verdicts, failures),
    )


def _window_table(windows: tuple[WindowFacts, ...]) -> tuple[Block, ...]:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (window.name, f"{window.start_min:g}–{window.end_min:g}", window.n_frames, window.note)
        for window in windows
    )
    return (Table(("Window", "Minutes from injection", "Frames", "Note"), rows),) if rows else ()


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
