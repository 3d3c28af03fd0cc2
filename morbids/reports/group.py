"""The group page: who was included, each contrast with its maps and tables, correlations, methods."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from morbids.reports.findings import (
    Failure,
    Methods,
    Provenance,
    failure_alerts,
    footer,
    methods_sections,
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
        "baseline − rejection".
    heading
        Of the questions that belong together, such as those of one task.
    question
        What it asks, in one sentence, with what positive means.
    finding
        What is claimed, in one sentence.
    claimed
        Whether anything is.
    answers
        Cells of its row on the first screen, behind its name: see `ANSWERS`; none for a slope that the row of its
        maps speaks of.
    warnings
        Why a claim may be less than it seems.
    n_maps
        That entered.
    design, inference
        The test, and what is outlined.
    sensitivity
        What other corrections would say: folded, never part of a claim.
    circular
        Correlations on values taken from the claimed cluster itself: shown last, folded, and called so.
    """

    name: str
    heading: str
    question: str
    finding: str
    claimed: bool
    answers: tuple[Cell, ...]
    n_maps: int
    design: str
    inference: str
    warnings: tuple[str, ...] = ()
    maps: tuple[Block, ...] = ()
    clusters: tuple[Block, ...] = ()
    regions: tuple[Block, ...] = ()
    correlations: tuple[Block, ...] = ()
    sensitivity: tuple[Block, ...] = ()
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
    family
        How many tests there are, and how they are corrected for each other.
    claims
        Every test.
    picture
        All claims in one picture, for the first screen.
    contrasts
        In the order of the page.
    failures
        Contrasts that could not be computed, and why.
    included
        A row per map that took part, with the columns named in `included_columns`.
    left_out
        Rows that did not, each with its reason.
    made_by
        Settings of the participant level, as the maps tell them.
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
    family: str
    claims: tuple[Block, ...]
    contrasts: tuple[ContrastReport, ...]
    failures: tuple[Failure, ...]
    included_columns: tuple[str, ...]
    included: tuple[tuple[Cell, ...], ...]
    left_out: tuple[LeftOut, ...]
    methods: Methods | None
    provenance: Provenance
    made_by: tuple[tuple[str, str], ...] = ()
    picture: tuple[Block, ...] = ()
    doubts: tuple[Alert, ...] = ()
    quality: tuple[Block, ...] = ()
    protocol: tuple[Block, ...] = ()
    links: tuple[Link, ...] = ()


MANY: Final = 4
# Columns of the first screen behind the question.
ANSWERS: Final = (
    "Strongest region: effect (95 % interval)",
    "Regions claimed",
    "Whole brain claimed",
    "Small volumes (sensitivity)",
    "Traits claimed",
    "Protocol alone",
)

_SENSITIVITY: Final = (
    "None of this is a claim: each correction looks at this contrast alone, and of several that are tried one passes "
    "by chance more often than its own level says. It shows how far a claim depends on the correction."
)

_CIRCULAR: Final = (
    "These values come from the cluster that the same data selected, so r is inflated and its p means nothing. "
    "They describe the cluster; the independent regions above are the evidence."
)


def write_group_page(report: GroupReport, out: Path) -> Path:
    """Write the group page to `out` (beside the folder that holds its figures)."""
    sections = list(_question_sections(report.contrasts))
    sections += [Section("Every claim", blocks=report.claims)] if report.claims else []
    sections.append(_people_section(report))
    sections += [Section("Quality of the maps", blocks=report.quality)] if report.quality else []
    sections += [Section("What this protocol can see", blocks=report.protocol)] if report.protocol else []
    sections += methods_sections(report.methods)
    sections.append(provenance_section(report.provenance))
    page = Page(
        title="Group results",
        subtitle=f"{report.dataset} · maps of {len(report.included)} scans{_say_absent(report.left_out)}",
        sections=tuple(sections),
        summary=_summary(report),
        links=report.links,
        footer=footer(report.provenance),
    )
    return write_page(page, out)


def _question_sections(contrasts: tuple[ContrastReport, ...]) -> Iterator[Section]:
    """A section per heading, with its questions folded."""
    by_heading: dict[str, list[ContrastReport]] = {}
    for contrast in contrasts:
        by_heading.setdefault(contrast.heading, []).append(contrast)
    for heading, own in by_heading.items():
        yield Section(heading, parts=tuple(map(_contrast_section, own)))


def _summary(report: GroupReport) -> tuple[Block, ...]:
    """Failures, a row per question, the claims in one picture; then how they are judged, who is missing, doubts."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (Link(contrast.name, f"#{slug(f'{contrast.heading} {contrast.name}')}"), *contrast.answers)
        for contrast in report.contrasts
        if contrast.answers
    )
    overview: tuple[Block, ...] = (Table(("Question", *ANSWERS), rows),) if rows else ()
    family = (Text((report.family,)),) if report.family else ()
    facts = (Facts(report.facts),) if report.facts else ()
    return (
        *failure_alerts(report.failures), *overview, *report.picture, *family, *facts, *_absent(report.left_out),
        *report.doubts,
    )  # fmt: skip


def _say_absent(left_out: tuple[LeftOut, ...]) -> str:
    """How many scans take no part at all."""
    n_scans = sum(not one.contrast for one in left_out)
    return f" · {n_scans} left out" if n_scans else " · nobody left out"


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
    level: Level = "pass" if contrast.claimed else "note"
    topics: tuple[tuple[str, tuple[Block, ...]], ...] = (
        ("Maps", contrast.maps),
        ("Clusters and peaks", contrast.clusters),
        ("A-priori regions", contrast.regions),
        ("Correlations", (*contrast.correlations, *_folded_circular(contrast.circular))),
        ("Influence of single participants", contrast.influence),
        ("Sensitivity", _folded_sensitivity(contrast.sensitivity)),
    )
    return Section(
        contrast.name,
        contrast.finding,
        (
            Text((contrast.question,)),
            *(Alert("flag", warning) for warning in contrast.warnings),
            Facts((("Maps", contrast.n_maps), ("Design", contrast.design), ("Outlined", contrast.inference))),
        ),
        tuple(Section(title, blocks=blocks) for title, blocks in topics if blocks),
        level,
        folded=True,
    )


def _folded_sensitivity(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    if not blocks:
        return ()
    told = Text((_SENSITIVITY,))
    return (Folded("Sensitivity: what other corrections would say of this contrast alone", (told, *blocks)),)


def _folded_circular(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    if not blocks:
        return ()
    warning = Alert("flag", "Circular.", _CIRCULAR)
    return (Folded("Circular: correlations within the cluster itself", (warning, *blocks)),)


def _people_section(report: GroupReport) -> Section:
    included: tuple[Block, ...] = (Table(report.included_columns, report.included, "Maps that took part"),)
    if report.made_by:
        made = Table(("Setting", "As run"), report.made_by, "How the participant level made these maps")
        included = (made, *included)
    if not report.left_out:
        return Section("Who took part", blocks=(Text(("Nobody was left out.",)), *included))
    rows = tuple((row, contrast or "all contrasts", reason) for row, contrast, reason in report.left_out)
    left_out = Table(("Scan", "Contrast", "Reason"), rows, "Left out, and why")
    return Section("Who took part", blocks=(left_out, Folded("Everyone who took part", included)))
