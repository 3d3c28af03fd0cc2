"""How the curves of a scan are modelled: a plan, and the same once its numbers are known."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from morbids.bids.windows import (
    MIN_FRAMES,
    Window,
    WindowPair,
    pair_windows,
    window_points,
)
from morbids.errors import MorbidsError
from morbids.imaging.reference import ReferenceRule
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames, TimeAxis
from morbids.numerics.kinetics.estimates import DEFAULT_BOUNDS, FitBounds
from morbids.numerics.kinetics.input_function import InputFunction, InputRules, settle_input
from morbids.numerics.kinetics.missing import Missing
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, FitOptions
from morbids.numerics.kinetics.plasma import Blood, PlasmaInput
from morbids.numerics.kinetics.protocol import Contrast
from morbids.numerics.kinetics.srtm import DEFAULT_GRID, BasisGrid
from morbids.numerics.kinetics.weights import inverse_variance
from morbids.settings import FrameWeights

# The model of the transport map: linear, and with k2' fixed the least noisy one that yields R1.
TRANSPORT_MODEL: ModelName = "MRTM2"


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
