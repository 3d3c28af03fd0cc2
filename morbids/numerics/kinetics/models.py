"""All models under one roof: their names, what each needs and returns, one function that runs any of them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.compartments import fit_one_tissue, fit_two_tissue
from morbids.numerics.kinetics.displacement import fit_lp_ntpet, fit_lssrm, fit_step_change
from morbids.numerics.kinetics.estimates import DEFAULT_BOUNDS, PARAMETER_NAMES, Estimates, FitBounds
from morbids.numerics.kinetics.graphical import fit_logan_ref, fit_patlak_ref, fit_suvr
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.multilinear import fit_mrtm0, fit_mrtm1, fit_mrtm2
from morbids.numerics.kinetics.plasma import PlasmaInput
from morbids.numerics.kinetics.plasma_graphical import fit_ma1, fit_plasma_logan, fit_plasma_patlak
from morbids.numerics.kinetics.slow_tissue import SlowTissue
from morbids.numerics.kinetics.srtm import DEFAULT_GRID, BasisGrid, fit_srtm, fit_srtm2
from morbids.numerics.kinetics.step import fit_step_change2

# Targets fitted at once: few enough that a block's working arrays are small beside an image.
BLOCK = 8192


@dataclass(frozen=True)
class FitOptions:
    """What a model is told beside the curves.

    Attributes
    ----------
    points
        (n_frames,) True for the frames to fit; None for all. Integrals start at injection whatever the
        points.
    inverse_variance
        (n_frames,) weights; None for equal ones.
    k2_prime
        Efflux from the reference region per minute. MRTM2, SRTM2 and StepChange2 need it; LoganRef without it
        leaves its term out.
    onset_min
        When a response begins (StepChange, StepChange2, LSSRM), or the earliest time it may (lpntPET); minutes from
        injection.
    grid
        Efflux rates that SRTM and SRTM2 search.
    bounds
        Smallest and largest believable value per parameter; one beyond them is NaN, and all are when the
        main one is.
    slow
        White matter and fluid that are in the curves, to be fitted apart; None to fit curves as they are. For models
        that estimate BP_ND and no ratio of activities.
    blood_volume
        Share of blood in every target, 0 to 1, for models with plasma input; None to fit it, which compartments can.
    """

    points: BoolArray | None = None
    inverse_variance: FloatArray | None = None
    k2_prime: float | None = None
    onset_min: float | None = None
    grid: BasisGrid = DEFAULT_GRID
    bounds: FitBounds = field(default_factory=lambda: DEFAULT_BOUNDS)
    slow: SlowTissue | None = None
    blood_volume: float | None = None


class Fit(Protocol):
    """What every fit function returns: a NamedTuple of arrays, standard errors in fields named ``_se``."""

    def _asdict(self) -> dict[str, Any]: ...


class Model(NamedTuple):
    """One model.

    Attributes
    ----------
    fit
        Takes target, reference, frames, `FrameChoice`, and what it `takes` by name.
    fields
        That it returns, the main one first.
    n_coefficients
        That are fitted to the points, those that are searched included.
    takes, can_lack
        Fields of `FitOptions` that it is told, and those of them that may be None.
    needs_t_star
        Whether it is fitted from t* on.
    fits_windows
        Whether points of one window alone identify it; the others need the whole scan.
    input
        What drives it: the curve of a reference region, or the tracer in plasma.
    integrates_frames
        Whether the running integral of measured frames is in it, so that missing minutes move it.
    """

    fit: Callable[..., Fit]
    fields: tuple[str, ...]
    n_coefficients: int
    takes: tuple[str, ...] = ()
    can_lack: tuple[str, ...] = ()
    needs_t_star: bool = False
    fits_windows: bool = False
    input: Literal["reference", "plasma"] = "reference"
    integrates_frames: bool = True

    @property
    def needs_plasma(self) -> bool:
        """Whether it takes an input function from blood in the place of a reference curve."""
        return self.input == "plasma"

    @property
    def fits_blood_volume(self) -> bool:
        """Whether it can estimate the share of blood; the others take one as given."""
        return "blood_volume" in self.can_lack

    @property
    def needs_k2_prime(self) -> bool:
        """Whether k2' is in its equation; a user may leave it out of one that can lack it."""
        return "k2_prime" in self.takes

    @property
    def needs_onset(self) -> bool:
        """Whether it is of a response, whose time it must know."""
        return "onset_min" in self.takes

    @property
    def parameters(self) -> tuple[str, ...]:
        """BIDS names of the parameters, the main one first."""
        return tuple(PARAMETER_NAMES[name] for name in self.fields)

    def count_coefficients(self, options: FitOptions) -> int:
        """How many are fitted: one less where the share of blood could be, and is given."""
        return self.n_coefficients - (self.fits_blood_volume and options.blood_volume is not None)

    def run(
        self, target: FloatArray, driving: FloatArray | PlasmaInput, frames: Frames, options: FitOptions
    ) -> Fit:
        """Fit targets (n_frames, n_targets) in one go, driven by a reference curve or plasma.

        Raises
        ------
        MorbidsError
            What it takes is not given.
        """
        told = {name: getattr(options, name) for name in self.takes}
        for name, value in told.items():
            if value is None and name not in self.can_lack:
                raise MorbidsError(*MISSING[name], ExitCode.USAGE)
        return self.fit(
            target,
            driving,
            frames,
            points=options.points,
            inverse_variance=options.inverse_variance,
            **told,
        )


MISSING: Mapping[str, tuple[str, str]] = {
    "k2_prime": (
        "This model needs k2', the efflux rate of the reference region, and none is given.",
        "Give it in per minute, choose a tracer preset that has one, or estimate it from the scan.",
    ),
    "onset_min": (
        "This model needs the time at which binding may begin to change, and none is given.",
        "Give the start of the challenge in minutes from injection.",
    ),
    "blood_volume": (
        "This model needs the share of blood in tissue, and none is given.",
        "Give a share from 0 to 1.",
    ),
}
"""What is said, and what helps, where a model is not told what it takes."""
REFERENCE_TISSUE = ("bp_nd", "r1", "k2", "k2_prime", "r_squared")
FIXED_EFFLUX = ("bp_nd", "r1", "k2", "r_squared")
DISPLACEMENT = (
    "bp_nd",
    "change_percent",
    "bp_nd_after",
    "amplitude",
    "onset_min",
    "peak_min",
    "f_statistic",
    "p_value",
    "r1",
    "k2",
    "k2_prime",
    "r_squared",
)
STEP = (
    "bp_nd",
    "change_percent",
    "bp_nd_after",
    "amplitude",
    "r1",
    "k2",
    "r_squared",
)


def _plasma_line(
    fit: Callable[..., Fit], fields: tuple[str, ...], *, integrates_frames: bool = True
) -> Model:
    """A linear model with plasma input, from t* on, of curves without their blood."""
    return Model(
        fit,
        fields,
        n_coefficients=2,
        takes=("blood_volume",),
        needs_t_star=True,
        fits_windows=True,
        input="plasma",
        integrates_frames=integrates_frames,
    )


def _compartments(fit: Callable[..., Fit], fields: tuple[str, ...], n_coefficients: int) -> Model:
    """Compartments with plasma input, of the whole scan, which need no frame but those they are fitted to."""
    return Model(
        fit,
        fields,
        n_coefficients,
        takes=("blood_volume",),
        can_lack=("blood_volume",),
        input="plasma",
        integrates_frames=False,
    )


MODELS: Mapping[ModelName, Model] = {
    "SUVR": Model(
        fit_suvr,
        ("bp_nd", "suvr"),
        n_coefficients=1,
        needs_t_star=True,
        fits_windows=True,
        integrates_frames=False,
    ),
    "LoganRef": Model(
        fit_logan_ref,
        ("bp_nd", "dvr", "intercept", "r_squared"),
        n_coefficients=2,
        takes=("k2_prime",),
        can_lack=("k2_prime",),
        needs_t_star=True,
        fits_windows=True,
    ),
    "MRTM0": Model(fit_mrtm0, REFERENCE_TISSUE, n_coefficients=3, needs_t_star=True, fits_windows=True),
    "MRTM1": Model(fit_mrtm1, REFERENCE_TISSUE, n_coefficients=3),
    "MRTM2": Model(fit_mrtm2, FIXED_EFFLUX, n_coefficients=2, takes=("k2_prime",), fits_windows=True),
    "SRTM": Model(fit_srtm, REFERENCE_TISSUE, n_coefficients=3, takes=("grid",)),
    "SRTM2": Model(fit_srtm2, FIXED_EFFLUX, n_coefficients=2, takes=("k2_prime", "grid")),
    "PatlakRef": Model(
        fit_patlak_ref,
        ("ki", "intercept", "r_squared"),
        n_coefficients=2,
        needs_t_star=True,
        fits_windows=True,
    ),
    "StepChange": Model(
        fit_step_change, DISPLACEMENT, n_coefficients=4, takes=("onset_min",), needs_t_star=True
    ),
    "StepChange2": Model(
        fit_step_change2, STEP, n_coefficients=3, takes=("k2_prime", "onset_min"), needs_t_star=True
    ),
    "LSSRM": Model(fit_lssrm, DISPLACEMENT, n_coefficients=5, takes=("onset_min",), needs_t_star=True),
    "lpntPET": Model(fit_lp_ntpet, DISPLACEMENT, n_coefficients=7, takes=("onset_min",), needs_t_star=True),
    "PlasmaLogan": _plasma_line(fit_plasma_logan, ("vt", "intercept", "r_squared")),
    "PlasmaPatlak": _plasma_line(
        fit_plasma_patlak, ("ki", "intercept", "r_squared"), integrates_frames=False
    ),
    "MA1": _plasma_line(fit_ma1, ("vt", "r_squared")),
    "1TCM": _compartments(fit_one_tissue, ("vt", "k1", "k2", "blood_volume", "r_squared"), 3),
    "2TCM": _compartments(fit_two_tissue, ("vt", "k1", "k2", "k3", "k4", "blood_volume", "r_squared"), 5),
}


def fit_model(
    model: ModelName,
    target: FloatArray,
    reference: FloatArray | PlasmaInput,
    frames: Frames,
    options: FitOptions,
    *,
    threads: int = 1,
) -> Estimates:
    """Fit one model to every target: regional curves or all voxels of a brain.

    Parameters
    ----------
    model
        One of `MODEL_NAMES`.
    target
        (n_frames, n_targets), any float type; computed in double precision, a block of targets at a time.
    reference
        (n_frames,), in the unit of the targets; an input function, in the same unit, for models with plasma input.
    frames
        Minutes from injection.
    options
        Points, weights, k2' and bounds.
    threads
        Blocks of targets fitted at the same time.

    Raises
    ------
    MorbidsError
        When the model needs a k2' or plasma that is not given, or has fewer points than parameters.
    """
    known = MODELS[model]
    slow = options.slow.taken() if options.slow is not None else None
    driving = _take_driving(model, reference, slow)

    def fit(curves: FloatArray) -> dict[str, FloatArray]:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return known.run(np.asarray(curves, float, order="C"), driving, frames, options)._asdict()

    def fit_block(start: int) -> dict[str, FloatArray]:
        block = target[:, start : start + BLOCK]
        return fit(block if slow is None else slow.out_of(block, start))

    starts = range(0, target.shape[1], BLOCK)
    # The matrices of a block are small: threads of the matrix library would only wait for those of the pool.
    alone = threadpool_limits(1, user_api="blas") if len(starts) > 1 else nullcontext()
    with alone, ThreadPoolExecutor(threads) as pool:
        blocks = list(pool.map(fit_block, starts))
    values = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    if slow is not None:
        values = slow.add_back(values, fit(slow.curves))
    degrees = max(_count_points(frames, options) - known.count_coefficients(options), 0)
    return _name_estimates(known, values, options.bounds, float(degrees) or np.nan)


def _take_driving(
    model: ModelName, driving: FloatArray | PlasmaInput, slow: SlowTissue | None
) -> FloatArray | PlasmaInput:
    """What drives the model: plasma, or the reference curve without its slow tissue."""
    if isinstance(driving, PlasmaInput) != MODELS[model].needs_plasma:
        needed = "blood samples" if MODELS[model].needs_plasma else "the curve of a reference region"
        raise MorbidsError(f"{model} needs {needed}.", "Choose another model.", ExitCode.USAGE)
    if isinstance(driving, PlasmaInput):
        return driving
    reference = np.asarray(driving, float)
    return reference if slow is None else slow.out_of_reference(reference)


def _count_points(frames: Frames, options: FitOptions) -> int:
    """Frames that are fitted: those of some weight."""
    chosen = np.ones(frames.n_frames, bool) if options.points is None else options.points
    return int(
        (chosen if options.inverse_variance is None else chosen & (options.inverse_variance > 0)).sum()
    )


def _name_estimates(
    known: Model, values: Mapping[str, FloatArray], bounds: FitBounds, degrees: float
) -> Estimates:
    """Give fields their BIDS names, and NaN to what is beyond its bounds."""
    parameters = {PARAMETER_NAMES[name]: values[name] for name in known.fields}
    errors = {PARAMETER_NAMES[name]: values[f"{name}_se"] for name in known.fields if f"{name}_se" in values}
    for name, (lowest, highest) in bounds.items():
        if name in parameters:
            parameters[name][(parameters[name] < lowest) | (parameters[name] > highest)] = np.nan
    failed = np.isnan(parameters[known.parameters[0]])
    for name, values_of in parameters.items():
        values_of[failed] = np.nan
        if name in errors:
            errors[name][np.isnan(values_of)] = np.nan
    return Estimates(parameters, errors, int(failed.sum()), np.where(failed, np.nan, degrees))
