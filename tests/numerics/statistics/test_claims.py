import numpy as np
import pytest
from scipy import stats

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.claims import (
    describe_tail,
    height_of_p,
    judge_by_holm,
    judge_jointly,
    share_error,
    tail_of_t,
)
from morbids.numerics.statistics.methods import MaximumOf
from morbids.numerics.statistics.multiple import holm

N_TESTS = 6
NO_MAPS = np.zeros(N_TESTS, dtype=bool)


def draw_scores(seed: int, n: int, effect: float = 0.0, correlation: float = 0.7) -> FloatArray:
    """(n, 6) two-tailed p of correlated normal deviates; the first row has an effect in the first test."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, 1))
    z = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * rng.standard_normal((n, N_TESTS))
    z[0, 0] += effect
    return tail_of_t(z, np.inf, two_tailed=True)


def test_a_family_without_effects_is_claimed_as_often_as_the_level_says() -> None:
    """The smallest p of a family is uniform: twice the standard error of 400 draws is .022."""
    smallest = np.array([np.nanmin(judge_jointly(draw_scores(k, 200), NO_MAPS, 0.05).p) for k in range(400)])
    assert abs((smallest <= 0.05).mean() - 0.05) < 0.022
    assert stats.kstest(smallest, "uniform").pvalue > 0.01


def test_dependent_tests_are_claimed_more_often_than_by_holm() -> None:
    found = [
        [
            judge_jointly(scores, NO_MAPS, 0.05).p[0] <= 0.05,
            judge_by_holm(scores[0], np.full(N_TESTS, 1 / N_TESTS), 0.05).p[0] <= 0.05,
        ]
        for scores in (draw_scores(k, 400, effect=2.5, correlation=0.9) for k in range(200))
    ]
    jointly, by_holm = np.mean(found, axis=0)
    assert jointly > by_holm + 0.05


def test_what_was_claimed_makes_the_rest_easier_unless_it_stays() -> None:
    scores = np.vstack([[1e-6, 0.03], np.random.default_rng(0).uniform(size=(9999, 2))])
    leaves = judge_jointly(scores, np.array([False, False]), 0.05)
    stays = judge_jointly(scores, np.array([True, False]), 0.05)
    assert leaves.p[1] == pytest.approx(0.03, abs=0.005)
    assert stays.p[1] == pytest.approx(0.06, abs=0.007)
    assert leaves.critical == np.inf
    assert stays.critical == pytest.approx(0.025, abs=0.005)


@pytest.mark.parametrize("seed", range(5))
def test_the_critical_score_is_where_p_passes(seed: int) -> None:
    scores = draw_scores(seed, 200, effect=2.0)
    family = judge_jointly(scores, np.ones(N_TESTS, dtype=bool), 0.05)
    assert np.array_equal(family.p <= 0.05, scores[0] <= family.critical)


@pytest.mark.parametrize("df", [3, 17, np.inf])
@pytest.mark.parametrize("two_tailed", [True, False])
def test_the_height_of_a_p_is_the_other_way_round(df: float, two_tailed: bool) -> None:
    for p in (1e-9, 0.01, 0.4):
        height = height_of_p(p, df, two_tailed=two_tailed)
        assert tail_of_t(np.array([height]), df, two_tailed=two_tailed)[0] == pytest.approx(p)
    assert height_of_p(2.0, df, two_tailed=two_tailed) == pytest.approx(0, abs=1e-12)
    assert height_of_p(0.0, df, two_tailed=two_tailed) == np.inf


def test_few_rearrangements_claim_nothing() -> None:
    scores = np.vstack([np.full(N_TESTS, 1e-9), np.full((10, N_TESTS), 0.5)])
    family = judge_jointly(scores, NO_MAPS, 0.05)
    assert family.p.min() == pytest.approx(1 / 11)
    assert family.critical == 0


def test_a_test_that_cannot_be_made_is_left_out() -> None:
    scores = draw_scores(3, 200)
    without = judge_jointly(scores[:, 1:], NO_MAPS[1:], 0.05)
    scores[:, 0] = np.nan
    family = judge_jointly(scores, NO_MAPS, 0.05)
    assert np.isnan(family.p[0])
    assert np.array_equal(family.p[1:], without.p)


def test_equal_shares_are_holms_correction() -> None:
    p = np.array([0.04, 0.001, 0.2, 0.012, np.nan])
    family = judge_by_holm(p, np.array([0.25, 0.25, 0.25, 0.25, 0.0]) + 1e-12, 0.05)
    assert family.p == pytest.approx(holm(p), nan_ok=True)


def test_unequal_shares_weigh_the_tests() -> None:
    family = judge_by_holm(np.array([0.03, 0.012]), np.array([0.75, 0.25]), 0.05)
    assert family.p == pytest.approx([0.04, 0.04])
    assert judge_by_holm(np.array([0.01]), np.array([1.0]), 0.05).critical == np.inf


def test_shares_add_up_and_absent_parts_leave_theirs_to_the_others() -> None:
    shares = share_error([("a", 2), ("b", 4), ("a", 2), ("c", 0)], [0.5, 0.25, 0.5, 0.25])
    assert shares == pytest.approx([1 / 6, 1 / 6, *[1 / 12] * 4, 1 / 6, 1 / 6])
    assert share_error([], []).size == 0


def test_the_tail_of_a_gumbel_distribution_is_recovered() -> None:
    maxima = stats.gumbel_r(4.0, 0.5).rvs(20_000, random_state=1)
    tail = describe_tail(maxima, "t")
    assert tail.p(np.array([5.5]))[0] == pytest.approx(stats.gumbel_r(4.0, 0.5).sf(5.5), rel=0.1)
    assert tail.height(float(tail.p(np.array([6.0]))[0])) == pytest.approx(6.0)
    assert tail.height(0.0) == np.inf


@pytest.mark.parametrize("statistic", ["tfce", "cluster_extent", "cluster_mass"])
def test_maxima_that_are_mostly_nothing_still_have_a_tail(statistic: MaximumOf) -> None:
    maxima = np.concatenate([np.zeros(195), [8.0, 27.0, 64.0]])
    tail = describe_tail(maxima, statistic)
    p = tail.p(np.array([0.0, 27.0, 1000.0]))
    assert p[0] > p[1] > p[2]
    assert describe_tail(np.zeros(5), statistic).p(np.array([0.0]))[0] > 0.3


def test_one_tail_is_the_upper_one() -> None:
    assert tail_of_t(np.array([2.0]), 17, two_tailed=False) == pytest.approx(stats.t(17).sf(2.0))
    assert tail_of_t(np.array([-2.0]), np.inf, two_tailed=True) == pytest.approx(2 * stats.norm.sf(2.0))


def test_the_tail_of_f_fits_the_maxima_of_f() -> None:
    """Maxima of 300 voxels: the description is made of the middle and the 95th percentile, the tail is beyond."""
    maxima = np.random.default_rng(2).f(2, 30, (4000, 300)).max(axis=1)
    beyond = np.quantile(maxima, 0.995)
    p = {squares: describe_tail(maxima, "t", of_squares=squares).p(beyond) for squares in (True, False)}
    assert p[True] == pytest.approx(0.005, rel=0.5)
    assert abs(np.log(p[True] / 0.005)) < abs(np.log(p[False] / 0.005))
