"""Release within one scan: which estimator is right when nothing happens, and sees most when something does.

Truths are those of `release_truth`: two-tissue kinetics and a blurred head that share no code with the package's
simulator; true k4, k2' and mixture never reach an estimator. People differ in k2' (CV 10 %; 0 in `cv0`), BP_ND and
delivery. Changes are read in percent of baseline, negative for release, in regions at 1 % noise (`noisy` 3 %, `voxel`
10 %). A release is a fall of 10 % in four nuclei. Keys are `<estimator>_<truth>_<what>`: mean and largest bias of a
region without release, SD between people, reading of a true -10 %, the same less the bias, what regions without release
read of it, d'. ``--quick`` takes 18 people instead of 54.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.stats import t as t_distribution

from benchmarks.release_truth import FRAMES, NAMES, ONSET_MIN, TISSUES, Shape, mix_head, tissue_curves
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.k2prime import estimate_k2_prime
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.presets import load_presets
from morbids.numerics.kinetics.protocol import Contrast
from morbids.numerics.kinetics.shared_efflux import (
    CombinedEfflux,
    combine_k2_prime,
    estimate_shared_k2_prime,
)
from morbids.numerics.kinetics.unknowns import Readings, range_at, read_unknowns
from morbids.numerics.kinetics.weights import inverse_variance
from morbids.numerics.tracer import Schedule

WEIGHT = inverse_variance(FRAMES, half_life_min=20.364)
PRESET = load_presets()["carfentanil"]
BASELINE_MIN, CHALLENGE_MIN = (10.0, 40.0), (45.0, 90.0)
CHANGE, REFERENCE_NOISE, REGION_NOISE = -0.1, 0.005, 0.01
# k2' comes from regions, left and right, also where a voxel is read.
MOST_REGION_NOISE = 0.03
RELEASED = ("striatum", "amygdala", "midline", "grey")
# The correction for partial volume takes the scanner for wider than it is.
ASSUMED_FWHM_MM = 6.5
# Percent of a noisy voxel's small baseline can be anything.
LARGEST_PERCENT = 100.0


class Scene(NamedTuple):
    """One cell of the grid of truths."""

    k4: float = 0.3
    mixed: bool = True
    bolus_fraction: float = 0.5
    k2_prime_cv: float = 0.1
    noise: float = REGION_NOISE
    mean_k2_prime: float = 0.12


SCENES = {
    "pure": Scene(mixed=False),
    "pure_bolus": Scene(mixed=False, bolus_fraction=1.0),
    "pure_slow": Scene(k4=0.1, mixed=False),
    "mixed": Scene(),
    "mixed_bolus": Scene(bolus_fraction=1.0),
    "mixed_slow": Scene(k4=0.1),
    "mixed_slow_bolus": Scene(k4=0.1, bolus_fraction=1.0),
    "cv0": Scene(k2_prime_cv=0.0),
    "k2prime_low": Scene(mean_k2_prime=0.09),
    "k2prime_high": Scene(mean_k2_prime=0.15),
    "noisy": Scene(noise=0.03),
    "voxel": Scene(noise=0.1),
}


class Person(NamedTuple):
    """Curves (n_frames, n_regions) to be read, and to tell k2'; the reference's; all tissues'; and the truth."""

    target: FloatArray
    telling: FloatArray
    reference: FloatArray
    parts: FloatArray
    true_percent: FloatArray


class Rates(NamedTuple):
    """k2' of one person, as several ways see it."""

    preset: float
    srtm: float
    shared: float
    combined: CombinedEfflux


def run(quick: bool) -> dict[str, float]:
    """The table of estimators and truths, and the keys that are promised."""
    n_people = 18 if quick else 54
    figures: dict[str, float] = {}
    for name, scene in SCENES.items():
        figures |= compare(name, scene, n_people)
    for shape in ("ramp", "pulse"):
        read = _read_everyone(draw_people(Scene(), shape, n_people), ("windows", "default"))
        figures |= {
            f"{estimator}_mixed_{shape}_reads_percent": float(found[:, released()].mean())
            for estimator, found in read.items()
        }
    return figures | promised(figures) | measure_intervals(n_people)


def compare(name: str, scene: Scene, n_people: int) -> dict[str, float]:
    """All estimators on one truth, without and with a release."""
    still, moved = (draw_people(scene, shape, n_people) for shape in ("none", "step"))
    # Nothing is there to be corrected in pure tissue, and no voxel is corrected by itself.
    estimators = tuple(e for e in ESTIMATORS if e != "corrected" or (scene.mixed and scene.noise < 0.1))
    null, step = _read_everyone(still, estimators), _read_everyone(moved, estimators)
    true = np.array([person.true_percent for person in moved])[:, released()].mean()
    figures = {}
    for estimator in estimators:
        for what, value in summarise(null[estimator], step[estimator], float(true)).items():
            figures[f"{estimator}_{name}_{what}"] = value
    return figures


def summarise(null: FloatArray, step: FloatArray, true: float) -> dict[str, float]:
    """What (n_people, n_regions) readings without and with a release (of `true` percent) are worth."""
    where = released()
    elsewhere = np.setdiff1d(np.arange(null.shape[1]), where)
    mean, spread = null.mean(axis=0), null.std(axis=0, ddof=1)
    seen = (step.mean(axis=0) - mean)[where]
    return {
        "null_percent": float(mean.mean()),
        "largest_percent": float(mean[np.abs(mean).argmax()]),
        "sd_percent": float(spread[where].mean()),
        "reads_percent": float(-10 * step[:, where].mean() / true),
        "beyond_null_percent": float(-10 * seen.mean() / true),
        "unaffected_percent": float((step - null)[:, elsewhere].mean()),
        "dprime": float(np.abs(seen / spread[where]).mean()),
    }


def promised(figures: Mapping[str, float]) -> dict[str, float]:
    """The named keys: the worse of both ways of administration for a bias, means for the rest."""

    def worse(*scenes: str) -> float:
        return max((figures[f"default_{scene}_null_percent"] for scene in scenes), key=abs)

    def mean(estimator: str, what: str, *scenes: str) -> float:
        return float(np.mean([figures[f"{estimator}_{scene}_{what}"] for scene in scenes]))

    four = ("pure", "pure_bolus", "mixed", "mixed_bolus")
    return {
        "null_bias_percent_pure": worse("pure", "pure_bolus"),
        "null_bias_percent_mixed": worse("mixed", "mixed_bolus"),
        "null_bias_percent_mixed_slow": worse("mixed_slow", "mixed_slow_bolus"),
        "recovered_percent_bolus": mean("default", "reads_percent", "pure_bolus", "mixed_bolus"),
        "recovered_percent_infusion": mean("default", "reads_percent", "pure", "mixed"),
        "dprime_default": mean("default", "dprime", *four),
        "dprime_windows": mean("windows", "dprime", *four),
        "power_18_at_10_percent_default": power(mean("default", "dprime", *four)),
        "power_18_at_10_percent_windows": power(mean("windows", "dprime", *four)),
        "power_18_at_5_percent_default": power(mean("default", "dprime", *four) / 2),
        "power_18_at_5_percent_windows": power(mean("windows", "dprime", *four) / 2),
    }


def power(d_prime: float, n_people: int = 18) -> float:
    """Share of studies of one region that find an effect of d' standard deviations at p < 0.05, two-tailed."""
    degrees = n_people - 1
    critical = t_distribution.ppf(0.975, degrees)
    return float(t_distribution.sf(critical - d_prime * np.sqrt(n_people), degrees))


def draw_people(
    scene: Scene, shape: Shape, n_people: int, *, seed: int = 0, noisy: bool = True
) -> list[Person]:
    """Curves of people; the same people and the same noise whatever happens to them."""
    rng = np.random.default_rng(seed)
    n = len(NAMES)
    usual_bp_nd, usual_r1 = np.array([TISSUES[name] for name in NAMES]).T
    k2_prime = scene.mean_k2_prime * (1 + scene.k2_prime_cv * rng.standard_normal(n_people))
    alike, own = rng.standard_normal((n_people, 1)), rng.standard_normal((n_people, n))
    bp_nd = usual_bp_nd * np.exp(0.15 * alike + 0.13 * own)
    r1 = usual_r1 * np.exp(0.08 * rng.standard_normal((n_people, n)))
    r1[:, 0] = 1.0
    change = np.zeros(n)
    if shape != "none":
        change[[NAMES.index(name) for name in RELEASED]] = CHANGE
    tissues = tissue_curves(
        bp_nd.ravel(),
        r1.ravel(),
        np.repeat(k2_prime, n),
        np.full(n_people * n, scene.k4),
        np.tile(change, n_people),
        shape=shape,
        bolus_fraction=scene.bolus_fraction,
    ).reshape(-1, n_people, n)
    head = mix_head()
    pure = np.eye(n)[[NAMES.index(name) for name in head.names]]
    mixing, parts = (head.regions, head.parts) if scene.mixed else (pure, np.eye(n))
    seen = bp_nd @ mixing.T
    moved = np.divide((bp_nd * change) @ mixing.T, seen, out=np.zeros_like(seen), where=seen > 0)

    def measure(weights: FloatArray, level: float) -> FloatArray:
        """Curves (n_frames, n_people, n_regions); the first region is the large reference."""
        curves = tissues @ weights.T
        levels = np.full(len(weights), level)
        levels[0] = min(REFERENCE_NOISE, level)
        noise = rng.standard_normal(curves.shape) / np.sqrt(WEIGHT)[:, None, None]
        return np.asarray(curves + noisy * levels * curves.mean(axis=0) * noise)

    of_region = min(scene.noise, MOST_REGION_NOISE)
    curves, left, right = (measure(mixing, level) for level in (scene.noise, of_region, of_region))
    telling = np.concatenate([left[:, :, 1:], right[:, :, 1:]], axis=2)
    measured = measure(parts, of_region)
    return [
        Person(curves[:, i, 1:], telling[:, i], left[:, i, 0], measured[:, i], 100 * moved[i, 1:])
        for i in range(n_people)
    ]


def released() -> list[int]:
    """Places, among the targets, of the regions that release."""
    targets = mix_head().names[1:]
    return [targets.index(name) for name in RELEASED]


def _read_everyone(people: list[Person], estimators: tuple[str, ...]) -> dict[str, FloatArray]:
    """Readings (n_people, n_regions) of every estimator, percent of baseline."""
    found: dict[str, list[FloatArray]] = {estimator: [] for estimator in estimators}
    for person in people:
        rates = estimate_rates(person)
        for estimator in estimators:
            found[estimator].append(ESTIMATORS[estimator](person, rates))
    return {estimator: np.clip(rows, -LARGEST_PERCENT, LARGEST_PERCENT) for estimator, rows in found.items()}


def estimate_rates(person: Person) -> Rates:
    """k2' of a person by every way that is compared."""
    published, spread = PRESET.k2_prime, PRESET.k2_prime_spread
    assert published is not None
    assert spread is not None
    curves = person.telling, person.reference, FRAMES
    srtm = estimate_k2_prime(*curves, inverse_variance=WEIGHT).k2_prime
    shared = estimate_shared_k2_prime(
        *curves, onset_min=ONSET_MIN, points=_between(10.0, 90.0), inverse_variance=WEIGHT
    )
    combined = combine_k2_prime(shared, published, spread)
    return Rates(published, srtm, shared.k2_prime, combined)


def read_windows(person: Person, k2_prime: float, start_min: float = 10.0) -> FloatArray:
    """Change (n_regions,) between two windows of LoganRef."""
    before, after = (
        fit_model(
            "LoganRef",
            person.target,
            person.reference,
            FRAMES,
            FitOptions(points=_between(*window), inverse_variance=WEIGHT, k2_prime=k2_prime, bounds={}),
        ).parameters["BPND"]
        for window in ((start_min, BASELINE_MIN[1]), CHALLENGE_MIN)
    )
    return np.asarray(100 * (after / before - 1))


def fit_step(
    target: FloatArray, reference: FloatArray, k2_prime: float, start_min: float = 10.0
) -> dict[str, FloatArray]:
    """Estimates of the step with k2' given, and standard errors as `<name>-se`."""
    options = FitOptions(
        points=_between(start_min, 90.0),
        inverse_variance=WEIGHT,
        k2_prime=k2_prime,
        onset_min=ONSET_MIN,
        bounds={},
    )
    return fit_model("StepChange2", target, reference, FRAMES, options).columns()


def read_step(person: Person, k2_prime: float, start_min: float = 10.0) -> FloatArray:
    """Change (n_regions,) by the step with k2' given."""
    return fit_step(person.target, person.reference, k2_prime, start_min)["BPNDchange"]


def read_free_step(person: Person) -> FloatArray:
    """Change (n_regions,) by the step whose k2' every region has for itself."""
    options = FitOptions(points=_between(10.0, 90.0), inverse_variance=WEIGHT, onset_min=ONSET_MIN, bounds={})
    found = fit_model("StepChange", person.target, person.reference, FRAMES, options)
    return found.parameters["BPNDchange"]


def read_without_trend(person: Person, k2_prime: float) -> FloatArray:
    """The step less what follows binding and delivery smoothly over the regions of the scan, about their mean."""
    found = fit_step(person.target, person.reference, k2_prime)
    trend = np.column_stack([np.ones(len(found["R1"])), found["BPND"], found["R1"]])
    slopes = np.linalg.lstsq(trend, found["BPNDchange"], rcond=None)[0]
    return np.asarray(found["BPNDchange"] - (trend - trend.mean(axis=0)) @ slopes)


def read_less_null(person: Person, rates: Rates) -> FloatArray:
    """The step less the middle of what it can read without release, simulated for 50 % infusion."""
    found = fit_step(person.target, person.reference, rates.combined.k2_prime)
    low, high = null_range(found["BPND"], 0.5)
    return np.asarray(found["BPNDchange"] - (low + high) / 2)


def read_corrected(person: Person) -> FloatArray:
    """The step on curves that the transfer matrix of a slightly wrong scanner corrects, with their own k2'."""
    pure = np.linalg.solve(mix_head(ASSUMED_FWHM_MM).parts, person.parts.T).T
    targets = pure[:, [NAMES.index(name) for name in mix_head().names[1:]]]
    corrected = person._replace(target=targets, telling=targets, reference=pure[:, 0])
    return read_step(corrected, estimate_rates(corrected).combined.k2_prime)


ESTIMATORS: Mapping[str, Callable[[Person, Rates], FloatArray]] = {
    "windows": lambda person, rates: read_windows(person, rates.preset),
    "windows_late": lambda person, rates: read_windows(person, rates.preset, 20.0),
    "windows_combined": lambda person, rates: read_windows(person, rates.combined.k2_prime),
    "step_free": lambda person, _: read_free_step(person),
    "step_preset": lambda person, rates: read_step(person, rates.preset),
    "step_srtm": lambda person, rates: read_step(person, rates.srtm),
    "step_shared": lambda person, rates: read_step(person, rates.shared),
    "default": lambda person, rates: read_step(person, rates.combined.k2_prime),
    "step_late": lambda person, rates: read_step(person, rates.combined.k2_prime, 20.0),
    "less_null": read_less_null,
    "without_trend": lambda person, rates: read_without_trend(person, rates.combined.k2_prime),
    "corrected": lambda person, _: read_corrected(person),
}


def _between(start_min: float, end_min: float) -> np.ndarray:
    return np.asarray((FRAMES.mid_min >= start_min) & (FRAMES.mid_min < end_min))


@cache
def _readings(bolus_fraction: float) -> Readings:
    contrast = Contrast(BASELINE_MIN, CHALLENGE_MIN, "StepChange2", None, WEIGHT)
    return read_unknowns(FRAMES, contrast, schedule=Schedule(bolus_fraction, 90.0))


def null_range(bp_nd: FloatArray, bolus_fraction: float) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest change (percent, negative for release) that the package says can occur without release."""
    found = range_at(_readings(bolus_fraction), bp_nd)
    return -100 * found.null_high / bp_nd, -100 * found.null_low / bp_nd


def measure_intervals(n_people: int) -> dict[str, float]:
    """How often intervals of the default hold what they should, over the prior of truths at 2 % noise."""
    sampled, covered, ratios = [], [], []
    for seed, (k4, mixed, bolus) in enumerate(
        (k4, mixed, bolus) for k4 in (0.05, 0.1, 0.2, 0.3) for mixed in (False, True) for bolus in (0.5, 1.0)
    ):
        scene = Scene(k4=k4, mixed=mixed, bolus_fraction=bolus, noise=0.02)
        noisy, clean = (
            draw_people(scene, "step", n_people // 3, seed=seed, noisy=noisy) for noisy in (True, False)
        )
        for person, expected in zip(noisy, clean, strict=True):
            inside, full, ratio = _judge_intervals(person, expected, bolus)
            sampled.append(inside)
            covered.append(full)
            ratios.append(ratio)
    return {
        "coverage_95": float(100 * np.mean(sampled)),
        "full_interval_coverage_95": float(100 * np.mean(covered)),
        "full_interval_over_sampling": float(np.median(ratios)),
    }


def _judge_intervals(
    person: Person, expected: Person, bolus_fraction: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Whether the sampling interval holds the expectation and the full one the truth, and their ratio (n_regions,)."""
    efflux = estimate_rates(person).combined
    found = fit_step(person.target, person.reference, efflux.k2_prime)
    sides = [read_step(person, efflux.k2_prime + side * efflux.se) for side in (-1, 1)]
    error = np.hypot(found["BPNDchange-se"], (sides[1] - sides[0]) / 2)
    half = t_distribution.ppf(0.975, _between(10.0, 90.0).sum() - 3) * error
    known = estimate_shared_k2_prime(
        expected.telling,
        expected.reference,
        FRAMES,
        onset_min=ONSET_MIN,
        points=_between(10.0, 90.0),
        inverse_variance=WEIGHT,
        noise_free=True,
    ).k2_prime
    low, high = null_range(found["BPND"], bolus_fraction)
    middle, reach = found["BPNDchange"] - (low + high) / 2, np.hypot(half, (high - low) / 2)
    return (
        np.abs(found["BPNDchange"] - read_step(expected, known)) < half,
        np.abs(middle - person.true_percent) < reach,
        reach / half,
    )
