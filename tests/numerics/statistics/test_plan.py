import math

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.statistics.designs import Exchange, one_sample, regression, two_sample
from morbids.numerics.statistics.plan import (
    People,
    PermutationPlan,
    Piece,
    plan_design,
    plan_jointly,
    plan_permutations,
)


def test_small_studies_are_enumerated() -> None:
    assert plan_permutations(8, "signs", 5000, seed=0, two_tailed=False).smallest_p == 1 / 256
    assert plan_permutations(8, "signs", 5000, seed=0).smallest_p == 1 / 128
    assert plan_permutations(6, "orders", 5000, seed=0).n_rearrangements == math.factorial(6) - 1
    large = plan_permutations(18, "signs", 5000, seed=0)
    assert (large.exhaustive, large.n_rearrangements) == (False, 5000)
    assert plan_permutations(18, "signs", 5000, seed=0, exhaustive_up_to=2**17).smallest_p == 2**-17


def test_two_groups_without_covariates_have_fewer_groupings_than_orders() -> None:
    second = np.arange(8) % 2 == 0
    age = np.random.default_rng(1).normal(size=8)
    # Mirrored groupings tie.
    assert plan_design(two_sample(second), 100, seed=0).smallest_p == 2 / 70
    # Of two variances the signs are flipped.
    assert plan_design(two_sample(second, equal_variances=False), 127, seed=0).n_rearrangements == 127
    assert not plan_design(two_sample(second, {"age": age}), 100, seed=0).exhaustive
    assert not plan_design(regression(age, "age"), 100, seed=0).exhaustive
    assert plan_design(one_sample(8), 200, seed=0).smallest_p == 1 / 128


@pytest.mark.parametrize("n_maps", [5, 18])
def test_pieces_cover_the_plan_once(n_maps: int) -> None:
    plan = plan_permutations(n_maps, "signs", 100, seed=0)
    for n_pieces in (1, 3, 7, 1000):
        pieces = plan.pieces(n_pieces)
        numbers = [number for piece in pieces for number in range(*piece)]
        assert numbers == list(range(plan.exhaustive, plan.exhaustive + plan.n_rearrangements))
        assert len(pieces) <= n_pieces


@pytest.mark.parametrize(("n_maps", "exchange"), [(5, "signs"), (9, "signs"), (4, "orders"), (9, "orders")])
def test_rows_move_as_the_maps_would(n_maps: int, exchange) -> None:  # type: ignore[no-untyped-def]
    plan = plan_permutations(n_maps, exchange, 30, seed=3)
    rows = np.random.default_rng(0).normal(size=(2, n_maps))
    whole = plan.rearrange(rows, Piece(1, 20))
    assert whole.shape == (19, 2, n_maps)
    np.testing.assert_array_equal(plan.rearrange(rows, Piece(5, 9)), whole[4:8])
    # A rearrangement moves both rows alike and changes no magnitude.
    kept = np.sort(np.abs(whole), axis=2) == np.sort(np.abs(rows), axis=1)
    assert kept.all()
    np.testing.assert_allclose(np.abs(whole.prod(axis=1)).sum(axis=1), np.abs(rows.prod(axis=0)).sum())


def test_refuses_no_permutation() -> None:
    with pytest.raises(MorbidsError, match="0 permutations were asked for"):
        plan_permutations(18, "signs", 0, seed=0)


@pytest.mark.parametrize("exchange", ["signs", "orders"])
def test_tests_that_share_people_move_them_alike(exchange: Exchange) -> None:
    """Of seven people, a test that lacks two of them flips the others alike and keeps their sequence."""
    everyone, some = People(range(7), 7), People((0, 2, 3, 4, 6), 7)
    whole, part = (
        PermutationPlan(len(people.places), exchange, True, 50, exhaustive=False, seed=3, people=people)
        for people in (everyone, some)
    )
    numbers = np.arange(1.0, 8.0)
    piece = Piece(10, 40)
    of_all = whole.rearrange(numbers[None], piece)[:, 0]
    of_some = part.rearrange(numbers[None, list(some.places)], piece)[:, 0]
    if exchange == "signs":
        assert np.array_equal(of_some, of_all[:, list(some.places)])
        return
    for orders, fewer in zip(of_all, of_some, strict=True):
        assert [one for one in orders if one - 1 in some.places] == fewer.tolist()


def test_joint_rearrangements_are_drawn_even_where_they_are_few() -> None:
    plan = plan_jointly(one_sample(4), 30, People(range(4), 9), seed=1)
    assert not plan.exhaustive
    assert len(plan.rearrange(np.ones((1, 4)), plan.pieces(1)[0])) == 30
