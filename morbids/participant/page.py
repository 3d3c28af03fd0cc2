"""Collect what a run left on disk into the page of each participant, whether or not every step ended well."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from morbids.bids.dataset import dataset_name, morbids_version
from morbids.bids.names import output_path
from morbids.bids.scans import PetScan
from morbids.bids.windows import window_points
from morbids.engine.failures import StepFailure
from morbids.engine.progress import doing, label_of
from morbids.errors import MorbidsError
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.slow_tissue import TAKEN
from morbids.participant.blood_words import blood_notes, say_blood
from morbids.participant.facts import (
    StepNotes,
    TemplateFacts,
    read_facts,
)
from morbids.participant.plan import ScanPlan, T1w, spaces_by_t1w
from morbids.participant.quality import (
    Measure,
    judge,
    measure_anatomy,
    measure_failures,
    measure_scan,
    write_quality,
)
from morbids.participant.range_table import report_ranges
from morbids.participant.region_table import report_regions
from morbids.participant.scan_words import describe_scan
from morbids.participant.spaces import picture_space
from morbids.participant.steps.figures import fitted_windows
from morbids.participant.steps.kinetics import difference_name
from morbids.participant.steps.null_range import range_picture_name
from morbids.participant.steps.protocol import picture_name
from morbids.participant.viewer import report_viewer
from morbids.participant.words import WORDS
from morbids.reports.boilerplate import PartialVolume, ScanChoices, TakenStep, participant_methods
from morbids.reports.captions import FigureKind, figure, flicker
from morbids.reports.findings import Failure, Methods, make_provenance
from morbids.reports.numbers import format_quantity
from morbids.reports.pages import Block, Cell, Link, Quantity, Table
from morbids.reports.participant import (
    AnatomyReport,
    ParticipantReport,
    ScanReport,
    WindowFacts,
    write_participant_page,
)
from morbids.settings import ScanSettings, Study


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
    settings: ScanSettings,
) -> tuple[Path, ...]:
    """Write the quality table of every scan and the page of every participant; return the pages."""
    everyone = [*(plan.scan.entities for plan in plans), *(scan.entities for scan in unplanned)]
    participants = {entities["sub"] for entities in everyone}
    told = [Failure(scan.label, "reading", scan.error.message, scan.error.hint) for scan in unplanned]
    told += [
        Failure(label_of(failure.units[-1]), doing(failure.step, WORDS), failure.sentence, failure.pointer)
        for failure in failures
    ]
    for scan in unplanned:
        if output_path(study.output_dir, scan.entities, "quality").exists():
            write_quality(scan.entities, list(measure_failures(_failures_at((scan.label,), told))), study)
    pages = []
    for participant in sorted(participants):
        own = [plan for plan in plans if plan.scan.entities["sub"] == participant]
        scans = [_report_scan(plan, study, settings, told) for plan in own]
        report = ParticipantReport(
            participant=f"sub-{participant}",
            dataset=dataset_name(study.bids_dir),
            anatomy=tuple(_report_anatomies(own, study)),
            scans=tuple(scans),
            failures=tuple(told_of for told_of in told if f"sub-{participant}" in told_of.where.split("_")),
            methods=_methods(own, study, settings),
            provenance=make_provenance(study.command_line, asdict(settings)),
            links=tuple(_links(study, f"sub-{participant}", participants)),
        )
        page = output_path(study.output_dir, {"sub": participant}, "participant_page")
        pages.append(write_participant_page(report, page))
    return tuple(pages)


def _methods(plans: Sequence[ScanPlan], study: Study, settings: ScanSettings) -> Methods | None:
    """Methods text: paragraphs that several scans share stand once."""
    paragraphs: list[str] = []
    for plan in plans:
        kinetics, space = plan.kinetics, picture_space(settings).space
        template_source = _template_source(plan, study, space)
        choices = ScanChoices(
            version=morbids_version(),
            template=space,
            template_source=template_source,
            model=kinetics.model,
            reference=kinetics.reference,
            smoothing_fwhm_mm=settings.pet_smoothing_fwhm_mm,
            weighted=kinetics.weights == "decay",
            k2_prime=_say_k2_prime(plan),
            t_star_min=kinetics.t_star_min or None,
            windows=tuple((w.name, w.start_min, w.end_min) for w in kinetics.windows),
            atlases=tuple(atlas.label for atlas in plan.atlases),
            second_model=kinetics.second_model or "",
            mixed_tissue=_say_mixture(plan),
            motion_corrected=settings.motion,
            partial_volume=_partial_volume(plan, settings),
            taken=_taken_steps(plan, space),
            **say_blood(kinetics),
        )
        paragraphs += participant_methods(choices)
    if not paragraphs:
        return None
    bibliography = output_path(
        study.output_dir, {"sub": plans[0].scan.entities["sub"]}, "participant_references"
    )
    return Methods(tuple(dict.fromkeys(paragraphs)), bibliography)


def _say_k2_prime(plan: ScanPlan) -> str:
    """How the model came to its k2', for the methods text, where scans share a rule and not a number."""
    kinetics = plan.kinetics
    if not kinetics.fits_k2_prime:
        return ""
    if kinetics.k2_prime_per_min is None:
        return f"settled for each scan ({kinetics.k2_prime_source})"
    return f"= {kinetics.k2_prime_per_min:.4g} /min ({kinetics.k2_prime_source})"


def _say_mixture(plan: ScanPlan) -> str:
    """What was done about white matter and fluid, for the methods text; empty where the model has no such part."""
    if plan.mixed_tissue is None:
        return ""
    return {
        False: "What a region can read without a release was simulated for its own mixture of grey matter, white "
        "matter and fluid, as the scanner's resolution mixes them.",
        True: f"{100 * TAKEN[0]:.0f} % of the white matter and all of the fluid within regions, voxels and the "
        "reference region were fitted apart, by their shares at the scanner's resolution, where their curves could be "
        "told; white matter was measured around each voxel.",
    }[plan.fits_apart]


def _template_source(plan: ScanPlan, study: Study, space: str) -> str:
    try:
        found = read_facts(TemplateFacts, study, plan.t1w.entities, "t1w_to_template", {"to": space})
    except MorbidsError as error:
        return str(error)
    return (found or TemplateFacts()).source


def _partial_volume(plan: ScanPlan, settings: ScanSettings) -> PartialVolume | None:
    if plan.point_spread is None or settings.partial_volume == "none":
        return None
    return PartialVolume("GTM" if settings.partial_volume == "gtm" else "RBV", plan.point_spread.fwhm_mm)


def _taken_steps(plan: ScanPlan, space: str) -> dict[TakenStep, str]:
    """Programs by the steps whose results are theirs."""
    anatomy, pet = plan.t1w.taken, plan.taken
    steps: dict[TakenStep, str] = {}
    if anatomy is not None:
        program = anatomy.dataset.program
        parts: dict[TakenStep, object] = {
            "brain extraction": anatomy.mask,
            "segmentation": anatomy.tissue,
            "normalization": anatomy.transforms.get(space),
        }
        steps = {step: program for step, there in parts.items() if there}
    if pet is not None:
        steps["motion correction"] = pet.dataset.program
        if plan.takes_registration:
            steps["registration to T1w"] = pet.dataset.program
    return steps


def _links(study: Study, own: str, participants: Collection[str]) -> Iterator[Link]:
    """Index, group, and the participants before and after this one, of this run and of those before."""
    yield Link("index", output_path(study.output_dir, {}, "index_page"))
    group = output_path(study.output_dir, {}, "group_page")
    if group.exists():
        yield Link("group", group)
    pages = {output_path(study.output_dir, {"sub": one}, "participant_page") for one in participants}
    ordered = sorted({*pages, *study.output_dir.glob("sub-*.html")})
    place = [page.stem for page in ordered].index(own)
    for neighbour, arrow in ((place - 1, "←"), (place + 1, "→")):
        if 0 <= neighbour < len(ordered):
            yield Link(f"{arrow} {ordered[neighbour].stem}", ordered[neighbour])


def _report_anatomies(plans: Sequence[ScanPlan], study: Study) -> Iterator[AnatomyReport]:
    for label, spaces in spaces_by_t1w(plans).items():
        t1w = next(plan.t1w for plan in plans if plan.t1w.label == label)
        yield AnatomyReport(
            label,
            verdicts=judge(tuple(measure_anatomy(t1w, study, spaces))),
            blocks=tuple(_anatomy_figures(t1w, study, spaces)),
        )


def _anatomy_figures(t1w: T1w, study: Study, spaces: Sequence[str]) -> Iterator[Block]:
    yield from _figure("brain", output_path(study.output_dir, t1w.entities, "t1w_picture", {"desc": "brain"}))
    for space in spaces:
        first, second = (
            output_path(study.output_dir, t1w.entities, "t1w_picture", {"desc": name, "space": space})
            for name in ("normalized", "template")
        )
        if first.exists() and second.exists():
            yield flicker("normalization", ("T1w", first), (space, second))


def _failures_at(labels: Collection[str], told: Sequence[Failure]) -> list[str]:
    """Steps that failed at a scan, or at the T1w image that it needs."""
    return [failure.step for failure in told if failure.where in labels]


def _report_scan(plan: ScanPlan, study: Study, settings: ScanSettings, told: Sequence[Failure]) -> ScanReport:
    failed = measure_failures(_failures_at((plan.scan.label, plan.t1w.label), told))
    measures = (*measure_scan(plan, study, settings), *failed)
    table = write_quality(plan.scan.entities, measures, study) if measures else None
    kinetics = plan.kinetics
    figures = _ScanFigures(plan, study)
    return ScanReport(
        plan.scan.label,
        facts=describe_scan(plan, study, settings),
        windows=tuple(
            WindowFacts(w.name, w.start_min, w.end_min, int(window_points(kinetics.frames, w).sum()))
            for w in kinetics.windows
        ),
        verdicts=judge(measures),
        quality=tuple(_quality_table(measures, table)),
        notes=(*plan.notes, *_notes(plan, study), *blood_notes(plan, study, settings)),
        registration=figures.registration(),
        motion=(
            *figures.of("motion", "motion", ".svg"),
            *figures.of("frames", "frames"),
            *figures.of("carpet", "carpet"),
        ),
        reference=figures.reference(),
        blood=figures.of("input", "input", ".svg"),
        curves=figures.of("curves", "curves", ".svg"),
        kinetics=(
            *figures.of("logan", "logan", ".svg"),
            *(
                block
                for window in fitted_windows(kinetics)
                for block in figures.of("fits", f"fits{window.name}", ".svg", f"Fit of the {window.name}.")
            ),
            *report_regions(plan, study),
            *figures.of("regional_estimates", "estimates", ".svg"),
            *figures.of("k2_prime", "k2prime", ".svg"),
            *figures.of("t_star", "tstar", ".svg"),
        ),
        maps=(*report_viewer(plan, study), *figures.maps()),
        protocol=figures.protocol(),
        overview=figures.of("scan_overview", "overview"),
    )


def _notes(plan: ScanPlan, study: Study) -> Iterator[str]:
    """A T1w image without skull, motion, how the reference region was cut, and regions that the field of view cuts."""
    yield from _notes_of(plan.t1w, study, "brain_mask")
    yield from _notes_of(plan.scan, study, "petref")
    if plan.kinetics.blood is None:
        yield from _notes_of(plan.scan, study, "reference_mask", {"label": plan.kinetics.reference.name})
    for atlas in plan.atlases:
        notes = _notes_of(plan.scan, study, "pet_dseg", {"seg": atlas.label})
        yield from (f"{atlas.label}: {note}" for note in notes)


def _notes_of(
    made_of: PetScan | T1w, study: Study, role: str, entities: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """What a step noted of an output; why that cannot be read, where it is so."""
    try:
        facts = read_facts(StepNotes, study, made_of.entities, role, entities)
    except MorbidsError as error:
        return (str(error),)
    return () if facts is None else facts.notes


def _quality_table(measures: Sequence[Measure], file: Path | None) -> Iterator[Block]:
    """Every number beside what is expected of it."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (one.step, one.name, Quantity(one.value, one.units), _expected(one)) for one in measures
    )
    if rows:
        yield Table(("Step", "Measure", "Value", "Expected"), rows, "Quality of the scan", file)


def _expected(measure: Measure) -> str:
    if measure.least is not None:
        return f"at least {format_quantity(measure.least, measure.units)}"
    return "" if measure.most is None else f"at most {format_quantity(measure.most, measure.units)}"


class _ScanFigures:
    """The pictures of one scan that are on disk."""

    def __init__(self, plan: ScanPlan, study: Study) -> None:
        self.plan, self.study = plan, study

    def of(self, kind: FigureKind, name: str, extension: str = ".png", detail: str = "") -> tuple[Block, ...]:
        role = "pet_picture" if extension == ".png" else "pet_figure"
        path = output_path(self.study.output_dir, self.plan.scan.entities, role, {"desc": name})
        return tuple(_figure(kind, path, detail))

    def registration(self) -> tuple[Block, ...]:
        """PET and T1w on the same planes, alternating; PET alone where one of the two was not drawn."""
        entities = self.plan.scan.entities
        pet = output_path(self.study.output_dir, entities, "pet_picture", {"desc": "coregistration"})
        t1w = output_path(self.study.output_dir, self.plan.t1w.entities, "t1w_picture", {"desc": "brain"})
        if not (pet.exists() and t1w.exists()):
            return self.of("pet_on_t1w", "coregistration")
        return (flicker("coregistration", ("PET", pet), ("T1w", t1w)),)

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
        ranges = output_path(self.study.output_dir, self.plan.scan.entities, "null_range")
        if not ranges.exists():
            return tuple(blocks)
        pictures: list[Block] = []
        for pair in self.plan.kinetics.pairs:
            pictures += self.of("unknowns", range_picture_name(pair), ".svg")
        said, *tabulated = report_ranges(ranges)
        return (said, *pictures, *tabulated, *blocks)

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


def _figure(kind: FigureKind, path: Path, detail: str = "") -> Iterator[Block]:
    if path.exists():
        yield figure(kind, path, detail)
