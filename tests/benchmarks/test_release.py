"""The truths of the release benchmark, and what its keys are made of."""

import numpy as np
import pytest

from benchmarks.release import power, summarise
from benchmarks.release_estimators import estimate_rates, read_default, read_step
from benchmarks.release_people import Scene, draw_people, released
from benchmarks.release_truth import (
    FRAMES,
    FWHM_MM,
    GREY,
    NAMES,
    WHITE,
    by_class,
    mix_head,
    tissue_curves,
    weigh_white,
)
from morbids.numerics.kinetics.srtm import fit_srtm

pytestmark = pytest.mark.graph

ONE = np.ones(1)


def test_fast_dissociation_is_one_tissue_whose_binding_a_reference_model_finds() -> None:
    curves = tissue_curves(
        np.array([0.0, 1.5]), np.array([1.0, 0.9]), 0.12 * np.ones(2), 60 * np.ones(2), np.zeros(2)
    )
    found = fit_srtm(curves[:, 1:], curves[:, 0], FRAMES)
    np.testing.assert_allclose([found.bp_nd[0], found.r1[0], found.k2_prime[0]], [1.5, 0.9, 0.12], rtol=0.02)


def test_a_fall_of_binding_lets_tracer_go_after_the_onset_only() -> None:
    still, moved = (
        tissue_curves(1.6 * ONE, ONE, 0.12 * ONE, 0.3 * ONE, -0.1 * ONE, shape=shape)[:, 0]
        for shape in ("none", "step")
    )
    before = FRAMES.end_min <= 45.0
    np.testing.assert_array_equal(still[before], moved[before])
    assert (moved[~before] < still[~before]).all()


def test_the_scanner_mixes_but_loses_nothing_deep_in_the_head() -> None:
    head = mix_head()
    deep = [GREY.index(name) for name in ("putamen", "thalamus", "midline")]
    np.testing.assert_allclose(head.regions[deep].sum(axis=1), 1.0, atol=1e-3)
    own = np.diag(head.regions)
    assert 0.3 < own.min() < own.max() < 0.95
    assert head.regions.min() > -1e-6
    purest = by_class(head.pure)
    assert (np.diag(purest) > [0.7, 0.99, 0.7]).all()
    assert (purest.sum(axis=1) < 1.001).all()
    of_reference = NAMES.index("white of reference")
    assert head.pure[1, of_reference] < 0.2
    regions, places = weigh_white(FWHM_MM, FWHM_MM)
    for found in (regions, places):
        np.testing.assert_allclose(by_class(found).mean(axis=0), [0, 1, 0], atol=0.03)
    own = regions[:, [NAMES.index(name) for name in WHITE]].argmax(axis=1)
    near = [GREY.index(name) for name in ("reference", "frontal", "temporal", "parietal", "putamen")]
    assert own[near].tolist() == near
    assert regions[0, of_reference] > 0.5


def test_the_same_people_with_and_without_a_release_differ_where_it_is() -> None:
    still, moved = (draw_people(Scene(mixed=False), shape, 2) for shape in ("none", "step"))
    changed = ~np.isclose(still[0].target, moved[0].target).all(axis=0)
    assert np.flatnonzero(changed).tolist() == sorted(released())
    np.testing.assert_allclose(moved[0].true_percent[released()], -10)
    reading = read_step(moved[0], 0.12) - read_step(still[0], 0.12)
    np.testing.assert_allclose(reading[~changed], 0, atol=1e-9)
    assert (reading[changed] < -5).all()


@pytest.mark.parametrize("follows", [-1.0, 0.0, 1.0])
def test_a_release_is_read_in_mixed_tissue_whatever_white_matter_binds(follows: float) -> None:
    scene = Scene(k2_prime_cv=0.0, white_follows=follows)
    still, moved = (draw_people(scene, shape, 1, noisy=False)[0] for shape in ("none", "step"))
    where, rates = released(), estimate_rates(still)
    alone = read_step(still, rates.together.value)
    assert np.abs(read_default(still, rates)).mean() < np.abs(alone).mean()
    share = read_default(moved, estimate_rates(moved))[where].mean() / moved.true_percent[where].mean()
    assert share == pytest.approx(1, abs=0.2)


def test_summary_and_power_of_known_readings() -> None:
    rng = np.random.default_rng(0)
    null = rng.normal(1.0, 2.0, (4000, 11))
    step = null.copy()
    step[:, released()] -= 5.0
    found = summarise(null, step, true=-5.0)
    assert found["null_percent"] == pytest.approx(1, abs=0.1)
    assert found["beyond_null_percent"] == pytest.approx(-10)
    assert found["dprime"] == pytest.approx(2.5, rel=0.05)
    assert found["unaffected_percent"] == 0
    assert power(0.0) == pytest.approx(0.025, abs=1e-6)
    assert power(1.0) > 0.95
