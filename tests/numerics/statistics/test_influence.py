import numpy as np
import statsmodels.api as sm

from morbids.numerics.statistics.designs import fit_design, make_design, one_sample, regression
from morbids.numerics.statistics.influence import leave_each_out, measure_influence

RNG = np.random.default_rng(1)
MAPS = RNG.normal(size=(12, 50)) + np.linspace(0, 3, 50)
TRAIT = RNG.normal(size=12)


def test_leaving_out_equals_refitting() -> None:
    columns = {"intercept": np.ones(12), "trait": TRAIT}
    effect, t = leave_each_out(MAPS, make_design(columns, {"trait": 1}))
    for left_out in range(12):
        kept = np.arange(12) != left_out
        rest = {name: column[kept] for name, column in columns.items()}
        refit = fit_design(MAPS[kept], make_design(rest, {"trait": 1}))
        np.testing.assert_allclose(effect[left_out], refit.effect)
        np.testing.assert_allclose(t[left_out], refit.t)


def test_distance_and_change_equal_statsmodels() -> None:
    found = measure_influence(MAPS, regression(TRAIT, "trait"))
    residuals, changes = [], []
    for voxel in range(50):
        model = sm.OLS(MAPS[:, voxel], sm.add_constant(TRAIT - TRAIT.mean())).fit().get_influence()
        residuals.append(model.resid_studentized_external)
        changes.append(model.dfbetas[:, 1])
    np.testing.assert_allclose(found.distance, np.sqrt(np.mean(np.square(residuals), axis=0)))
    np.testing.assert_allclose(found.effect_change, np.sqrt(np.mean(np.square(changes), axis=0)))
    others = [np.delete(MAPS, row, axis=0).mean(axis=0) for row in range(12)]
    correlation = [np.corrcoef(MAPS[row], others[row])[0, 1] for row in range(12)]
    np.testing.assert_allclose(found.correlation, correlation)


def test_a_strange_map_stands_out_and_bad_voxels_do_not_matter() -> None:
    maps = MAPS.copy()
    maps[4] = 6 - maps[4] * 2
    found = measure_influence(maps, one_sample(12))
    assert np.argmax(found.distance_z) == 4
    assert found.distance_z[4] > 3
    assert found.correlation[4] < 0 < np.delete(found.correlation, 4).min()
    padded = np.column_stack([maps, np.full(12, np.nan), np.zeros(12)])
    np.testing.assert_allclose(measure_influence(padded, one_sample(12)), found)


def test_a_map_that_alone_carries_a_column_cannot_be_left_out() -> None:
    alone = np.zeros(12)
    alone[3] = 1
    design = make_design({"intercept": np.ones(12), "alone": alone}, {"alone": 1})
    effect, t = leave_each_out(MAPS, design)
    assert np.isnan(effect[3]).all()
    assert np.isfinite(t[0]).all()
