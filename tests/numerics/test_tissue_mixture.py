"""The tissue mixture against images whose fractions are known."""

import numpy as np
import pytest

from morbids.numerics.tissue_mixture import (
    TissueMixture,
    TissuePrior,
    class_densities,
    fit_tissue_mixture,
    tissue_posteriors,
)

MEANS = np.array([300.0, 650.0, 1000.0])


def nested_balls(noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """White matter in grey in fluid: intensities, fractions (x, y, z, 3) and mask, blurred edges."""
    distance = np.sqrt(((np.indices((40, 40, 40)) - 19.5) ** 2).sum(axis=0))
    white = np.clip(10.5 - distance, 0, 1)
    grey = np.clip(15.5 - distance, 0, 1) - white
    fractions = np.stack([1 - white - grey, grey, white], axis=-1)
    mask = distance < 18
    intensities = fractions @ MEANS + np.random.default_rng(0).normal(0, noise, mask.shape)
    return intensities, fractions * mask[..., None], mask


def test_means_and_fractions_come_back() -> None:
    intensities, fractions, mask = nested_balls(noise=40)
    mixture = fit_tissue_mixture(intensities[mask])
    np.testing.assert_allclose(mixture.mean, MEANS, rtol=0.03)
    tissues = tissue_posteriors(intensities, mask, mixture, np.full(3, 0.25))
    np.testing.assert_allclose(tissues.sum(axis=-1), mask, atol=1e-5)
    assert np.abs(tissues - fractions)[mask].mean() < 0.03


def test_neighbours_help_against_noise() -> None:
    intensities, fractions, mask = nested_balls(noise=90)
    mixture = fit_tissue_mixture(intensities[mask])
    alone, together = (
        np.abs(tissue_posteriors(intensities, mask, mixture, np.full(3, strength)) - fractions)[mask].mean()
        for strength in (0.0, 0.25)
    )
    assert together < 0.75 * alone


def test_prior_tells_deep_grey_from_white() -> None:
    """A grey nucleus almost as bright as white matter, which intensity alone calls white."""
    intensities, fractions, mask = nested_balls(noise=40)
    nucleus = np.sqrt(((np.indices(mask.shape) - 19.5) ** 2).sum(axis=0)) < 4
    intensities[nucleus] -= 130
    expected = 0.8 * fractions + 0.2 / 3
    expected[nucleus] = [0, 1, 0]
    prior = TissuePrior(expected[mask], nucleus[mask].astype(float))
    with_prior = fit_tissue_mixture(intensities[mask], prior)
    assert with_prior.deep_grey[0] == pytest.approx(870, abs=25)
    grey = tissue_posteriors(intensities, mask, with_prior, np.full(3, 0.25), prior)[..., 1]
    assert grey[nucleus].mean() > 0.9
    without = fit_tissue_mixture(intensities[mask])
    assert tissue_posteriors(intensities, mask, without, np.full(3, 0.25))[nucleus][:, 1].mean() < 0.6


def test_densities_integrate_to_one() -> None:
    mixture = TissueMixture(MEANS, np.array([40.0, 40.0, 40.0]), np.full(5, 0.2), (650.0, 40.0))
    level = np.linspace(0, 1300, 4000)
    inside = (level > MEANS[0]) & (level < MEANS[2])
    # Beyond the outer means densities are held constant on purpose, so only the inner classes integrate.
    area = class_densities(level[inside], mixture).sum(axis=0) * (level[1] - level[0])
    np.testing.assert_allclose(area[[1, 2, 3]], [1, 1, 1], atol=0.07)
    np.testing.assert_allclose(area[[0, 4]], [0.5, 0.5], atol=0.01)


def test_constant_intensities_are_refused() -> None:
    with pytest.raises(ValueError, match="do not vary"):
        fit_tissue_mixture(np.full(100, 5.0))
