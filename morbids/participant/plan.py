"""What will be done with a scan, decided before anything runs: preset, then the user's wishes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from morbids.bids.administration import read_schedule
from morbids.bids.derivatives import TakenAnatomy, TakenPet, find_anatomy, find_pet
from morbids.bids.images import read_grid
from morbids.bids.names import scan_label
from morbids.bids.own_files import find_own, is_pattern
from morbids.bids.scanners import PointSpread, find_point_spread
from morbids.bids.scans import PetScan
from morbids.bids.timing import read_timing
from morbids.errors import ExitCode, MorbidsError, Problems
from morbids.imaging.atlases import AtlasChoice, apriori_spheres, check_atlas, choose_atlas
from morbids.imaging.images import read_head
from morbids.imaging.reference import ReferenceRule, find_reference_rule
from morbids.imaging.user_atlases import IMAGE_EXTENSIONS
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.presets import TracerPreset, find_no_reference, find_preset, nearest_name
from morbids.numerics.tracer import Schedule
from morbids.participant.blood_plan import default_model, default_region, plan_blood
from morbids.participant.kinetic_choices import choose, choose_model, plan_kinetics, tracer_in_words
from morbids.participant.kinetic_plan import KineticPlan
from morbids.participant.missing_minutes import judge_minutes
from morbids.participant.spaces import template_spaces
from morbids.settings import ScanSettings

ANY_REFERENCE = "occipital"
USUAL_T1W_VOXELS = 192 * 240 * 240


@dataclass(frozen=True)
class T1w:
    """A T1w image, its size, the entities of its name, what to know of it, and what other programs have made of it."""

    path: Path
    n_voxels: int
    entities: dict[str, str]
    note: str = ""
    taken: TakenAnatomy | None = None

    @property
    def label(self) -> str:
        """Name of the image for progress and pages, such as `sub-01_ses-mri_T1w`."""
        return f"{scan_label(self.entities)}_T1w"


@dataclass(frozen=True)
class ScanPlan:
    """A scan with its T1w image, how it is modelled, and what the report should say about them.

    Attributes
    ----------
    atlases, reference_atlas
        Its regions, the first one's curves serve to estimate k2'; and what the reference region is cut from.
    spaces
        Templates that the T1w image is registered to.
    schedule
        How the tracer was given.
    point_spread
        The scanner's where partial volume is corrected.
    mixed_tissue
        The scanner's point spread where a change within the scan is fitted to curves that it mixes.
    fits_apart
        Whether white matter and fluid are then taken out of the curves first.
    taken
        What other programs have made of the scan.
    """

    scan: PetScan
    t1w: T1w
    kinetics: KineticPlan
    notes: tuple[str, ...]
    atlases: tuple[AtlasChoice, ...]
    reference_atlas: AtlasChoice
    spaces: tuple[str, ...]
    schedule: Schedule
    point_spread: PointSpread | None = None
    mixed_tissue: PointSpread | None = None
    fits_apart: bool = False
    taken: TakenPet | None = None

    @property
    def takes_registration(self) -> bool:
        """Whether the way from PET to T1w is another program's: both its ends must be too."""
        return self.taken is not None and self.taken.pet_to_t1w is not None and self.t1w.taken is not None


class PlannedScan(NamedTuple):
    """What will be done with a scan, as far as it is known, and everything that stands in the way."""

    scan: PetScan
    plan: ScanPlan | None
    errors: tuple[MorbidsError, ...]


def check_settings(settings: ScanSettings) -> None:
    """Refuse once what no scan could use; patterns of files are looked up for each scan.

    Raises
    ------
    MorbidsError
        An atlas or a reference region does not exist, or windows are given twice over.
    """
    if settings.windows and settings.window_events:
        raise MorbidsError(
            f"Both --window and --window-events ({', '.join(settings.window_events)}) say what the windows are.",
            "Leave one out.",
            ExitCode.USAGE,
        )
    for atlas in settings.atlases:
        if not is_pattern(atlas):
            check_atlas(atlas)
    if settings.reference is not None:
        rule = find_reference_rule(settings.reference)
        if not is_pattern(rule.atlas):
            check_atlas(rule.atlas)


def plan_scan(
    scan: PetScan, settings: ScanSettings, derivatives: Sequence[Path] = (), *, read_images: bool = True
) -> PlannedScan:
    """Decide on model, reference region, k2', t* and windows of one scan, and on what is taken for it.

    Parameters
    ----------
    derivatives
        Datasets of other programs.
    read_images
        Whether the T1w image is read whole, for its errors' sake; else only its header.

    Returns
    -------
    PlannedScan
        With every error: a choice neither in the tracer's preset nor given, windows that cannot be, no T1w image,
        derivatives that contradict themselves or the scan.
    """
    problems = Problems(str(scan.pet))
    plan = _plan(scan, settings, derivatives, problems)
    t1w = plan.t1w if plan is not None else None
    if read_images and t1w is not None and t1w.taken is None and not problems.found:
        # A file that is broken or no T1w image must not cost hours first.
        problems.attempt(read_head, t1w.path)
    return PlannedScan(scan, plan, tuple(problems.found))


def _plan(
    scan: PetScan, settings: ScanSettings, derivatives: Sequence[Path], problems: Problems
) -> ScanPlan | None:
    """The plan, where enough is known for one; whatever is wrong goes to `problems`."""
    taken = problems.attempt(_find_taken, scan, derivatives)
    scan = problems.attempt(_with_decay_of, taken, scan) or scan
    t1w = _find_t1w(scan, problems)
    owners = (scan.entities, scan.t1w_entities)
    end_min = float(scan.timing.frames.end_min[-1])
    schedule = problems.attempt(read_schedule, scan.metadata, end_min, scan.pet)
    preset = find_preset(scan.tracer)
    missing = _missing_choices(settings, preset, scan)
    if missing:
        problems.found.append(_no_preset(scan, missing))
    model = None if "model" in missing else problems.attempt(choose_model, settings, preset, scan)
    cut = (
        None
        if "reference" in missing
        else problems.attempt(_choose_reference, settings, preset, model, scan, owners)
    )
    # What is wrong with t* and windows does not hang on the region.
    rule = cut[0] if cut else find_reference_rule(ANY_REFERENCE)
    blood, chosen = None, None
    if model is not None:
        n_before = len(problems.found)
        blood = problems.attempt(plan_blood, settings, model, scan)
        lacks_blood = blood is None and MODELS[model].needs_plasma
        sound = len(problems.found) == n_before and not lacks_blood
        if sound:
            chosen = problems.attempt(plan_kinetics, scan, settings, preset, model, rule, blood)
    atlases = problems.attempt(_find_atlases, settings.atlases, owners)
    spread = None
    if settings.partial_volume != "none":
        spread = problems.attempt(find_point_spread, settings.psf_fwhm_mm, scan.metadata, scan.pet)
    if t1w is None or schedule is None or chosen is None or atlases is None or cut is None:
        return None
    judged = problems.attempt(judge_minutes, chosen[0], scan, schedule)
    if judged is None:
        return None
    kinetics, lacking = judged
    mixture = problems.attempt(_choose_mixed_tissue, settings, kinetics, scan)
    if mixture is None:
        return None
    mixed_tissue, unknown = mixture
    doubts = [] if blood is not None else _doubt_reference(scan.tracer, rule.name)
    notes = (*chosen[1], *filter(None, [t1w.note]), *lacking, *unknown, *doubts)
    spaces = template_spaces((*atlases, cut[1]), settings)
    t1w = replace(t1w, taken=problems.attempt(find_anatomy, derivatives, t1w.entities, spaces))
    plan = ScanPlan(
        *(scan, t1w, kinetics, notes, atlases, cut[1], spaces, schedule, spread),
        mixed_tissue=mixed_tissue,
        fits_apart=mixed_tissue is not None and settings.mixed_tissue != "together",
        taken=taken if settings.motion else None,
    )
    return replace(plan, notes=(*notes, *_describe_taken(plan, settings, derivatives)))


def _choose_mixed_tissue(
    settings: ScanSettings, kinetics: KineticPlan, scan: PetScan
) -> tuple[PointSpread | None, tuple[str, ...]]:
    """The point spread that mixes tissue where a change within the scan is fitted, and what is to be said.

    Curves that are corrected for partial volume have no other tissue in them.

    Raises
    ------
    MorbidsError
        Tissue is to be fitted apart, and cannot be: for the model, the correction, or want of the resolution.
    """
    known = MODELS[kinetics.model]
    apart = settings.mixed_tissue == "apart"
    if not (known.needs_onset and known.needs_k2_prime) or settings.partial_volume != "none":
        if apart:
            raise MorbidsError(
                f"{scan.pet}: --mixed-tissue apart is for StepChange2 without --pvc, and this is {kinetics.model} with "
                f"--pvc {settings.partial_volume}.",
                "Leave one of the options out.",
                ExitCode.USAGE,
            )
        return None, ()
    try:
        return find_point_spread(settings.psf_fwhm_mm, scan.metadata, scan.pet), ()
    except MorbidsError:
        if apart:
            raise
        return None, (
            "The resolution of the scanner is not known: white matter and fluid are left in the curves, and what a "
            "region can read without a release is simulated for any mixture of tissue. Give --psf-fwhm MM.",
        )


def _missing_choices(settings: ScanSettings, preset: TracerPreset | None, scan: PetScan) -> list[str]:
    """Options that neither the user, nor the tracer's preset, nor blood gives a value for."""
    model = settings.model or default_model(preset, scan)
    given = {"model": model, "reference": settings.reference or default_region(preset, model)}
    return [name for name, value in given.items() if value is None]


def _no_preset(scan: PetScan, missing: Sequence[str]) -> MorbidsError:
    lacking = find_no_reference(scan.tracer)
    if lacking is not None:
        return MorbidsError(
            f"{scan.pet}: {lacking.name} has no reference region: {lacking.reason} ({lacking.source}).",
            "With arterial blood (_blood.tsv) give --model PlasmaPatlak and --t-star where tissue traps it, else "
            "PlasmaLogan or 2TCM. For a ratio all the same give --model SUVR, --reference and, for a dynamic scan, "
            "--t-star or --window.",
            ExitCode.USAGE,
        )
    options = " and ".join(f"--{name}" for name in missing)
    also = ", and --t-star where the model is linear from some minute on" if "model" in missing else ""
    near = nearest_name(scan.tracer)
    meant = f"; or correct TracerName if {near} is meant" if near else ""
    meant = meant if scan.tracer else "; or add TracerName to the sidecar"
    return MorbidsError(
        f"{scan.pet}: {tracer_in_words(scan)} has no preset with a value for {options}.",
        f"Give {options} on the command line{also}{meant}.",
        ExitCode.USAGE,
    )


def _find_taken(scan: PetScan, derivatives: Sequence[Path]) -> TakenPet | None:
    units = str(scan.metadata.get("Units", ""))
    return find_pet(derivatives, scan.entities, scan.timing.frames.n_frames, units)


def _with_decay_of(taken: TakenPet | None, scan: PetScan) -> PetScan:
    """The scan with the decay correction of the series that another program made of it."""
    if taken is None or not taken.decay:
        return scan
    metadata = scan.metadata | dict(taken.decay)
    return replace(scan, timing=read_timing(metadata, scan.timing.frames.n_frames, scan.pet))


def _doubt_reference(tracer: str, reference: str) -> list[str]:
    """Say where a tracer has no reference region, whatever was asked for."""
    lacking = find_no_reference(tracer)
    if lacking is None:
        return []
    return [
        f"{lacking.name} has no reference region: {lacking.reason} ({lacking.source}). What is divided by {reference} "
        "is a ratio, and no binding potential."
    ]


def _describe_taken(plan: ScanPlan, settings: ScanSettings, derivatives: Sequence[Path]) -> list[str]:
    """Say what is another program's and what is not, for the report."""
    if not derivatives:
        return []
    notes = []
    if plan.t1w.taken is None:
        notes.append("--derivatives: no corrected T1w image of this participant, all anatomy is computed.")
    else:
        anatomy = plan.t1w.taken
        parts = ["the T1w image", *(["the brain mask"] if anatomy.mask else [])]
        parts += ["the tissue"] if anatomy.tissue else []
        parts += [f"the transforms to {space}" for space in plan.spaces if space in anatomy.transforms]
        notes.append(f"Taken from {anatomy.dataset.program} ({anatomy.dataset.folder}): {', '.join(parts)}.")
    if plan.taken is not None:
        parts = ["the head motion" if plan.taken.motion else "the corrected frames"]
        parts += ["the registration to T1w"] if plan.takes_registration else []
        notes.append(
            f"Taken from {plan.taken.dataset.program} ({plan.taken.dataset.folder}): {', '.join(parts)}."
        )
    elif not settings.motion:
        notes.append("--motion off: nothing of the PET image is taken from --derivatives.")
    else:
        notes.append("--derivatives: neither motion transforms nor corrected frames of this scan.")
    return notes


def _choose_reference(
    settings: ScanSettings,
    preset: TracerPreset | None,
    model: ModelName | None,
    scan: PetScan,
    owners: Sequence[Mapping[str, str]],
) -> tuple[ReferenceRule, AtlasChoice]:
    """The rule that was asked for, else the tracer's, with the user's steps in the place of its own; and its atlas."""
    wish = choose("reference", settings.reference, default_region(preset, model), scan)
    if is_pattern(wish) and wish.endswith(IMAGE_EXTENSIONS):
        wish = str(find_own(wish, owners))
    rule = find_reference_rule(wish)
    atlas = _find_atlas(rule.atlas, owners)
    return replace(rule, atlas=str(atlas.path or atlas.label), **settings.reference_steps.given), atlas


def _find_atlases(names: Sequence[str], owners: Sequence[Mapping[str, str]]) -> tuple[AtlasChoice, ...]:
    """The atlases of a scan; results of two with one label would overwrite each other."""
    atlases = tuple(dict.fromkeys(_find_atlas(name, owners) for name in names))
    spheres = apriori_spheres()
    known = {spheres.label: spheres}
    for atlas in atlases:
        if known.setdefault(atlas.label, atlas) != atlas:
            raise MorbidsError(
                f"The atlas {atlas.path or atlas.label} would be named '{atlas.label}' like another one.",
                "Give its file another name, or another value of seg-.",
                ExitCode.USAGE,
            )
    return atlases


def _find_atlas(name: str, owners: Sequence[Mapping[str, str]]) -> AtlasChoice:
    """The atlas of a name, or of the file that belongs to the scan."""
    return choose_atlas(str(find_own(name, owners)) if is_pattern(name) else name)


def _find_t1w(scan: PetScan, problems: Problems) -> T1w | None:
    """The T1w image; of usual size where it is not here to be measured."""
    if scan.t1w is None:
        problems.found.append(
            MorbidsError(
                f"{scan.pet}: {scan.t1w_note.removesuffix('.')}.",
                "Add one to the participant's anat/ folder, or widen the filter: brain, reference region and template "
                "space come from it.",
            )
        )
        return None
    grid = problems.attempt(read_grid, scan.t1w)
    if grid is not None and grid.n_volumes > 1:
        several = f"{scan.t1w} has {grid.n_volumes} volumes."
        problems.found.append(MorbidsError(several, "Give a T1w image of one volume."))
    n_voxels = math.prod(grid.shape) if grid is not None else USUAL_T1W_VOXELS
    return T1w(scan.t1w, n_voxels, scan.t1w_entities, "" if grid is None else grid.note)


def spaces_by_t1w(plans: Sequence[ScanPlan]) -> dict[str, tuple[str, ...]]:
    """Templates that each T1w image is registered to for any of its scans, by the image's label."""
    spaces: dict[str, tuple[str, ...]] = {}
    for plan in plans:
        known = spaces.get(plan.t1w.label, ())
        spaces[plan.t1w.label] = tuple(dict.fromkeys((*known, *plan.spaces)))
    return spaces
