import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.statistics.exchange import (
    exhaustive_groupings,
    exhaustive_permutations,
    exhaustive_signs,
    permutation_p,
    random_permutations,
    random_signs,
)


@pytest.mark.parametrize("n_maps", [3, 18, 65, 300])
def test_any_split_draws_the_same(n_maps: int) -> None:
    for draw in (random_signs, random_permutations):
        whole = draw(7, 0, 50, n_maps)
        parts = [draw(7, start, stop, n_maps) for start, stop in ((0, 1), (1, 17), (17, 50))]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
        assert np.any(draw(8, 0, 50, n_maps) != whole)


def test_signs_are_fair_and_independent() -> None:
    signs = random_signs(1, 0, 20_000, 70)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert np.abs(signs.mean(axis=0)).max() < 0.03
    products = signs.T @ signs / 20_000 - np.eye(70)
    assert np.abs(products).max() < 0.04


def test_permutations_are_uniform() -> None:
    orders = random_permutations(2, 0, 24_000, 4)
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    assert np.abs(counts - 1000).max() < 150


def test_exhaustive_sets_hold_everything_once_from_the_identity() -> None:
    signs = exhaustive_signs(0, 2**6, 6)
    assert len(np.unique(signs, axis=0)) == 64
    np.testing.assert_array_equal(signs[0], np.ones(6))
    np.testing.assert_array_equal(signs[:32], -signs[:31:-1])
    np.testing.assert_array_equal(exhaustive_signs(10, 20, 6), signs[10:20])
    orders = exhaustive_permutations(0, 24, 4)
    assert len(np.unique(orders, axis=0)) == 24
    np.testing.assert_array_equal(orders[0], np.arange(4))
    np.testing.assert_array_equal(exhaustive_permutations(5, 9, 4), orders[5:9])
    with pytest.raises(MorbidsError, match="4 maps have 24 orders, not 25"):
        exhaustive_permutations(0, 25, 4)


def test_groupings_are_all_there_once_from_the_identity() -> None:
    second = (1, 4, 5)
    orders = exhaustive_groupings(0, 35, 7, second)
    np.testing.assert_array_equal(orders[0], np.arange(7))
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(7), (35, 1)))
    labels = np.isin(np.arange(7), second)[orders]
    assert len(np.unique(labels, axis=0)) == 35
    np.testing.assert_array_equal(exhaustive_groupings(3, 9, 7, second), orders[3:9])
    with pytest.raises(MorbidsError, match="7 maps form 35 pairs of groups, not 36"):
        exhaustive_groupings(0, 36, 7, second)


def test_p_counts_the_identity() -> None:
    assert permutation_p(0, 255) == 1 / 256
    np.testing.assert_allclose(permutation_p(np.array([0, 99]), 99), [0.01, 1.0])
