"""What a table of curves is fitted with: the user's wishes, else the tracer's preset, else what the curves tell.

The rules are those of the participant level: nothing that moves the result is taken for granted in silence.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from morbids.bids.curve_tables import CurveTable
from morbids.bids.radioactivity import HALF_LIFE_S
from morbids.bids.windows import MIN_FRAMES, WHOLE_SCAN, Window, window_points
from morbids.errors import ExitCode, MorbidsError
from morbids.fit.blood import refuse_blood, settle_blood
from morbids.fit.efflux import settle_efflux
from morbids.fit.wishes import FIND, GIVEN, NONE, Wishes
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.kinetics.estimates import PLASMA_BOUNDS
from morbids.numerics.kinetics.frame_noise import FrameNoise, estimate_noise
from morbids.numerics.kinetics.input_function import InputFunction
from morbids.numerics.kinetics.missing import Missing, begins_late, missing_error
from morbids.numerics.kinetics.model_names import PLASMA_MODEL, ModelName
from morbids.numerics.kinetics.models import MODELS, FitOptions
from morbids.numerics.kinetics.plasma import PlasmaInput
from morbids.numerics.kinetics.presets import (
    TracerPreset,
    find_no_reference,
    find_preset,
    nearest_name,
    nuclide_in_name,
)
from morbids.numerics.kinetics.t_star import STRAIGHT_PERCENT, STRAIGHTENED, find_t_star
from morbids.numerics.kinetics.weights import inverse_variance

# The half-life where neither an option nor a tracer tells; said in the sidecar.
USUAL_NUCLIDE = "C11"


@dataclass(frozen=True)
class Choices:
    """How every window of a table is fitted.

    Attributes
    ----------
    model
        As in `MODELS`.
    driving
        Reference curve (n_frames,), or the curves of blood.
    windows
        The user's, or the whole scan from t* on.
    t_star_min
        First minute of regression.
    options
        What the model is told, without the points of a window.
    noise
        Of the frames of targets and reference; None where there are too few to tell.
    missing
        Error by minutes that are not stored, by window name.
    facts
        Every setting and where it is from, for the sidecar.
    notes
        What the user should read, one sentence each.
    input_function
        How the curves of blood came about; None with a reference region.
    """

    model: ModelName
    driving: FloatArray | PlasmaInput
    windows: tuple[Window, ...]
    t_star_min: float
    options: FitOptions
    noise: FrameNoise | None = None
    missing: dict[str, Missing] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    input_function: InputFunction | None = None

    def points(self, table: CurveTable, window: Window) -> BoolArray:
        """Frames of one window, none before t* (n_frames,)."""
        return window_points(table.frames, window) & (table.frames.mid_min >= self.t_star_min)


def settle(table: CurveTable, wishes: Wishes, source: Path) -> Choices:
    """Decide how a table is fitted.

    Parameters
    ----------
    table
        Curves.
    wishes
        Of the command line.
    source
        The table's file, for messages.

    Raises
    ------
    MorbidsError
        A wish does not go with the model or the scan, or something is neither wished nor known.
    """
    preset = find_preset(wishes.tracer) if wishes.tracer else None
    model = _choose_model(wishes, preset)
    known = MODELS[model]
    _refuse_unused(wishes, model)
    refuse_blood(wishes, model)
    half_life_min, half_life_source = _choose_half_life(wishes)
    weights = inverse_variance(table.frames, half_life_min) if wishes.weights == "decay" else None
    options = FitOptions(inverse_variance=weights, onset_min=wishes.onset_min)
    driving: FloatArray | PlasmaInput = table.reference
    blood_facts: dict[str, object] = {}
    notes: tuple[str, ...] = ()
    settled = None
    if known.needs_plasma:
        # What a preset knows is of a reference region.
        preset = None
        settled, blood_facts = settle_blood(table, wishes, half_life_min, weights, source)
        driving, notes = settled.plasma, settled.notes
        volume = wishes.input_rules.volume_for(fits=known.fits_blood_volume)
        options = replace(options, blood_volume=volume, bounds=PLASMA_BOUNDS)
        blood_facts |= {"BloodVolume": "fitted" if volume is None else volume}
    if preset is not None:
        options = replace(options, grid=preset.grid, bounds=preset.bounds)
    try:
        efflux = settle_efflux(table, wishes, preset, options, known.needs_k2_prime)
    except MorbidsError:
        # A scan that begins late identifies no k2' either: what it lacks is the better reason.
        missing_error(model, table.frames, options).judge(model, table.frames, str(source))
        raise
    options = replace(options, k2_prime=efflux.k2_prime)
    t_star_min, t_star_source = _choose_t_star(table, driving, wishes, preset, model, options)
    whole = Window(WHOLE_SCAN, max(t_star_min, 0.0), float(table.frames.end_min[-1]))
    windows = wishes.windows or (whole,)
    every = table.curves if known.needs_plasma else np.column_stack([table.curves, table.reference])
    noise = estimate_noise(every, table.frames, half_life_min)
    facts: dict[str, object] = {
        "ModelName": model,
        "Tracer": wishes.tracer,
        "PresetSource": preset.source if preset else None,
        **efflux.facts,
        **blood_facts,
        "tstar": t_star_min,
        "tstarSource": t_star_source,
        "Onset": wishes.onset_min,
        "Weights": "duration x exp(-lambda t)" if weights is not None else "equal",
        "HalfLife": half_life_min,
        "HalfLifeSource": half_life_source,
        "NoiseProfile": noise.profile if noise else None,
        "Bounds": {name: list(ends) for name, ends in options.bounds.items()},
    }
    chosen = Choices(
        *(model, driving, windows, t_star_min, options, noise),
        facts=facts,
        notes=(*notes, *efflux.notes),
        input_function=settled,
    )
    _check_onset(table, chosen)
    return _judge_missing(table, chosen, source)


def _choose_model(wishes: Wishes, preset: TracerPreset | None) -> ModelName:
    """The user's model, else the tracer's; the Logan plot with blood of a tracer that is not trapped."""
    model = wishes.model or (preset.model if preset and not wishes.blood else None)
    lacking = find_no_reference(wishes.tracer or "")
    if model is None and wishes.blood and not (lacking and lacking.trapped):
        return PLASMA_MODEL
    if model is None:
        near = nearest_name(wishes.tracer) if wishes.tracer else ""
        message = f"There is no preset for '{wishes.tracer}'." if wishes.tracer else "No model is given."
        if lacking is not None:
            message = f"{lacking.name} has no reference region: {lacking.reason} ({lacking.source})."
        raise MorbidsError(
            message,
            f"Give --model: {', '.join(MODELS)}{f'; or the tracer {near}' if near and lacking is None else ''}.",
            ExitCode.USAGE,
        )
    return model


def _refuse_unused(wishes: Wishes, model: ModelName) -> None:
    """Refuse options that this model would not use."""
    known = MODELS[model]
    refused = {
        "--window": bool(wishes.windows) and not known.fits_windows,
        "--onset": wishes.onset_min is not None and not known.needs_onset,
        "--k2prime": wishes.k2_prime is not None and not known.needs_k2_prime,
        "--half-life": wishes.half_life_min is not None and wishes.weights == NONE,
    }
    reasons = {
        "--window": f"{model} fits the whole scan, so it has no --window."
        if not known.needs_onset
        else f"{model} fits all frames after t* at once, so it has no --window.",
        "--onset": f"{model} has no change of binding, so it has no --onset.",
        "--k2prime": f"{model} takes no k2', so it has no --k2prime.",
        "--half-life": "--half-life is for weights, and there are none.",
    }
    remedies = {
        "--window": "Say with --onset when binding may change."
        if known.needs_onset
        else "Take LoganRef, MRTM2 or SUVR for windows, or StepChange2 for a change within the scan.",
        "--onset": "Take StepChange2, StepChange, LSSRM or lpntPET, or leave the option out.",
        "--k2prime": "Leave the option out.",
        "--half-life": "Add --weights decay, or leave the option out.",
    }
    for option, refuse in refused.items():
        if refuse:
            raise MorbidsError(reasons[option], remedies[option], ExitCode.USAGE)
    if wishes.k2_prime == NONE and model != "LoganRef":
        raise MorbidsError(
            f"--k2prime none leaves k2' out of the Logan plot; {model} rests on it.",
            "Take --model LoganRef, or leave the option out.",
            ExitCode.USAGE,
        )


def _choose_half_life(wishes: Wishes) -> tuple[float, str]:
    """Minutes, and where they are from: the wish, the nuclide in the tracer's name, else carbon-11."""
    if wishes.half_life_min is not None:
        return wishes.half_life_min, GIVEN
    nuclide = nuclide_in_name(wishes.tracer or "")
    if nuclide:
        return HALF_LIFE_S[nuclide] / 60, f"{nuclide} in the tracer's name"
    return HALF_LIFE_S[USUAL_NUCLIDE] / 60, "taken for C-11"


def _choose_t_star(
    table: CurveTable,
    driving: FloatArray | PlasmaInput,
    wishes: Wishes,
    preset: TracerPreset | None,
    model: ModelName,
    options: FitOptions,
) -> tuple[float, str]:
    """First minute of regression, and where it is from.

    Raises
    ------
    MorbidsError
        A linear plot has none, or it is to be found for a model that has no Logan plot.
    """
    unsaid = wishes.t_star is None and not wishes.windows
    if wishes.t_star == FIND or (unsaid and MODELS[model].needs_plasma and model in STRAIGHTENED):
        return _find_t_star(table, driving, wishes, model, options)
    if isinstance(wishes.t_star, float):
        return wishes.t_star, GIVEN
    if not MODELS[model].needs_t_star:
        return 0.0, "the model takes the whole scan"
    if preset is not None and MODELS[preset.model].needs_t_star:
        return preset.t_star_min, f"preset of {preset.name}"
    if model == "SUVR" and begins_late(table.frames):
        return 0.0, "all frames of a scan that begins late"
    if wishes.windows:
        return 0.0, "windows begin where the user says"
    finder = ", or let it be found with --t-star find" if model in STRAIGHTENED else ""
    raise MorbidsError(
        f"{model} needs the first minute of regression (t*), and none is given.",
        f"Give it with --t-star MIN{finder}.",
        ExitCode.USAGE,
    )


def _find_t_star(
    table: CurveTable,
    driving: FloatArray | PlasmaInput,
    wishes: Wishes,
    model: ModelName,
    options: FitOptions,
) -> tuple[float, str]:
    """Where the Logan plot becomes straight, until the end of the first window; later ones may be challenges."""
    if model not in STRAIGHTENED:
        raise MorbidsError(
            f"--t-star find looks at the Logan plot, which says nothing about {model}.",
            f"Give --t-star in minutes, or take one of {', '.join(STRAIGHTENED)}.",
            ExitCode.USAGE,
        )
    ends = [window.end_min for window in wishes.windows[:1]] or [wishes.onset_min or np.inf]
    found = find_t_star(
        table.curves,
        driving,
        table.frames,
        k2_prime=options.k2_prime,
        blood_volume=options.blood_volume,
        inverse_variance=options.inverse_variance,
        end_min=ends[0],
    )
    return found.t_star_min, (
        f"found: no point of the Logan plot is more than {STRAIGHT_PERCENT:g} % off the line from there on "
        "(median region)"
    )


def _check_onset(table: CurveTable, chosen: Choices) -> None:
    """Refuse a change of binding that too few frames come before or after."""
    onset_min = chosen.options.onset_min
    if onset_min is None:
        return
    mid = table.frames.mid_min[chosen.points(table, chosen.windows[0])]
    before, after = int((mid < onset_min).sum()), int((mid >= onset_min).sum())
    if min(before, after) < MIN_FRAMES:
        raise MorbidsError(
            f"--onset {onset_min:g} min leaves {before} frames before and {after} after it, from t* = "
            f"{chosen.t_star_min:g} min to the end of the scan at {table.frames.end_min[-1]:g} min; each side "
            f"needs {MIN_FRAMES}.",
            "Give the start of the challenge in minutes from injection.",
            ExitCode.USAGE,
        )


def _judge_missing(table: CurveTable, chosen: Choices, source: Path) -> Choices:
    """Refuse a model that minutes before the first frame or in a pause make wrong; say what they may do."""
    missing = {
        window.name: missing_error(
            chosen.model, table.frames, replace(chosen.options, points=chosen.points(table, window))
        )
        for window in chosen.windows
    }
    notes = tuple(
        note
        for window in chosen.windows
        if (note := missing[window.name].judge(chosen.model, table.frames, str(source)))
    )
    return replace(chosen, missing=missing, notes=(*chosen.notes, *notes))
