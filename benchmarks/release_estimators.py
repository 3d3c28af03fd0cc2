"""Estimators that the benchmark `release` compares: each reads the change of every region of a person, in percent."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks.release_people import WEIGHT, Person
from benchmarks.release_truth import FRAMES, GREY, ONSET_MIN, mix_head, white_as_one
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.kinetics.efflux_choice import ChosenEfflux, choose_k2_prime
from morbids.numerics.kinetics.k2prime import estimate_k2_prime
from morbids.numerics.kinetics.mixture import Head, Mixture
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.null_range import Readings, range_at, read_unknowns
from morbids.numerics.kinetics.presets import load_presets
from morbids.numerics.kinetics.protocol import Contrast
from morbids.numerics.kinetics.slow_tissue import SlowTissue, tissues_alone
from morbids.numerics.tracer import Schedule
from morbids.numerics.white_matter import amounts_of_kinds, find_kinds

PRESET = load_presets()["carfentanil"]
BASELINE_MIN, CHALLENGE_MIN = (10.0, 40.0), (45.0, 90.0)
# The correction for partial volume takes the scanner for wider than it is.
CORRECTED_FWHM_MM = 6.5


class Rates(NamedTuple):
    """k2' of one person, as several ways see it, and the slow tissue of their regions.

    `combined` is the scan's own with the step and the slow tissue apart, with the literature; `together` the same with
    the curves as they are.
    """

    preset: float
    srtm: float
    combined: ChosenEfflux
    together: ChosenEfflux
    slow: SlowTissue


def estimate_rates(person: Person) -> Rates:
    """k2' of a person by every way that is compared."""
    preset = PRESET.k2_prime
    assert preset is not None
    slow = slow_tissue(person)
    srtm = estimate_k2_prime(person.telling, person.reference, FRAMES, inverse_variance=WEIGHT).k2_prime
    return Rates(preset, srtm, combine(person, slow), combine(person, None), slow)


def combine(person: Person, slow: SlowTissue | None) -> ChosenEfflux:
    """k2' of all regions with the step, combined with papers."""
    assert PRESET.k2_prime is not None
    assert PRESET.k2_prime_spread is not None
    return choose_k2_prime(
        person.telling,
        person.reference,
        FRAMES,
        published=(PRESET.k2_prime, PRESET.k2_prime_spread),
        onset_min=ONSET_MIN,
        points=between(10.0, 90.0),
        inverse_variance=WEIGHT,
        slow=None if slow is None else slow.repeated(2),
    )


def slow_tissue(person: Person) -> SlowTissue:
    """White matter around every region, as kinds, and fluid, from what a segmentation tells."""
    fluid = tissues_alone(person.pure, person.mixing)[:, 2]
    kinds = find_kinds(person.places.T)
    share = np.column_stack(
        [person.slow[:, [0]] * amounts_of_kinds(person.white.T, kinds), person.slow[:, 1]]
    )
    return SlowTissue(np.column_stack([kinds, fluid]), share[1:], share[0])


def between(start_min: float, end_min: float) -> BoolArray:
    """Frames whose middle lies between two times."""
    return np.asarray((FRAMES.mid_min >= start_min) & (FRAMES.mid_min < end_min))


def step_options(k2_prime: float | None, start_min: float, slow: SlowTissue | None = None) -> FitOptions:
    """What a step model is told."""
    return FitOptions(
        points=between(start_min, 90.0),
        inverse_variance=WEIGHT,
        k2_prime=k2_prime,
        onset_min=ONSET_MIN,
        bounds={},
        slow=slow,
    )


def fit_step(
    person: Person, k2_prime: float, start_min: float = 10.0, slow: SlowTissue | None = None
) -> dict[str, FloatArray]:
    """Estimates of the step with k2' given, and standard errors as `<name>-se`."""
    options = step_options(k2_prime, start_min, slow)
    return fit_model("StepChange2", person.target, person.reference, FRAMES, options).columns()


def read_step(
    person: Person, k2_prime: float, start_min: float = 10.0, slow: SlowTissue | None = None
) -> FloatArray:
    """Change (n_regions,) by the step with k2' given."""
    return fit_step(person, k2_prime, start_min, slow)["BPNDchange"]


def read_default(person: Person, rates: Rates) -> FloatArray:
    """The step with white matter and fluid apart, also for k2'."""
    return read_step(person, rates.combined.value, slow=rates.slow)


def read_apart(person: Person, slow: SlowTissue) -> FloatArray:
    """The same with other slow tissue, or other parts of it."""
    return read_step(person, combine(person, slow).value, slow=slow)


def of_targets(slow: SlowTissue, part: tuple[float, float]) -> SlowTissue:
    """All slow tissue of the reference region, and this part of the white matter and of the fluid of targets."""
    return replace(slow, share=slow.share * slow.parts(part), part=(1.0, 1.0))


def deep_tissue(person: Person) -> SlowTissue:
    """Slow tissue as if white matter were alike everywhere: measured deep in the brain, and all of it taken out."""
    deep = tissues_alone(person.pure, person.mixing)[:, 1:]
    return SlowTissue(deep, person.slow[1:], person.slow[0], (1.0, 1.0))


def read_windows(person: Person, k2_prime: float) -> FloatArray:
    """Change (n_regions,) between two windows of LoganRef."""
    options = replace(step_options(k2_prime, 10.0), onset_min=None)
    before, after = (
        fit_model(
            "LoganRef",
            person.target,
            person.reference,
            FRAMES,
            replace(options, points=between(*window)),
        ).parameters["BPND"]
        for window in (BASELINE_MIN, CHALLENGE_MIN)
    )
    return np.asarray(100 * (after / before - 1))


def read_free_step(person: Person) -> FloatArray:
    """Change (n_regions,) by the step whose k2' every region has for itself."""
    found = fit_model("StepChange", person.target, person.reference, FRAMES, step_options(None, 10.0))
    return found.parameters["BPNDchange"]


def read_without_trend(person: Person, k2_prime: float) -> FloatArray:
    """The step less what follows binding and delivery smoothly over the regions of the scan, about their mean."""
    found = fit_step(person, k2_prime)
    trend = np.column_stack([np.ones(len(found["R1"])), found["BPND"], found["R1"]])
    slopes = np.linalg.lstsq(trend, found["BPNDchange"], rcond=None)[0]
    return np.asarray(found["BPNDchange"] - (trend - trend.mean(axis=0)) @ slopes)


def read_less_null(person: Person, rates: Rates) -> FloatArray:
    """The default less the middle of what it can read without release, simulated for 50 % infusion."""
    found = fit_step(person, rates.combined.value, slow=rates.slow)
    low, high = null_range(person, found["BPND"], 0.5)
    return np.asarray(found["BPNDchange"] - (low + high) / 2)


def read_corrected(person: Person) -> FloatArray:
    """The step on curves that the transfer matrix of a slightly wrong scanner corrects, with their own k2'."""
    head = mix_head(CORRECTED_FWHM_MM)
    pure = np.linalg.solve(white_as_one(head.parts), person.parts.T).T
    targets = pure[:, 1 : len(GREY)]
    corrected = person._replace(target=targets, telling=np.hstack([targets] * 2), reference=pure[:, 0])
    return read_step(corrected, combine(corrected, None).value)


ESTIMATORS: Mapping[str, Callable[[Person, Rates], FloatArray]] = {
    "windows": lambda person, rates: read_windows(person, rates.preset),
    "windows_together": lambda person, rates: read_windows(person, rates.together.value),
    "step_free": lambda person, _: read_free_step(person),
    "step_preset": lambda person, rates: read_step(person, rates.preset),
    "step_srtm": lambda person, rates: read_step(person, rates.srtm),
    "together": lambda person, rates: read_step(person, rates.together.value),
    "default": read_default,
    "reference_only": lambda person, rates: read_apart(person, of_targets(rates.slow, (0.0, 0.0))),
    "half_of_targets": lambda person, rates: read_apart(person, of_targets(rates.slow, (0.5, 1.0))),
    "all_white": lambda person, rates: read_apart(person, of_targets(rates.slow, (1.0, 1.0))),
    "deep": lambda person, _: read_apart(person, deep_tissue(person)),
    "less_null": read_less_null,
    "without_trend": lambda person, rates: read_without_trend(person, rates.together.value),
    "corrected": lambda person, _: read_corrected(person),
}


def null_range(person: Person, bp_nd: FloatArray, bolus_fraction: float) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest change (percent, negative for release) that the package says can occur without release."""
    shares = tuple(map(tuple, person.slow.tolist()))
    found = range_at(_readings(bolus_fraction, shares), bp_nd)
    return -100 * found.null_high / bp_nd, -100 * found.null_low / bp_nd


@cache
def _readings(bolus_fraction: float, shares: tuple[tuple[float, float], ...]) -> Readings:
    reference, *regions = (Mixture(1 - white - fluid, white, fluid) for white, fluid in shares)
    contrast = Contrast(BASELINE_MIN, CHALLENGE_MIN, "StepChange2", None, WEIGHT)
    schedule = Schedule(bolus_fraction, 90.0)
    told = Head(tuple(regions), reference)
    return read_unknowns(FRAMES, contrast, schedule=schedule, told=told, accounted=True)
