"""Voxels that not every map knows."""

import numpy as np
import pytest

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import (
    Design,
    fit_design,
    keep_rows,
    one_sample,
    regression,
    two_sample,
)
from morbids.numerics.statistics.exchange import random_permutations, random_signs
from morbids.numerics.statistics.linear_model import quick_z
from morbids.numerics.statistics.permutation import Measurement, corrected_p, find_null_maxima
from morbids.numerics.statistics.plan import Piece, plan_design
from morbids.numerics.statistics.rearranged import make_t_maps, observed_t, prepare_model

RNG = np.random.default_rng(3)
N = 12
SECOND = np.arange(N) < 5
AGE, TRAIT = RNG.normal(size=(2, N))
DESIGNS = [
    one_sample(N, {"age": AGE}),
    two_sample(SECOND),
    two_sample(SECOND, {"age": AGE}, equal_variances=False),
    regression(TRAIT, "trait", {"age": AGE}),
]


def make_maps() -> FloatArray:
    """Some voxels are unknown to one map or three, one to all but two."""
    maps = RNG.normal(size=(N, 40)) + 0.3
    maps[3, 5:9], maps[[1, 7, 8], 20:24], maps[2:, 30] = np.nan, np.nan, np.nan
    return np.asarray(maps)


def alone(maps: FloatArray, design: Design, voxel: int) -> float:
    """Z of one voxel from the maps that know it."""
    known = np.isfinite(maps[:, voxel])
    fit = fit_design(maps[known][:, [voxel]], keep_rows(design, known))
    return float(quick_z(fit.t, fit.df)[0])


@pytest.mark.parametrize("design", DESIGNS)
def test_each_voxel_is_tested_by_the_maps_that_know_it(design: Design) -> None:
    maps = make_maps()
    voxelwise = design._replace(voxelwise=True)
    fit, z = fit_design(maps, voxelwise), observed_t(prepare_model(maps, voxelwise))
    for voxel in (0, 6, 21):
        assert quick_z(fit.t, fit.df)[voxel] == pytest.approx(alone(maps, design, voxel))
        assert z[voxel] == pytest.approx(alone(maps, design, voxel))
    assert np.isnan(fit.t[30])
    assert z[30] == 0


@pytest.mark.parametrize("design", [DESIGNS[0], DESIGNS[3]])
def test_rearranging_is_refitting_the_rearranged_residuals_of_each_voxel(design: Design) -> None:
    maps, voxelwise = make_maps(), design._replace(voxelwise=True)
    model = prepare_model(maps, voxelwise)
    plan = plan_design(voxelwise, 5, seed=4)
    found = make_t_maps(model, plan.rearrange(model.rows, Piece(0, 5)))
    right = np.linalg.svd(design.contrast[None, :])[2]
    for number in range(5):
        signs = random_signs(4, number, number + 1, N)[0]
        order = random_permutations(4, number, number + 1, N)[0]
        for voxel in (0, 6, 21):
            known = np.flatnonzero(np.isfinite(maps[:, voxel]))
            values, own = maps[known, voxel], keep_rows(design, np.isin(np.arange(N), known))
            null_model = own.matrix @ right[1:].T
            fitted = null_model @ np.linalg.lstsq(null_model, values, rcond=None)[0]
            if design.exchange == "signs":
                moved = fitted + signs[known] * (values - fitted)
            else:
                within = np.searchsorted(known, [one for one in order if one in known])
                moved = fitted + (values - fitted)[np.argsort(within)]
            fit = fit_design(moved[:, None], own)
            assert found[number, voxel] == pytest.approx(float(quick_z(fit.t, fit.df)[0]), rel=1e-7)


@pytest.mark.parametrize("design", [one_sample(N), two_sample(SECOND)])
def test_pure_noise_with_unknown_voxels_keeps_its_level(design: Design) -> None:
    voxelwise = design._replace(voxelwise=True)
    plan = plan_design(voxelwise, 99, seed=1)
    p = []
    for _ in range(60):
        maps = RNG.normal(size=(N, 30))
        # A map cut at its lower end, and single voxels that are unknown.
        maps[0, :15] = np.nan
        maps[RNG.random(maps.shape) < 0.02] = np.nan
        model = prepare_model(maps.astype(np.float32), voxelwise)
        null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
        p.append(corrected_p(observed_t(model), null.maxima["t"]).min())
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 60)
    assert np.mean(p) == pytest.approx(0.5, abs=0.1)


def test_groupings_are_not_enumerated_where_maps_are_unknown() -> None:
    design = two_sample(SECOND)
    assert plan_design(design, 5000, seed=0).exhaustive
    assert not plan_design(design._replace(voxelwise=True), 5000, seed=0).exhaustive
