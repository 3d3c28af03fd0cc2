"""Records of corrections: quick and slow ways agree, heights are where p passes, names are their own."""

from typing import get_args

import numpy as np
import pytest

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.clusters import make_lattice
from morbids.numerics.statistics.linear_model import two_tailed_p
from morbids.numerics.statistics.methods import (
    ALPHA,
    METHODS,
    STATISTICS,
    FittedMap,
    Formula,
    Inference,
    MaximumOf,
    Method,
)
from morbids.numerics.statistics.random_field import Smoothness

LATTICE = make_lattice(np.ones((6, 7, 8), dtype=bool))
FORMING = 1.0
DF = 17


def heights(seed: int = 0) -> FloatArray:
    """A map with more below zero than above."""
    return np.random.default_rng(seed).normal(-0.5, 1.5, len(LATTICE.voxels))


def test_names_that_are_typed_are_those_of_the_records() -> None:
    assert set(METHODS) == set(get_args(Inference))
    assert set(STATISTICS) == set(get_args(MaximumOf))


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("two_tailed", [True, False])
def test_the_maximum_is_that_of_the_voxels_however_it_is_found(name: MaximumOf, two_tailed: bool) -> None:
    statistic, height = STATISTICS[name], heights()
    values = statistic.measure(height, LATTICE, FORMING)
    expected = np.abs(values).max() if two_tailed else values.max()
    found = statistic.find_maxima(height, LATTICE, FORMING, two_tailed=two_tailed)
    assert found[name] == pytest.approx(expected)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_has_the_sign_of_the_height(name: MaximumOf) -> None:
    height = heights(1)
    measured = STATISTICS[name].measure(height, LATTICE, FORMING)
    assert np.all(measured * height >= 0)
    np.testing.assert_allclose(STATISTICS[name].measure(-height, LATTICE, FORMING), -measured)


@pytest.mark.parametrize("method", [one for one in METHODS.values() if one.formula], ids=lambda one: one.name)
def test_what_reaches_the_height_of_a_formula_passes_and_nothing_else(method: Method) -> None:
    assert isinstance(method.test, Formula)
    t = np.linspace(-8, 8, 401)
    smoothness = Smoothness(np.full(3, 3.0), np.array([1.0, 12.0, 60.0, 100.0]))
    tested = FittedMap(t, two_tailed_p(t, DF), DF, smoothness)
    height = method.test.passing_height(tested, ALPHA)
    assert height is not None
    np.testing.assert_array_equal(method.test.correct(tested) <= ALPHA, np.abs(t) >= height)


def test_without_the_width_of_the_noise_a_random_field_says_nothing() -> None:
    test = METHODS["random-field"].test
    assert isinstance(test, Formula)
    t = heights()
    tested = FittedMap(t, two_tailed_p(t, DF), DF, None)
    assert np.isnan(test.correct(tested)).all()
    assert test.passing_height(tested, ALPHA) is None


def test_nothing_is_discovered_where_all_p_are_large() -> None:
    test = METHODS["fdr"].test
    assert isinstance(test, Formula)
    t = np.zeros(10)
    assert test.passing_height(FittedMap(t, two_tailed_p(t, DF), DF, None), ALPHA) is None


def test_no_two_methods_share_a_name_a_map_or_a_column() -> None:
    for names in ("stat", "column", "label", "brief"):
        told = [getattr(method, names) for method in METHODS.values()]
        assert len(set(told)) == len(told)
    assert all(name == method.name for name, method in METHODS.items())
