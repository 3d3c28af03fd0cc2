"""What will be done with a scan, decided before anything runs: preset, then the user's wishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from morbids.bids.derivatives import TakenAnatomy, TakenPet, find_anatomy, find_pet
from morbids.bids.names import scan_label
from morbids.bids.own_files import find_own, is_pattern
from morbids.bids.scanners import PointSpread, find_point_spread
from morbids.bids.scans import PetScan
from morbids.bids.timing import read_timing
from morbids.bids.windows import (
    MIN_FRAMES,
    WHOLE_SCAN,
    Window,
    WindowChoice,
    WindowPair,
    choose_windows,
    pair_windows,
    window_points,
)
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.atlases import SPHERES, atlas_label, check_atlas
from morbids.imaging.reference import ReferenceRule, find_reference_rule
from morbids.imaging.user_atlases import IMAGE_EXTENSIONS
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.models import DEFAULT_BOUNDS, MODELS, FitBounds, FitOptions, ModelName
from morbids.numerics.kinetics.presets import TracerPreset, find_preset
from morbids.numerics.kinetics.srtm import DEFAULT_GRID, BasisGrid
from morbids.numerics.kinetics.t_star import STRAIGHT_PERCENT
from morbids.numerics.kinetics.weights import inverse_variance
from morbids.settings import FrameWeights, Settings
from morbids.workflows.spaces import template_spaces

Value = TypeVar("Value")
ESTIMATED = "estimated from the scan"
FOUND = (
    f"found: earliest frame from which no point of the Logan plot is more than {STRAIGHT_PERCENT:g} % off the line, "
    "in the median region"
)
# Models whose first minute the Logan plot tells: those that take its equation for true from there on.
STRAIGHTENED: tuple[ModelName, ...] = ("LoganRef", "MRTM0", "StepChange", "LSSRM", "lpntPET")


@dataclass(frozen=True)
class KineticPlan:
    """How the curves of one scan are modelled.

    Attributes
    ----------
    model
        As in `model-`.
    reference
        How the reference region is cut.
    k2_prime_per_min
        None when it is to be estimated from the scan.
    k2_prime_source
        Where the number is from, for sidecars.
    t_star_min
        First minute of regression; 0 until it is found.
    t_star_source
        Where the number is from.
    weights
        Of the frames in every fit.
    windows, pairs
        Windows in order of time, and each challenge with its baseline.
    frame_start_min, frame_duration_min
        The time axis, from injection.
    half_life_min
        Of the radionuclide.
    grid, bounds
        Rates that SRTM searches, and believable parameters: the tracer's, or the general ones.
    """

    model: ModelName
    reference: ReferenceRule
    k2_prime_per_min: float | None
    k2_prime_source: str
    t_star_min: float
    windows: tuple[Window, ...]
    pairs: tuple[WindowPair, ...]
    frame_start_min: tuple[float, ...]
    frame_duration_min: tuple[float, ...]
    half_life_min: float
    grid: BasisGrid = DEFAULT_GRID
    bounds: FitBounds = field(default_factory=lambda: DEFAULT_BOUNDS)
    t_star_source: str = "given by the user"
    weights: FrameWeights = "decay"

    def starting_at(self, t_star_min: float) -> "KineticPlan":
        """The same with a t* that was found: windows begin no earlier.

        Raises
        ------
        MorbidsError
            A window is left with fewer frames than a line needs.
        """
        windows = tuple(w._replace(start_min=max(w.start_min, t_star_min)) for w in self.windows)
        for window in windows:
            n_frames = int(window_points(self.frames, window).sum())
            if n_frames < MIN_FRAMES:
                raise MorbidsError(
                    f"The window '{window.name}' has {n_frames} frames after t* = {t_star_min:g} min, which was found "
                    f"from the Logan plot; it needs {MIN_FRAMES}.",
                    "Give t* in minutes with --t-star, or wider windows with --window NAME=START-END.",
                )
        return replace(self, t_star_min=t_star_min, windows=windows, pairs=pair_windows(windows))

    def options(self, window: Window, k2_prime_per_min: float) -> FitOptions:
        """What a model is told when it fits one window."""
        return FitOptions(
            points=window_points(self.frames, window),
            inverse_variance=self.inverse_variance,
            k2_prime=k2_prime_per_min,
            grid=self.grid,
            bounds=self.bounds,
        )

    def response_options(self, k2_prime_per_min: float) -> FitOptions:
        """What a displacement model is told: all frames after t*, and when the challenge begins."""
        usable = Window("", self.t_star_min, float(self.frames.end_min[-1]))
        onset_min = self.pairs[0].challenge.start_min
        return replace(self.options(usable, k2_prime_per_min), onset_min=onset_min)

    @property
    def inverse_variance(self) -> FloatArray | None:
        """Weights of the frames (n_frames,); None for equal ones."""
        return inverse_variance(self.frames, self.half_life_min) if self.weights == "decay" else None

    @property
    def frames(self) -> Frames:
        """The time axis as arrays."""
        return Frames(np.array(self.frame_start_min), np.array(self.frame_duration_min))


@dataclass(frozen=True)
class T1w:
    """A T1w image, the entities of its name, and what other programs have made of it."""

    path: Path
    entities: dict[str, str]
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
    atlases
        Names or paths of its regions; the first one's curves serve to estimate k2'.
    spaces
        Templates that the T1w image is registered to.
    point_spread
        The scanner's where partial volume is corrected.
    taken
        What other programs have made of the scan.
    """

    scan: PetScan
    t1w: T1w
    kinetics: KineticPlan
    notes: tuple[str, ...]
    atlases: tuple[str, ...]
    spaces: tuple[str, ...]
    point_spread: PointSpread | None = None
    taken: TakenPet | None = None

    @property
    def takes_registration(self) -> bool:
        """Whether the way from PET to T1w is another program's: both its ends must be too."""
        return self.taken is not None and self.taken.pet_to_t1w is not None and self.t1w.taken is not None


def plan_scan(scan: PetScan, settings: Settings, derivatives: Sequence[Path] = ()) -> ScanPlan:
    """Decide on model, reference region, k2', t* and windows of one scan, and on what is taken for it.

    Parameters
    ----------
    derivatives
        Datasets of other programs.

    Raises
    ------
    MorbidsError
        A choice is neither in the tracer's preset nor given, the model does not exist, the windows cannot be, or
        what another program made contradicts itself or the scan.
    """
    n_frames = scan.timing.frames.n_frames
    taken = find_pet(derivatives, scan.entities, n_frames, str(scan.metadata.get("Units", "")))
    if taken is not None and taken.decay:
        timing = read_timing(scan.metadata | dict(taken.decay), n_frames, scan.pet)
        scan = replace(scan, timing=timing)
    t1w = _find_t1w(scan)
    owners = (scan.entities, t1w.entities)
    kinetics, notes = _plan_kinetics(scan, settings, owners)
    atlases = _find_atlases(settings.atlases, owners)
    spaces = template_spaces((*atlases, kinetics.reference.atlas), settings)
    t1w = replace(t1w, taken=find_anatomy(derivatives, t1w.entities, spaces))
    spread = (
        None
        if settings.partial_volume == "none"
        else find_point_spread(settings.psf_fwhm_mm, scan.metadata, scan.pet)
    )
    plan = ScanPlan(scan, t1w, kinetics, notes, atlases, spaces, spread, taken if settings.motion else None)
    return replace(plan, notes=(*notes, *_describe_taken(plan, settings, derivatives)))


def _describe_taken(plan: ScanPlan, settings: Settings, derivatives: Sequence[Path]) -> list[str]:
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


def _plan_kinetics(
    scan: PetScan, settings: Settings, owners: Sequence[Mapping[str, str]]
) -> tuple[KineticPlan, tuple[str, ...]]:
    """Decide how a scan is modelled; also returns what the report should say of it."""
    preset = find_preset(scan.tracer)
    model = _find_model(_choose("model", settings.model, preset.model if preset else None, scan))
    t_star_min, t_star_source = _choose_t_star(model, settings, preset, scan)
    k2_prime, source = _choose_k2_prime(settings, preset)
    choice = _choose_model_windows(model, settings, scan, t_star_min)
    kinetics = KineticPlan(
        model=model,
        reference=_choose_reference(settings, preset, scan, owners),
        k2_prime_per_min=k2_prime,
        k2_prime_source=source,
        t_star_min=t_star_min,
        windows=choice.windows,
        pairs=pair_windows(choice.windows),
        frame_start_min=tuple(map(float, scan.timing.frames.start_min)),
        frame_duration_min=tuple(map(float, scan.timing.frames.duration_min)),
        half_life_min=scan.timing.half_life_min,
        grid=preset.grid if preset else DEFAULT_GRID,
        bounds=preset.bounds if preset else DEFAULT_BOUNDS,
        t_star_source=t_star_source,
        weights=settings.weights,
    )
    return kinetics, (*scan.timing.notes, *scan.notes, *filter(None, [scan.t1w_note]), *choice.notes)


def _choose_reference(
    settings: Settings, preset: TracerPreset | None, scan: PetScan, owners: Sequence[Mapping[str, str]]
) -> ReferenceRule:
    """The rule that was asked for, else the tracer's; steps that the user sets replace the rule's own."""
    wish = _choose("reference", settings.reference, preset.reference if preset else None, scan)
    if is_pattern(wish) and wish.endswith(IMAGE_EXTENSIONS):
        wish = str(find_own(wish, owners))
    rule = find_reference_rule(wish)
    return replace(rule, atlas=_find_atlas(rule.atlas, owners), **settings.reference_steps.given)


def _find_atlases(names: Sequence[str], owners: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Names or paths of the atlases of a scan; results of two with one label would overwrite each other."""
    atlases = tuple(dict.fromkeys(_find_atlas(name, owners) for name in names))
    labels = [atlas_label(atlas) for atlas in atlases]
    for place, atlas in enumerate(atlases):
        if labels[place] in labels[:place] or (labels[place] == SPHERES and atlas != SPHERES):
            raise MorbidsError(
                f"The atlas {atlas} would be named '{labels[place]}' like another one.",
                "Give its file another name, or another value of seg-.",
                ExitCode.USAGE,
            )
    return atlases


def _find_atlas(name: str, owners: Sequence[Mapping[str, str]]) -> str:
    """Name of an atlas that exists, or path of the file that belongs to the scan."""
    own = str(find_own(name, owners)) if is_pattern(name) else name
    check_atlas(own)
    return str(Path(own).absolute()) if own.endswith((*IMAGE_EXTENSIONS, ".tsv")) else own


def _choose(option: str, given: Value | None, preset: Value | None, scan: PetScan) -> Value:
    """The user's wish, else the preset's; neither is an error that names the option."""
    if given is not None:
        return given
    if preset is None:
        raise MorbidsError(
            f"{scan.pet}: the tracer '{scan.tracer}' has no preset with a value for --{option}.",
            f"Give --{option} on the command line.",
            ExitCode.USAGE,
        )
    return preset


def _choose_t_star(
    model: ModelName, settings: Settings, preset: TracerPreset | None, scan: PetScan
) -> tuple[float, str]:
    """The wish, else the preset's, and which it is; models that take the whole scan can do without.

    Raises
    ------
    MorbidsError
        It is to be found for a model that has no Logan plot.
    """
    if settings.t_star_min == "find":
        if model not in STRAIGHTENED:
            raise MorbidsError(
                f"--t-star find looks at the Logan plot, which says nothing about {model}.",
                f"Give --t-star in minutes, or take one of {', '.join(STRAIGHTENED)}.",
                ExitCode.USAGE,
            )
        return 0.0, FOUND
    if settings.t_star_min is not None:
        return settings.t_star_min, "given by the user"
    given = preset.t_star_min if preset else None
    source = f"preset of {preset.name}" if preset else "the model takes the whole scan"
    return _choose("t-star", given, None if MODELS[model].needs_t_star else 0.0, scan), source


def _choose_model_windows(
    model: ModelName, settings: Settings, scan: PetScan, t_star_min: float
) -> WindowChoice:
    """Windows of a model that fits them, baseline and challenge of a response, or the whole scan.

    Raises
    ------
    MorbidsError
        Windows are asked of a model that cannot tell them apart, or a response has no challenge to begin with.
    """
    timing = scan.timing
    if not (MODELS[model].fits_windows or MODELS[model].needs_onset):
        if settings.windows:
            raise MorbidsError(
                f"{model} fits the whole scan, so it has no --window.",
                "Take LoganRef, MRTM2 or SUVR for windows, or StepChange for a change within the scan.",
                ExitCode.USAGE,
            )
        whole = Window(WHOLE_SCAN, float(timing.frames.start_min[0]), float(timing.frames.end_min[-1]))
        unused = f"{model} fits the whole scan: the rows of events.tsv make no windows."
        return WindowChoice((whole,), (unused,) if scan.events else (), {})
    choice = choose_windows(settings.windows, scan.events, scan.metadata, timing, t_star_min)
    if MODELS[model].needs_onset and len(choice.windows) != 2:
        raise MorbidsError(
            f"{scan.pet}: {model} needs a baseline and one challenge, and there are {len(choice.windows)} windows.",
            "Give two with --window NAME=START-END; the second begins where binding may change.",
            ExitCode.USAGE,
        )
    return choice


def _choose_k2_prime(settings: Settings, preset: TracerPreset | None) -> tuple[float | None, str]:
    """The number and where it is from; without any, it is estimated."""
    if isinstance(settings.k2_prime_per_min, float):
        return settings.k2_prime_per_min, "given by the user"
    if settings.k2_prime_per_min is None and preset is not None and preset.k2_prime is not None:
        return preset.k2_prime, f"preset of {preset.name}"
    return None, ESTIMATED


def _find_t1w(scan: PetScan) -> T1w:
    if scan.t1w is None:
        raise MorbidsError(
            f"{scan.pet}: participant {scan.entities['sub']} has no T1w image.",
            "Add one to the participant's anat/ folder: brain, reference region and template space come from it.",
        )
    return T1w(scan.t1w, scan.t1w_entities)


def _find_model(name: str) -> ModelName:
    for model in MODELS:
        if model == name:
            return model
    raise MorbidsError(f"There is no model '{name}'.", f"The models are {', '.join(MODELS)}.", ExitCode.USAGE)


def spaces_by_t1w(plans: Sequence[ScanPlan]) -> dict[str, tuple[str, ...]]:
    """Templates that each T1w image is registered to for any of its scans, by the image's label."""
    spaces: dict[str, tuple[str, ...]] = {}
    for plan in plans:
        known = spaces.get(plan.t1w.label, ())
        spaces[plan.t1w.label] = tuple(dict.fromkeys((*known, *plan.spaces)))
    return spaces
