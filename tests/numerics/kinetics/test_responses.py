"""Libraries of responses have the landmarks that their fields promise."""

import numpy as np

from morbids.numerics.kinetics.responses import decay_library, gamma_library, step_response

TIME = np.linspace(0.0, 120.0, 2401)


def test_gamma_variates_are_zero_before_onset_and_one_at_their_peak() -> None:
    library = gamma_library(35.0, 70.0, 90.0)
    assert 250 < len(library.onset_min) < 350
    values = library.at(TIME)
    for response, onset, peak in zip(values, library.onset_min, library.peak_min, strict=True):
        assert not response[onset >= TIME].any()
        np.testing.assert_allclose(response.max(), 1.0, atol=1e-3)
        np.testing.assert_allclose(TIME[response.argmax()], peak, atol=0.051)
    assert library.n_free == 3


def test_decays_start_at_once_and_halve_in_their_half_time() -> None:
    library = decay_library(45.0, (10.0, 20.0))
    values = library.at(np.array([44.9, 45.0, 55.0, 65.0]))
    np.testing.assert_allclose(values[0], [0, 1, 0.5, 0.25])
    np.testing.assert_allclose(values[1], [0, 1, 2**-0.5, 0.5])
    np.testing.assert_allclose(values[2], [0, 1, 1, 1])
    np.testing.assert_array_equal(library.peak_min, 45.0)
    assert library.n_free == 1


def test_default_decays_range_from_minutes_to_a_lasting_step() -> None:
    rates = decay_library(45.0).rate_per_min
    assert rates.max() > 0.3
    assert rates.min() == 0


def test_a_step_stays() -> None:
    step = step_response(45.0)
    np.testing.assert_array_equal(step.at(np.array([44.0, 46.0, 90.0])), [[0, 1, 1]])
    assert step.n_free == 0
