import numpy as np
import pytest

from morbids.numerics.kinetics.srtm import fit_srtm
from morbids.numerics.tracer import Release, simulate_curves
from morbids.simulation.activity import (
    CurveTable,
    Tissue,
    activity_maps,
    distribution_volume,
    tabulate_curves,
)
from morbids.simulation.settings import StudySettings

pytestmark = pytest.mark.graph

SETTINGS = StudySettings()
SHAPE = (3, 1, 1)


@pytest.fixture(scope="module")
def table() -> CurveTable:
    return tabulate_curves(SETTINGS)


def pure(bp_nd: list[float], r1: list[float]) -> Tissue:
    ones, zeros = np.ones(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    return Tissue(ones, zeros, zeros, zeros, np.reshape(bp_nd, SHAPE), np.reshape(r1, SHAPE))


def test_compressed_curves_are_those_of_the_tracer_model(table: CurveTable) -> None:
    """Where nothing binds too: what the reference region misses, a contrast shows everywhere."""
    bp_nd, r1, change = [0.0, 1.37, 2.91], [1.09, 0.57, 1.12], [0.0, -0.11, 0.07]
    maps = activity_maps(table, pure(bp_nd, r1), np.reshape(change, SHAPE))
    curves = table.components @ maps.reshape(len(maps), -1).astype(float)
    exact = simulate_curves(
        SETTINGS.frames,
        np.array(bp_nd),
        r1=np.array(r1),
        k2_prime=SETTINGS.k2_prime,
        k4=SETTINGS.k4,
        change=np.array(change),
        release=Release(45.0, 91.0),
    )
    np.testing.assert_allclose(curves[2:], exact.target[2:], rtol=0.0025)
    np.testing.assert_allclose(table.reference, exact.reference, rtol=1e-9)


def test_one_tissue_curves_give_back_their_binding(table: CurveTable) -> None:
    one_tissue = tabulate_curves(StudySettings(kinetics="one_tissue"))
    maps = activity_maps(one_tissue, pure([0.5, 1.5, 2.5], [1.0, 0.9, 1.1]), np.zeros(SHAPE))
    curves = one_tissue.components @ maps.reshape(len(maps), -1).astype(float)
    fit = fit_srtm(curves, one_tissue.reference, SETTINGS.frames)
    np.testing.assert_allclose(fit.bp_nd, [0.5, 1.5, 2.5], rtol=0.02)


def test_mixture_is_the_sum_of_its_parts(table: CurveTable) -> None:
    half = np.full(SHAPE, 0.5, np.float32)
    zeros = np.zeros(SHAPE, np.float32)
    bp_nd, r1 = np.full(SHAPE, 1.2), np.ones(SHAPE)
    grey = activity_maps(table, Tissue(half * 2, zeros, zeros, zeros, bp_nd, r1), zeros)
    csf = activity_maps(table, Tissue(zeros, zeros, half * 2, zeros, bp_nd, r1), zeros)
    mixed = activity_maps(table, Tissue(half, zeros, half, zeros, bp_nd, r1), zeros)
    np.testing.assert_allclose(mixed, (grey + csf) / 2, rtol=1e-4, atol=1e-5)


def test_distribution_volume_falls_with_release() -> None:
    tissue = pure([1.0, 2.0, 0.0], [1.0, 1.0, 1.0])
    volume = distribution_volume(tissue, np.full(SHAPE, -0.1))
    np.testing.assert_allclose(volume.ravel(), [1.9, 2.8, 1.0], rtol=1e-6)
