"""Normalised mutual information: its bounds, and that it knows neither sign nor scale."""

import numpy as np
import pytest

from morbids.imaging.similarity import detail_correlation, normalised_mutual_information

NOISE = np.random.default_rng(0).standard_normal((30, 30, 30))
EVERYWHERE = np.ones(NOISE.shape, dtype=bool)


def test_image_with_itself_is_two_whatever_the_contrast() -> None:
    assert normalised_mutual_information(NOISE, NOISE, EVERYWHERE) == pytest.approx(2)
    assert normalised_mutual_information(NOISE, 7 - 3 * NOISE, EVERYWHERE) == pytest.approx(2, abs=0.02)


def test_unrelated_images_are_near_one() -> None:
    other = np.random.default_rng(1).standard_normal(NOISE.shape)
    assert normalised_mutual_information(NOISE, other, EVERYWHERE) < 1.01


def test_only_known_voxels_of_the_mask_count() -> None:
    other = NOISE.copy()
    other[:10] = 0
    other[10] = np.nan
    mask = EVERYWHERE.copy()
    mask[:10] = False
    assert normalised_mutual_information(NOISE, other, mask) == pytest.approx(2)


def test_constant_or_empty_is_unknown() -> None:
    assert np.isnan(normalised_mutual_information(NOISE, np.ones_like(NOISE), EVERYWHERE))
    assert np.isnan(normalised_mutual_information(NOISE, NOISE, ~EVERYWHERE))


def test_detail_ignores_what_is_smooth() -> None:
    """A slope and an edge outside the mask change nothing; details that differ do."""
    slope = NOISE + 5 * np.linspace(0, 1, NOISE.shape[0])[:, None, None]
    inside = EVERYWHERE.copy()
    inside[:4] = False
    slope[:4] = 1000
    other = np.random.default_rng(1).standard_normal(NOISE.shape)
    voxel_mm = np.array([2.0, 2.0, 2.0])
    assert detail_correlation(NOISE, slope, inside, voxel_mm, 10.0) > 0.95
    assert abs(detail_correlation(NOISE, other, inside, voxel_mm, 10.0)) < 0.1
    assert detail_correlation(NOISE, np.zeros_like(NOISE), inside, voxel_mm, 10.0) == 0
