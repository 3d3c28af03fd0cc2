"""How the curves of a scan are modelled, decided before anything runs: the user's wishes, then the tracer's preset."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from morbids.bids.pooled_efflux import PublishedEfflux
from morbids.bids.scans import PetScan
from morbids.bids.window_choice import WindowChoice, WindowWishes, choose_windows
from morbids.bids.windows import (
    MIN_FRAMES,
    WHOLE_SCAN,
    Window,
    WindowPair,
    pair_windows,
    window_points,
)
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.reference import ReferenceRule
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames, TimeAxis
from morbids.numerics.kinetics.input_function import InputFunction, InputRules, settle_input
from morbids.numerics.kinetics.missing import Missing, begins_late
from morbids.numerics.kinetics.model_names import PLASMA_MODEL, ModelName, find_model
from morbids.numerics.kinetics.models import DEFAULT_BOUNDS, MODELS, PLASMA_BOUNDS, FitBounds, FitOptions
from morbids.numerics.kinetics.plasma import Blood, PlasmaInput, check_reach
from morbids.numerics.kinetics.presets import TracerPreset
from morbids.numerics.kinetics.protocol import Contrast
from morbids.numerics.kinetics.srtm import DEFAULT_GRID, BasisGrid
from morbids.numerics.kinetics.t_star import STRAIGHT_PERCENT, STRAIGHTENED
from morbids.numerics.kinetics.weights import inverse_variance
from morbids.participant.blood_plan import ScanBlood, default_model
from morbids.settings import FrameWeights, ScanSettings

Value = TypeVar("Value")
# The model of the transport map: linear, and with k2' fixed the least noisy one that yields R1.
TRANSPORT_MODEL: ModelName = "MRTM2"
# Beside a Logan plot that nobody asked for: what it is a shortcut for.
COMPARTMENTS: ModelName = "2TCM"
ESTIMATED = "estimated from the scan"
COMBINED = "estimated from the scan and combined, by inverse variance, with {:.4g} ± {:.3g} /min of {}"
FOUND = (
    f"found: earliest frame from which no point of the Logan plot is more than {STRAIGHT_PERCENT:g} % off the line, "
    "in the median region"
)


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
    published_k2_prime
        What papers say, and its standard deviation, per minute: an estimate is combined with it. None when the scan
        alone counts.
    k2_prime_source
        Where the number is from, in words for sidecars.
    fits_k2_prime
        Whether the model uses k2'; the user may leave it out of the Logan plot. The R1 map always needs it.
    t_star_min
        First minute of regression; None when it is to be found on the Logan plot.
    t_star_source
        Where the number is from, in words for sidecars.
    blood, input_rules, blood_facts
        Samples in the unit of the image and how they become an input function, of models that are driven by plasma,
        with what sidecars say of them; None and empty for those with a reference region. `reference` is then the region
        whose curve tells the delay.
    second_model
        Another model whose results stand beside, as a second opinion.
    weights
        Of the frames in every fit.
    windows, pairs
        Windows in order of time, and each challenge with its baseline.
    axis
        The time axis.
    half_life_min
        Of the radionuclide.
    grid, bounds
        Rates that SRTM searches, and believable parameters: the tracer's, or the general ones.
    """

    model: ModelName
    reference: ReferenceRule
    k2_prime_per_min: float | None
    k2_prime_source: str
    t_star_min: float | None
    windows: tuple[Window, ...]
    pairs: tuple[WindowPair, ...]
    axis: TimeAxis
    half_life_min: float
    grid: BasisGrid = DEFAULT_GRID
    bounds: FitBounds = field(default_factory=lambda: DEFAULT_BOUNDS)
    t_star_source: str = "given by the user"
    weights: FrameWeights = "decay"
    fits_k2_prime: bool = True
    maps_transport: bool = True
    missing: Mapping[str, Missing] = field(default_factory=dict)
    published_k2_prime: tuple[float, float] | None = None
    second_model: ModelName | None = None
    blood: Blood | None = None
    input_rules: InputRules = field(default_factory=InputRules)
    blood_facts: Mapping[str, Any] = field(default_factory=dict)

    def settle(
        self, k2_prime_per_min: float, t_star_min: float, delay_s: float | None = None
    ) -> "SettledPlan":
        """The same with all numbers known; windows begin no earlier than a t* that was found.

        Raises
        ------
        MorbidsError
            A window is left with fewer frames than a line needs.
        """
        rules = replace(self.input_rules, delay_s=delay_s)
        known = vars(self) | {
            "k2_prime_per_min": k2_prime_per_min,
            "t_star_min": t_star_min,
            "input_rules": rules,
        }
        if self.t_star_min is not None:
            return SettledPlan(**known)
        windows = tuple(w._replace(start_min=max(w.start_min, t_star_min)) for w in self.windows)
        for window in windows:
            n_frames = int(window_points(self.frames, window).sum())
            if n_frames < MIN_FRAMES:
                raise MorbidsError(
                    f"The window '{window.name}' has {n_frames} frames after t* = {t_star_min:g} min, which was found "
                    f"from the Logan plot; it needs {MIN_FRAMES}.",
                    "Give t* in minutes with --t-star, or wider windows with --window NAME=START-END.",
                )
        return SettledPlan(**known | {"windows": windows, "pairs": pair_windows(windows)})

    def input_function(self, curve: FloatArray) -> InputFunction:
        """Input function of the blood; the curve (n_frames,) of a large region tells its delay where it is not known.

        Raises
        ------
        MorbidsError
            As `settle_input`.
        """
        assert self.blood is not None
        end_min = max(window.end_min for window in self.windows)
        weights = self.inverse_variance
        return settle_input(
            self.blood, self.input_rules, curve, self.frames, end_min=end_min, inverse_variance=weights
        )

    def driving(self, reference: FloatArray) -> FloatArray | PlasmaInput:
        """What drives the model: the reference curve (n_frames,), or plasma."""
        return reference if self.blood is None else self.input_function(reference).plasma

    @property
    def blood_volume(self) -> float | None:
        """Share of blood that the model is told; None where it fits one, or has none."""
        if self.blood is None:
            return None
        return self.input_rules.volume_for(fits=MODELS[self.model].fits_blood_volume)

    def in_model(self, k2_prime_per_min: float) -> float | None:
        """The k2' that the model takes; None where it takes none."""
        return k2_prime_per_min if self.fits_k2_prime else None

    @property
    def needs_k2_prime(self) -> bool:
        """Whether anything of the scan takes k2': the model, or the map of R1."""
        return self.fits_k2_prime or self.maps_transport

    @property
    def undisturbed(self) -> Window:
        """What the map of R1 is made of: frames up to the end of the first window, before any challenge."""
        return Window("", float(self.frames.mid_min[0]), self.windows[0].end_min)

    @property
    def inverse_variance(self) -> FloatArray | None:
        """Weights of the frames (n_frames,); None for equal ones."""
        return inverse_variance(self.frames, self.half_life_min) if self.weights == "decay" else None

    @property
    def frames(self) -> Frames:
        """The time axis as arrays."""
        return self.axis.frames


@dataclass(frozen=True)
class SettledPlan(KineticPlan):
    """A plan whose k2' and t* are known, once the curves are."""

    k2_prime_per_min: float
    t_star_min: float

    @property
    def second(self) -> "SettledPlan":
        """The same with the model of the second opinion; with its own where there is none."""
        return replace(self, model=self.second_model or self.model, second_model=None, maps_transport=False)

    @property
    def k2_prime_in_model(self) -> float | None:
        """The k2' that the model takes; None where it takes none."""
        return self.in_model(self.k2_prime_per_min)

    def options(self, window: Window, k2_prime_per_min: float | None = None) -> FitOptions:
        """What a model is told when it fits one window; with another k2' than the plan's where one is given."""
        return FitOptions(
            points=self.points(window),
            inverse_variance=self.inverse_variance,
            blood_volume=self.blood_volume,
            k2_prime=self.in_model(k2_prime_per_min or self.k2_prime_per_min),
            onset_min=self.pairs[0].challenge.start_min if MODELS[self.model].needs_onset else None,
            grid=self.grid,
            bounds=self.bounds,
        )

    def points(self, window: Window) -> BoolArray:
        """Frames of a window that the model is fitted to (n_frames,): all of them where it takes the whole scan."""
        known = MODELS[self.model]
        if known.needs_plasma and not known.fits_windows:
            return np.ones(self.frames.n_frames, bool)
        return window_points(self.frames, window)

    def contrast(self, pair: WindowPair) -> Contrast:
        """Two windows as they are fitted: a response is fitted from t* on, whatever window stands for its baseline."""
        start_min = self.first_fitted.start_min if MODELS[self.model].needs_onset else pair.baseline.start_min
        return Contrast(
            (start_min, pair.baseline.end_min),
            (pair.challenge.start_min, pair.challenge.end_min),
            self.model,
            self.k2_prime_in_model,
            self.inverse_variance,
        )

    @property
    def first_fitted(self) -> Window:
        """What the first fit sees: the first window, or all from t* to the end of the challenge for a response."""
        if MODELS[self.model].needs_onset:
            return Window("", self.t_star_min, self.pairs[0].challenge.end_min)
        return self.windows[0]


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
