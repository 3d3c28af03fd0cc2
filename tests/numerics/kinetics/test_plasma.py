"""The input function: lines, exponentials and tails between samples, and convolution against closed forms and scipy."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad

from morbids.errors import MorbidsError
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.parent_fraction import ParentRule, parent_fraction
from morbids.numerics.kinetics.plasma import (
    Blood,
    PlasmaInput,
    Samples,
    convolve,
    frame_input,
    frame_responses,
    interpolate,
    make_input,
)
from tests.numerics.kinetics.plasma_truth import BY_HAND, parent_share, plasma, whole_blood


@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.01, 0.3, 5.0, 200.0])
def test_a_ramp_is_convolved_as_in_its_closed_form(rate: float) -> None:
    time = np.array([0.0, 0.3, 1.0, 4.0, 9.0, 30.0])
    response, integral = convolve(time, 2.0 * time, np.array([rate]))
    if rate < 1e-3:
        # Series in the rate: t^2 - rate t^3 / 3 and its integral.
        expected = time**2 - rate * time**3 / 3
        summed = time**3 / 3 - rate * time**4 / 12
        assert response[0] == pytest.approx(expected, rel=1e-6)
        assert integral[0] == pytest.approx(summed, rel=1e-6)
        return
    decayed = np.exp(-rate * time)
    expected = 2 * (time / rate - (1 - decayed) / rate**2)
    summed = 2 * (time**2 / (2 * rate) - time / rate**2 + (1 - decayed) / rate**3)
    assert response[0] == pytest.approx(expected, rel=1e-8)
    assert integral[0] == pytest.approx(summed, rel=1e-7)


def test_frame_means_of_a_response_are_those_of_numerical_integration() -> None:
    time = np.array([0.0, 0.7, 1.1, 2.0, 10.0, 40.0])
    curve = np.array([0.0, 8.0, 30.0, 9.0, 4.0, 1.0])
    frames = Frames(np.array([-0.5, 0.5, 1.0, 3.0]), np.array([1.0, 0.5, 2.0, 20.0]))

    def response(t: float) -> float:
        def inner(s: float) -> float:
            return float(np.exp(-0.2 * (t - s)) * np.interp(s, time, curve))

        return quad(inner, 0, t, points=time[time < t], limit=200)[0] if t > 0 else 0.0

    found = frame_responses(PlasmaInput(time, curve, curve), frames, np.array([0.2]))[:, 0]
    for mean, start, length in zip(found, frames.start_min, frames.duration_min, strict=True):
        expected = quad(response, start, start + length, points=[0.0, 0.7, 1.1, 2.0, 10.0])[0] / length
        assert mean == pytest.approx(expected, rel=1e-5)


def test_frames_hold_the_mean_of_the_input_and_of_its_integral() -> None:
    line = PlasmaInput(np.array([0.0, 10.0]), np.array([0.0, 10.0]), np.array([5.0, 5.0]))
    framed = frame_input(line, Frames(np.array([0.0, 2.0]), np.array([2.0, 4.0])))
    assert framed.parent == pytest.approx([1.0, 4.0])
    assert framed.whole_blood == pytest.approx([5.0, 5.0])
    # Mean of t^2 / 2 from 0 to 2, and from 2 to 6.
    assert framed.parent_integral == pytest.approx([4 / 6, (216 - 8) / 6 / 4])


def test_a_later_input_is_zero_until_it_arrives() -> None:
    level = PlasmaInput(np.array([0.0, 10.0]), np.array([6.0, 6.0]), np.array([6.0, 6.0])).delayed(1.0)
    framed = frame_input(level, Frames(np.array([0.0, 2.0]), np.array([2.0, 2.0])))
    assert framed.parent == pytest.approx([3.0, 6.0])


def test_samples_become_lines_then_exponentials_then_a_tail() -> None:
    samples = Samples((1.0, 2.0, 4.0, 8.0, 16.0), (10.0, 40.0, 20.0, 10.0, 5.0))
    found = interpolate(samples, np.array([0.0, 0.5, 1.5, 3.0, 6.0, 12.0, 16.0]))
    # From zero at injection, up to the peak, then the geometric mean at the middle of every interval.
    assert found == pytest.approx([0.0, 5.0, 25.0, np.sqrt(800), np.sqrt(200), np.sqrt(50), 5.0])
    slope = np.polyfit([4.0, 8.0, 16.0], np.log([20.0, 10.0, 5.0]), 1)[0]
    assert interpolate(samples, np.array([20.0])) == pytest.approx([5.0 * np.exp(4 * slope)])


def test_a_tail_that_does_not_fall_stays_level_and_zeros_are_met_by_lines() -> None:
    rising = Samples((1.0, 2.0, 3.0, 4.0), (9.0, 3.0, 4.0, 5.0))
    assert interpolate(rising, np.array([4.5]))[0] == pytest.approx(5.0)
    empty = Samples((1.0, 2.0, 4.0), (9.0, 3.0, 0.0))
    assert interpolate(empty, np.array([3.0, 5.0])) == pytest.approx([1.5, 0.0])


def test_a_sample_before_injection_begins_the_curve() -> None:
    samples = Samples((-1.0, 1.0, 2.0), (0.0, 4.0, 2.0))
    assert interpolate(samples, np.array([-2.0, 0.0])) == pytest.approx([0.0, 2.0])


def _sampled(curve: Callable[[float], float]) -> Samples:
    return Samples(tuple(BY_HAND), tuple(curve(t) for t in BY_HAND))


def test_a_bolus_sampled_by_hand_keeps_its_integral() -> None:
    found = make_input(Blood(_sampled(plasma), _sampled(whole_blood), _sampled(parent_share)), "auto", 90.0)
    framed = frame_input(found, Frames(np.array([10.0]), np.array([80.0])))
    parent = quad(lambda t: plasma(t) * parent_share(t), 10, 90, limit=200)[0] / 80
    blood = quad(whole_blood, 10, 90, limit=200)[0] / 80
    assert framed.parent == pytest.approx([parent], rel=0.015)
    assert framed.whole_blood == pytest.approx([blood], rel=0.015)


def test_plasma_stands_for_whole_blood_that_was_not_measured() -> None:
    found = make_input(Blood(_sampled(plasma)), "none", 90.0)
    assert found.whole_blood == pytest.approx(found.parent)


def test_blood_that_ends_early_is_refused_and_a_little_is_continued() -> None:
    blood = Blood(_sampled(plasma))
    assert make_input(blood, "none", 99.0).time_min[-1] >= 99.0
    with pytest.raises(MorbidsError, match=r"90\.5 min after injection, but frames until 120\.0 min"):
        make_input(blood, "none", 120.0)


@pytest.mark.parametrize("rule", ["hill", "auto"])
def test_a_hill_curve_is_found_from_its_samples(rule: ParentRule) -> None:
    found = parent_fraction(_sampled(parent_share), rule)
    time = np.linspace(0, 90, 50)
    assert found.rule == "hill"
    assert found.at(time) == pytest.approx([parent_share(t) for t in time], abs=1e-4)


def test_a_power_curve_is_found_from_its_samples() -> None:
    def share(t: float) -> float:
        return float(0.99 * (1 + (t / 12.0) ** 1.3) ** -0.4)

    found = parent_fraction(_sampled(share), "auto")
    assert found.rule == "power"
    assert found.at(np.array([7.0, 50.0])) == pytest.approx([share(7.0), share(50.0)], abs=1e-4)


def test_few_or_odd_samples_are_joined_by_lines_from_one_at_injection() -> None:
    few = Samples((10.0, 30.0), (0.8, 0.4))
    found = parent_fraction(few, "auto")
    assert found.rule == "linear"
    assert found.at(np.array([0.0, 5.0, 20.0, 60.0])) == pytest.approx([1.0, 0.9, 0.6, 0.4])
    odd = Samples((1.0, 10.0, 20.0, 30.0, 40.0, 50.0), (0.9, 0.4, 0.9, 0.3, 0.8, 0.4))
    assert parent_fraction(odd, "auto").rule == "linear"
    assert parent_fraction(odd, "hill").misfit > 0.1


def test_without_metabolites_all_of_plasma_is_the_tracer() -> None:
    assert parent_fraction(None, "auto").at(np.array([3.0])) == pytest.approx([1.0])
    assert parent_fraction(_sampled(parent_share), "none").at(np.array([60.0])) == pytest.approx([1.0])
