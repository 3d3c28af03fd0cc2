"""Intervals of the default of the benchmark `release`: how often they hold what they should, over a prior of truths."""

from itertools import product

import numpy as np
from scipy.stats import t as t_distribution

from benchmarks.release_estimators import (
    between,
    estimate_rates,
    fit_step,
    null_range,
    read_step,
    slow_tissue,
)
from benchmarks.release_people import WEIGHT, Person, Scene, draw_people
from benchmarks.release_truth import FRAMES, ONSET_MIN
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.shared_efflux import estimate_shared_k2_prime


def measure_intervals(n_people: int) -> dict[str, float]:
    """Coverage of the sampling and of the full interval, and how much wider the latter is, at 2 % noise."""
    judged = []
    tissues = (Scene(mixed=False), Scene(), Scene(white_follows=1.0), Scene(white_follows=-1.0))
    for seed, (tissue, k4, bolus) in enumerate(product(tissues, (0.05, 0.1, 0.2, 0.3), (0.5, 1.0))):
        scene = tissue._replace(k4=k4, bolus_fraction=bolus, noise=0.02, seed=seed)
        noisy, clean = (draw_people(scene, "step", n_people // 3, noisy=noisy) for noisy in (True, False))
        judged += [_judge(*pair, bolus) for pair in zip(noisy, clean, strict=True)]
    sampled, covered, ratios = map(np.array, zip(*judged, strict=True))
    return {
        "coverage_95": float(100 * sampled.mean()),
        "full_interval_coverage_95": float(100 * covered.mean()),
        "full_interval_over_sampling": float(np.median(ratios)),
    }


def _judge(
    person: Person, expected: Person, bolus_fraction: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Whether the sampling interval holds the expectation and the full one the truth, and their ratio (n_regions,)."""
    rates = estimate_rates(person)
    efflux = rates.combined
    assert efflux.se is not None
    found = fit_step(person, efflux.value, slow=rates.slow)
    sides = [read_step(person, efflux.value + side * efflux.se, slow=rates.slow) for side in (-1, 1)]
    error = np.hypot(found["BPNDchange-se"], (sides[1] - sides[0]) / 2)
    half = t_distribution.ppf(0.975, between(10.0, 90.0).sum() - 3) * error
    low, high = null_range(person, found["BPND"], bolus_fraction)
    middle, reach = found["BPNDchange"] - (low + high) / 2, half + (high - low) / 2
    return (
        np.abs(found["BPNDchange"] - _expect(expected)) < half,
        np.abs(middle - person.true_percent) < reach,
        reach / half,
    )


def _expect(clean: Person) -> FloatArray:
    """What the scan's own estimate of k2' and the step read without noise."""
    slow = slow_tissue(clean)
    taken = slow.repeated(2).taken()
    k2_prime = estimate_shared_k2_prime(
        taken.out_of(clean.telling),
        taken.out_of_reference(clean.reference),
        FRAMES,
        onset_min=ONSET_MIN,
        points=between(10.0, 90.0),
        inverse_variance=WEIGHT,
        noise_free=True,
    ).k2_prime
    return read_step(clean, k2_prime, slow=slow)
