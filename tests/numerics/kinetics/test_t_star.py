"""t* where the Logan plot of known kinetics becomes straight."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.kinetics.t_star import find_t_star
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME


def test_slow_dissociation_needs_a_later_start() -> None:
    starts = [
        find_t_star(*simulate_curves(FRAMES, np.array([0.5, 1.0, 2.0]), k4=k4), FRAMES, k2_prime=K2_PRIME)
        for k4 in (0.3, 0.1, 0.05)
    ]
    assert [start.t_star_min for start in starts] == sorted(start.t_star_min for start in starts)
    assert starts[0].t_star_min < starts[-1].t_star_min
    for start in starts:
        chosen = start.candidate_min == start.t_star_min
        assert start.deviation_percent[chosen][0] <= 5
        assert (start.deviation_percent[start.candidate_min < start.t_star_min] > 5).all()


def test_curves_that_never_straighten_are_an_error() -> None:
    rough = np.random.default_rng(0).uniform(0.1, 2.0, (FRAMES.n_frames, 5))
    with pytest.raises(MorbidsError, match="leaves all points within"):
        find_t_star(rough, rough[:, 0], FRAMES, k2_prime=K2_PRIME, largest_deviation_percent=0.01)
