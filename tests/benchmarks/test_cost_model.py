"""Lines through what runs have taken."""

import pytest

from benchmarks.cost_model import fit_line, model_figures


def test_a_line_is_found_again_and_drawn_out() -> None:
    numbers = (1, 4, 16, 64)
    line = fit_line(numbers, [7 + 2.5 * n for n in numbers])
    assert line == pytest.approx((7, 2.5, 0), abs=1e-9)
    assert line.at(10_000) == pytest.approx(25_007)


def test_a_deviation_counts_by_its_share() -> None:
    """A tenth too much at one scan, where absolute residuals would hardly see it, turns the line as it should."""
    line = fit_line((1, 100), [11.0, 1000.0])
    assert (line.fixed, line.per_scan) == pytest.approx((1.0101, 9.9899), abs=1e-4)
    crooked = fit_line((1, 2, 4), [10, 22, 40])
    assert crooked.worst_percent == pytest.approx(100 * abs(crooked.at(2) / 22 - 1))
    assert crooked.worst_percent > 4


def test_no_part_is_negative() -> None:
    """What grows faster than a line has no fixed part, and the misfit tells."""
    line = fit_line((1, 4, 16), [1, 16, 256])
    assert line.fixed == 0
    assert line.worst_percent > 50
    assert fit_line((1, 4), [5, 5]) == pytest.approx((5, 0, 0), abs=1e-9)


def test_nothing_costs_nothing() -> None:
    assert fit_line((1, 4), [0.0, 0.0]) == (0, 0, 0)


def test_figures_say_what_ten_thousand_take() -> None:
    figures = model_figures("out_mb", (1, 4), [3, 9])
    assert figures["model_out_mb_fixed"] == pytest.approx(1)
    assert figures["model_out_mb_per_scan"] == pytest.approx(2)
    assert figures["model_out_mb_worst_percent"] == pytest.approx(0, abs=1e-9)
    assert figures["model_out_mb_at_10000"] == pytest.approx(20_001)
