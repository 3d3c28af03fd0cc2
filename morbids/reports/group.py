"""The group page: who was included, each contrast with its maps and tables, correlations, methods."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from morbids.reports.findings import (
    Failure,
    Provenance,
    failure_alerts,
    footer,
    methods_section,
    provenance_section,
)
from morbids.reports.pages import (
    Alert,
    Block,
    Cell,
    Facts,
    Folded,
    Level,
    Link,
    Page,
    Section,
    Table,
    Text,
    slug,
    write_page,
)


class LeftOut(NamedTuple):
    """A scan or a map that takes no part: which one, in which contrast ("" for all), and why."""

    row: str
    contrast: str
    reason: str


@dataclass(frozen=True)
class ContrastReport:
    """One contrast; blocks by topic, in the order of the page. A topic without blocks is left out.

    Attributes
    ----------
    name
        "rejection: baseline − challenge".
    question
        What it asks, in one sentence, with what positive means.
    finding
        What came out at the stated threshold, in one sentence.
    n_maps, n_positive, n_negative
        Maps that entered; clusters that pass, by direction.
    design, inference
        The test, and the threshold with its correction.
    circular
        Correlations on values taken from the significant cluster itself: shown last, folded, and called so.
    """

    name: str
    question: str
    finding: str
    n_maps: int
    n_positive: int
    n_negative: int
    design: str
    inference: str
    maps: tuple[Block, ...] = ()
    clusters: tuple[Block, ...] = ()
    regions: tuple[Block, ...] = ()
    correlations: tuple[Block, ...] = ()
    circular: tuple[Block, ...] = ()
    influence: tuple[Block, ...] = ()


@dataclass(frozen=True)
class GroupReport:
    """Everything that the group page shows.

    Attributes
    ----------
    dataset
        Its name.
    facts
        Counts and settings for the head of the page.
    contrasts
        In the order of the page.
    failures
        Contrasts that could not be computed, and why.
    included
        A row per map that took part, with the columns named in `included_columns`.
    left_out
        Rows that did not, each with its reason.
    doubts
        What must be known before the results are believed.
    quality
        Blocks on the maps as a group: quality table, agreement between maps, outliers.
    protocol
        What the protocol can see.
    methods, provenance
        Text to copy, and what made the page.
    links
        Index and participants' pages.
    """

    dataset: str
    facts: tuple[tuple[str, Cell], ...]
    contrasts: tuple[ContrastReport, ...]
    failures: tuple[Failure, ...]
    included_columns: tuple[str, ...]
    included: tuple[tuple[Cell, ...], ...]
    left_out: tuple[LeftOut, ...]
    methods: tuple[str, ...]
    provenance: Provenance
    doubts: tuple[Alert, ...] = ()
    quality: tuple[Block, ...] = ()
    protocol: tuple[Block, ...] = ()
    links: tuple[Link, ...] = ()


MANY: Final = 4

_CIRCULAR: Final = (
    "These values come from the cluster that the same data selected, so r is inflated and its p means nothing. "
    "They describe the cluster; the independent regions above are the evidence."
)


def write_group_page(report: GroupReport, out: Path) -> Path:
    """Write the group page to `out` (beside the folder that holds its figures)."""
    sections = [_contrast_section(contrast) for contrast in report.contrasts]
    sections.append(_people_section(report))
    sections += [Section("Quality of the maps", blocks=report.quality)] if report.quality else []
    sections += [Section("What this protocol can see", blocks=report.protocol)] if report.protocol else []
    sections += [methods_section(report.methods)] if report.methods else []
    sections.append(provenance_section(report.provenance))
    page = Page(
        title="Group results",
        subtitle=f"{report.dataset} · maps of {len(report.included)} scans",
        sections=tuple(sections),
        summary=_summary(report),
        links=report.links,
        footer=footer(report.provenance),
    )
    return write_page(page, out)


def _summary(report: GroupReport) -> tuple[Block, ...]:
    """Failures, head facts, who is missing, and a row per contrast."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Link(contrast.name, f"#{slug(contrast.name)}"),
            contrast.n_maps,
            contrast.n_positive,
            contrast.n_negative,
            contrast.finding,
        )
        for contrast in report.contrasts
    )
    columns = ("Contrast", "Maps", "Clusters: positive", "negative", "Finding")
    overview = (Table(columns, rows),) if rows else ()
    facts = (Facts(report.facts),) if report.facts else ()
    return (
        *failure_alerts(report.failures), *facts, *report.doubts, *_absent(report.left_out), *overview
    )  # fmt: skip


def _absent(left_out: tuple[LeftOut, ...]) -> tuple[Alert, ...]:
    """A few who are left out are named at once, many counted."""
    if len(left_out) > MANY:
        return (
            Alert(
                "flag", f"{len(left_out)} scans or contrasts were left out.", "The reasons are listed below."
            ),
        )
    return tuple(
        Alert("flag", f"{row} was left out{f' of {contrast}' if contrast else ''}:", reason)
        for row, contrast, reason in left_out
    )


def _contrast_section(contrast: ContrastReport) -> Section:
    found = contrast.n_positive + contrast.n_negative > 0
    level: Level = "pass" if found else "note"
    topics: tuple[tuple[str, tuple[Block, ...]], ...] = (
        ("Maps", contrast.maps),
        ("Clusters and peaks", contrast.clusters),
        ("A-priori regions", contrast.regions),
        ("Correlations", (*contrast.correlations, *_folded_circular(contrast.circular))),
        ("Influence of single participants", contrast.influence),
    )
    return Section(
        contrast.name,
        contrast.question,
        (
            Alert(level, contrast.finding),
            Facts(
                (("Maps", contrast.n_maps), ("Design", contrast.design), ("Inference", contrast.inference))
            ),
        ),
        tuple(Section(title, blocks=blocks) for title, blocks in topics if blocks),
    )


def _folded_circular(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    if not blocks:
        return ()
    warning = Alert("flag", "Circular.", _CIRCULAR)
    return (Folded("Circular: correlations within the cluster itself", (warning, *blocks)),)


def _people_section(report: GroupReport) -> Section:
    included = Table(report.included_columns, report.included, "Maps that took part")
    if not report.left_out:
        return Section("Who took part", blocks=(Text(("Nobody was left out.",)), included))
    rows = tuple((row, contrast or "all contrasts", reason) for row, contrast, reason in report.left_out)
    left_out = Table(("Scan", "Contrast", "Reason"), rows, "Left out, and why")
    return Section("Who took part", blocks=(left_out, Folded("Everyone who took part", (included,))))
