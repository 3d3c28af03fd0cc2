"""Release within one scan: which estimator is right when nothing happens, and sees most when something does.

Truths are those of `release_truth` and `release_people`: two-tissue kinetics and a blurred head that share no code with
the package's simulator; true k4, k2' and mixture never reach an estimator; the default and the null range take the
scanner for half a millimetre wider than it is. People differ in k2' (CV 10 %; 0 in `cv0`), BP_ND and delivery. Changes
are read in percent of baseline, negative for release, in regions at 1 % noise (`noisy` 3 %, `voxel` 10 %). A release is
a fall of 10 % in four nuclei; what is right is the change that a perfect reading of the scanner's image shows. Keys are
`<estimator>_<truth>_<what>`: mean and largest bias of a region without release, SD between people, reading of a true
-10 %, the same less the bias, what regions without release read of it, d'. Estimators were chosen on `SCENES`, `DOUBTS`
and `HELD_OUT`; `SET_ASIDE` are other people, rates, tissues, schedules and scanners. ``--quick`` takes 18 people
instead of 54.
"""

from collections.abc import Mapping

import numpy as np
from scipy.stats import t as t_distribution

from benchmarks.release_estimators import ESTIMATORS, estimate_rates
from benchmarks.release_intervals import measure_intervals
from benchmarks.release_people import Person, Scene, draw_people, released
from morbids.numerics.arrays import FloatArray

# Percent of a noisy voxel's small baseline can be anything.
LARGEST_PERCENT = 100.0
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
HELD_OUT = {
    "held_pure": Scene(k4=0.2, mixed=False, bolus_fraction=0.6, mean_k2_prime=0.105, seed=201),
    "held_infusion": Scene(
        k4=0.2,
        bolus_fraction=0.6,
        mean_k2_prime=0.105,
        white=(0.25, 0.6),
        fluid=(0.0, 0.3),
        fwhm_mm=5.0,
        assumed_fwhm_mm=5.5,
        seed=202,
    ),
    "held_bolus": Scene(
        k4=0.35,
        bolus_fraction=1.0,
        mean_k2_prime=0.125,
        white=(0.15, 0.5),
        fluid=(0.0, 0.6),
        fwhm_mm=6.5,
        assumed_fwhm_mm=6.0,
        seed=203,
    ),
    "held_slow": Scene(
        k4=0.12,
        bolus_fraction=0.6,
        white=(0.25, 0.6),
        fluid=(0.0, 0.3),
        fwhm_mm=5.0,
        assumed_fwhm_mm=5.5,
        seed=204,
    ),
}
# White matter that differs between the reference region and the depth, and what a study may have wrong.
DOUBTS = {
    "white_follows": Scene(white_follows=1.0),
    "white_opposes": Scene(white_follows=-1.0),
    "white_follows_bolus": Scene(white_follows=1.0, bolus_fraction=1.0),
    "taken_narrow": Scene(assumed_fwhm_mm=5.0),
    "taken_wide": Scene(assumed_fwhm_mm=6.5),
    "told_little": Scene(told_share=0.8),
    "told_much": Scene(told_share=1.2),
    "small_reference": Scene(reference_noise=0.02),
}
# Set down before any estimator saw white matter that is not alike everywhere.
SET_ASIDE = {
    "aside_pure": Scene(k4=0.25, mixed=False, bolus_fraction=0.8, mean_k2_prime=0.11, seed=301),
    "aside_follows": Scene(
        k4=0.25,
        bolus_fraction=0.7,
        mean_k2_prime=0.115,
        white=(0.2, 0.55),
        white_follows=0.8,
        fluid=(0.0, 0.35),
        fwhm_mm=6.0,
        assumed_fwhm_mm=5.5,
        seed=302,
    ),
    "aside_opposes": Scene(
        bolus_fraction=1.0,
        mean_k2_prime=0.13,
        white=(0.2, 0.6),
        white_follows=-0.8,
        fluid=(0.0, 0.5),
        fwhm_mm=5.0,
        assumed_fwhm_mm=5.75,
        told_share=0.9,
        seed=303,
    ),
    "aside_small": Scene(
        mean_k2_prime=0.11,
        white=(0.25, 0.5),
        white_follows=0.5,
        assumed_fwhm_mm=5.5,
        told_share=1.15,
        reference_noise=0.015,
        seed=304,
    ),
    "aside_slow": Scene(
        k4=0.12,
        bolus_fraction=0.7,
        white_follows=0.7,
        fluid=(0.0, 0.3),
        fwhm_mm=6.0,
        seed=305,
    ),
}
COMPARED = ("windows", "together", "default", "half_of_targets", "all_white", "deep")


def run(quick: bool) -> dict[str, float]:
    """The table of estimators and truths, and the keys that are promised."""
    n_people = 18 if quick else 54
    figures: dict[str, float] = {}
    for name, scene in SCENES.items():
        figures |= compare(name, scene, n_people, _suited(scene))
    for name, scene in {**DOUBTS, **HELD_OUT, **SET_ASIDE}.items():
        figures |= compare(name, scene, n_people, COMPARED)
    for shape in ("ramp", "pulse"):
        read = _read_everyone(draw_people(Scene(), shape, n_people), COMPARED)
        figures |= {
            f"{estimator}_mixed_{shape}_reads_percent": float(found[:, released()].mean())
            for estimator, found in read.items()
        }
    return figures | promised(figures) | measure_intervals(n_people)


def _suited(scene: Scene) -> tuple[str, ...]:
    """Nothing is there to be corrected in pure tissue, and no voxel is corrected by itself."""
    return tuple(e for e in ESTIMATORS if e != "corrected" or (scene.mixed and scene.noise < 0.1))


def compare(name: str, scene: Scene, n_people: int, estimators: tuple[str, ...]) -> dict[str, float]:
    """Estimators on one truth, without and with a release."""
    still, moved = (draw_people(scene, shape, n_people) for shape in ("none", "step"))
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
    """The named keys: the worst of several truths for a bias or a reading, means for d'."""

    def worst(estimator: str, what: str, right: float, *scenes: str) -> float:
        found = [figures[f"{estimator}_{scene}_{what}"] for scene in scenes]
        return max(found, key=lambda value: abs(value - right))

    def mean(estimator: str, *scenes: str) -> float:
        return float(np.mean([figures[f"{estimator}_{scene}_dprime"] for scene in scenes]))

    four = "pure", "pure_bolus", "mixed", "mixed_bolus"
    unlike = [name for name in DOUBTS if name.startswith("white")]
    mistaken = [name for name in DOUBTS if not name.startswith("white")]
    groups = {
        "pure": four[:2],
        "mixed": four[2:],
        "mixed_slow": ("mixed_slow", "mixed_slow_bolus"),
        "unlike_white": unlike,
        "mistaken": mistaken,
        "held_out": ("held_pure", "held_infusion", "held_bolus"),
        "set_aside": ("aside_pure", "aside_follows", "aside_opposes", "aside_small"),
        "set_aside_slow": ("aside_slow",),
        "infusion": ("pure", "mixed"),
        "bolus": ("pure_bolus", "mixed_bolus"),
    }
    keys: dict[str, float] = {}
    for estimator, mark in (("default", ""), ("together", "_together"), ("deep", "_deep")):
        for group, scenes in groups.items():
            keys[f"null_bias_percent_{group}{mark}"] = worst(estimator, "null_percent", 0.0, *scenes)
            keys[f"recovered_percent_{group}{mark}"] = worst(estimator, "reads_percent", -10.0, *scenes)
    for estimator in ("default", "together", "windows"):
        d_prime = mean(estimator, *four)
        keys |= {
            f"dprime_{estimator}": d_prime,
            f"dprime_{estimator}_set_aside": mean(estimator, *groups["set_aside"]),
            f"power_18_at_10_percent_{estimator}": power(d_prime),
            f"power_18_at_5_percent_{estimator}": power(d_prime / 2),
        }
    return keys


def power(d_prime: float, n_people: int = 18) -> float:
    """Share of studies of one region that find an effect of d' standard deviations at p < 0.05, two-tailed."""
    degrees = n_people - 1
    critical = t_distribution.ppf(0.975, degrees)
    return float(t_distribution.sf(critical - d_prime * np.sqrt(n_people), degrees))


def _read_everyone(people: list[Person], estimators: tuple[str, ...]) -> dict[str, FloatArray]:
    """Readings (n_people, n_regions) of every estimator, percent of baseline."""
    found: dict[str, list[FloatArray]] = {estimator: [] for estimator in estimators}
    for person in people:
        rates = estimate_rates(person)
        for estimator in estimators:
            found[estimator].append(ESTIMATORS[estimator](person, rates))
    return {estimator: np.clip(rows, -LARGEST_PERCENT, LARGEST_PERCENT) for estimator, rows in found.items()}
