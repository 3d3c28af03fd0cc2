"""Collect what the group level left on disk into its page."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from morbids.bids.dataset import morbids_version
from morbids.bids.names import output_path
from morbids.engine.failures import StepFailure
from morbids.engine.progress import doing, label_of
from morbids.group.contrast_page import ContrastPage, read_summary
from morbids.group.doubts import report_doubts
from morbids.group.outputs import GroupOutputs
from morbids.group.plan import GroupPlan
from morbids.group.protocol_table import report_protocol
from morbids.group.quality_table import report_quality
from morbids.group.steps.inference import ALPHA
from morbids.group.words import WORDS
from morbids.reports.boilerplate import Correction, GroupChoices, group_methods
from morbids.reports.findings import Failure, make_provenance
from morbids.reports.group import GroupReport, LeftOut, write_group_page
from morbids.reports.pages import Cell, Link
from morbids.settings import GroupSettings, Inference, Study

# Methods text: the first of these that was used.
_CORRECTIONS: tuple[tuple[Inference, Correction], ...] = (
    ("max-t", "max_t"),
    ("tfce", "tfce"),
    ("cluster-mass", "cluster_mass"),
    ("cluster-extent", "cluster_extent"),
    ("random-field", "random_field"),
    ("fdr", "fdr"),
)


def write_group_pages(
    plan: GroupPlan, failures: Sequence[StepFailure], study: Study, settings: GroupSettings
) -> Path:
    """Write the group page; return its path."""
    outputs = [GroupOutputs(comparison, plan, study, settings) for comparison in plan.comparisons]
    found = plan.group.found
    report = GroupReport(
        dataset=study.bids_dir.name,
        facts=_facts(plan, settings),
        doubts=report_doubts(plan, outputs),
        contrasts=tuple(ContrastPage(one).report() for one in outputs),
        failures=tuple(
            Failure(
                label_of(failure.units[-1]), doing(failure.step, WORDS), failure.sentence, failure.pointer
            )
            for failure in failures
        ),
        included_columns=("Scan", "Map"),
        included=tuple((row.label, Link(row.description or row.path.name, row.path)) for row in found.rows),
        left_out=tuple(_left_out(plan)),
        quality=report_quality(plan, study),
        protocol=report_protocol(plan, study),
        methods=_methods(outputs, settings),
        provenance=make_provenance(study.command_line, asdict(settings)),
        links=tuple(_links(study)),
    )
    return write_group_page(report, output_path(study.output_dir, {}, "group_page"))


def _facts(plan: GroupPlan, settings: GroupSettings) -> tuple[tuple[str, Cell], ...]:
    rows = plan.group.found.rows
    first = rows[0].entities
    facts: list[tuple[str, Cell]] = [
        ("maps", len(rows)),
        ("participants", len({row.participant for row in rows})),
        ("left out", len(plan.group.found.dropped)),
        ("measure", " ".join(first[key] for key in ("model", "meas") if key in first)),
        ("space", first.get("space", "not named")),
        ("smoothing", f"{settings.group_smoothing_fwhm_mm:g} mm"),
        ("mask", f"mean binding ≥ {settings.mask_threshold:g}"),
    ]
    if settings.variance_smoothing_fwhm_mm:
        facts.append(("pseudo-t", f"variance smoothed by {settings.variance_smoothing_fwhm_mm:g} mm"))
    return tuple(facts)


def _left_out(plan: GroupPlan) -> Iterator[LeftOut]:
    for dropped in plan.group.found.dropped:
        yield LeftOut(dropped.label, "", dropped.reason)
    for comparison in plan.comparisons:
        for missing in comparison.dropped:
            yield LeftOut(missing.label, comparison.title, missing.reason)
    for title, reason in plan.skipped.items():
        yield LeftOut("every scan", title, reason)


def _links(study: Study) -> Iterator[Link]:
    yield Link("index", output_path(study.output_dir, {}, "index_page"))
    for page in sorted(study.output_dir.glob("sub-*.html")):
        yield Link(page.stem, page)


def _methods(outputs: Sequence[GroupOutputs], settings: GroupSettings) -> tuple[str, ...]:
    summaries = [summary for one in outputs if (summary := read_summary(one))]
    if not summaries:
        return ()
    correction: Correction = "uncorrected"
    told: dict[str, Any] = {}
    for method, words in _CORRECTIONS:
        if method in settings.inference:
            told = next(test for test in summaries[0]["Tests"] if test["Method"] == method)
            correction = words
            break
    return group_methods(
        GroupChoices(
            version=morbids_version(),
            smoothing_fwhm_mm=settings.group_smoothing_fwhm_mm,
            mask_threshold=settings.mask_threshold,
            correction=correction,
            alpha=ALPHA,
            n_permutations=told.get("Rearrangements", 0),
            exhaustive=told.get("Exhaustive", False),
            covariates=settings.covariates,
        )
    )
