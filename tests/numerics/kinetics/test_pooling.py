"""k2' of a group: a known mean and spread are found, and errors alone are no spread."""

import numpy as np
import pytest

from morbids.numerics.kinetics.pooling import pool_k2_prime


def test_known_group_is_found() -> None:
    rng = np.random.default_rng(0)
    errors = rng.uniform(0.002, 0.02, 4000)
    truth = 0.11 + 0.012 * rng.standard_normal(4000)
    pooled = pool_k2_prime(truth + errors * rng.standard_normal(4000), errors)
    assert pooled.mean == pytest.approx(0.11, abs=3 * pooled.se)
    assert pooled.spread == pytest.approx(0.012, rel=0.1)
    assert pooled.published[1] == pytest.approx(pooled.spread, rel=0.01)


def test_equal_scans_have_no_spread_and_weigh_by_their_errors() -> None:
    pooled = pool_k2_prime(np.array([0.10, 0.104, 0.1]), np.array([0.004, 0.008, 0.004]))
    assert pooled.spread == 0.0
    assert pooled.mean == pytest.approx((0.2 / 0.004**2 + 0.104 / 0.008**2) / (2 / 0.004**2 + 1 / 0.008**2))
    assert pooled.published == (pooled.mean, pooled.se)


def test_two_distant_scans_spread() -> None:
    pooled = pool_k2_prime(np.array([0.08, 0.12]), np.array([0.001, 0.001]))
    assert pooled.mean == pytest.approx(0.1)
    assert pooled.spread == pytest.approx(np.sqrt(0.04**2 / 2 - 0.001**2))
