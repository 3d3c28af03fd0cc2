import numpy as np
import pytest

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics import linear_model
from morbids.numerics.statistics.designs import Design, fit_design, one_sample, regression, two_sample
from morbids.numerics.statistics.exchange import random_permutations, random_signs
from morbids.numerics.statistics.linear_model import quick_z
from morbids.numerics.statistics.permutation import Measurement, find_null_maxima
from morbids.numerics.statistics.plan import Piece, plan_permutations
from morbids.numerics.statistics.pseudo_t import make_smoother
from morbids.numerics.statistics.rearranged import largest_t, make_t_maps, observed_t, prepare_model
from morbids.numerics.statistics.unequal import weigh_maps

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
    root = np.ones(14)
    if design.second_group is not None:
        # The null model of two variances is fitted by generalised least squares.
        root = np.sqrt(weigh_maps(MAPS, design.matrix, design.second_group))
    fitted = null_model @ np.linalg.lstsq(root[:, None] * null_model, root[:, None] * MAPS, rcond=None)[0]
    for number in range(9):
        if design.exchange == "signs":
            rearranged = fitted + random_signs(5, number, number + 1, 14)[0][:, None] * (MAPS - fitted)
        else:
            order = random_permutations(5, number, number + 1, 14)[0]
            rearranged = fitted + (MAPS - fitted)[np.argsort(order)]
        np.testing.assert_allclose(t_maps[number], statistic(rearranged, design), rtol=1e-7)
    ((_, portion),) = model.portions()
    rows = plan.rearrange(model.rows, Piece(0, 9))
    np.testing.assert_allclose(largest_t(portion, rows, two_tailed=True), np.abs(t_maps).max(axis=1))
    np.testing.assert_allclose(largest_t(portion, rows, two_tailed=False), t_maps.max(axis=1))


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


KNOWN_BY_SOME = np.where(np.arange(14 * 60).reshape(14, 60) % 37 == 0, np.nan, MAPS)
PORTIONED = [
    *((MAPS, design, None) for design in DESIGNS),
    (MAPS, DESIGNS[1], make_smoother(np.ones((3, 4, 5), dtype=bool), 4.0, (2.0, 2.0, 2.0))),
    (KNOWN_BY_SOME, DESIGNS[1]._replace(voxelwise=True), None),
]


@pytest.mark.parametrize(("maps", "design", "smoother"), PORTIONED)
def test_maps_too_many_for_memory_are_tested_in_portions(  # type: ignore[no-untyped-def]
    maps, design, smoother, monkeypatch, tmp_path
) -> None:
    np.save(tmp_path / "maps.npy", maps)
    plan, measurement = plan_permutations(14, design.exchange, 9, seed=5), Measurement()
    counting = Measurement(observed=np.full(60, 1.5))
    piece = Piece(0, 9)
    whole = prepare_model(maps, design, smoother)
    expected = make_t_maps(whole, plan.rearrange(whole.rows, piece))
    fit = fit_design(maps, design)
    monkeypatch.setattr(linear_model, "_BYTES_OF_PORTION", 17 * maps[:, 0].nbytes)
    portioned = prepare_model(np.load(tmp_path / "maps.npy", mmap_mode="r"), design, smoother)
    assert whole.is_whole
    assert not portioned.is_whole
    np.testing.assert_allclose(make_t_maps(portioned, plan.rearrange(portioned.rows, piece)), expected)
    largest = find_null_maxima(portioned, plan, piece, measurement).maxima["t"]
    np.testing.assert_allclose(largest, np.abs(expected).max(axis=1))
    n_at_least = find_null_maxima(portioned, plan, piece, counting).n_at_least
    assert n_at_least.tolist() == (np.abs(expected) >= 1.5).sum(axis=0).tolist()
    np.testing.assert_allclose(fit_design(np.load(tmp_path / "maps.npy", mmap_mode="r"), design), fit)
