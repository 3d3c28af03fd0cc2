"""Numbers as text."""

import math

import pytest

from morbids.reports.numbers import format_number, format_p, format_quantity


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.12345, "0.123"), (-1234.5, "−1234"), (1.5e-7, "1.5 × 10^−7"), (float("-inf"), "−∞")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert format_number(value) == text


def test_p_has_three_decimals_and_no_zero() -> None:
    assert [format_p(p) for p in (0.0005, 0.012, 1.0, float("nan"))] == [
        "<\u202f.001",
        ".012",
        "1.000",
        "n/a",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (25.31, "mL", "25.3 mL"),
        (500.0, "MBq", "500 MBq"),
        (0.9512, "", "0.951"),
        (1.0, "", "1"),
        (0.0, "mm", "0 mm"),
        (2.0, "mm", "2.00 mm"),
        (3e7, "", "3.0 × 10^7"),
        (None, "mL", "n/a"),
        (math.nan, "mL", "n/a"),
    ],
)
def test_a_quantity_is_written_by_its_own_size_with_its_unit(
    value: float | None, unit: str, text: str
) -> None:
    assert format_quantity(value, unit) == text


def test_a_small_number_among_large_ones_is_not_shown_as_zero() -> None:
    assert format_number(0.0421, 0) == "0.0421"
    assert format_number(0.42, 1) == "0.4"
    assert format_number(0.0, 1) == "0"
