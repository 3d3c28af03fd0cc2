"""What a scan is modelled with, decided before anything runs: the user's wishes, then the tracer's preset or blood."""

from typing import TypeVar

from morbids.bids.pooled_efflux import PublishedEfflux
from morbids.bids.scans import PetScan
from morbids.bids.window_choice import WindowChoice, WindowWishes, choose_windows
from morbids.bids.windows import (
    MIN_FRAMES,
    WHOLE_SCAN,
    Window,
    pair_windows,
)
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.reference import ReferenceRule
from morbids.numerics.frames import TimeAxis
from morbids.numerics.kinetics.estimates import DEFAULT_BOUNDS, PLASMA_BOUNDS
from morbids.numerics.kinetics.input_function import InputRules
from morbids.numerics.kinetics.missing import begins_late
from morbids.numerics.kinetics.model_names import PLASMA_MODEL, ModelName, find_model
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.plasma import check_reach
from morbids.numerics.kinetics.presets import TracerPreset
from morbids.numerics.kinetics.srtm import DEFAULT_GRID
from morbids.numerics.kinetics.t_star import STRAIGHT_PERCENT, STRAIGHTENED
from morbids.participant.blood_plan import ScanBlood, default_model
from morbids.participant.kinetic_plan import KineticPlan
from morbids.settings import ScanSettings

Value = TypeVar("Value")
# Beside a Logan plot that nobody asked for: what it is a shortcut for.
COMPARTMENTS: ModelName = "2TCM"
ESTIMATED = "estimated from the scan"
COMBINED = "estimated from the scan and combined, by inverse variance, with {:.4g} ± {:.3g} /min of {}"
FOUND = (
    f"found: earliest frame from which no point of the Logan plot is more than {STRAIGHT_PERCENT:g} % off the line, "
    "in the median region"
)


def choose_model(settings: ScanSettings, preset: TracerPreset | None, scan: PetScan) -> ModelName:
    """The user's model, else the tracer's; that may be another where the scan holds a baseline and one challenge.

    Raises
    ------
    MorbidsError
        There is neither, the model does not exist, or the windows cannot be.
    """
    wish: str | None = default_model(preset, scan)
    if settings.model is None and settings.k2_prime_per_min != "none" and preset and preset.model_within_scan:
        t_star_min = preset.t_star_min if settings.t_star_min is None else settings.t_star_min
        start_min = t_star_min if isinstance(t_star_min, float) else 0.0
        wishes = WindowWishes(settings.windows, settings.window_events, MIN_FRAMES)
        choice = choose_windows(wishes, scan.events, scan.metadata, scan.timing, start_min, scan.pet)
        if _holds_one_challenge(choice.windows):
            wish = preset.model_within_scan
    return find_model(choose("model", settings.model, wish, scan))


def _choose_second(
    model: ModelName, settings: ScanSettings, preset: TracerPreset | None, windows: tuple[Window, ...]
) -> ModelName | None:
    """The tracer's usual model, where a challenge made another one; compartments beside a Logan plot with blood."""
    if settings.model is None and model == PLASMA_MODEL:
        return COMPARTMENTS if [window.name for window in windows] == [WHOLE_SCAN] else None
    if settings.model is not None or preset is None or model == preset.model:
        return None
    return preset.model


def _holds_one_challenge(windows: tuple[Window, ...]) -> bool:
    pairs = pair_windows(windows)
    return len(windows) == 2 and len(pairs) == 1 and pairs[0].baseline.end_min <= pairs[0].challenge.start_min


def plan_kinetics(
    scan: PetScan,
    settings: ScanSettings,
    preset: TracerPreset | None,
    model: ModelName,
    reference: ReferenceRule,
    blood: ScanBlood | None = None,
) -> tuple[KineticPlan, tuple[str, ...]]:
    """Decide how a scan is modelled; also returns what the report should say of it.

    `blood` is that of a model which is driven by plasma.

    Raises
    ------
    MorbidsError
        A choice is neither in the tracer's preset nor given, or the windows cannot be.
    """
    t_star_min, t_star_source = _choose_t_star(model, settings, preset, scan)
    k2_prime, published, source = _choose_k2_prime(settings, preset)
    choice = _choose_model_windows(model, settings, scan, t_star_min or 0.0)
    if blood is not None:
        check_reach(blood.samples, max(window.end_min for window in choice.windows))
    kinetics = KineticPlan(
        model=model,
        reference=reference,
        k2_prime_per_min=k2_prime,
        k2_prime_source=source,
        t_star_min=t_star_min,
        windows=choice.windows,
        pairs=pair_windows(choice.windows),
        axis=TimeAxis.of(scan.timing.frames, scan.timing.injection_s),
        half_life_min=scan.timing.half_life_min,
        grid=preset.grid if preset else DEFAULT_GRID,
        bounds=PLASMA_BOUNDS if blood else preset.bounds if preset else DEFAULT_BOUNDS,
        t_star_source=t_star_source,
        weights=settings.weights,
        fits_k2_prime=_fits_k2_prime(model, settings),
        published_k2_prime=published,
        second_model=_choose_second(model, settings, preset, choice.windows),
        maps_transport=blood is None,
        blood=blood.samples if blood else None,
        input_rules=blood.rules if blood else InputRules(),
        blood_facts=blood.facts if blood else {},
    )
    of_blood = blood.notes if blood else ()
    told = (*scan.timing.notes, *scan.notes, *filter(None, [scan.t1w_note]), *choice.notes, *of_blood)
    return kinetics, told


def choose(option: str, given: Value | None, preset: Value | None, scan: PetScan) -> Value:
    """The user's wish, else the preset's; neither is an error that names the option."""
    if given is not None:
        return given
    if preset is None:
        raise MorbidsError(
            f"{scan.pet}: {tracer_in_words(scan)} has no preset with a value for --{option}.",
            f"Give --{option} on the command line.",
            ExitCode.USAGE,
        )
    return preset


def tracer_in_words(scan: PetScan) -> str:
    """What a sentence calls the tracer of a scan."""
    return f"the tracer '{scan.tracer}'" if scan.tracer else "a scan without TracerName"


def _choose_t_star(
    model: ModelName, settings: ScanSettings, preset: TracerPreset | None, scan: PetScan
) -> tuple[float | None, str]:
    """The wish, else the preset's, and which it is; None when it is to be found.

    Models that take the whole scan can do without.

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
        return None, FOUND
    if settings.t_star_min is not None:
        return settings.t_star_min, "given by the user"
    if MODELS[model].needs_plasma:
        # What a preset knows is of a plot with a reference region.
        preset = None
        if model in STRAIGHTENED and not settings.windows:
            return None, FOUND
    if not MODELS[model].needs_t_star:
        return (
            (preset.t_star_min, f"preset of {preset.name}")
            if preset
            else (0.0, "the model takes the whole scan")
        )
    if model == "SUVR" and begins_late(scan.timing.frames):
        return 0.0, "all frames of a scan that begins late"
    # The t* of a preset whose model takes the whole scan is none.
    given = preset.t_star_min if preset and MODELS[preset.model].needs_t_star else None
    if settings.windows and given is None:
        return 0.0, "windows begin where the user says"
    return choose("t-star", None, given, scan), f"preset of {preset.name}" if preset else ""


def _choose_model_windows(
    model: ModelName, settings: ScanSettings, scan: PetScan, t_star_min: float
) -> WindowChoice:
    """Windows of a model that fits them, baseline and challenge of a response, or the whole scan.

    Raises
    ------
    MorbidsError
        Windows are asked of a model that cannot tell them apart, or a response has no challenge to begin with.
    """
    timing = scan.timing
    if not (MODELS[model].fits_windows or MODELS[model].needs_onset):
        if settings.windows or settings.window_events:
            raise MorbidsError(
                f"{model} fits the whole scan, so it has no --window.",
                "Take LoganRef, MRTM2 or SUVR for windows, or StepChange2 for a change within the scan.",
                ExitCode.USAGE,
            )
        whole = Window(WHOLE_SCAN, float(timing.frames.start_min[0]), float(timing.frames.end_min[-1]))
        unused = f"{model} fits the whole scan: the rows of events.tsv make no windows."
        return WindowChoice((whole,), (unused,) if scan.events else (), {})
    wishes = WindowWishes(settings.windows, settings.window_events, 1 if model == "SUVR" else MIN_FRAMES)
    choice = choose_windows(wishes, scan.events, scan.metadata, timing, t_star_min, scan.pet)
    if MODELS[model].needs_onset and len(choice.windows) != 2:
        raise MorbidsError(
            f"{scan.pet}: {model} needs a baseline and one challenge, and there are {len(choice.windows)} windows.",
            "Give two with --window NAME=START-END; the second begins where binding may change.",
            ExitCode.USAGE,
        )
    return choice


def _choose_k2_prime(
    settings: ScanSettings, preset: TracerPreset | None
) -> tuple[float | None, tuple[float, float] | None, str]:
    """The number, what papers say where an estimate is to be combined with it, and where it is from, in words."""
    wish = settings.k2_prime_per_min
    if isinstance(wish, float):
        return wish, None, "given by the user"
    if isinstance(wish, PublishedEfflux):
        return None, (wish.k2_prime, wish.spread), COMBINED.format(*wish)
    if wish is None and preset is not None and preset.k2_prime is not None:
        if preset.k2_prime_spread is None:
            return preset.k2_prime, None, f"preset of {preset.name}"
        published = (preset.k2_prime, preset.k2_prime_spread)
        return None, published, COMBINED.format(*published, f"the preset of {preset.name}")
    return None, None, ESTIMATED


def _fits_k2_prime(model: ModelName, settings: ScanSettings) -> bool:
    """Whether the model uses k2'.

    Raises
    ------
    MorbidsError
        It is to be left out of a model whose equation rests on it.
    """
    if settings.k2_prime_per_min != "none":
        return MODELS[model].needs_k2_prime
    if model != "LoganRef":
        raise MorbidsError(
            f"--k2prime none leaves k2' out of the Logan plot; {model} has none.",
            "Take --model LoganRef, or leave the option out.",
            ExitCode.USAGE,
        )
    return False
