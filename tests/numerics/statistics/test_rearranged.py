import numpy as np
import pytest

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import Design, fit_design, one_sample, regression, two_sample
from morbids.numerics.statistics.exchange import random_permutations, random_signs
from morbids.numerics.statistics.linear_model import quick_z
from morbids.numerics.statistics.plan import Piece, plan_permutations
from morbids.numerics.statistics.pseudo_t import make_smoother
from morbids.numerics.statistics.rearranged import largest_t, make_t_maps, observed_t, prepare_model

RNG = np.random.default_rng(1)
MAPS = RNG.normal(size=(14, 60)) + RNG.normal(size=14)[:, None]
AGE, TRAIT = RNG.normal(size=(2, 14))
SECOND = np.arange(14) < 5
DESIGNS = [
    one_sample(14),
    one_sample(14, {"age": AGE}),
    two_sample(SECOND),
    two_sample(SECOND, {"age": AGE}),
    two_sample(SECOND, equal_variances=False),
    two_sample(SECOND, {"age": AGE}, equal_variances=False),
    regression(TRAIT, "trait"),
    regression(TRAIT, "trait", {"age": AGE}),
]


def statistic(maps: FloatArray, design: Design) -> FloatArray:
    """T; z where degrees of freedom differ."""
    fit = fit_design(maps, design)
    return fit.t if design.second_group is None else quick_z(fit.t, fit.df)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_data_as_they_are_give_the_t_of_the_linear_model(design) -> None:  # type: ignore[no-untyped-def]
    np.testing.assert_allclose(observed_t(prepare_model(MAPS, design)), statistic(MAPS, design), rtol=1e-9)
    single = observed_t(prepare_model(MAPS.astype(np.float32), design))
    np.testing.assert_allclose(single, statistic(MAPS, design), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("design", DESIGNS)
def test_rearranging_is_refitting_the_rearranged_residuals_of_the_null_model(design) -> None:  # type: ignore[no-untyped-def]
    # Freedman & Lane to the letter: residuals of the null model, rearranged, plus its fit, refitted.
    plan = plan_permutations(14, design.exchange, 9, seed=5)
    model = prepare_model(MAPS, design)
    t_maps = make_t_maps(model, plan.rearrange(model.rows, Piece(0, 9)))
    right = np.linalg.svd(design.contrast[None, :])[2]
    null_model = design.matrix @ right[1:].T
    fitted = null_model @ np.linalg.lstsq(null_model, MAPS, rcond=None)[0]
    for number in range(9):
        if design.exchange == "signs":
            rearranged = fitted + random_signs(5, number, number + 1, 14)[0][:, None] * (MAPS - fitted)
        else:
            order = random_permutations(5, number, number + 1, 14)[0]
            rearranged = fitted + (MAPS - fitted)[np.argsort(order)]
        np.testing.assert_allclose(t_maps[number], statistic(rearranged, design), rtol=1e-7)
    np.testing.assert_allclose(
        largest_t(model, plan.rearrange(model.rows, Piece(0, 9)), two_tailed=True), np.abs(t_maps).max(axis=1)
    )
    np.testing.assert_allclose(
        largest_t(model, plan.rearrange(model.rows, Piece(0, 9)), two_tailed=False), t_maps.max(axis=1)
    )


def test_voxels_that_cannot_be_tested_score_zero() -> None:
    maps = MAPS.copy()
    maps[3, 0], maps[:, 1], maps[:, 2] = np.nan, 0, 0.1
    design = one_sample(14)
    t = observed_t(prepare_model(maps, design))
    assert t[:3].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(np.isnan(fit_design(maps, design).t[:3]), True)


def test_pseudo_t_divides_by_the_smoothed_standard_error() -> None:
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[:4, :3, :] = True
    design = one_sample(14, {"age": AGE})
    smoother = make_smoother(mask, 6.0, (2.0, 2.0, 2.0))
    fit = fit_design(MAPS, design)
    pseudo_t = observed_t(prepare_model(MAPS, design, smoother))
    np.testing.assert_allclose(pseudo_t, fit.effect / np.sqrt(smoother.smooth(fit.variance)[0]), rtol=1e-9)
