"""White matter around a place: exact where tissue is alike, found where it is not, and sums of two kinds of it."""

import numpy as np
import pytest
from scipy import optimize

from morbids.numerics.white_matter import amounts_of_kinds, find_kinds, fit_white_matter

SHAPE = (12, 12, 24)
SD = np.full(3, 1.5)


@pytest.fixture
def shares() -> tuple[np.ndarray, np.ndarray]:
    """Grey and white matter that fill a block in changing parts."""
    white = np.random.default_rng(1).random(SHAPE)
    return 1 - white, white


def test_tissue_that_is_alike_everywhere_is_found_exactly(shares: tuple[np.ndarray, np.ndarray]) -> None:
    grey, white = shares
    values = grey[..., None] * [5.0, 2.0] + white[..., None] * [1.0, 3.0]
    known = np.ones(SHAPE, dtype=bool)
    known[:3] = False
    values[~known] = 100.0
    found = fit_white_matter(values, grey, white, known, SD)
    np.testing.assert_allclose(found, np.broadcast_to([1.0, 3.0], (known.sum(), 2)), rtol=1e-4)


def test_white_matter_that_differs_from_place_to_place_is_found_there(
    shares: tuple[np.ndarray, np.ndarray],
) -> None:
    grey, white = shares
    true = np.broadcast_to(np.linspace(1.0, 3.0, SHAPE[2]), SHAPE)
    values = (grey * 5.0 + white * true)[..., None]
    found = fit_white_matter(values, grey, white, np.ones(SHAPE, dtype=bool), SD).reshape(SHAPE)
    middle = (slice(None), slice(None), slice(6, 18))
    # What all white matter is pulls a little.
    assert np.abs(found - true)[middle].mean() < 0.25 * np.abs(true - true.mean())[middle].mean()
    assert np.corrcoef(found[middle].ravel(), true[middle].ravel())[0, 1] > 0.95


def test_where_no_white_matter_is_near_that_of_all_counts() -> None:
    white = np.zeros(SHAPE)
    white[..., :4] = np.random.default_rng(2).random((12, 12, 4))
    grey = 1 - white
    values = (grey * 5.0 + white * 2.0)[..., None]
    found = fit_white_matter(values, grey, white, np.ones(SHAPE, dtype=bool), SD).reshape(SHAPE)
    np.testing.assert_allclose(found[..., -1], 2.0, rtol=1e-4)


def test_kinds_are_the_extremes_and_amounts_what_non_negative_least_squares_finds() -> None:
    rng = np.random.default_rng(3)
    low, high = np.array([1.0, 2.0, 1.5]), np.array([1.0, 3.0, 3.5])
    part = np.linspace(0, 1, 1000)[:, None]
    curves = (1 - part) * low + part * high
    kinds = find_kinds(curves)
    np.testing.assert_allclose(kinds, np.stack([low, high], axis=1), rtol=0.02)
    np.testing.assert_allclose(amounts_of_kinds(curves, kinds) @ kinds.T, curves, atol=0.03)
    noisy = curves + rng.normal(0, 0.5, curves.shape)
    expected = [optimize.nnls(kinds, curve)[0] for curve in noisy]
    np.testing.assert_allclose(amounts_of_kinds(noisy, kinds), expected, atol=1e-9)
    assert (np.array(expected) == 0).any(axis=0).all()


def test_kinds_that_are_one_share_what_there_is() -> None:
    curve = np.array([1.0, 2.0, 1.5])
    kinds = np.stack([curve, curve], axis=1)
    found = amounts_of_kinds(np.stack([curve, 0.5 * curve]), kinds)
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.25, 0.25]], rtol=1e-6)
